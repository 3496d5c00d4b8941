"""Faults as `adctr chaos run` has them: counts right, a recovery that is measured, and controls that are not passed."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compose.experiment.disturbed_stack import StackBench, own_stack
from compose.experiment.fault_run import run_fault
from compose.process.exit_codes import ExitCode
from slo.disturbances.bench import Bench
from slo.disturbances.injections import live_task_manager
from slo.faults.catalogue import find_fault
from slo.faults.fault import Fault
from slo.spec.parse import load_bundled
from slo.verdict import Verdict
from tests.integration.commands import adctr, adctr_json

RATE = 2_000.0
FROZEN_SECONDS = 12.0

pytestmark = [pytest.mark.long, pytest.mark.embedded]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackBench]:
    """One stack for all of them."""
    with own_stack(tmp_path_factory.mktemp("chaos") / "stack", (), dashboard=False) as started:
        yield started


@pytest.mark.parametrize("name", ["taskmanager_killed", "redis_flushed", "postgres_killed"])
def test_every_count_is_right_after_a_fault(bench: StackBench, name: str) -> None:
    """How soon it was back is for `adctr chaos run` to judge; that it was is for this test."""
    run = run_fault(find_fault(name), bench, load_bundled(), RATE)
    assert (run.exact, run.differences, run.broken, run.void) == (True, 0, "", "")
    assert run.recovery_seconds is not None


def test_a_pipeline_that_stays_down_is_not_passed(bench: StackBench) -> None:
    """The control of the recovery: the fault is over, and the live job goes on standing still."""

    @contextmanager
    def still_frozen(stack: Bench) -> Iterator[None]:
        (pid,) = stack.pids(live_task_manager(stack))
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(FROZEN_SECONDS, os.kill, (pid, signal.SIGCONT)).start()
        yield

    run = run_fault(
        Fault("frozen", "Stays down.", still_frozen, 5.0, watched_seconds=25.0), bench, load_bundled(), RATE
    )
    assert run.recovery_seconds is not None
    assert run.recovery_seconds > run.fault.limit_seconds, "Flink gives the TaskManager up after 6 s"
    assert run.verdict is Verdict.FAIL


def test_what_could_not_be_told_is_tried_again_and_stays_inconclusive(tmp_path: Path) -> None:
    """At five events a second nobody can say that an objective was kept."""
    done = adctr(tmp_path, *("chaos", "run", "python_killed", "--rate", "5", "--retries", "1", "--format", "json"))
    assert done.returncode == ExitCode.INCONCLUSIVE, done.stderr
    assert done.stderr.count("1/1 python_killed") == 2
    (fault,) = json.loads(done.stdout)["faults"]
    assert (fault["verdict"], fault["exact"], len(fault["runs"])) == ("inconclusive", True, 1)


def test_faults_are_listed_and_unknown_ones_refused(tmp_path: Path) -> None:
    listed = adctr_json(tmp_path, "chaos", "list")["faults"]
    assert "taskmanager_killed" in [each["name"] for each in listed]
    for arguments in (("earthquake",), (), ("redis_killed", "--out", "report.pdf")):
        assert adctr(tmp_path, "chaos", "run", *arguments).returncode == 2
