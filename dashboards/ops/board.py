"""A whole dashboard: rows of panels with fixed ids, runs and drills as annotations, and its JSON text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    AnnotationTarget,
    Dashboard,
    DashboardLink,
    Row,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType, DataSourceRef

from dashboards.ops.panels import DATA_SOURCE, Figure, Graph, build_figure, build_graph

TAG = "adctr"
"""On every dashboard, and on every annotation that `adctr grafana publish` writes."""
REFRESH = "10s"
RUNS_EXPR = "adctr_load_runs_active > 0"
DRILLS_EXPR = "adctr_drills_active > 0"


@dataclass(frozen=True)
class Section:
    """A row with its title."""

    title: str
    panels: Sequence[Graph | Figure]


@dataclass(frozen=True)
class Board:
    """One dashboard. ``uid`` is part of its address in Grafana and never changes."""

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    since: str = "now-1h"

    def to_json(self) -> str:
        """Sorted and indented: the same board gives the same bytes."""
        return JSONEncoder(sort_keys=True, indent=2).encode(_build(self).build()) + "\n"


def _build(board: Board) -> Dashboard:
    links = DashboardLink("adctr").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(False).keep_time(True)
    dashboard = (
        Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .refresh(REFRESH)
        .time(board.since, "now")
        .timezone("browser")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(links)
    )
    for annotation in _annotations():
        dashboard = dashboard.annotation(annotation)
    number = 0
    for section in board.sections:
        dashboard = dashboard.with_row(Row(section.title).id(number := number + 1))
        for panel in section.panels:
            number += 1
            if isinstance(panel, Graph):
                dashboard = dashboard.with_panel(build_graph(panel, number))
            else:
                dashboard = dashboard.with_panel(build_figure(panel, number))
    return dashboard


def _annotations() -> list[AnnotationQuery]:
    """Runs and drills that go on, from Prometheus; those that were published, from Grafana's own store."""
    grafana = DataSourceRef(type_val="grafana", uid="-- Grafana --")
    published = AnnotationTarget().limit(100).match_any(False).tags([TAG]).type("tags")
    return [
        AnnotationQuery().name("Load runs").datasource(DATA_SOURCE).enable(True).icon_color("blue").expr(RUNS_EXPR),
        AnnotationQuery().name("Drills").datasource(DATA_SOURCE).enable(True).icon_color("red").expr(DRILLS_EXPR),
        AnnotationQuery().name("Published").datasource(grafana).enable(True).icon_color("purple").target(published),
    ]
