"""Our class stands in for Flink's on the class path of every process, and an early firing comes once per burst."""

from __future__ import annotations

from pathlib import Path

from tests.unit.pipeline.java_harness import run_harness


def fire_early(classes: Path, *steps: str) -> list[str]:
    """What becomes of each step, after the jar that the trigger's class came from."""
    return run_harness(classes, "FireEarly", steps).splitlines()


def test_a_window_fires_after_an_element_and_then_not_before_another(tmp_path: Path) -> None:
    """Flink's own goes on firing: with many cells a round outlasts its interval, and new windows never get a turn.

    The delay is 200 ms; firings are due at multiples of its quarter, so that those of many cells come together.
    """
    steps = ("element 5", "element 100", "timer 200", "timer 400", "element 949", "timer 1100", "element 1200", "clear")
    jar, *found = fire_early(tmp_path, *steps)
    assert Path(jar).name.startswith("adctr-flink-")
    assert found == [
        "element 5: waits, timers [200]",
        "element 100: waits, timers [200]",
        "timer 200: fires, timers []",
        "timer 400: waits, timers []",
        "element 949: waits, timers [1100]",
        "timer 1100: fires, timers []",
        "element 1200: waits, timers [1400]",
        "clear: waits, timers []",
    ]
