"""The Kafka source as a Flink table, and the fates of its records as SQL conditions.

The conditions state for Flink what `pipeline.contract.rules` states in Python; the record vectors under
``tests/vectors`` are run against both.
"""

from __future__ import annotations

from importlib.resources import files

from pipeline.contract.cache_schema import CANARY_PREFIX
from pipeline.contract.reasons import Reason
from pipeline.contract.rules import (
    CANARY_CAMPAIGN,
    EARLIEST_RECORD_TIME_MS,
    LATEST_RECORD_TIME_MS,
    MAX_AHEAD_MS,
    NO_CANARY,
)
from pipeline.job_names import flink_name
from pipeline.settings import Settings
from pipeline.sql import literal, table

EVENT_FIELDS = (
    "event_id",
    "event_type",
    "user_id",
    "ad_id",
    "campaign_id",
    "category",
    "placement",
    "device",
    "impression_id",
)
"""String fields of an ad event, in the contract's order."""

EVENTS = "events"
"""The view that everything reads; see `events_query`."""

COUNTED_FIELDS = ("event_type", "campaign_id", "category")
"""The fields that the windows need; the format checks the others and leaves them alone."""

ORIGIN_COLUMNS = [
    "`raw_value` BYTES",
    "`record_key` BYTES",
    "`kafka_partition` INT METADATA FROM 'partition' VIRTUAL",
    "`kafka_offset` BIGINT METADATA FROM 'offset' VIRTUAL",
    "`headers` MAP<STRING, BYTES> METADATA FROM 'headers' VIRTUAL",
]

EARLIEST_RECORD_TIME, LATEST_RECORD_TIME = (
    f"TO_TIMESTAMP_LTZ({time_ms}, 3)" for time_ms in (EARLIEST_RECORD_TIME_MS, LATEST_RECORD_TIME_MS)
)

FETCH_WAIT_MILLISECONDS = 10
"""How long the broker may keep a fetch waiting. A consumer has one fetch per broker under way: while that waits for
partitions that have nothing, those that have much wait as well (docs/decisions/0006-fetching.md)."""

FETCH_LEAST_BYTES = 65_536
"""Less than that is waited for, as long as above: a fetch costs the broker and the job as much for ten records."""
FETCH_BYTES = 4_194_304
"""Per partition: enough to be busy with until the next fetch has come."""

POLL_RECORDS = 5_000
"""A flood of unknown schema ids waits 0.1 s per poll (`SchemaDirectory`): so many times ten pass in a second."""

DISCOVERY_SECONDS = 10
"""How soon a partition is read that was added to the topic."""

ALIGNMENT_DRIFT_SECONDS = 120
"""How far one partition may run ahead of another while a backlog is read."""


def events_table(
    settings: Settings, job: str, fields: tuple[str, ...], *, with_origin: bool, offset_reset: str = "none"
) -> str:
    """DDL of table ``ad_events`` with the given event fields.

    ``offset_reset`` is what Kafka's consumer does when its offset is gone: by default the job fails. Flink's
    ``earliest-offset`` would make it ``earliest``, so the first start is from committed offsets, too
    (`pipeline.group_offsets`); partitions that are added later are read from their beginning.

    The watermark follows the smaller of event time and record time, so that an event from the future cannot drag
    it along and make everything behind it late. A record time before 1970 counts as 1970: 5 s before the earliest that
    Kafka can hold would be the furthest future.
    """
    bound = _seconds(settings.out_of_orderness_seconds)
    columns = [
        *(f"`{name}` STRING" for name in fields),
        "`event_time` TIMESTAMP_LTZ(3)",
        "`decode_error` STRING",
        "`is_tombstone` BOOLEAN",
        *(ORIGIN_COLUMNS if with_origin else []),
        "`record_time` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
        f"WATERMARK FOR `event_time` AS LEAST(`event_time`, GREATEST(`record_time`, {EARLIEST_RECORD_TIME})) - {bound}",
    ]
    options: dict[str, str | int] = {
        "connector": "kafka",
        "topic": settings.events_topic,
        "properties.bootstrap.servers": settings.kafka_bootstrap,
        # Its committed offsets are those that a complete checkpoint covers.
        "properties.group.id": flink_name(job),
        # What a producer takes back was never published; by default Flink would count it all the same.
        "properties.isolation.level": "read_committed",
        "properties.fetch.max.wait.ms": FETCH_WAIT_MILLISECONDS,
        "properties.fetch.min.bytes": FETCH_LEAST_BYTES,
        "properties.max.partition.fetch.bytes": FETCH_BYTES,
        "properties.max.poll.records": POLL_RECORDS,
        "scan.startup.mode": "group-offsets",
        "properties.auto.offset.reset": offset_reset,
        "scan.topic-partition-discovery.interval": f"{DISCOVERY_SECONDS} s",
        # Looks up each new schema id when its records have arrived: an older answer "unknown" may be out of date.
        "properties.interceptor.classes": "adctr.flink.SchemaLookups",
        "properties.adctr.registry-url": settings.schema_registry_url,
        "value.format": "ad-event",
        "value.ad-event.registry-url": settings.schema_registry_url,
        "value.ad-event.reader-schema": files("pipeline.contract").joinpath("ad_event.avsc").read_text("utf-8"),
    }
    if with_origin:
        options |= {"key.format": "raw", "key.fields": "record_key", "value.fields-include": "EXCEPT_KEY"}
    if not settings.historic:
        options |= _live_watermarks(settings, job)
    return table("ad_events", columns, options)


def events_query(fields: tuple[str, ...], *, with_origin: bool) -> str:
    """What view `EVENTS` is made of: everything of the topic, the event time as a column like any other."""
    origin = ("raw_value", "record_key", "kafka_partition", "kafka_offset", "headers") if with_origin else ()
    names = (*fields, "decode_error", "is_tombstone", *origin, "record_time")
    columns = ", ".join(f"`{name}`" for name in names)
    return f"""
        SELECT {columns}, CAST(`event_time` AS TIMESTAMP_LTZ(3)) AS `event_time`
        FROM ad_events
    """  # noqa: S608 - our own names


def _live_watermarks(settings: Settings, job: str) -> dict[str, str | int]:
    """An idle partition does not hold the watermark back; while a backlog is read none runs ahead of the others,
    so that one that merely waits for its turn is not left behind as idle."""
    return {
        "scan.watermark.idle-timeout": f"{settings.idle_timeout_seconds} s",
        "scan.watermark.alignment.group": flink_name(job),
        "scan.watermark.alignment.max-drift": f"{ALIGNMENT_DRIFT_SECONDS} s",
        "scan.watermark.alignment.update-interval": "500 ms",
    }


def _seconds(seconds: int) -> str:
    """An interval literal; SQL's carry two digits unless told otherwise."""
    return f"INTERVAL '{seconds}' SECOND({max(2, len(str(seconds)))})"


IS_TOMBSTONE = "`is_tombstone`"
_DECODED = "`decode_error` IS NULL AND NOT `is_tombstone`"
_MAX_AHEAD = _seconds(MAX_AHEAD_MS // 1000)
HAS_RECORD_TIME = f"`record_time` BETWEEN {EARLIEST_RECORD_TIME} AND {LATEST_RECORD_TIME}"
_TIMES_FIT = f"{HAS_RECORD_TIME} AND `event_time` <= `record_time` + {_MAX_AHEAD}"
_CANARY = literal(CANARY_PREFIX)
_CLAIMS_CANARY = " OR ".join(
    f"LEFT(`{name}`, {len(CANARY_PREFIX)}) = {_CANARY}" for name in ("campaign_id", "category")
)
# What it consumes has to be everything: Java's $ would let a line feed follow.
_AFTER_CANARY = f"REGEXP_REPLACE(`campaign_id`, {literal(f'^{CANARY_CAMPAIGN.pattern}')}, '')"
_IS_CANARY = f"(`category` = {_CANARY} AND {_AFTER_CANARY} = '')"
_IS_NO_CANARY = f"(({_CLAIMS_CANARY}) AND NOT {_IS_CANARY})"
IS_VALID = f"{_DECODED} AND NOT {_IS_NO_CANARY} AND {_TIMES_FIT}"
IS_INVALID = f"`decode_error` IS NOT NULL OR ({_DECODED} AND ({_IS_NO_CANARY} OR NOT ({_TIMES_FIT})))"
SCHEMA_ID_HEADERS = (
    "__value_schema_id",
    "apicurio.value.contentId",
    "apicurio.value.globalId",
    "apicurio.value.contentHash",
)
"""Headers in which serializers of Confluent and Apicurio may put the schema's id instead of before the value."""
_IN_HEADER = " ".join(
    f"WHEN ARRAY_CONTAINS(MAP_KEYS(`headers`), '{name}') THEN '; schema id in header {name}, which is not read'"
    for name in SCHEMA_ID_HEADERS
)
INVALID_REASON = (
    f"COALESCE(`decode_error` || CASE {_IN_HEADER} ELSE '' END, CASE "
    f"WHEN {_IS_NO_CANARY} THEN {literal(Reason.FALSE_CANARY.of(NO_CANARY))} WHEN {HAS_RECORD_TIME} "
    f"THEN {literal(Reason.EVENT_TIME_AHEAD.of('event_time is more than 1 minute after the record time'))} "
    f"ELSE {literal(Reason.RECORD_TIME.of('the record time is out of range'))} END)"
)


def is_late(settings: Settings) -> str:
    """The condition that tells late events from counted ones among the valid."""
    return f"`event_time` < `record_time` - {_seconds(settings.allowed_lateness_seconds)}"


def is_counted(settings: Settings) -> str:
    """The condition of events that the windows count."""
    return f"{IS_VALID} AND NOT ({is_late(settings)})"
