"""Cost of bad records: the same load without any and with 1 % of each kind, interleaved, on one running stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import psutil
from confluent_kafka import Producer

from loadgen.pacer import SteadyPacer
from loadgen.publisher import producer_config
from pipeline.contract.codec import AdEvent, encode
from pipeline.contract.registry import find_schema_id
from pipeline.flink_checkpoints import complete_checkpoint
from pipeline.flink_rest import FlinkRest, sum_of
from pipeline.job_names import JOBS, flink_name
from pipeline.settings import Settings
from slo.bench.bad_payloads import KINDS
from slo.reconciliation.topic import Topics
from slo.reconciliation.verify import reconcile
from slo.verdict import Verdict

MOST_LOSS = 0.05
CAMPAIGNS = 200
SLICE_SECONDS = 0.005
WARM_UP_SECONDS = 10.0
"""Before the first turn: Flink is half as fast until its code is compiled, and the first turn is a clean one."""
CHECKPOINT_SECONDS = 30.0
LEAST_RATE = 0.98
"""Of the rate asked for: a generator that is slower has measured itself."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class MeasuredLoad:
    """One load: what was sent, and how long it took until both jobs had covered all of it by a checkpoint."""

    bad: int
    records: int
    rate_achieved: float
    records_per_second: float
    cpu_seconds: float


@dataclass(frozen=True)
class DeadLettersResult:
    """The interleaved loads, clean first, with the reconciliation and the number of dead letters afterwards."""

    rate: float
    loads: tuple[MeasuredLoad, ...]
    kinds: tuple[str, ...]
    dead_lettered: int
    letters: int
    differences: int
    restarts: int

    @property
    def bad(self) -> int:
        """Bad records sent."""
        return sum(load.bad for load in self.loads)

    @property
    def loss(self) -> float:
        """Share of the records per second that bad records cost, by the medians of both."""
        clean = median(load.records_per_second for load in self.loads if not load.bad)
        return 1 - median(load.records_per_second for load in self.loads if load.bad) / clean

    @property
    def cpu_ratio(self) -> float:
        """CPU seconds of both jobs with bad records, over those without."""
        clean = median(load.cpu_seconds for load in self.loads if not load.bad)
        return median(load.cpu_seconds for load in self.loads if load.bad) / clean

    @property
    def verdict(self) -> Verdict:
        """Each bad record once by its origin, no restart, nothing different, and the loss within bounds."""
        if self.differences or self.restarts or not self.bad == self.dead_lettered == self.letters:
            return Verdict.FAIL
        if any(load.rate_achieved < LEAST_RATE * self.rate for load in self.loads):
            return Verdict.INCONCLUSIVE
        return Verdict.PASS if self.loss < MOST_LOSS else Verdict.FAIL

    def as_json(self) -> dict[str, Any]:
        """All figures."""
        return {
            "verdict": self.verdict.value,
            "rate": self.rate,
            "kinds": list(self.kinds),
            "throughput_loss": round(self.loss, 4),
            "cpu_ratio": round(self.cpu_ratio, 3),
            "bad_records": self.bad,
            "dead_lettered": self.dead_lettered,
            "letters": self.letters,
            "differences": self.differences,
            "restarts": self.restarts,
            "runs": [asdict(load) for load in self.loads],
        }


def measure(
    settings: Settings, rate: float, seconds: float, pairs: int, processes: Sequence[psutil.Process], say: Say
) -> DeadLettersResult:
    """Interleaves clean and bad loads, then verifies. ``processes`` are the TaskManagers, whose CPU time counts.

    Needs a stack whose topic holds no invalid record yet. Raises what reconciliation raises, and NoCheckpoint.
    """
    sender = _Sender(settings)
    restarts = _restarts(settings)
    _run(sender, settings, rate, WARM_UP_SECONDS, is_bad=False, processes=processes)
    loads = []
    for turn in range(pairs):
        for is_bad in (False, True):
            load = _run(sender, settings, rate, seconds, is_bad, processes)
            say(f"turn {turn + 1} {'bad  ' if is_bad else 'clean'}: {load.records_per_second:,.0f} records/s")
            loads.append(load)
    report = reconcile(settings, [], 300)
    with Topics(settings) as topics:
        letters = sum(len(offsets) for offsets in topics.ranges(settings.dead_letter_topic).values())
    return DeadLettersResult(
        rate=rate,
        loads=tuple(loads),
        kinds=tuple(KINDS),
        dead_lettered=report.dead_lettered,
        letters=letters,
        differences=report.found.total,
        restarts=_restarts(settings) - restarts,
    )


def _run(
    sender: _Sender, settings: Settings, rate: float, seconds: float, is_bad: bool, processes: Sequence[psutil.Process]
) -> MeasuredLoad:
    used = _cpu_seconds(processes)
    began = time.monotonic()
    records, bad = sender.send(SteadyPacer(rate, seconds), is_bad)
    sent = time.monotonic()
    with Topics(settings) as topics:
        ends = topics.ranges(settings.events_topic)
        while True:
            for job in JOBS:
                complete_checkpoint(settings.flink_rest_url, flink_name(job), CHECKPOINT_SECONDS)
            groups = [topics.committed(flink_name(job), settings.events_topic, ends) for job in JOBS]
            if all(group.get(part, 0) >= offsets.end for group in groups for part, offsets in ends.items()):
                break
    ended = time.monotonic()
    return MeasuredLoad(
        bad, records, records / (sent - began), records / (ended - began), _cpu_seconds(processes) - used
    )


class _Sender:
    """Sends in open loop; which record is bad, and how, goes by its number."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.events_topic
        self._schema_id = find_schema_id(settings.schema_registry_url, settings.events_topic)
        self._producer = Producer(producer_config(settings))
        self._run = time.time_ns() // 1_000_000
        self._sent = 0
        self._kinds = list(KINDS.values())

    def send(self, pacer: SteadyPacer, is_bad: bool) -> tuple[int, int]:
        """(records, bad ones among them), all acknowledged."""
        errors: list[object] = []
        began, first, bad = time.monotonic_ns(), self._sent, 0
        while self._sent - first < (pacer.total or 0):
            while self._sent - first < pacer.due(time.monotonic_ns() - began):
                bad += self._produce(is_bad, errors)
            self._producer.poll(0)
            time.sleep(SLICE_SECONDS)
        left = self._producer.flush(60)
        if left or errors:
            raise RuntimeError(f"{left} records without an answer, {len(errors)} failed: {errors[:1]}")
        return self._sent - first, bad

    def _produce(self, is_bad: bool, errors: list[object]) -> bool:
        number, now_ms = self._sent, time.time_ns() // 1_000_000
        self._sent += 1
        kind = "CLICK" if number % 20 == 0 else "IMPRESSION"
        campaign = f"bench-{number % CAMPAIGNS}"
        event = AdEvent(f"b{self._run}-{number}", kind, now_ms, "user", "ad", campaign, f"category-{number % 10}")
        value = encode(event, self._schema_id)
        spoil = number % 100 if is_bad else len(self._kinds)
        if spoil < len(self._kinds):
            value = self._kinds[spoil](event, value)
        self._producer.produce(
            self._topic,
            value,
            campaign.encode(),
            timestamp=now_ms,
            on_delivery=lambda error, _: errors.append(error) if error is not None else None,
        )
        return spoil < len(self._kinds)


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _restarts(settings: Settings) -> int:
    """Of both jobs since they were submitted."""
    flink = FlinkRest(settings.flink_rest_url)
    found = (flink.get(f"/jobs/{job.job_id}/metrics?get=numRestarts") for job in flink.every_job())
    return sum(map(sum_of, found))
