"""``python -m loadgen.locust_users.producer LEDGER``: produces for the locust process that started it.

Locust runs on gevent, and librdkafka on threads that gevent doesn't know: a greenlet that waits for the one stops all
others. So the producer is a process of its own. It reads requests from its standard input, one JSON object a line:
``{"id", "events", "intended_ns"}``, and answers each on its standard output when all its events are answered:
``{"id", "acknowledged", "failed", "at_ns"}``. It ends when its input does, after the last answer.
"""

from __future__ import annotations

import bisect
import os
import queue
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

from loadgen.errors import BrokerUnavailable
from loadgen.locust_users.plan import LocustPlan
from loadgen.profiles import find_profile
from loadgen.publisher import Answers
from loadgen.run import LoadPlan, new_run_id
from loadgen.session import Session, header_of
from pipeline.settings import Settings

POLL_SECONDS = 0.001
IDLE_SECONDS = 0.1


class OnDemand:
    """In place of a schedule: the events of one request are due together, when it was meant to be sent."""

    total: int | None = None
    mean_rate = 0.0

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._offset_ns = 0
        self._due = 0

    def ask(self, events: int, intended_ns: int) -> None:
        """The next events."""
        self._due += events
        self._offset_ns = intended_ns - self._start_ns

    def offsets_ns(self, _first: int, count: int) -> npt.NDArray[np.int64]:
        return np.full(count, self._offset_ns, np.int64)

    def due(self, _offset_ns: int) -> int:
        return self._due


@dataclass
class Request:
    """One that is not answered yet. ``left`` are its events without an answer."""

    number: int
    left: int
    acknowledged: int = 0
    failed: int = 0


class Outstanding:
    """Which request an answer belongs to: each has the numbers from its first one up to the next one's."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._requests: list[Request] = []

    def add(self, first_seq: int, request: Request) -> None:
        """A request whose events are numbered from here on."""
        self._first.append(first_seq)
        self._requests.append(request)

    def answered(self, answers: Answers) -> list[Request]:
        """Takes answers in; the requests that are complete now."""
        for seq, partition in zip(answers.seqs.tolist(), answers.partitions.tolist(), strict=True):
            request = self._requests[bisect.bisect_right(self._first, seq) - 1]
            request.left -= 1
            request.failed += partition < 0
            request.acknowledged += partition >= 0
        done = [request for request in self._requests if request.left == 0]
        kept = [(first, each) for first, each in zip(self._first, self._requests, strict=True) if each.left]
        self._first, self._requests = [first for first, _ in kept], [each for _, each in kept]
        return done

    def __len__(self) -> int:
        return len(self._requests)


class EventProducer:
    """A session that sends what it is asked for. Raises as `Session`."""

    def __init__(self, settings: Settings, plan: LocustPlan, ledger: Path) -> None:
        self._session = Session(settings)
        load = LoadPlan(find_profile(plan.profile), plan.seed, ledger, new_run_id())
        start_ns = time.time_ns()
        self._schedule = OnDemand(start_ns)
        self._traffic = self._session.generated(load)
        self._traffic.begin(self._schedule, start_ns, settings.allowed_lateness_seconds)
        self._session.open(ledger, header_of(settings, load, 0.0, self._traffic, start_ns))
        self._outstanding = Outstanding()
        self._sent = 0

    def run(self, requests: queue.SimpleQueue[bytes | None], replies: BinaryIO) -> None:
        """Until the end of the requests, a None, and of their answers."""
        ended = False
        while not ended or len(self._outstanding):
            try:
                while not ended:
                    line = requests.get(timeout=0 if len(self._outstanding) else IDLE_SECONDS)
                    ended = line is None
                    if line is not None:
                        self._send(**orjson.loads(line))
            except queue.Empty:
                pass
            self._session.publisher.poll(POLL_SECONDS)
            self._reply(replies)
        self._session.finish(self._sent, 0.0, None, interrupted=False)

    def _send(self, id: int, events: int, intended_ns: int) -> None:  # noqa: A002 - the request's key
        self._schedule.ask(events, intended_ns)
        request, left = Request(id, events), events
        while left:
            prepared = self._traffic.next()
            assert prepared is not None, "a schedule on demand has no end"
            if left == events:
                self._outstanding.add(int(prepared.rows["seq"][0]), request)
            self._session.write_down(prepared)
            now_ms = time.time_ns() // 1_000_000
            self._session.publisher.send(prepared.values, prepared.keys, prepared.partitions, now_ms)
            self._sent += len(prepared)
            left -= len(prepared)

    def _reply(self, replies: BinaryIO) -> None:
        answers = self._session.note_answers()
        if not len(answers):
            return
        at_ns = time.time_ns()
        for each in self._outstanding.answered(answers):
            reply = {"id": each.number, "acknowledged": each.acknowledged, "failed": each.failed, "at_ns": at_ns}
            replies.write(orjson.dumps(reply) + b"\n")
        replies.flush()


def main() -> int:
    """Settings and plan come from the environment."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for locust, whose end ends us
    requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            requests.put(line)
        requests.put(None)

    try:
        producer = EventProducer(Settings.from_env(os.environ), LocustPlan.from_env(os.environ), Path(sys.argv[1]))
    except BrokerUnavailable as error:
        print(f"producer: {error}", file=sys.stderr, flush=True)
        return 4
    threading.Thread(target=read, daemon=True).start()
    try:
        producer.run(requests, sys.stdout.buffer)
    except BrokenPipeError:  # locust is gone; the ledger says what was sent
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
