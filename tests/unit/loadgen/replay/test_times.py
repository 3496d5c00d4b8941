"""How logs write their times."""

from __future__ import annotations

from typing import Any

import pytest

from loadgen.errors import LoadRefused
from loadgen.replay.times import time_reader


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
        ("%Y", "2026-01", "'2026-01' is not in the format %Y"),
    ],
)
def test_what_is_no_time(time_format: str, value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match="is not") as caught:
        time_reader(time_format)(value)
    assert str(caught.value) == reason


@pytest.mark.parametrize("pattern", ["unix", "%Q", "%Y-%", ""])
def test_what_is_no_format(pattern: str) -> None:
    with pytest.raises(LoadRefused, match=r"must be iso, epoch_s, epoch_ms or a strptime pattern"):
        time_reader(pattern)
