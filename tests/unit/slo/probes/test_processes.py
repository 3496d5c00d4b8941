"""Real processes that leak, and one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from slo.bench.soak import with_subjects
from slo.probes.processes import Processes, file_handles
from slo.probes.recorder import Recorder
from slo.spec.model import Indicator, Minimum
from slo.spec.parse import load_bundled_soak
from slo.verdict import Verdict, judge
from tests.integration.waiting import eventually

WATCHED_SECONDS = 2.5
FEWEST_LOOKS = 30
LEAKS = {
    "memory": "kept.append(b'x' * 1_000_000)",
    "file_handles": "kept.append(open('/dev/null'))",
    "threads": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "nothing": "pass",
}
PROGRAM = (
    "import threading, time\nkept = []\nprint('ready', flush=True)\nwhile True:\n    {leak}\n    time.sleep(0.05)\n"
)


@contextmanager
def running(program: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def watched() -> Iterator[Recorder]:
    """All four, with twenty polls a second, from 2.5 s on; longer on a noisy host."""
    with (
        running(PROGRAM.format(leak=LEAKS["memory"])) as memory,
        running(PROGRAM.format(leak=LEAKS["file_handles"])) as file_handles,
        running(PROGRAM.format(leak=LEAKS["threads"])) as threads,
        running(PROGRAM.format(leak=LEAKS["nothing"])) as nothing,
    ):
        pids = {"memory": memory, "file_handles": file_handles, "threads": threads, "nothing": nothing}
        probe = Processes(lambda: pids)
        probe.period_seconds = 0.05
        with Recorder([probe]) as recorder:
            time.sleep(WATCHED_SECONDS)
            eventually("there are enough polls", lambda: _looks(recorder) >= FEWEST_LOOKS)
            yield recorder


def _looks(recorder: Recorder) -> int:
    return len(recorder.recording().of("nothing").series[Indicator.PROCESS_THREADS].values)


@pytest.mark.parametrize("what", ["memory", "file_handles", "threads"])
def test_a_leak_is_seen_in_the_process_that_has_it(watched: Recorder, what: str) -> None:
    """The soak's own objectives, scaled down from half an hour to seconds: to more where those are too few to say."""
    name = f"process_{what}_growth"
    growth = load_bundled_soak().objective(name)
    scaled = replace(growth, warm_up_seconds=0.5, minimum=Minimum(2.0, 10))
    specification = with_subjects(
        replace(load_bundled_soak(), objectives=[scaled]), {growth.indicator: (what, "nothing")}
    )

    def verdicts() -> dict[str, Verdict]:
        return {each.name: each.verdict for each in judge(specification, watched.recording()).objectives}

    eventually("both can be told", lambda: Verdict.INCONCLUSIVE not in verdicts().values())
    assert verdicts() == {f"{name}.{what}": Verdict.FAIL, f"{name}.nothing": Verdict.PASS}


def test_levels_are_what_the_kernel_says(watched: Recorder) -> None:
    """A Python that does nothing: some MB of its own, a few handles, one thread."""
    still = watched.recording().of("nothing").series
    assert 2e6 < still[Indicator.PROCESS_MEMORY].values[-1] < 40e6
    assert 3 <= still[Indicator.PROCESS_FILE_HANDLES].values[-1] <= 10
    assert still[Indicator.PROCESS_THREADS].values[-1] == 1


def test_children_belong_to_their_service() -> None:
    """One process with one child: two threads. A child that is a service itself is not its parent's."""
    program = "import subprocess, time\nsubprocess.Popen(['sleep', '60'])\nprint('ready', flush=True)\ntime.sleep(60)\n"
    with running(program) as parent:
        child = int(Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()[0])
        try:
            assert threads_of({"parent": parent}) == {"parent": 2}
            assert threads_of({"parent": parent, "child": child}) == {"parent": 1, "child": 1}
        finally:
            os.kill(child, 9)


def threads_of(pids: dict[str, int]) -> dict[str, float]:
    samples = list(Processes(lambda: pids).look())
    return {each.job: each.value for each in samples if each.indicator is Indicator.PROCESS_THREADS}


def test_files_that_grow_by_design_are_not_counted(tmp_path: Path) -> None:
    grows, other = tmp_path / "ad-events-0" / "00.log", tmp_path / "other.log"
    grows.parent.mkdir()
    program = f"import time\nfiles = [open({str(grows)!r}, 'w'), open({str(other)!r}, 'w')]\n"
    with running(program + "print('ready', flush=True)\ntime.sleep(60)\n") as pid:
        assert file_handles(pid) - file_handles(pid, [f"{grows.parent}/"]) == 1


def test_a_process_that_was_started_again_makes_the_figures_void() -> None:
    with running(PROGRAM.format(leak="pass")) as first, running(PROGRAM.format(leak="pass")) as second:
        pids = iter([{"canary": first}, {"canary": second}])
        probe = Processes(lambda: next(pids))
        probe.look()
        assert probe.void() == ""
        probe.look()
        assert probe.void() == "canary died and was started again"


def test_a_process_that_is_gone_gives_no_samples() -> None:
    with running(PROGRAM.format(leak="pass")) as pid:
        pass
    assert list(Processes(lambda: {"gone": pid}).look()) == []
