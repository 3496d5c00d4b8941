"""Which services do not answer, and that the question ends."""

from __future__ import annotations

import threading
import time

from compose.stack.health import complaints
from compose.stack.service import Service


def _service(name: str, seconds: float = 0.0, error: Exception | None = None) -> Service:
    def check() -> None:
        threading.Event().wait(seconds)
        if error is not None:
            raise error

    return Service(name, ("true",), "-", check)


def test_services_are_asked_side_by_side() -> None:
    """Four that take 0.3 s each take 0.3 s; the reason of one that fails is its own words."""
    services = [_service(f"slow-{number}", 0.3) for number in range(4)]
    began = time.monotonic()
    found = complaints([*services, _service("kafka", error=OSError("no route")), _service("redis", error=OSError())])
    assert found == {"kafka": "no route", "redis": "OSError"}
    assert time.monotonic() - began < 1.0


def test_a_service_that_hangs_is_not_waited_for() -> None:
    """It says nothing, which is its complaint."""
    began = time.monotonic()
    assert complaints([_service("kafka", 30.0), _service("redis")], 0.2) == {"kafka": "no answer within 0.2 s"}
    assert time.monotonic() - began < 5.0
