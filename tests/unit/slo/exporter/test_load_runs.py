"""Load runs and drills as Prometheus would read them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry

from loadgen.ledger import EVENT, LedgerHeader, LedgerWriter
from slo.annotations import noted
from slo.exporter.load_runs import Drills, LoadRuns

NOW = 1_700_000_000.0


def writer(path: Path) -> LedgerWriter:
    return LedgerWriter(path, LedgerHeader("ab", 1, "steady", 500.0, 0, "ad-events", 600, ["c0"], [0], ["news"]))


def events(registry: CollectorRegistry, outcome: str) -> float | None:
    return registry.get_sample_value("adctr_load_events_total", {"outcome": outcome})


def test_a_run_is_active_until_its_ledger_ends(tmp_path: Path) -> None:
    """Two runs, one of them failing; what ended stays in the sums."""
    registry = CollectorRegistry()
    now = (tmp_path.stat()).st_mtime
    LoadRuns(registry, tmp_path, lambda: now)
    assert registry.get_sample_value("adctr_load_runs_active") == 0.0
    assert events(registry, "acknowledged") == 0.0
    one, two = writer(tmp_path / "1.ledger"), writer(tmp_path / "2.ledger")
    for ledger in (one, two):
        ledger.events(np.zeros(2, EVENT))
    one.answers([0, 1], [0, 0], [5, 6])
    two.answers([0, 1], [0, -1], [7, -1])
    assert registry.get_sample_value("adctr_load_runs_active") == 2.0
    assert registry.get_sample_value("adctr_load_target_events_per_second") == 1000.0
    one.close(2)
    assert registry.get_sample_value("adctr_load_runs_active") == 1.0
    assert [events(registry, each) for each in ("planned", "acknowledged", "failed")] == [4.0, 3.0, 1.0]


def test_a_killed_run_is_over_when_nobody_writes(tmp_path: Path) -> None:
    registry, clock = CollectorRegistry(), [NOW]
    LoadRuns(registry, tmp_path, lambda: clock[0])
    ledger = writer(tmp_path / "1.ledger")
    os.utime(ledger.path, (NOW, NOW))
    assert registry.get_sample_value("adctr_load_runs_active") == 1.0
    clock[0] += 11.0
    assert registry.get_sample_value("adctr_load_runs_active") == 0.0


def test_ledgers_of_yesterday_are_left_alone(tmp_path: Path) -> None:
    ledger = writer(tmp_path / "old.ledger")
    ledger.events(np.zeros(2, EVENT))
    os.utime(ledger.path, (NOW - 86_400, NOW - 86_400))
    registry = CollectorRegistry()
    LoadRuns(registry, tmp_path, lambda: NOW)
    assert events(registry, "planned") == 0.0


def test_drills_are_named_while_they_go_on(tmp_path: Path) -> None:
    registry, path = CollectorRegistry(), tmp_path / "activities.jsonl"
    Drills(registry, path, lambda: NOW)
    with noted(path, "drill", "event_lost", lambda: NOW):
        assert registry.get_sample_value("adctr_drills_active", {"drill": "event_lost"}) == 1.0
    assert registry.get_sample_value("adctr_drills_active", {"drill": "event_lost"}) is None
    assert registry.get_sample_value("adctr_drills_active", {"drill": ""}) == 0.0
