"""Whether the topic still has what a job has not read yet: asked before a job is started, and while it runs.

A consumer that finds its offset gone would go on at the topic's beginning, and one whose topic was recreated would read
other records under the offsets of old ones. Neither is noticed by any count. So a job is not started then, until the
user accepts what is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from pipeline.committed_offsets import CommittedOffsets
from pipeline.job_names import flink_name
from pipeline.job_report import Lost
from pipeline.settings import Settings
from pipeline.topic_reader import OffsetRange

REQUEST_TIMEOUT_SECONDS = 5.0


class TopicUnknown(ConnectionError):
    """Kafka doesn't answer, or does not know the topic (yet)."""


@dataclass(frozen=True)
class TopicState:
    """A topic at a moment: its id, and first and end offset of each partition."""

    topic: str
    topic_id: str
    ranges: Mapping[int, OffsetRange]


@dataclass(frozen=True)
class Problem:
    """Why a job can't simply go on. ``anew``: its offsets and its state say nothing about this topic any more."""

    text: str
    lost: tuple[Lost, ...] = ()
    anew: bool = False


def problem_of(
    state: TopicState, known_id: str | None, committed: Mapping[int, int], *, has_checkpoint: bool
) -> Problem | None:
    """The problem of a job that has read up to the ``committed`` offsets of the topic with the known id.

    Partitions without a committed offset are new to the job: it reads them from their beginning.
    """
    read = {partition: offset for partition, offset in sorted(committed.items()) if offset > 0}
    if known_id is not None and known_id != state.topic_id:
        what = f"it has read topic {state.topic} with id {known_id}, and there is another one now, with id"
        unread = f"what it had not read of the old one is lost ({_read(read)})"
        return Problem(f"{what} {state.topic_id}: {unread}; {_ANEW}", anew=True)
    beyond = {p: offset for p, offset in read.items() if p not in state.ranges or offset > state.ranges[p].end}
    if beyond:
        ends = ", ".join(f"{p} to {state.ranges[p].end if p in state.ranges else 'nothing'}" for p in beyond)
        what = f"topic {state.topic} ends before what it has read ({_read(beyond)}; now {ends})"
        return Problem(f"{what}; {_ANEW}", anew=True)
    if not has_checkpoint:
        started = {p: offset for p, offset in read.items() if offset > state.ranges[p].start}
        what = f"it has no checkpoint, though it has read the topic ({_read(started)})"
        return Problem(f"{what}; {_ANEW}", anew=True) if started else None
    gone = [(p, offset, state.ranges[p].start) for p, offset in committed.items() if offset < state.ranges[p].start]
    lost = tuple(Lost(partition, offset, start) for partition, offset, start in sorted(gone))
    return _below_the_start(state.topic, lost) if lost else None


def _below_the_start(topic: str, lost: tuple[Lost, ...]) -> Problem:
    total = sum(each.records for each in lost)
    ranges = ", ".join(f"partition {each.partition} offsets {each.start} to {each.end - 1}" for each in lost)
    return Problem(f"topic {topic} no longer has {total:,} records that it has not read: {ranges}; {_GO_ON}", lost)


_GO_ON = "`adctr up --accept-loss` goes on behind them"
_ANEW = "`adctr up --accept-loss` drops the job's state and counts all that the topic has"


def _read(offsets: Mapping[int, int]) -> str:
    listed = ", ".join(f"partition {partition} to offset {offset}" for partition, offset in offsets.items())
    return f"read: {listed}" if listed else "nothing was read"


class TopicWatch:
    """Asks Kafka for what `problem_of` needs.

    By a new client each time: one that had been idle for minutes waited for the controller in vain ever after, though
    the broker answered others at once.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def _client(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._settings.kafka_bootstrap, "log_level": 0})

    def problem(self, job: str, known_id: str | None, state: TopicState, *, has_checkpoint: bool) -> Problem | None:
        """The problem that stops a job, with the topic as it is now. Raises TopicUnknown."""
        return problem_of(state, known_id, self._committed(job, state.ranges), has_checkpoint=has_checkpoint)

    def topic_id(self) -> str:
        """Kafka's id of the topic: another one after it was deleted and created. Raises TopicUnknown."""
        return self._described()[0]

    def state(self) -> TopicState:
        """The topic now. Raises TopicUnknown."""
        topic = self._settings.events_topic
        topic_id, partitions = self._described()
        starts = self._offsets(partitions, OffsetSpec.earliest())
        ends = self._offsets(partitions, OffsetSpec.latest())
        return TopicState(topic, topic_id, {p: OffsetRange(starts[p], ends[p]) for p in partitions})

    def _described(self) -> tuple[str, Sequence[int]]:
        topic = self._settings.events_topic
        try:
            admin = self._client()  # kept until it has answered
            asked = admin.describe_topics(TopicCollection([topic]), request_timeout=REQUEST_TIMEOUT_SECONDS)
            found = asked[topic].result()
        except KafkaException as error:
            raise TopicUnknown(f"topic {topic}: {error.args[0]}") from error
        return str(found.topic_id), [each.id for each in found.partitions]

    def _offsets(self, partitions: Sequence[int], which: OffsetSpec) -> dict[int, int]:
        asked = {TopicPartition(self._settings.events_topic, partition): which for partition in partitions}
        try:
            admin = self._client()
            answers = admin.list_offsets(asked, request_timeout=REQUEST_TIMEOUT_SECONDS)
            return {asked_for.partition: answer.result().offset for asked_for, answer in answers.items()}
        except KafkaException as error:
            raise TopicUnknown(f"offsets of {self._settings.events_topic}: {error.args[0]}") from error

    def _committed(self, job: str, partitions: Iterable[int]) -> dict[int, int]:
        group = flink_name(job)
        asked = CommittedOffsets(self._settings, group)
        try:
            return asked.of(self._settings.events_topic, partitions, REQUEST_TIMEOUT_SECONDS)
        except KafkaException as error:
            raise TopicUnknown(f"offsets of group {group}: {error.args[0]}") from error
        finally:
            asked.close()
