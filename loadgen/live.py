"""The open-loop run: every event is sent when its schedule says so, whatever the system under test does."""

from __future__ import annotations

import threading
import time
from collections import deque

from loadgen.errors import BrokerUnavailable, LoadRefused
from loadgen.pacer import SECOND_NS, Pacer
from loadgen.publisher import delivery_seconds
from loadgen.run import LoadPlan, LoadResult, Prepared, Progress, Report, Session
from loadgen.send_delay import SendDelayRecorder
from pipeline.settings import Settings

LEAD_SECONDS = 0.5
"""From the decision to start until the first event: time to prepare the first batches."""
LOOKAHEAD_SECONDS = 0.5
"""How far ahead events are generated, encoded and in the ledger."""
TICK_SECONDS = 0.002
"""Shortest sleep: events that are due within it are sent together."""
MAX_SLICE = 256
"""Events that share one record time and one actual send time."""
SETTLE_SECONDS = 0.5
LAST_ANSWERS_SECONDS = 10.0


def run_live(
    settings: Settings, plan: LoadPlan, pacer: Pacer, stop: threading.Event, report: Report | None = None
) -> LoadResult:
    """Sends the pacer's schedule from now on; ``stop`` ends it early, cleanly.

    ``report`` is called every half second. Raises LoadRefused, BrokerUnavailable and OSError (the ledger).
    """
    if settings.historic:
        raise LoadRefused("this stack was started with --historic: it takes `adctr load historic`, no live load")
    start_ns = time.time_ns() + int(LEAD_SECONDS * SECOND_NS)
    run = _LiveRun(Session(settings, plan, pacer, start_ns), pacer, start_ns, stop, report)
    cpu = time.process_time()
    try:
        run.send_all()
        run.await_answers(delivery_seconds(settings))
    except BrokerUnavailable:  # the producer is beyond repair: what it had taken is answered soon, and it takes no more
        run.await_answers(LAST_ANSWERS_SECONDS)
        run.session.ledger.close(run.sent)
        raise
    except BaseException:
        run.session.note_answers()
        run.session.ledger.abandon()
        raise
    run.session.ledger.close(run.sent)
    return LoadResult(
        run_id=plan.run_id,
        ledger=plan.ledger,
        sent=run.sent,
        acknowledged=run.session.acknowledged,
        failed=run.sent - run.session.acknowledged,
        rate_achieved=run.rate_achieved(),
        send_delay=run.delays.summary(),
        cpu_seconds=time.process_time() - cpu,
        interrupted=stop.is_set(),
    )


class _LiveRun:
    """The state of the sending loop. Times are ns since the start, by a clock that never steps."""

    def __init__(
        self, session: Session, pacer: Pacer, start_ns: int, stop: threading.Event, report: Report | None
    ) -> None:
        self.session = session
        self.delays = SendDelayRecorder()
        self.sent = 0
        self._pacer = pacer
        self._start_ns = start_ns
        self._stop = stop
        self._report = report
        self._monotonic_start = time.monotonic_ns() + start_ns - time.time_ns()
        self._queue: deque[Prepared] = deque()
        self._head_at = 0
        self._prepared = 0
        self._last_sent_ns = 0
        self._settled_ns = 0

    def send_all(self) -> None:
        """Until the end of the schedule, or until stopped."""
        while not self._stop.is_set() and self.sent != self._pacer.total:
            now = self._now()
            self._send_due(self._pacer.due(now))
            self.session.publisher.poll()
            if now - self._settled_ns >= SETTLE_SECONDS * SECOND_NS:
                self._settle(now)
            elif not self._prepare_ahead(now):
                self._sleep()

    def await_answers(self, seconds: float) -> None:
        """Waits until every record has its answer; the producer gives each up by itself after ``seconds``."""
        deadline = time.monotonic() + seconds + 5
        while self.session.publisher.outstanding() and time.monotonic() < deadline:
            self.session.publisher.poll(0.1)
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

    def _send_due(self, due: int) -> None:
        while self.sent < due:
            if not self._queue and not self._prepare():
                return
            self._send_slice(min(due - self.sent, MAX_SLICE))

    def _send_slice(self, most: int) -> None:
        head, first = self._queue[0], self._head_at
        last = min(first + most, len(head.values))
        self.session.publisher.send(
            head.values[first:last], head.keys[first:last], head.partitions[first:last], time.time_ns() // 1_000_000
        )
        self._last_sent_ns = self._now()  # when the last of the slice was handed over
        self.delays.add(head.batch.rows["intended_ns"][first:last] - self._start_ns, self._last_sent_ns)
        self.sent += last - first
        self._head_at = last
        if last == len(head.values):
            self._queue.popleft()
            self._head_at = 0
        self.session.publisher.require_usable()

    def _prepare_ahead(self, now: int) -> bool:
        return self._prepared < self._pacer.due(now + int(LOOKAHEAD_SECONDS * SECOND_NS)) and self._prepare()

    def _prepare(self) -> bool:
        prepared = self.session.prepare()
        if prepared is None:
            return False
        self._queue.append(prepared)
        self._prepared += len(prepared.values)
        return True

    def _sleep(self) -> None:
        wait = TICK_SECONDS
        if self._queue:
            next_ns = int(self._queue[0].batch.rows["intended_ns"][self._head_at]) - self._start_ns
            wait = min(max(wait, (next_ns - self._now()) / SECOND_NS), 0.1)
        time.sleep(wait)

    def _settle(self, now: int) -> None:
        self._settled_ns = now
        self.session.note_answers()
        self.delays.settle()
        if self._report is not None:
            waiting = self._pacer.due(now) - self.sent
            behind = waiting / self._pacer.mean_rate if waiting > 0 else 0.0
            failed = self.session.failed
            self._report(Progress(self.sent, self.session.acknowledged, failed, max(now, 0) / SECOND_NS, behind))
