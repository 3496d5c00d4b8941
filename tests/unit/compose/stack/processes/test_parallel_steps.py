"""Steps start as soon as what they need is done, and one failure ends all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from compose.stack.processes.parallel_steps import Cancelled, Step, run_steps


def test_a_step_runs_after_what_it_needs() -> None:
    order: list[str] = []
    steps = [
        Step("roof", ("walls",), lambda _: order.append("roof")),
        Step("walls", ("floor",), lambda _: order.append("walls")),
        Step("floor", (), lambda _: order.append("floor")),
    ]
    run_steps(steps)
    assert order == ["floor", "walls", "roof"]


def test_independent_steps_run_side_by_side() -> None:
    """Each waits for the other: one after the other would never end."""
    both = threading.Barrier(2, timeout=5)
    run_steps([Step("a", (), lambda _: both.wait() and None), Step("b", (), lambda _: both.wait() and None)])


def test_a_failure_cancels_the_others_and_is_the_one_reported() -> None:
    seen = threading.Event()

    def wait_for_cancellation(cancelled: threading.Event) -> None:
        assert cancelled.wait(5)
        seen.set()
        raise Cancelled("patient")

    def fail(_: threading.Event) -> None:
        raise RuntimeError("no room")

    never = Step("never", ("fails",), lambda _: pytest.fail("ran without what it needs"))
    with pytest.raises(RuntimeError, match="no room"):
        run_steps([Step("patient", (), wait_for_cancellation), Step("fails", (), fail), never])
    assert seen.is_set()


def test_an_unknown_need_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs c"):
        run_steps([Step("b", ("c",), lambda _: None)])


def test_a_signal_while_the_steps_are_handed_over_cancels_those_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is not handed over any more; the first, which would wait forever, hears of it."""
    seen = threading.Event()
    hand_over = ThreadPoolExecutor.submit

    def interrupted(pool: ThreadPoolExecutor, run: Any, step: Step, *rest: Any) -> Any:
        if step.name == "second":
            raise KeyboardInterrupt
        return hand_over(pool, run, step, *rest)

    def wait_for_cancellation(cancelled: threading.Event) -> None:
        if cancelled.wait(5):
            seen.set()

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_steps([Step("first", (), wait_for_cancellation), Step("second", (), lambda _: None)])
    assert seen.is_set()
