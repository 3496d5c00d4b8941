"""What every kind of load run shares: its plan, its result, and the way from a batch to the wire."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loadgen.encoder import Encoder
from loadgen.errors import BrokerUnavailable, LoadRefused
from loadgen.generator import Batch, Generator
from loadgen.ledger import LedgerHeader, LedgerWriter
from loadgen.pacer import Pacer
from loadgen.population import Population, make_population
from loadgen.profiles import Profile
from loadgen.publisher import Answers, Publisher
from loadgen.send_delay import SendDelay
from pipeline.contract.codec import RegistryUnavailable
from pipeline.contract.registry import find_schema_id
from pipeline.settings import Settings


@dataclass(frozen=True)
class LoadPlan:
    """What to send. ``ledger`` is a file that doesn't exist yet."""

    profile: Profile
    seed: int
    ledger: Path
    run_id: str


@dataclass(frozen=True)
class Progress:
    """How far a run is. ``behind_seconds``: since the oldest event that is due and not sent was due."""

    sent: int
    acknowledged: int
    failed: int
    elapsed_seconds: float
    behind_seconds: float


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class LoadResult:
    """What became of a run. ``failed`` are all sends without an acknowledgement."""

    run_id: str
    ledger: Path
    sent: int
    acknowledged: int
    failed: int
    rate_achieved: float
    send_delay: SendDelay | None
    cpu_seconds: float
    interrupted: bool


@dataclass(frozen=True)
class Prepared:
    """A batch that is in the ledger and ready to be sent."""

    batch: Batch
    values: list[bytes]
    keys: list[bytes]
    partitions: list[int]


def new_run_id() -> str:
    """Short, random, without a dash: event ids are ``<run_id>-<seq>``."""
    return secrets.token_hex(4)


class Session:
    """One run against a stack: generator, encoder, publisher and ledger, wired together.

    Raises LoadRefused and BrokerUnavailable before anything is written or sent.
    """

    def __init__(self, settings: Settings, plan: LoadPlan, pacer: Pacer, start_ns: int) -> None:
        self.publisher = Publisher(settings)
        self.partition_count = self.publisher.partitions()
        try:
            self.schema_id = find_schema_id(settings.schema_registry_url, settings.events_topic)
        except RegistryUnavailable as error:
            raise BrokerUnavailable(f"{error}; is the stack up?") from error
        population = make_population(plan.seed, plan.profile.campaigns, plan.profile.zipf_exponent)
        self._generator = Generator(
            population, plan.profile, pacer, plan.seed, start_ns, settings.allowed_lateness_seconds
        )
        self._encoder = Encoder(population, plan.run_id, self.schema_id)
        self._keys = [name.encode() for name in population.campaigns]
        self._partitions: list[int] = population.partitions(self.partition_count).tolist()
        header = _header(settings, plan, pacer, population, start_ns)
        try:
            self.ledger = LedgerWriter(plan.ledger, header)
        except FileExistsError:
            raise LoadRefused(f"ledger {plan.ledger} exists already: a ledger belongs to one run") from None
        self.acknowledged = 0
        self.failed = 0

    def prepare(self) -> Prepared | None:
        """The next batch, written to the ledger; None at the end of the schedule."""
        batch = self._generator.next_batch()
        if batch is None:
            return None
        values = self._encoder.encode(batch)
        self.ledger.events(batch.rows)
        campaigns: list[int] = batch.rows["campaign"].tolist()
        keys, partitions = self._keys, self._partitions
        return Prepared(batch, values, [keys[index] for index in campaigns], [partitions[index] for index in campaigns])

    def note_answers(self) -> None:
        """Moves the answers that have come into the ledger."""
        answers = self.publisher.take_answers()
        if answers:
            self.ledger.answers(answers.seqs, answers.partitions, answers.offsets)
            self._count(answers)

    def _count(self, answers: Answers) -> None:
        failed = sum(partition < 0 for partition in answers.partitions)
        self.failed += failed
        self.acknowledged += len(answers) - failed


def _header(settings: Settings, plan: LoadPlan, pacer: Pacer, population: Population, start_ns: int) -> LedgerHeader:
    return LedgerHeader(
        run_id=plan.run_id,
        seed=plan.seed,
        profile=plan.profile.name,
        rate=pacer.mean_rate,
        start_ns=start_ns,
        topic=settings.events_topic,
        allowed_lateness_seconds=settings.allowed_lateness_seconds,
        campaigns=population.campaigns,
        campaign_category=population.campaign_category.tolist(),
        categories=population.categories,
        historic=settings.historic,
    )
