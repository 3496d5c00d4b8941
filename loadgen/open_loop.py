"""The open loop: every event is sent when its schedule says so, whatever the system under test does."""

from __future__ import annotations

import threading
import time
from collections import deque

import numpy as np
import numpy.typing as npt

from loadgen.pacer import SECOND_NS
from loadgen.run import Progress, Report
from loadgen.send_delay import SendDelayRecorder
from loadgen.session import Session
from loadgen.traffic import Prepared, Traffic

LOOKAHEAD_SECONDS = 0.5
"""How far ahead events are generated, encoded and in the ledger."""
TICK_SECONDS = 0.005
"""Shortest sleep: events that are due within it are sent together."""
LONGEST_SLEEP_SECONDS = 0.1
MAX_SLICE = 256
"""Events that share one record time and one actual send time."""
SETTLE_SECONDS = 0.5


class OpenLoop:
    """Sends traffic at its rows' intended times. Times are ns since the start, by a clock that never steps."""

    def __init__(
        self,
        session: Session,
        traffic: Traffic,
        start_ns: int,
        stop: threading.Event,
        report: Report | None,
    ) -> None:
        self.delays = SendDelayRecorder()
        self.sent = 0
        self._session = session
        self._traffic = traffic
        self._start_ns = start_ns
        self._stop = stop
        self._report = report
        self._monotonic_start = time.monotonic_ns() + start_ns - time.time_ns()
        self._queue: deque[tuple[Prepared, npt.NDArray[np.int64]]] = deque()
        self._head_at = 0
        self._prepared_until_ns = -1
        self._ended = False
        self._last_sent_ns = 0
        self._settled_ns = 0
        self._sent_counts: list[int] = []
        self._sent_at_ns: list[int] = []

    def send_all(self) -> None:
        """Until the traffic ends, or until stopped."""
        while not self._stop.is_set() and not (self._ended and not self._queue):
            now = self._now()
            self._send_due(now)
            self._session.poll()
            if now - self._settled_ns >= SETTLE_SECONDS * SECOND_NS:
                self._settle(now)
            elif not self._prepare_ahead(now):
                self._sleep()

    def await_answers(self) -> None:
        """Waits until every record has its answer; the producer gives each up by itself in time."""
        deadline = time.monotonic() + self._session.answer_seconds + 5
        while self._session.publisher.outstanding() and time.monotonic() < deadline:
            self._session.poll(0.1)
            if self._now() - self._settled_ns >= SETTLE_SECONDS * SECOND_NS:
                self._settle(self._now())
        self._settle(self._now())

    def rate_achieved(self) -> float:
        """Events per second from the start to the last send."""
        if self.sent < 2 or self._last_sent_ns <= 0:
            return 0.0
        return (self.sent - 1) * SECOND_NS / self._last_sent_ns

    def _now(self) -> int:
        return time.monotonic_ns() - self._monotonic_start

    def _send_due(self, now: int) -> None:
        while self._queue or self._prepare():
            if not self._queue:  # what was prepared is another process's
                continue
            offsets = self._queue[0][1]
            due = int(np.searchsorted(offsets, now, side="right")) - self._head_at
            if due <= 0:
                return
            self._send_slice(min(due, MAX_SLICE))

    def _send_slice(self, count: int) -> None:
        (head, offsets), first = self._queue[0], self._head_at
        last = first + count
        time_ms = time.time_ns() // 1_000_000 if head.record_times_ms is None else None
        values, keys, partitions = head.values[first:last], head.keys[first:last], head.partitions[first:last]
        if time_ms is not None:
            self._session.publisher.send(values, keys, partitions, time_ms)
        else:
            assert head.record_times_ms is not None
            self._session.publisher.send_patiently(values, keys, partitions, head.record_times_ms[first:last])
        self._last_sent_ns = self._now()  # when the last of the slice was handed over
        self.delays.add(offsets[first:last], self._last_sent_ns)
        self.sent += count
        self._sent_counts.append(self.sent)
        self._sent_at_ns.append(self._start_ns + self._last_sent_ns)
        self._head_at = last
        if last == len(head):
            self._queue.popleft()
            self._head_at = 0
        self._session.publisher.require_usable()

    def _prepare_ahead(self, now: int) -> bool:
        return self._prepared_until_ns < now + int(LOOKAHEAD_SECONDS * SECOND_NS) and self._prepare()

    def _prepare(self) -> bool:
        """Whether there was more. What comes is in the ledger before it can be sent."""
        prepared = None if self._ended else self._traffic.next()
        if prepared is None:
            self._ended = True
            return False
        if len(prepared):
            self._session.write_down(prepared)
            offsets: npt.NDArray[np.int64] = prepared.rows["intended_ns"] - self._start_ns
            self._queue.append((prepared, offsets))
            self._prepared_until_ns = int(offsets[-1])
        return True

    def _sleep(self) -> None:
        wait = LONGEST_SLEEP_SECONDS
        if self._queue:
            next_ns = int(self._queue[0][1][self._head_at])
            wait = min(max(TICK_SECONDS, (next_ns - self._now()) / SECOND_NS), LONGEST_SLEEP_SECONDS)
        time.sleep(wait)

    def _settle(self, now: int) -> None:
        self._settled_ns = now
        self._session.ledger.sent(self._sent_counts, self._sent_at_ns)
        self._sent_counts, self._sent_at_ns = [], []
        self._session.note_answers()
        self.delays.settle()
        if self._report is not None:
            oldest = int(self._queue[0][1][self._head_at]) if self._queue else now
            behind = max(0, now - oldest) / SECOND_NS
            acknowledged, failed = self._session.acknowledged, self._session.failed
            self._report(Progress(self.sent, acknowledged, failed, max(now, 0) / SECOND_NS, behind))
