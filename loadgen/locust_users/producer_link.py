"""The locust side of the producer's process: requests in, answers out, and only this greenlet waits."""

from __future__ import annotations

import itertools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
import orjson
from gevent import subprocess
from gevent.event import AsyncResult

from loadgen.locust_users.plan import LocustPlan

_ANSWER_SECONDS = 150.0
"""Longer than the producer tries to deliver."""


class ProducerGone(Exception):
    """The producer's process has ended."""


@dataclass(frozen=True)
class Reply:
    """The outcome of one request's events."""

    acknowledged: int
    failed: int
    at_ns: int


class ProducerLink:
    """One producer of this locust process, started now."""

    def __init__(self, plan: LocustPlan) -> None:
        ledger = plan.ledger_directory / f"locust-{os.getpid()}.ledger"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "loadgen.locust_users.producer", str(ledger)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(plan.alive_fd,),
            cwd=Path(__file__).resolve().parents[2],
        )
        self._numbers = itertools.count()
        self._waiting: dict[int, Any] = {}
        self._reader = gevent.spawn(self._read)

    def produce(self, events: int, intended_ns: int) -> Reply:
        """Sends events and waits for their answers. Raises ProducerGone."""
        number, answer = next(self._numbers), AsyncResult()
        self._waiting[number] = answer
        request = {"id": number, "events": events, "intended_ns": intended_ns}
        try:
            self._process.stdin.write(orjson.dumps(request) + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            self._waiting.pop(number, None)
            raise ProducerGone(f"the producer has ended with exit code {self._process.poll()}") from error
        reply: Reply = answer.get(timeout=_ANSWER_SECONDS)
        return reply

    def close(self) -> None:
        """Ends it after its last answer; it may take as long as a delivery may."""
        self._process.stdin.close()
        self._process.wait(timeout=_ANSWER_SECONDS)

    def _read(self) -> None:
        for line in self._process.stdout:
            found = orjson.loads(line)
            answer = self._waiting.pop(found.pop("id"), None)
            if answer is not None:
                answer.set(Reply(**found))
        for answer in self._waiting.values():
            answer.set_exception(ProducerGone("the producer ended before its answers came"))
        self._waiting.clear()
