"""Figures in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slo.report.axes import Axis, horizontal, vertical
from slo.report.figures import figure, found
from slo.verdict import ObjectiveResult, Verdict
from slo.verdict.units import percent


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, "seconds", "–"),
        (0.99996, "ratio", "99.996 %"),
        (0.9999999, "ratio", "99.999 %"),
        (1.0, "ratio", "100 %"),
        (0.85, "seconds", "850 ms"),
        (0.0000123, "seconds", "12.3 µs"),
        (12.5, "seconds", "12.5 s"),
        (12_345_678.0, "bytes", "12.3 MB"),
        (30_200_000.0, "bytes/h", "30.2 MB/h"),
        (-1500.0, "bytes/h", "-1.5 kB/h"),
        (0.0, "bytes", "0 B"),
        (1234.0, "keys", "1,234"),
    ],
)
def test_figures(value: float | None, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown


def test_figures_that_mean_nothing_are_marked() -> None:
    shown = ObjectiveResult("o", Verdict.INCONCLUSIVE, 0.997, 0.99, "ratio", 400, (0.99, 0.999), void=True)
    assert found(shown) == ("99.7 %", "[99, 99.9]", "(void)")
    assert found(replace(shown, interval=None, void=False)) == ("99.7 %",)


def test_only_all_is_100_percent() -> None:
    """And 99.9 % does not become 99.899 by its binary digits."""
    assert [percent(share) for share in (0.999, 0.29, 0.0, 0.9999999, 1.0)] == ["99.9", "29", "0", "99.999", "100"]


def test_axes() -> None:
    """Up is less pixels; decades are labelled where there are some, else 1, 2 and 5."""
    assert vertical([0.0, 10.0]).pixel(10.0) < vertical([0.0, 10.0]).pixel(0.0)
    assert horizontal(0.0, 100.0).ticks() == [0.0, 50.0, 100.0]
    assert Axis(0.001, 10.0, 200.0, 0.0, logarithmic=True).ticks() == pytest.approx([0.001, 0.01, 0.1, 1.0, 10.0])
    assert Axis(0.1, 2.5, 200.0, 0.0, logarithmic=True).ticks() == pytest.approx([0.1, 0.2, 0.5, 1.0, 2.0])
