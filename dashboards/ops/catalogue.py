"""Every dashboard, and the files that hold their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dashboards.ops import cache, flink_state, load, pipeline_flow, record_store, slo_overview
from dashboards.ops.board import Board
from slo.spec.model import Specification

COMMITTED = Path(__file__).with_name("json")
"""``<uid>.json`` of the bundled objectives; `adctr grafana build` writes them."""


def boards(specification: Specification) -> list[Board]:
    """The dashboards, in the order in which one would look at them."""
    return [
        slo_overview.board(specification),
        pipeline_flow.board(specification),
        flink_state.board(specification),
        cache.board(specification),
        record_store.board(),
        load.board(specification),
    ]


def texts(specification: Specification) -> Mapping[str, str]:
    """The JSON of every dashboard by its file's name."""
    return {f"{board.uid}.json": board.to_json() for board in boards(specification)}
