"""How logs write their times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.errors import LoadRefused
from loadgen.replay.times import UNITS_PER_SECOND, time_reader

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time_format", "value", "milliseconds"),
    [
        ("iso", "2026-01-31T12:00:00Z", 1_769_860_800_000),
        ("iso", "2026-01-31T13:00:00.001+01:00", 1_769_860_800_001),
        ("iso", " 2026-01-31 12:00:00 ", 1_769_860_800_000),
        ("iso", "2026-01-31", 1_769_817_600_000),
        ("epoch_s", "1769860800", 1_769_860_800_000),
        ("epoch_s", "1769860800.0015", 1_769_860_800_001),
        ("epoch_s", 1769860800.25, 1_769_860_800_250),
        ("epoch_ms", 1_769_860_800_001, 1_769_860_800_001),
        ("epoch_ms", "1769860800001", 1_769_860_800_001),
        ("%d/%b/%Y:%H:%M:%S %z", "31/Jan/2026:13:00:00 +0100", 1_769_860_800_000),
        ("%Y-%m-%d %H:%M:%S", "2026-01-31 12:00:00", 1_769_860_800_000),
        ("iso", "2026-01-31 12:00:00 UTC", 1_769_860_800_000),
        ("iso", "2026-01-31 13:00:00+01", 1_769_860_800_000),
        ("iso", "2026-01-31T12:00:00,123456789z", 1_769_860_800_123),
        ("iso", "20260131T120000Z", 1_769_860_800_000),
        ("epoch_us", "1769860800000001", 1_769_860_800_000),
        ("epoch_ns", 1_769_860_800_001_000_000, 1_769_860_800_001),
        ("%y%m%d%H", 26013112, 1_769_860_800_000),
        ("%y%m%d%H", 26013112.0, 1_769_860_800_000),
        ("%Y%m%d%H%M%S%f", "20260131120000008", 1_769_860_800_008),
        ("%m/%d/%Y %I:%M:%S %p", "1/31/2026 12:00:00 PM", 1_769_860_800_000),
        ("%d.%m.%Y %H:%M", "31.1.2026 12:00", 1_769_860_800_000),
        ("%a %b %d %H:%M:%S UTC %Y", "Sat Jan 31 12:00:00 UTC 2026", 1_769_860_800_000),
    ],
)
def test_times(time_format: str, value: Any, milliseconds: int) -> None:
    """A time without a zone is UTC."""
    assert time_reader(time_format)(value) == milliseconds


@pytest.mark.parametrize(
    ("time_format", "value", "reason"),
    [
        ("iso", "31.1.2026", "'31.1.2026' is not in the format ISO 8601"),
        ("iso", 1769860800, "1769860800 is not a text in the format ISO 8601"),
        ("epoch_s", "noon", "'noon' is not a number of s since 1970"),
        ("epoch_ms", "nan", "'nan' is not a number of ms since 1970"),
        ("epoch_ms", "1e300", "'1e300' is not a number of ms since 1970"),
        ("epoch_s", True, "True is not a number of s since 1970"),
        ("%Y-%m-%d", "2026-01", "'2026-01' is not in the format %Y-%m-%d"),
        ("%Y%m%d", "2026111", "'2026111' is not in the format %Y%m%d"),
        ("iso", "20140312000104008", "'20140312000104008' is not in the format ISO 8601"),
        ("iso", "20140312", "'20140312' is not in the format ISO 8601"),
        ("iso", "2026-01-31_12:00", "'2026-01-31_12:00' is not in the format ISO 8601"),
        ("iso", "2026-02-30", "'2026-02-30' is not in the format ISO 8601"),
        ("iso", "0000-01-01", "'0000-01-01' is not in the format ISO 8601"),
        (
            "iso",
            "2016-12-31T23:59:60Z",
            "'2016-12-31T23:59:60Z' is not in the format ISO 8601 (a leap second, which no clock of a computer has)",
        ),
        ("iso", "0001-01-01T00:00+23:59", "'0001-01-01T00:00+23:59' is out of range: the years 2000 to 9999"),
        ("iso", "9999-12-31T23:59-23:59", "'9999-12-31T23:59-23:59' is out of range: the years 2000 to 9999"),
        (
            "epoch_s",
            "1769860800000",
            "'1769860800000' is out of range as epoch_s: the years 2000 to 9999; is it epoch_ms?",
        ),
        ("epoch_ms", 1769860800, "1769860800 is out of range as epoch_ms: the years 2000 to 9999; is it epoch_s?"),
        ("epoch_s", "0", "'0' is out of range as epoch_s: the years 2000 to 9999"),
        ("epoch_s", "1e999999999", "'1e999999999' is not a number of s since 1970"),
        ("epoch_s", "9" * 50, f"'{'9' * 50}' is not a number of s since 1970"),
        ("epoch_s", float("nan"), "nan is not a number of s since 1970"),
        ("epoch_s", "-Infinity", "'-Infinity' is not a number of s since 1970"),
        ("epoch_s", {"a": 1}, "{'a': 1} is not a number of s since 1970"),
        ("epoch_s", "x" * 10**6, f"'{'x' * 79}… is not a number of s since 1970"),
    ],
)
def test_what_is_no_time(time_format: str, value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r"is (not|out)") as caught:
        time_reader(time_format)(value)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("unix", "it has no %"),
        ("", "it has no %"),
        ("%Q", "%Q is none of %Y %y"),
        ("%Y-%", "% is none of"),
        ("%Y-%m-%d %H:%m:%S", "%m and %m both say the month (minutes are %M)"),
        ("%m/%d/%Y %H:%M:%S %p", "%p needs %I"),
        ("%m/%d/%Y %I:%M:%S", "%I needs %p"),
        ("%m/%d/%Y %H %I %p", "%H and %I both say the hour"),
        ("%Y-%m-%d %H:%M:%S %Z", "%Z: zone names are ambiguous; use %z"),
        ("%Y-%m-%d %H:%S", "%S needs %M"),
        ("%b %d %H:%M:%S", "the year is missing"),
        ("%H:%M:%S", "the year is missing"),
        ("%Y-%m %H", "the date is not complete"),
        ("%Y-%j %d", "%j and a month or day both say the day"),
        ("%G-W%V-%u", "%G is none of"),
        ("%c", "%c: it depends on the language"),
        ("%s", "%s: seconds since 1970 are --time-format epoch_s"),
        ("%Y-%m-%d %H:%M:%S.%f%Y", "both say the year"),
        ("%H:%M:%S.%f%y%m%d", "%f must not stand before a digit"),
        ("%z:%d %m %Y", "%z must not stand before a digit"),
    ],
)
def test_what_is_no_format(pattern: str, problem: str) -> None:
    """Patterns that would not read back what they write are refused, with the option and the reason."""
    with pytest.raises(LoadRefused) as caught:
        time_reader(pattern)
    assert str(caught.value).startswith(f"--time-format {pattern}: ")
    assert problem in str(caught.value)
    assert "must be iso, epoch_s" in str(caught.value)


_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_FIRST, _LAST = datetime(2000, 1, 2), datetime(2068, 12, 30)  # noqa: DTZ001 - Hypothesis adds the zone
_MOMENTS = st.datetimes(_FIRST, _LAST, timezones=_OFFSETS)
_PIECES = st.sampled_from(
    [*(f"%{letter}" for letter in "YymbBdjHIpMSfzaAZcxXGVuUWw%"), "-", "/", " ", ":", "T", ".", "0", "1", "(", "[", "|"]
)
_DATES = st.sampled_from(["%Y-%m-%d", "%y%m%d", "%d/%b/%Y", "%B %d %Y", "%Y%j", "%a %d.%m.%y", "%Y%m%d"])
_CLOCKS = st.sampled_from(
    ["", "%H", "%H:%M", "%H%M%S", "%I:%M:%S %p", "%p %I", "%H:%M:%S.%f", "%H.%M.%S,%f %z", "%H:%M%z"]
)


def _in_ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _expected(moment: datetime, pattern: str) -> datetime:
    """What of a moment a pattern can say."""
    said = set(re.findall(r"%(.)", pattern.replace("%%", "")))
    clock = {
        "hour": moment.hour if said & set("HI") else 0,
        "minute": moment.minute if "M" in said else 0,
        "second": moment.second if "S" in said else 0,
        "microsecond": moment.microsecond if "f" in said else 0,
    }
    return moment.replace(tzinfo=moment.tzinfo if "z" in said else UTC, **clock)


@settings(max_examples=200, deadline=None)
@given(moment=_MOMENTS, pattern=st.lists(_PIECES, min_size=1, max_size=9).map("".join))
def test_a_time_comes_back_or_its_pattern_is_refused(moment: datetime, pattern: str) -> None:
    """Whatever the pattern is made of."""
    _comes_back_or_is_refused(moment, pattern)


@settings(max_examples=200, deadline=None)
@given(
    moment=_MOMENTS,
    day=_DATES,
    between=st.sampled_from(["", " ", "T", ":", "1", " 5 "]),
    clock=_CLOCKS,
    swap=st.booleans(),
)
def test_a_time_of_a_usual_pattern_comes_back(moment: datetime, day: str, between: str, clock: str, swap: bool) -> None:
    """Date and clock in either order, with or without anything between them."""
    _comes_back_or_is_refused(moment, f"{clock}{between}{day}" if swap else f"{day}{between}{clock}")


def _comes_back_or_is_refused(moment: datetime, pattern: str) -> None:
    try:
        read = time_reader(pattern)
    except LoadRefused:
        return
    assert read(moment.strftime(pattern)) == _in_ms(_expected(moment, pattern)), moment.strftime(pattern)


@given(st.text(max_size=30) | st.text("0123456789-:+.TZeE_ ", max_size=30), st.sampled_from(["iso", *UNITS_PER_SECOND]))
def test_no_text_is_more_than_a_reason(text: str, time_format: str) -> None:
    """A bad time is a ValueError, whatever it is."""
    try:
        found = time_reader(time_format, relative=True)(text)
    except ValueError:
        return
    assert isinstance(found, int)


@given(_MOMENTS, st.sampled_from(list(UNITS_PER_SECOND)))
def test_a_number_of_another_unit_is_never_taken(moment: datetime, written: str) -> None:
    """Also where times may count from the log's beginning."""
    seconds = int(moment.timestamp())
    for time_format in UNITS_PER_SECOND:
        read = time_reader(time_format, relative=True)
        if time_format == written:
            assert read(seconds * UNITS_PER_SECOND[written]) == seconds * 1000
        else:
            with pytest.raises(ValueError, match=f"is it {written}"):
                read(seconds * UNITS_PER_SECOND[written])


def test_times_that_count_from_the_logs_beginning() -> None:
    """The first one shows it; a clock that reads 1970 in a log of today is out of range."""
    read = time_reader("epoch_s", relative=True)
    assert [read(value) for value in ("0", 2, "3600.5", 90_000_000)] == [0, 2_000, 3_600_500, 90_000_000_000]
    today = time_reader("epoch_s", relative=True)
    assert today("1769860800") == 1_769_860_800_000
    with pytest.raises(ValueError, match="out of range"):
        today("0")
