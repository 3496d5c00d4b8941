"""The two kinds of panel that all dashboards are made of: a graph over time and a single figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    DataSourceRef,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

DATA_SOURCE_UID = "adctr-prometheus"
DATA_SOURCE = DataSourceRef(type_val="prometheus", uid=DATA_SOURCE_UID)
GREEN, ORANGE, RED, GREY = "green", "orange", "red", "#808080"
HEIGHT = 7

# Units as Grafana names them.
SECONDS, MILLISECONDS, BYTES, SHARE = "s", "ms", "bytes", "percentunit"
PER_SECOND, RECORDS, PLAIN = "ops", "short", "none"


@dataclass(frozen=True)
class Query:
    """PromQL, and what a series is called: text with ``{{label}}``."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Graph:
    """Lines over time. ``limit`` is drawn as a line, above which it is red."""

    title: str
    queries: Sequence[Query]
    unit: str = PLAIN
    description: str = ""
    limit: float | None = None
    width: int = 8


@dataclass(frozen=True)
class Figure:
    """One number as large as possible. ``steps`` are (from this value on, colour); ``words`` stand for values."""

    title: str
    query: Query
    unit: str = PLAIN
    description: str = ""
    steps: Sequence[tuple[float, str]] = ()
    words: Sequence[tuple[int, str, str]] = ()
    """(value, text, colour)"""
    base: str = GREY
    """Below the first step; what nobody knows is grey in any case."""
    width: int = 4


def build_graph(graph: Graph, number: int) -> timeseries.Panel:
    """The panel with this id."""
    panel = (
        timeseries.Panel()
        .id(number)
        .title(graph.title)
        .description(graph.description)
        .datasource(DATA_SOURCE)
        .unit(graph.unit)
        .span(graph.width)
        .height(HEIGHT)
        .min(0)
        .fill_opacity(8)
    )
    if graph.limit is not None:
        panel = panel.thresholds(_thresholds(GREEN, [(graph.limit, RED)])).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        )
    for target in _targets(graph.queries):
        panel = panel.with_target(target)
    return panel


def build_figure(figure: Figure, number: int) -> stat.Panel:
    """The panel with this id."""
    panel = (
        stat.Panel()
        .id(number)
        .title(figure.title)
        .description(figure.description)
        .datasource(DATA_SOURCE)
        .unit(figure.unit)
        .span(figure.width)
        .height(HEIGHT)
        .thresholds(_thresholds(figure.base, figure.steps))
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("no data")
    )
    panel = panel.mappings(_mappings(figure.words))
    for target in _targets([figure.query]):
        # It shows the last value alone: a query for each step of the range would cost hundreds of times as much.
        panel = panel.with_target(target.instant())
    return panel


def _targets(queries: Sequence[Query]) -> Iterator[Dataquery]:
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        target = Dataquery().ref_id(letter).datasource(DATA_SOURCE).expr(query.expr).range()
        yield target.legend_format(query.legend) if query.legend else target


def _thresholds(base: str, steps: Sequence[tuple[float, str]]) -> ThresholdsConfig:
    found = [Threshold(value=None, color=base), *(Threshold(value=value, color=color) for value, color in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def _mappings(words: Sequence[tuple[int, str, str]]) -> list[ValueMapping]:
    """Words for values, and for no value: without it, that would have the colour of the lowest ones."""
    nothing = DashboardSpecialValueMapOptions(
        match=SpecialValueMatch.NULL_AND_NAN, result=ValueMappingResult(text="no data", color=GREY)
    )
    options = {str(value): ValueMappingResult(text=text, color=color) for value, text, color in words}
    return [*([ValueMap(options=options)] if words else []), SpecialValueMap(options=nothing)]
