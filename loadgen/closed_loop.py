"""The closed loop: as fast as the broker acknowledges. It says what a sender can do, and nothing about latency."""

from __future__ import annotations

import threading
import time

from loadgen.run import LoadProgress, Report
from loadgen.session import Session
from loadgen.traffic import Prepared, Traffic

MOST_OUTSTANDING = 100_000
"""Events on their way: at 500,000/s a fifth of a second, far more than a broker needs to be busy."""
REPORT_SECONDS = 0.5


class ClosedLoop:
    """Sends traffic at full speed."""

    def __init__(self, session: Session, traffic: Traffic, stop: threading.Event, report: Report | None) -> None:
        self.sent = 0
        self._session = session
        self._traffic = traffic
        self._stop = stop
        self._report = report
        self._began = time.monotonic()
        self._reported = self._began
        self._ended = self._began

    def send_all(self) -> None:
        """Until the traffic ends, or until stopped."""
        while not self._stop.is_set() and (prepared := self._traffic.next()) is not None:
            self._session.write_down(prepared)
            self._send(prepared)
            self._session.poll()
            while self._session.publisher.outstanding() > MOST_OUTSTANDING:
                self._session.poll(0.01)
            self._tell()

    def await_answers(self) -> None:
        """Waits until every record has its answer; the producer gives each up by itself in time."""
        deadline = time.monotonic() + self._session.answer_seconds + 5
        while self._session.publisher.outstanding() and time.monotonic() < deadline:
            self._session.poll(0.1)
        self._session.note_answers()
        self._ended = time.monotonic()

    def rate_achieved(self) -> float:
        """Events per second until the last answer."""
        return self.sent / max(self._ended - self._began, 1e-9)

    def _send(self, prepared: Prepared) -> None:
        times = prepared.record_times_ms
        if times is None:
            times = [time.time_ns() // 1_000_000] * len(prepared)
        self._session.publisher.send_patiently(prepared.values, prepared.keys, prepared.partitions, times)
        self.sent += len(prepared)
        self._session.publisher.require_usable()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._session.note_answers()
            if self._report is not None:
                session = self._session
                self._report(LoadProgress(self.sent, session.acknowledged, session.failed, now - self._began, 0.0))
