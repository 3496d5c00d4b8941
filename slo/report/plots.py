"""What is drawn of a recording: latency over time, percentile curves, gauges with their fitted slope.

A plot is data, with positions in pixels; ``report.html.j2`` writes it as SVG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from slo.recording import Floats, Recording, Series
from slo.report.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, horizontal, vertical
from slo.report.figures import figure, wanted
from slo.spec.model import Kind, Objective
from slo.statistics.growth import growth
from slo.statistics.percentiles import percentiles
from slo.verdict.evaluators import limit
from slo.verdict.result import ObjectiveResult
from slo.verdict.shares import good
from slo.verdict.units import percent, unit_of

BUCKETS = 120
MOST_DOTS = 500


@dataclass(frozen=True)
class Line:
    """A line through points, or several pieces of one; ``style`` is its class in the style sheet."""

    label: str
    style: str
    pieces: Sequence[Sequence[tuple[float, float]]]


@dataclass(frozen=True)
class Plot:
    """One plot. ``breaches`` are bands (left, width), ``dots`` single bad samples, ``wedge`` an interval of slopes."""

    title: str
    description: str
    x_label: str
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    lines: Sequence[Line]
    breaches: Sequence[tuple[float, float]] = ()
    dots: Sequence[tuple[float, float]] = ()
    wedge: Sequence[tuple[float, float]] = ()
    marks: Sequence[str] = field(default_factory=list)
    """What the bands and dots mean."""
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def plots(objective: Objective, result: ObjectiveResult, recording: Recording) -> list[Plot]:
    """The plots of one objective; none where there are no samples."""
    recording = recording.of(objective.subject)
    series = recording.series.get(objective.indicator)
    if objective.kind is Kind.CORRECTNESS or series is None or not np.any(~np.isnan(series.values)):
        return []
    if objective.kind in (Kind.LATENCY, Kind.FRESHNESS):
        return [over_time(objective, result, recording, series), curve(objective, result, series)]
    return [gauge(objective, result, recording, series)]


def over_time(objective: Objective, result: ObjectiveResult, recording: Recording, series: Series) -> Plot:
    """p50 and p99 of up to 120 stretches of time; those with more bad samples than the target allows are marked."""
    x = horizontal(recording.began, recording.ended)
    edges = np.linspace(recording.began, recording.ended, BUCKETS + 1)
    of_bucket = np.clip(np.searchsorted(edges, series.times, side="right") - 1, 0, BUCKETS - 1)
    bad = np.bincount(of_bucket[~good(objective, series.values)], minlength=BUCKETS)
    total = np.bincount(of_bucket, minlength=BUCKETS)
    order = np.argsort(of_bucket, kind="stable")
    parts = np.split(series.values[order], np.cumsum(total)[:-1])
    found = [percentiles(part, (0.5, 0.99)) for part in parts]
    shown = [value for pair in found for value in pair if value is not None]
    assert objective.value is not None
    unit = unit_of(objective.indicator)
    y = vertical([*shown, objective.value], logarithmic=unit == "seconds")
    middles = (edges[:-1] + edges[1:]) / 2
    breached = np.flatnonzero(bad > (1.0 - objective.target) * total)
    width = (x.end - x.start) / BUCKETS
    title = f"{objective.display_name}: over time"
    return Plot(
        title=title,
        description=f"{title}. {len(breached)} of {np.count_nonzero(total)} stretches of "
        f"{recording.seconds / BUCKETS:.2g} s have more bad samples than allowed. Wanted: {wanted(objective, result)}.",
        x_label="time (UTC)",
        x_ticks=_times(x),
        y_ticks=_ticks(y, unit),
        lines=[
            Line("p50", "first", _pieces(x, y, middles, [pair[0] for pair in found])),
            Line("p99", "second", _pieces(x, y, middles, [pair[1] for pair in found])),
            _limit(x, y, objective.value, unit),
        ],
        breaches=[(round(x.start + float(at) * width, 1), round(width + 0.3, 1)) for at in breached],
        marks=["more bad samples than the target allows"] if len(breached) else [],
    )


def curve(objective: Objective, result: ObjectiveResult, series: Series) -> Plot:
    """Every percentile up to the highest that the samples reach, as HdrHistogram draws it: an axis in nines."""
    nines = max(math.log10(len(series.values)), 1.0)
    x, steps = horizontal(0.0, nines), np.linspace(0.0, nines, 300)
    found = percentiles(series.values, (1.0 - 10.0**-steps).tolist())
    assert objective.value is not None
    unit = unit_of(objective.indicator)
    seen = [value for value in found if value is not None]
    y = vertical([*seen, objective.value], logarithmic=unit == "seconds")
    lines = [Line("percentile", "first", _pieces(x, y, steps, found)), _limit(x, y, objective.value, unit)]
    if objective.target < 1.0:
        at = x.pixel(-math.log10(1.0 - objective.target))
        lines.append(Line(f"target {percent(objective.target)} %", "target", [[(at, y.start), (at, y.end)]]))
    title = f"{objective.display_name}: percentiles"
    return Plot(
        title=title,
        description=f"{title} of {len(series.values):,} samples. Wanted: {wanted(objective, result)}, "
        f"found: {figure(result.value, result.unit)}.",
        x_label="percentile",
        x_ticks=[(x.pixel(n), f"{percent(1.0 - 10.0**-n)} %") for n in range(min(int(nines), 5) + 1)],
        y_ticks=_ticks(y, unit),
        lines=lines,
    )


def gauge(objective: Objective, result: ObjectiveResult, recording: Recording, series: Series) -> Plot:
    """A gauge with its ceiling, or with the fitted slope and the interval of it."""
    x, unit = horizontal(recording.began, recording.ended), unit_of(objective.indicator)
    seen = ~np.isnan(series.values)
    times, values = series.times[seen], series.values[seen]
    most = limit(objective, recording) if objective.kind is Kind.CEILING else None
    y = vertical([float(values.min()), float(values.max()), *([most] if most is not None else [])])
    lines = [Line(unit, "first", _pieces(x, y, *_thinned(times, values)))]
    wedge: list[tuple[float, float]] = []
    dots: list[tuple[float, float]] = []
    if most is not None:
        lines.append(_limit(x, y, most, unit))
        above = np.flatnonzero(values > most)[:MOST_DOTS]
        dots = [(x.pixel(times[at]), y.pixel(values[at])) for at in above]
    elif objective.kind is Kind.GROWTH:
        slope, wedge = _slope(objective, recording, x, y, times, values)
        lines += slope
    name = objective.display_name
    return Plot(
        title=name,
        description=f"{name} over time. Wanted: {wanted(objective, result)}, found: "
        f"{figure(result.value, result.unit)}, {len(dots)} breaches marked.",
        x_label="time (UTC)",
        x_ticks=_times(x),
        y_ticks=_ticks(y, unit),
        lines=lines,
        dots=dots,
        wedge=wedge,
        marks=["above the ceiling"] if dots else ["interval of the slope"] if wedge else [],
    )


def _slope(
    objective: Objective, recording: Recording, x: Axis, y: Axis, times: Floats, values: Floats
) -> tuple[list[Line], list[tuple[float, float]]]:
    warm = times >= recording.began + objective.warm_up_seconds
    found = growth(times[warm], values[warm])
    if found is None:
        return [], []
    ends = (float(times[warm][0]), float(times[warm][-1]))

    def points(per_hour: float) -> list[tuple[float, float]]:
        levels = [found.level + per_hour * (end - found.at_seconds) / 3600.0 for end in ends]
        return [(x.pixel(end), y.pixel(height)) for end, height in zip(ends, levels, strict=True)]

    middle = (x.pixel(found.at_seconds), y.pixel(found.level))
    low, high = points(found.low), points(found.high)
    unit = unit_of(objective.indicator) + "/h"
    lines = [Line(f"slope {figure(found.per_hour, unit)}", "second", [points(found.per_hour)])]
    if objective.value is not None:
        rise = objective.value * (ends[1] - ends[0]) / 3600.0
        begins = found.level + found.per_hour * (ends[0] - found.at_seconds) / 3600.0
        allowed = [(x.pixel(ends[0]), y.pixel(begins)), (x.pixel(ends[1]), y.pixel(begins + rise))]
        lines.append(Line(f"objective {figure(objective.value, unit)}", "limit", [allowed]))
    return lines, [low[0], middle, low[1], high[1], middle, high[0]]


def _thinned(times: Floats, values: Floats) -> tuple[Floats, list[float | None]]:
    """At most some 2,000 points; the highest of each stretch, so that no breach is lost."""
    step = max(len(times) // 2000, 1)
    starts = range(0, len(times), step)
    return times[list(starts)], [float(np.max(values[start : start + step])) for start in starts]


def _pieces(x: Axis, y: Axis, at: Floats, values: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """Points of a line, broken where there is no value."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for place, value in zip(at.tolist(), values, strict=True):
        if value is not None:
            pieces[-1].append((x.pixel(place), y.pixel(value)))
        elif pieces[-1]:
            pieces.append([])
    # A single point is drawn as a short dash.
    return [piece if len(piece) > 1 else [piece[0], (piece[0][0] + 2.0, piece[0][1])] for piece in pieces if piece]


def _limit(x: Axis, y: Axis, value: float, unit: str) -> Line:
    height = y.pixel(value)
    return Line(f"objective {figure(value, unit)}", "limit", [[(x.start, height), (x.end, height)]])


def _ticks(axis: Axis, unit: str) -> list[tuple[float, str]]:
    return [(axis.pixel(value), figure(value, unit)) for value in axis.ticks()]


def _times(axis: Axis) -> list[tuple[float, str]]:
    places = np.linspace(axis.low, axis.high, 7)[:-1]
    return [(axis.pixel(at), f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}") for at in places.tolist()]
