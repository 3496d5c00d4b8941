"""A locust user in open loop: each request has its intended time, and is timed from it.

Locust's `constant_pacing` waits for the request before, so a slow system is asked less often. Here requests are
greenlets of their own: however slow the answers, the next one leaves when it is due, up to ``MOST_AT_ONCE`` a user; and
one that has to wait for its turn is timed from when it was meant to leave (coordinated omission, Gil Tene).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from gevent import GreenletExit, Timeout
from gevent.pool import Pool
from locust import User, task

MOST_AT_ONCE = 50
_END_SECONDS = 10.0


class OpenLoopUser(User):  # type: ignore[misc] # locust has no types
    """Calls ``request(intended_ns)`` ``per_second`` times a second."""

    abstract = True
    per_second = 1.0

    def on_start(self) -> None:
        """The first request is due somewhere within the first period, so that users don't march in step."""
        self._requests = Pool(MOST_AT_ONCE)
        self._next_ns = time.time_ns() + int(random.random() * 1e9 / self.per_second)

    def on_stop(self) -> None:
        """Waits for requests that are under way; one that hangs is ended and counts as failed."""
        self._requests.join(timeout=_END_SECONDS)
        self._requests.kill()

    def wait_time(self) -> float:
        return max(0.0, (self._next_ns - time.time_ns()) / 1e9)

    @task  # type: ignore[untyped-decorator]
    def turn(self) -> None:
        """Starts the request that is due."""
        intended_ns = self._next_ns
        if intended_ns > time.time_ns():  # locust's first turn comes without a wait
            return
        self._next_ns += int(1e9 / self.per_second)
        self._requests.spawn(self.request, intended_ns)

    def request(self, intended_ns: int) -> None:
        """One request; reports itself by `timed`."""
        raise NotImplementedError

    def timed(self, kind: str, name: str, intended_ns: int, call: Callable[[], tuple[int, int | None]]) -> None:
        """Makes a call and tells locust. It gives its size and when it was answered (None: now)."""
        size, at_ns, exception = 0, None, None
        try:
            size, at_ns = call()
        except Exception as error:  # whatever it is, it is this request's failure
            exception = error
        except (Timeout, GreenletExit) as error:  # neither is an Exception: waited too long, or ended while waiting
            exception = RuntimeError(f"no answer until then: {type(error).__name__}")
        self._fire(kind, name, (at_ns or time.time_ns()) - intended_ns, size, exception)

    def _fire(self, kind: str, name: str, took_ns: int, size: int, exception: Exception | None) -> None:
        # What failed has no response time: among the times it would count as an answer, and perhaps as a quick one.
        took_ms = took_ns / 1e6 if exception is None else None
        figures: dict[str, Any] = {"response_time": took_ms, "response_length": size, "exception": exception}
        self.environment.events.request.fire(request_type=kind, name=name, context={}, **figures)
