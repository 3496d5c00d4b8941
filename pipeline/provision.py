"""Creates what the pipeline needs before its first record: the topics and the registered schema.

Everything is idempotent: what exists is brought to its settings, and a second run changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from pipeline.contract.codec import RegistryUnavailable
from pipeline.contract.letter_size import MOST_LETTER_BYTES
from pipeline.contract.registry import IncompatibleSchema, register_schema
from pipeline.contract.rules import MAX_AHEAD_MS
from pipeline.settings import Settings, SettingsError

EVENTS_RETENTION_BYTES = 20_000_000_000
"""Per partition. The topic keeps records by size, never by age: record times may be old."""
UNLIMITED_MS = (1 << 63) - 1
DAY_MS = 86_400_000
REQUEST_TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = 0.5

T = TypeVar("T")


class ProvisionError(RuntimeError):
    """Topics or schema can't be brought to their settings; the message says which and what to do."""


class ProvisionRefused(ProvisionError, SettingsError):
    """What is there and the settings exclude each other: waiting won't help."""


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it must be: partitions, and the configuration that differs from the broker's."""

    name: str
    partitions: int
    config: dict[str, str]


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """The three topics of the pipeline.

    On a live topic the broker itself keeps record times within the slack: at most ``ahead`` before and
    ``slack - ahead`` behind its clock, so never more than the slack behind the newest.
    """
    slack_ms = settings.record_slack_seconds * 1000
    ahead_ms = min(MAX_AHEAD_MS, slack_ms // 2)
    behind_ms = UNLIMITED_MS if settings.historic else slack_ms - ahead_ms
    events = {
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(ahead_ms),
        "message.timestamp.before.max.ms": str(behind_ms),
        "retention.ms": "-1",
        "retention.bytes": str(EVENTS_RETENTION_BYTES),
        "cleanup.policy": "delete",
    }
    # Consumers need no setting for it: their fetch sizes are no limit to the first batch of an answer.
    rejects = {
        "cleanup.policy": "delete",
        "max.message.bytes": str(MOST_LETTER_BYTES),
        # A letter has the record time of a record that was taken, whatever the broker's clock shows since.
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(UNLIMITED_MS),
        "message.timestamp.before.max.ms": str(UNLIMITED_MS),
    }
    return [
        TopicSpec(settings.events_topic, settings.events_partitions, events),
        _kept(TopicSpec(settings.dead_letter_topic, 1, rejects), settings, settings.dead_letter_retention_days),
        _kept(TopicSpec(settings.late_topic, 1, rejects), settings, settings.late_retention_days),
    ]


def _kept(spec: TopicSpec, settings: Settings, days: int) -> TopicSpec:
    """With a retention by record time: of a historic load none, as all of its times are old."""
    if settings.historic or not days:
        return replace(spec, config={**spec.config, "retention.ms": "-1"})
    # Kafka deletes segments as a whole: with one per day nothing stays for much longer than it has to.
    limits = {"retention.ms": str(days * DAY_MS), "segment.ms": str(DAY_MS)}
    return replace(spec, config={**spec.config, **limits})


def provision(settings: Settings, timeout_seconds: float = 60.0) -> int:
    """Creates or corrects topics and schema; waits for broker and registry to answer. Returns the schema's id.

    Raises ProvisionError when that can't be done, or not within ``timeout_seconds``.
    """
    deadline = time.monotonic() + timeout_seconds
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
    for spec in topic_specs(settings):
        _until(deadline, lambda spec=spec: _ensure_topic(admin, spec))  # type: ignore[misc]
    return _until(deadline, lambda: register_schema(settings.schema_registry_url, settings.events_topic))


def _until(deadline: float, attempt: Callable[[], T]) -> T:
    while True:
        try:
            return attempt()
        except IncompatibleSchema as error:
            raise ProvisionRefused(str(error)) from error
        except (KafkaException, RegistryUnavailable) as error:
            if time.monotonic() >= deadline:
                raise ProvisionError(f"{error}: no success in time; is the service up?") from error
            time.sleep(RETRY_SECONDS)


def _ensure_topic(admin: AdminClient, spec: TopicSpec) -> None:
    existing = _describe(admin, spec.name)
    if existing is None:
        _create(admin, spec)
        return
    if len(existing.partitions) < spec.partitions:
        _add_partitions(admin, spec)
    _correct_config(admin, spec)


def _describe(admin: AdminClient, name: str) -> TopicMetadata | None:
    topic = admin.list_topics(timeout=REQUEST_TIMEOUT_SECONDS).topics.get(name)
    if topic is None or topic.error is not None:
        return None
    return topic


def _create(admin: AdminClient, spec: TopicSpec) -> None:
    new = NewTopic(spec.name, num_partitions=spec.partitions, replication_factor=1, config=spec.config)
    future = admin.create_topics([new], request_timeout=REQUEST_TIMEOUT_SECONDS)[spec.name]
    try:
        future.result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _add_partitions(admin: AdminClient, spec: TopicSpec) -> None:
    """More than the settings say are left alone: somebody has added them (docs/scaling.md says what that means)."""
    more = NewPartitions(spec.name, spec.partitions)
    admin.create_partitions([more], request_timeout=REQUEST_TIMEOUT_SECONDS)[spec.name].result()


def _correct_config(admin: AdminClient, spec: TopicSpec) -> None:
    resource = ConfigResource(ResourceType.TOPIC, spec.name)
    current = admin.describe_configs([resource], request_timeout=REQUEST_TIMEOUT_SECONDS)[resource].result()
    wrong = {key: value for key, value in spec.config.items() if key not in current or current[key].value != value}
    if not wrong:
        return
    entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in wrong.items()]
    change = ConfigResource(ResourceType.TOPIC, spec.name, incremental_configs=entries)
    admin.incremental_alter_configs([change], request_timeout=REQUEST_TIMEOUT_SECONDS)[change].result()
