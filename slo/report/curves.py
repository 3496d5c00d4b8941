"""Curves of a benchmark: a figure against what was varied, drawn like every other plot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from slo.report.axes import LEFT, RIGHT, WIDTH, Axis, vertical
from slo.report.figures import figure
from slo.report.plots import Line, Plot

STYLES = ("first", "second", "third", "fourth", "fifth", "sixth")
Points = Sequence[tuple[float, float | None]]
"""(x, y) in the order of x; None breaks the line."""


def curve_plot(
    title: str,
    x_label: str,
    unit: str,
    lines: Mapping[str, Points],
    *,
    logarithmic: bool = False,
    limit: float | None = None,
) -> Plot:
    """Up to six lines by their label, with ``unit`` up the side; ``logarithmic`` along the bottom.

    ``limit`` is an objective, drawn as a line across. Raises ValueError for no or too many lines, or none with a point.
    """
    points = [(x, y) for line in lines.values() for x, y in line if y is not None]
    if not points or len(lines) > len(STYLES):
        raise ValueError(f"{title}: {len(lines)} lines with {len(points)} points cannot be drawn")
    places = [x for x, _ in points]
    heights = [y for _, y in points] + ([limit] if limit is not None else [])
    x_axis = _along(min(places), max(places), logarithmic=logarithmic)
    y_axis = vertical([0.0, *heights] if unit != "seconds" else heights, logarithmic=unit == "seconds")
    drawn = [
        Line(label, style, _pieces(x_axis, y_axis, line))
        for (label, line), style in zip(lines.items(), STYLES, strict=False)
    ]
    if limit is not None:
        height = y_axis.pixel(limit)
        drawn.append(
            Line(f"objective {figure(limit, unit)}", "limit", [[(x_axis.start, height), (x_axis.end, height)]])
        )
    return Plot(
        title=title,
        description=f"{title}, by {x_label}: {len(points)} points.",
        x_label=x_label,
        # Rates, campaigns and subtasks are whole numbers: a tick between two of them would be labelled as one of them.
        x_ticks=[(x_axis.pixel(at), f"{at:,.0f}") for at in x_axis.ticks() if float(at).is_integer()],
        y_ticks=[(y_axis.pixel(at), figure(at, unit)) for at in y_axis.ticks()],
        lines=drawn,
    )


def _along(low: float, high: float, *, logarithmic: bool) -> Axis:
    if logarithmic and low > 0:
        return Axis(low, high if high > low else low * 10, LEFT, WIDTH - RIGHT, logarithmic=True)
    return Axis(0.0, high or 1.0, LEFT, WIDTH - RIGHT)


def _pieces(x_axis: Axis, y_axis: Axis, line: Points) -> list[list[tuple[float, float]]]:
    """The line, broken where there is no value, with a short dash across each of its points."""
    pieces: list[list[tuple[float, float]]] = [[]]
    dashes = []
    for x, y in line:
        if y is None or math.isnan(y):
            pieces.append([])
            continue
        at = (x_axis.pixel(x), y_axis.pixel(y))
        pieces[-1].append(at)
        dashes.append([(at[0] - 3.0, at[1]), (at[0] + 3.0, at[1])])
    return [piece for piece in pieces if len(piece) > 1] + dashes
