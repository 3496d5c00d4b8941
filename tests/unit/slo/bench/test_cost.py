"""Settings to measure, and what is said of the points."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace

import psutil
import pytest

from slo.bench.cost import CostPoint, CostResult, Setting, settings_to_measure
from slo.bench.cpu_meter import ProcessGone
from slo.bench.process_meter import ProcessMeter
from slo.verdict import Verdict
from tests.unit.slo.bench.test_capacity import MACHINE

POINT = CostPoint(
    rate=10_000,
    campaigns=200,
    parallelism=1,
    seconds=50.0,
    rate_achieved=10_000,
    send_delay_p99_seconds=0.01,
    cpu_seconds={"kafka": 5.0, "generator": 2.0},
    memory_bytes={"kafka": 10**9, "generator": 10**8},
    checkpoint_bytes=1e6,
    redis_bytes=2e6,
    live_cells=400,
    event_to_redis_p99_seconds=0.2,
    event_to_postgres_p99_seconds=1.5,
    differences=0,
    objectives={"event_to_redis": "pass"},
)


def test_one_curve_for_each_and_no_point_twice() -> None:
    base = Setting(10_000, 200, 1)
    found = settings_to_measure(base, [5_000, 10_000], [200, 100_000], [1, 2])
    assert found == [Setting(5_000, 200, 1), base, Setting(10_000, 100_000, 1), Setting(10_000, 200, 2)]
    assert settings_to_measure(base, [], [], []) == []


def test_costs_are_per_million_events() -> None:
    assert POINT.cpu_seconds_per_million == {"kafka": 10.0, "generator": 4.0}


@pytest.mark.parametrize(
    ("objectives", "differences", "verdict"),
    [
        ({"a": "pass", "b": "not judged"}, 0, Verdict.PASS),
        ({"a": "pass", "b": "inconclusive"}, 0, Verdict.INCONCLUSIVE),
        ({"a": "fail", "b": "inconclusive"}, 0, Verdict.FAIL),
        ({"a": "not judged"}, 0, Verdict.INCONCLUSIVE),
        ({"a": "pass"}, 3, Verdict.FAIL),
    ],
)
def test_every_point_must_be_exact_and_within_its_objectives(
    objectives: Mapping[str, str], differences: int, verdict: Verdict
) -> None:
    point = replace(POINT, objectives=objectives, differences=differences)
    assert CostResult([point], MACHINE).verdict().verdict is verdict


def test_the_meter_sees_cpu_time_and_memory_of_a_process_and_its_children() -> None:
    """A parent that sleeps, whose child works."""
    busy = "import time; data = bytearray(50_000_000)\nwhile True: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    with subprocess.Popen([sys.executable, "-c", parent]) as process:
        root = psutil.Process(process.pid)
        try:
            with ProcessMeter({"family": root}) as meter:
                time.sleep(1.0)
                began = time.time()
                time.sleep(1.0)
                ended = time.time()
            assert meter.cpu_seconds(began, ended)["family"] > 0.05
            assert meter.peak_bytes(began, ended)["family"] > 40_000_000
        finally:
            for child in root.children():
                child.kill()
            process.kill()


def test_a_process_that_is_gone_voids_the_measurement() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process, ProcessMeter({"it": psutil.Process(process.pid)}) as meter:
        process.kill()
        process.wait()
        began = time.time()
        time.sleep(2.5)
    with pytest.raises(ProcessGone, match="it was not there"):
        meter.cpu_seconds(began, time.time())
