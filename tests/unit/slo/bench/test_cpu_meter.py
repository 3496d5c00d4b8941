"""CPU time of real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from slo.bench.cpu_meter import CpuMeter, ProcessGone, tree_cpu_seconds

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_a_process_that_ends_meanwhile_voids_the_measurement(sleeper: subprocess.Popen[bytes]) -> None:
    """Its successor would be measured by nobody, and the sum would look small."""
    meter = CpuMeter([psutil.Process(), psutil.Process(sleeper.pid)])
    meter.start()
    time.sleep(0.3)
    sleeper.kill()
    sleeper.wait()
    time.sleep(0.3)
    meter.stop()
    with pytest.raises(ProcessGone, match=str(sleeper.pid)):
        meter.between(0.0, time.time())


def test_processes_that_live_on_are_summed() -> None:
    meter = CpuMeter([psutil.Process()])
    meter.start()
    time.sleep(0.3)  # there is a sample from before
    began = time.time()
    until = time.process_time() + 0.5
    while time.process_time() < until:
        pass
    time.sleep(0.3)
    ended = time.time()
    meter.stop()
    assert 0.4 <= meter.between(began, ended) <= 1.0


def test_children_that_have_ended_are_in_the_sum_of_their_tree() -> None:
    """As PostgreSQL's connections come and go."""
    before = tree_cpu_seconds(psutil.Process())
    subprocess.run([sys.executable, "-c", BURN.format(seconds=0.5)], check=True)
    assert tree_cpu_seconds(psutil.Process()) - before >= 0.4
