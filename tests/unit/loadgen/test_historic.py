"""Where a preload ends, and what its canaries close."""

from __future__ import annotations

import pytest

from loadgen.historic import closing_time_ms, latest_end_ms
from pipeline.settings import Settings

SETTINGS = Settings(out_of_orderness_seconds=5)


@pytest.mark.parametrize(
    ("end_seconds", "canary_seconds"), [(1_700_000_100, 1_700_000_106), (1_700_000_101, 1_700_000_406)]
)
def test_canaries_close_the_last_window(end_seconds: int, canary_seconds: int) -> None:
    """The window of 5 minutes that holds the last event ends; 5 s out-of-orderness and 1 s are added."""
    assert closing_time_ms(end_seconds * 1000, SETTINGS) == canary_seconds * 1000


def test_the_latest_end_has_its_canaries_in_the_past() -> None:
    """Of all boundaries of 5 minutes, the last whose canaries are due by now."""
    now_ms = 1_700_000_106_000
    assert latest_end_ms(now_ms, SETTINGS) == 1_700_000_100_000
    assert latest_end_ms(now_ms - 1, SETTINGS) == 1_699_999_800_000
