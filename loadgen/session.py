"""One run against a stack: a publisher, a ledger, and the count of what was answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from loadgen.errors import BrokerUnavailable, LoadRefused
from loadgen.ledger import LedgerHeader, LedgerWriter
from loadgen.publisher import Answers, Publisher, delivery_seconds, failure_name
from loadgen.run import LoadPlan, LoadResult
from loadgen.send_delay import SendDelay
from loadgen.traffic import GeneratedTraffic, Prepared
from pipeline.contract.codec import RegistryUnavailable
from pipeline.contract.registry import find_schema_id
from pipeline.settings import Settings

MANY_ANSWERS = 4096
"""So many are worth a block of the ledger."""
LAST_ANSWERS_SECONDS = 10.0


class Loop(Protocol):
    """What sends a run's traffic."""

    sent: int
    """Events handed to the producer so far."""


class Session:
    """Raises BrokerUnavailable before anything is written or sent. `open` comes before everything else."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.publisher = Publisher(settings)
        self.partition_count = self.publisher.partitions()
        try:
            self.schema_id = find_schema_id(settings.schema_registry_url, settings.events_topic)
        except RegistryUnavailable as error:
            raise BrokerUnavailable(f"{error}; is the stack up?") from error
        self.answer_seconds = delivery_seconds(settings)
        self.acknowledged = 0
        self.failed = 0
        self.failures: Counter[str] = Counter()

    def generated(self, plan: LoadPlan) -> GeneratedTraffic:
        """The traffic of a plan."""
        return GeneratedTraffic(plan.profile, plan.seed, plan.run_id, self.schema_id, self.partition_count, plan.part)

    def open(self, ledger: Path, header: LedgerHeader) -> None:
        """Begins a new ledger. Raises LoadRefused if there is one, and OSError."""
        try:
            self.ledger = LedgerWriter(ledger, header)
        except FileExistsError:
            raise LoadRefused(f"ledger {ledger} exists already: a ledger belongs to one run") from None
        self._cpu = time.process_time()

    def write_down(self, prepared: Prepared) -> None:
        """Puts events that are about to be sent into the ledger."""
        if prepared.new_cells:
            self.ledger.cells(prepared.new_cells)
        if len(prepared):
            self.ledger.events(prepared.rows)

    def poll(self, seconds: float = 0.0) -> None:
        """Takes in answers that have come, or the first that comes in time, and writes many of them down."""
        self.publisher.poll(seconds)
        if self.publisher.answers_waiting() >= MANY_ANSWERS:
            self.note_answers()

    def note_answers(self) -> Answers:
        """Moves the answers that have come into the ledger; returns them."""
        answers = self.publisher.take_answers()
        if len(answers):
            self.ledger.answers(answers.seqs, answers.partitions, answers.offsets)
            errors = answers.offsets[answers.partitions < 0].tolist()
            failed = len(errors)
            self.failures.update(map(failure_name, errors))
            self.failed += failed
            self.acknowledged += len(answers) - failed
        return answers

    @contextmanager
    def ending_its_ledger(self, loop: Loop) -> Iterator[None]:
        """Within the block the loop sends; whatever breaks it off, the ledger says what had been answered.

        A producer that takes no more answers soon for what it had taken: such a ledger is complete and has its end.
        """
        try:
            yield
        except BrokerUnavailable:
            self._await_last_answers()
            self.ledger.close(loop.sent)
            raise
        except BaseException:
            self.note_answers()
            self.ledger.abandon()
            raise

    def _await_last_answers(self) -> None:
        deadline = time.monotonic() + LAST_ANSWERS_SECONDS
        while self.publisher.outstanding() and time.monotonic() < deadline:
            self.poll(0.1)
        self.note_answers()

    def finish(self, sent: int, rate_achieved: float, send_delay: SendDelay | None, *, interrupted: bool) -> LoadResult:
        """Ends the ledger of a run that handed ``sent`` events to the producer."""
        self.ledger.close(sent)
        return LoadResult(
            run_id=self.ledger.header.run_id,
            ledger=self.ledger.path,
            sent=sent,
            acknowledged=self.acknowledged,
            failed=sent - self.acknowledged,
            rate_achieved=rate_achieved,
            send_delay=send_delay,
            cpu_seconds=time.process_time() - self._cpu,
            interrupted=interrupted,
            failures=dict(self.failures),
        )


def header_of(
    settings: Settings, plan: LoadPlan, rate: float, traffic: GeneratedTraffic, start_ns: int
) -> LedgerHeader:
    """The header of a generated run's ledger."""
    population = traffic.population
    return LedgerHeader(
        run_id=plan.run_id,
        seed=plan.seed,
        profile=plan.profile.name,
        rate=rate,
        start_ns=start_ns,
        topic=settings.events_topic,
        allowed_lateness_seconds=settings.allowed_lateness_seconds,
        campaigns=population.campaigns,
        campaign_category=population.campaign_category.tolist(),
        categories=population.categories,
        historic=settings.historic,
    )
