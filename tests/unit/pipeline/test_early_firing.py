"""Our class stands in for Flink's on the class path of every process, and an early firing comes once per burst."""

from __future__ import annotations

from pathlib import Path

from tests.unit.pipeline.java_harness import run_harness


def fire_early(classes: Path, *steps: str) -> list[str]:
    """The outcome of each step: whether the window fires, timers of the clock and of event time after it.

    The delay is 200 ms; firings are due at multiples of its quarter, so that those of many cells come together. The
    window ends at 60 s.
    """
    early, trigger, *found = run_harness(classes, "FireEarly", steps).splitlines()
    for jar in (early, trigger):
        assert Path(jar).name.startswith("adctr-flink-")
    return found


def test_a_window_fires_after_an_element_and_then_not_before_another(tmp_path: Path) -> None:
    """Flink's own goes on firing: with many cells a round outlasts its interval, and new windows get no turn."""
    steps = ("element 5", "element 100", "timer 200", "timer 400", "element 949", "timer 1100", "element 1200")
    assert fire_early(tmp_path, *steps, "clear 0") == [
        "element 5: waits, timers [200] [59999]",
        "element 100: waits, timers [200] [59999]",
        "timer 200: fires, timers [] []",
        "timer 400: waits, timers [] []",
        "element 949: waits, timers [1100] [59999]",
        "timer 1100: fires, timers [] []",
        "element 1200: waits, timers [1400] [59999]",
        "clear 0: waits, timers [] []",
    ]


def test_the_end_of_a_window_fires_what_has_not_been_fired_yet(tmp_path: Path) -> None:
    """A reader of the watermark finds everything before it, though the early firing was not due yet."""
    steps = ("element 59990", "watermark 59999", "timer 60150")
    assert fire_early(tmp_path, *steps) == [
        "element 59990: waits, timers [60150] [59999]",
        "watermark 59999: fires, timers [] []",
        "timer 60150: waits, timers [] []",
    ]


def test_the_end_of_a_window_does_not_fire_what_has_been_fired(tmp_path: Path) -> None:
    """Flink's own does: 100,000 cells, all at the same moment, and unchanged."""
    steps = ("element 5", "timer 200", "watermark 59999", "element 60500", "element 60501")
    assert fire_early(tmp_path, *steps) == [
        "element 5: waits, timers [200] [59999]",
        "timer 200: fires, timers [] []",
        "watermark 59999: waits, timers [] []",
        "element 60500: fires, timers [] []",  # late: at every element
        "element 60501: fires, timers [] []",
    ]
