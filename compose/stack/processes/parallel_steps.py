"""Runs steps side by side, each as soon as what it needs is done. Knows nothing about stacks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

_TICK_SECONDS = 0.2


class Cancelled(Exception):
    """Another step failed or the command was interrupted."""


@dataclass(frozen=True)
class Step:
    """`run` gets `cancelled`, an event to look at while it waits for anything."""

    name: str
    needs: tuple[str, ...]
    run: Callable[[threading.Event], None]


def run_steps(steps: Sequence[Step]) -> None:
    """Returns when all are done. The first failure cancels the others and is raised.

    Raises ValueError for a need that no step meets.
    """
    done = {step.name: threading.Event() for step in steps}
    for step in steps:
        for need in step.needs:
            if need not in done:
                raise ValueError(f"step {step.name} needs {need}, which no step provides")
    cancelled = threading.Event()
    pool = ThreadPoolExecutor(max_workers=max(1, len(steps)))
    try:
        # A signal may come while these are submitted: the ones that wait by then must hear of it as well.
        pending: set[Future[None]] = {pool.submit(_run, step, done, cancelled) for step in steps}
        while pending:
            # In ticks, so that a signal reaches the main thread.
            finished, pending = wait(pending, timeout=_TICK_SECONDS, return_when=FIRST_EXCEPTION)
            for future in finished:
                future.result()
    finally:
        cancelled.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _run(step: Step, done: dict[str, threading.Event], cancelled: threading.Event) -> None:
    for need in step.needs:
        while not done[need].wait(_TICK_SECONDS / 4):
            if cancelled.is_set():
                raise Cancelled(step.name)
    if cancelled.is_set():
        raise Cancelled(step.name)
    step.run(cancelled)
    done[step.name].set()
