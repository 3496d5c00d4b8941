"""Whether the services of a stack answer, asked side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from compose.stack.service import Service

TIMEOUT_SECONDS = 5.0


def complaints(services: Sequence[Service], timeout_seconds: float = TIMEOUT_SECONDS) -> dict[str, str]:
    """Why a service does not answer, by its name; those that do are not in it."""
    found = {service.name: f"no answer within {timeout_seconds:g} s" for service in services}

    def ask(service: Service) -> None:
        try:
            service.check()
        except Exception as error:
            found[service.name] = str(error) or type(error).__name__
        else:
            del found[service.name]

    # Daemons: a check that hangs must not keep the command from ending.
    threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in services]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + timeout_seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(found)
