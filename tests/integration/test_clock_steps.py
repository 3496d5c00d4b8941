"""Clocks that are wrong, by libfaketime: a producer's, and the whole machine's, which is set under load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from compose.process.exit_codes import ExitCode
from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes import supervision
from compose.stack.processes.owner import owning
from compose.stack.state import load_settings
from loadgen.ledger import read_ledger
from pipeline.settings import Settings
from pipeline.store import connect_reader
from pipeline.store.default_partition import partition_name
from slo.reconciliation.report import to_text
from slo.reconciliation.verify import reconcile
from tests.integration.faked_clock import FakedClock, require_library

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

pytestmark = pytest.mark.long

OFF_SECONDS = 300
STEP_SECONDS = 90
BEFORE_MIDNIGHT_SECONDS = 60
"""When the load is started; the first step is then across midnight, the second back."""


def adctr_at(clock: FakedClock, data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    """`adctr` on a machine with that clock."""
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(data_dir), *arguments, "--format", "json"]
    environment = os.environ | clock.environment()
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def report_of(command: subprocess.Popen[str], code: int) -> dict[str, Any]:
    """What it prints, when it has ended with ``code``."""
    output, errors = command.communicate(timeout=300)
    assert command.returncode == code, f"exit {command.returncode}: {errors}{output[-2000:]}"
    found: dict[str, Any] = json.loads(output)
    return found


def rows(settings: Settings, query: str, *values: object) -> list[tuple[Any, ...]]:
    reader = connect_reader(settings)
    with reader, reader.cursor() as cursor:
        cursor.execute(query, values)
        found = cursor.fetchall()
    reader.close()
    return found


def test_what_a_producer_sends_five_minutes_ahead_fails_and_five_behind_is_counted(
    stack: RunningStack, tmp_path: Path
) -> None:
    """Ahead: exit code and report say so, and nothing of it is anywhere. Behind: all of it is in its windows."""
    library, load = require_library(), ("load", "run", "--rate", "100", "--seconds", "3", "--profile", "disorder")
    ledgers = {}
    for name, offset, code in (("ahead", OFF_SECONDS, ExitCode.FAIL), ("behind", -OFF_SECONDS, ExitCode.PASS)):
        clock = FakedClock(library, tmp_path, offset)
        report = report_of(adctr_at(clock, stack.data_dir, *load, "--ledger", str(tmp_path / f"{name}.ledger")), code)
        acknowledged, failed = (0, 300) if name == "ahead" else (300, 0)
        assert (report["sent"], report["acknowledged"], report["failed"]) == (300, acknowledged, failed)
        assert sum(report["failures"].values()) == failed
        # The second is the broker's word for those whose batch it refused for another's sake.
        assert set(report["failures"]) <= {"INVALID_TIMESTAMP", "INVALID_RECORD"}
        assert ("INVALID_TIMESTAMP" in report["failures"]) == (name == "ahead")
        ledgers[name] = read_ledger(tmp_path / f"{name}.ledger")
    report = reconcile(stack.settings, list(ledgers.values()), timeout_seconds=120)
    assert report.exact, to_text(report)
    assert [(run.on_topic, run.duplicates) for run in report.ledgers] == [(0, 0), (300, 0)]
    found = rows(
        stack.settings,
        "SELECT count(*), count(*) FILTER (WHERE late), extract(epoch FROM max(record_time)) FROM realtime.raw_events "
        "WHERE event_id LIKE %s",
        f"{ledgers['behind'].run_id}-%",
    )
    late = int(ledgers["behind"].late.sum())
    assert found[0][:2] == (300, late)
    assert found[0][2] < time.time() - OFF_SECONDS
    assert rows(
        stack.settings,
        "SELECT count(*) FROM realtime.raw_events WHERE event_id LIKE %s",
        f"{ledgers['ahead'].run_id}-%",
    ) == [(0,)]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Layout, FakedClock]]:
    """A whole stack under one clock, which shows ten minutes before midnight, UTC, as it starts."""
    directory = tmp_path_factory.mktemp("machine")
    tonight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    library = require_library()
    clock = FakedClock(library, directory, tonight.timestamp() - 600 - time.time())
    layout = Layout.of(directory / "stack")
    layout.create()
    with owning(layout):
        try:
            with pytest.MonkeyPatch.context() as changed:
                # What the stack's processes may know about their surroundings, and this clock.
                inherited = (*supervision._INHERITED, *clock.environment())
                changed.setattr(supervision, "_INHERITED", inherited)
                for name, value in clock.environment().items():
                    changed.setenv(name, value)
                bring_up(layout.root, PortChoice.AUTO, historic=False, say=print, environ={}, dashboard=False)
            yield layout, clock
        finally:
            take_down(layout)


@pytest.mark.embedded
def test_counts_survive_a_clock_that_is_set_across_midnight_and_back(
    machine: tuple[Layout, FakedClock], tmp_path: Path
) -> None:
    """+90 s into the next day, −90 s back into the old one, then midnight comes by itself; all of it under load.

    Generator, broker, both jobs and both stores are on that clock.
    """
    layout, clock = machine
    midnight = datetime.fromtimestamp(clock.now() + 900, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    clock.step(midnight.timestamp() - BEFORE_MIDNIGHT_SECONDS - clock.now())
    ledger = tmp_path / "steps.ledger"
    load = ("load", "run", "--rate", "300", "--seconds", "80", "--profile", "disorder", "--ledger", str(ledger))
    running = adctr_at(clock, layout.root, *load)
    time.sleep(20)
    clock.step(STEP_SECONDS)
    time.sleep(15)
    clock.step(-STEP_SECONDS)
    assert clock.now() < midnight.timestamp(), "the second step is across midnight as well"
    report = report_of(running, ExitCode.PASS)
    assert (report["sent"], report["acknowledged"]) == (24_000, 24_000)

    found = report_of(adctr_at(clock, layout.root, "verify", "--ledger", str(ledger)), ExitCode.PASS)
    assert (found["exact"], found["differences"]) == (True, [])
    assert found["late"] > 0
    settings = load_settings(layout.root)
    ours = f"{read_ledger(ledger).run_id}-%"
    forward, back = rows(
        settings,
        "SELECT max(step), min(step) FROM (SELECT extract(epoch FROM record_time - lag(record_time) OVER "
        "(PARTITION BY kafka_partition ORDER BY kafka_offset)) AS step FROM realtime.raw_events "
        "WHERE event_id LIKE %s) AS steps",
        ours,
    )[0]
    assert float(forward) == pytest.approx(STEP_SECONDS, abs=5)
    assert float(back) == pytest.approx(-STEP_SECONDS, abs=5)
    days = rows(
        settings, "SELECT DISTINCT tableoid::regclass::text FROM realtime.raw_events WHERE event_id LIKE %s", ours
    )
    assert sorted(name for (name,) in days) == [
        partition_name((midnight - timedelta(days=1)).date()),
        partition_name(midnight.date()),
    ]
