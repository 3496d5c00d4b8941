"""Probes on their schedule, and what is kept of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import redis

from slo.probes.clock_steps import ClockSteps
from slo.probes.probe import NEVER, Probe, Sample
from slo.probes.recorder import Recorder
from slo.probes.runner import Runner, next_look
from slo.spec.model import Indicator


class Scripted(Probe):
    """Does what it is told at each poll."""

    name = "scripted"
    indicators = (Indicator.REDIS_MEMORY,)
    period_seconds = 0.01

    def __init__(self, script: Callable[[int], Iterable[Sample]], missing: Iterable[Sample] = ()) -> None:
        self.looks = 0
        self.closed = False
        self._script = script
        self._missing = missing

    def look(self) -> Iterable[Sample]:
        self.looks += 1
        return self._script(self.looks)

    def missing(self) -> Iterable[Sample]:
        return self._missing

    def close(self) -> None:
        self.closed = True


def memory(at: float, value: float, job: str = "") -> Sample:
    return Sample(Indicator.REDIS_MEMORY, at, value, job)


def run_for(probe: Scripted, looks: int, recorder: Recorder) -> None:
    with recorder:
        deadline = time.monotonic() + 5
        while probe.looks < looks and time.monotonic() < deadline:
            time.sleep(0.005)


@pytest.mark.parametrize(("now", "due"), [(10.0, 10.5), (10.2, 10.5), (10.5, 11.0), (12.6, 13.0)])
def test_a_slow_look_shifts_no_later_one(now: float, due: float) -> None:
    """Every 0.5 s from second 10 on: what was missed is left out, and the next is due where it always was."""
    assert next_look(10.0, 0.5, now)[0] == due


def test_a_probe_for_which_nothing_is_due_is_left_alone() -> None:
    """Its period is 0.01 s, but it has nothing to do for 0.2 s at a time; these count as no 20 missed looks."""

    class Idle(Scripted):
        def idle_seconds(self) -> float:
            return 0.2

    probe = Idle(lambda _: [])
    began = time.monotonic()
    with Recorder([probe]) as recorder:
        time.sleep(0.5)
    assert 1 <= probe.looks <= (time.monotonic() - began) / 0.2 + 1
    assert recorder.counts["scripted"].skipped < 10


def test_samples_are_recorded_in_the_order_of_time() -> None:
    """The second comes first, as samples of two jobs may."""
    probe = Scripted(lambda look: [memory(200.0, 2.0, "b"), memory(100.0, 1.0, "a")] if look == 1 else [])
    recorder = Recorder([probe], clock=lambda: 1000.0)
    run_for(probe, 2, recorder)
    series = recorder.recording().series[Indicator.REDIS_MEMORY]
    assert (series.times.tolist(), series.values.tolist()) == ([100.0, 200.0], [1.0, 2.0])
    assert probe.closed


def test_a_service_that_is_away_costs_a_look_and_nothing_else() -> None:
    def script(look: int) -> list[Sample]:
        if look % 2:
            raise redis.ConnectionError("nobody there")
        return [memory(float(look), 1.0)]

    probe = Scripted(script)
    recorder = Recorder([probe], clock=lambda: 1000.0)
    run_for(probe, 4, recorder)
    recording = recorder.recording()
    assert recording.series[Indicator.REDIS_MEMORY].failed_looks >= 2
    assert len(recording.series[Indicator.REDIS_MEMORY].times) >= 2
    assert recording.notes["probe_error.scripted"] == "nobody there"


def test_a_bug_in_a_probe_is_no_silence(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its traceback, and the polls count as failed."""
    probe = Scripted(lambda look: [memory(1.0, 1.0 / (look - look))])
    recorder = Recorder([probe], clock=lambda: 1000.0)
    run_for(probe, 2, recorder)
    assert recorder.counts["scripted"].failed == recorder.counts["scripted"].looks
    assert "ZeroDivisionError" in caplog.text


def test_what_is_long_overdue_is_recorded_as_never_come() -> None:
    """Asked at second 1000: due at 990 has had its time, due at 998 has not."""
    probe = Scripted(lambda _: [], missing=[memory(990.0, NEVER), memory(998.0, NEVER)])
    recorder = Recorder([probe], clock=lambda: 1000.0)
    series = recorder.recording().series[Indicator.REDIS_MEMORY]
    np.testing.assert_array_equal(series.times, [990.0])
    np.testing.assert_array_equal(series.values, [NEVER])


def test_samples_after_the_end_belong_to_nobody() -> None:
    """A check that ended at second 150, asked a little later."""
    recorder = Recorder([Scripted(lambda _: [])], clock=lambda: 160.0)
    for at in (140.0, 149.9, 150.0):
        recorder.take(memory(at, 1.0))
    assert recorder.recording(ended=150.0).series[Indicator.REDIS_MEMORY].times.tolist() == [140.0, 149.9]


def test_whoever_watches_without_an_end_can_forget() -> None:
    """Samples of seconds 100 to 199, looks that failed before second 150 and one after it; nothing stays of the old."""
    probe, now = Scripted(lambda _: []), [100.0]
    recorder = Recorder([probe], clock=lambda: now[0])
    for second in range(100, 200):
        recorder.take(memory(float(second), 1.0))
    for now[0], failed in ((140.0, 7), (160.0, 8)):
        recorder.counts["scripted"].failed = failed
        recorder.forget(before=100.0)
    recorder.forget(before=150.0)
    series = recorder.recording(ended=1000.0).series[Indicator.REDIS_MEMORY]
    assert series.times.tolist() == [float(second) for second in range(150, 200)]
    assert series.failed_looks == 1
    recorder.forget(before=500.0)
    assert len(recorder.recording(ended=1000.0).series[Indicator.REDIS_MEMORY].times) == 0


def test_two_probes_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="scripted"):
        Runner([Scripted(lambda _: []), Scripted(lambda _: [])], lambda _: None)


def test_cpu_time_is_counted_per_probe() -> None:
    def burn(_: int) -> list[Sample]:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        return []

    probe = Scripted(burn)
    recorder = Recorder([probe])
    run_for(probe, 3, recorder)
    assert recorder.counts["scripted"].cpu_seconds >= 0.02 * probe.looks


def test_a_probe_that_died_voids_what_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a check without polls: the samples from before say nothing of it, however many they are."""
    monkeypatch.setattr("slo.probes.recorder.SILENT_SECONDS", 0.3)
    probe = Scripted(lambda look: [memory(float(look), 1.0)])
    with Recorder([probe], clock=lambda: 1000.0) as recorder:
        while probe.looks < 3:
            time.sleep(0.005)
        assert recorder.recording().series[Indicator.REDIS_MEMORY].void == ""
        recorder.end_probe("scripted")
        assert probe.closed
        time.sleep(0.4)
    series = recorder.recording().series[Indicator.REDIS_MEMORY]
    assert series.void.startswith("the probe scripted had not looked for")
    assert len(series.times) >= 3


def test_a_clock_that_steps_voids_what_was_measured_by_it() -> None:
    """Ahead by 3 s. Slewing by 50 ms is no step. Memory is not measured by the clock."""
    offset = [0.0]
    watch = ClockSteps(lambda: 1000.0 + offset[0], monotonic=lambda: 0.0)
    for offset[0] in (0.05, 0.1, 3.1):
        list(watch.look())
    assert watch.void() == "the clock stepped by +3.0 s"


def test_a_recorder_notices_that_its_clock_stepped() -> None:
    offset = [0.0]

    class Latencies(Scripted):
        indicators = (Indicator.EVENT_TO_REDIS, Indicator.REDIS_MEMORY)

    with Recorder([Latencies(lambda _: [])], clock=lambda: time.time() + offset[0]) as recorder:
        assert recorder.recording().series[Indicator.EVENT_TO_REDIS].void == ""
        offset[0] = -2.0
        series = recorder.recording().series
    assert series[Indicator.EVENT_TO_REDIS].void == "the clock stepped by -2.0 s"
    assert series[Indicator.REDIS_MEMORY].void == ""
