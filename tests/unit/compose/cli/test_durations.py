"""Durations as the options of `adctr` take them."""

from __future__ import annotations

import pytest

from compose.cli.durations import parse_duration_seconds
from compose.process.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("7d", 604_800), ("12h", 43_200), ("5m", 300), ("60s", 60), ("1.5h", 5_400), ("250ms", 0.25)]
)
def test_a_number_and_a_unit(text: str, seconds: float) -> None:
    """Of each kind."""
    assert parse_duration_seconds("--for", text) == seconds


@pytest.mark.parametrize("text", ["7", "d", "-1d", "7 d", "7w", "", "0s", "0"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    """The option and what is allowed are named."""
    with pytest.raises(UsageError, match=r"--for .*: must be .* for example 60s or 5m"):
        parse_duration_seconds("--for", text)


def test_options_may_allow_more() -> None:
    """`retention --keep 0d` keeps today alone; `verify --timeout` took bare seconds before it took units."""
    assert parse_duration_seconds("--keep", "0d", zero=True) == 0
    assert parse_duration_seconds("--timeout", "300", bare_seconds=True) == 300
    assert parse_duration_seconds("--timeout", "2.5", bare_seconds=True) == 2.5
    assert parse_duration_seconds("--timeout", "5m", bare_seconds=True) == 300
    with pytest.raises(UsageError, match=r"--timeout 1\.2\.3"):
        parse_duration_seconds("--timeout", "1.2.3", bare_seconds=True)
