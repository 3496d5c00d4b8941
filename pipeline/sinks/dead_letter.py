"""Invalid records into ``ad-events-dlq`` and late ones into ``ad-events-late``: original bytes, key and headers, plus
where they came from and why (`pipeline.contract.letter_headers`). Of records that are too large for a letter only the
beginning (`pipeline.contract.letter_size`)."""

from __future__ import annotations

from pipeline.contract import letter_headers
from pipeline.contract.letter_size import HEADER_BYTES, KEPT_BYTES, MOST_LETTER_BYTES, MOST_RECORD_BYTES
from pipeline.contract.reasons import Reason
from pipeline.job_names import STORE, flink_name
from pipeline.settings import Settings
from pipeline.source import EVENTS, HAS_RECORD_TIME, INVALID_REASON, IS_INVALID, IS_VALID, is_late
from pipeline.sql import literal, table

STAGE = "CASE WHEN `decode_error` IS NULL THEN 'TRANSFORMATION' ELSE 'VALUE_CONVERTER' END"
"""Connect's name for the step that failed: reading the value, or the rules on what was read."""

FUNCTIONS = (
    "CREATE TEMPORARY SYSTEM FUNCTION record_bytes AS 'adctr.flink.RecordBytes' LANGUAGE JAVA",
    "CREATE TEMPORARY SYSTEM FUNCTION beginning AS 'adctr.flink.Beginning' LANGUAGE JAVA",
)
"""What the INSERTs need beside Flink's own functions."""

_MOST_REASON_CHARACTERS = 1_000
_SIZE = f"record_bytes(`record_key`, `raw_value`, `headers`, {HEADER_BYTES})"
_FITS = f"{_SIZE} <= {MOST_RECORD_BYTES}"


_BYTES = ("record_key", "raw_value")


def letters_table(settings: Settings, name: str, topic: str) -> str:
    """DDL of a table of letters; Flink flushes it with each checkpoint, so every letter arrives at least once."""
    columns = [
        "`record_key` BYTES",
        "`raw_value` BYTES",
        "`headers` MAP<STRING, BYTES> METADATA",
        "`timestamp` TIMESTAMP_LTZ(3) METADATA",
    ]
    options: dict[str, str | int] = {
        "connector": "kafka",
        "topic": topic,
        "properties.bootstrap.servers": settings.kafka_bootstrap,
        "properties.max.request.size": MOST_LETTER_BYTES,
        "properties.buffer.memory": 2 * MOST_LETTER_BYTES,  # by default it has no room for a single one of that size
        "key.format": "raw",
        "key.fields": "record_key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "at-least-once",
    }
    return table(name, columns, options)


def dead_letters_insert(settings: Settings) -> str:
    """INSERT of every invalid record."""
    return _insert("dead_letters", settings, INVALID_REASON, IS_INVALID)


def late_events_insert(settings: Settings) -> str:
    """INSERT of every late event."""
    return _insert("late_events", settings, literal(Reason.LATE), f"{IS_VALID} AND {is_late(settings)}")


def _insert(name: str, settings: Settings, reason: str, condition: str) -> str:
    record_time_ms = "1000 * EXTRACT(EPOCH FROM `record_time`) + EXTRACT(MILLISECOND FROM `record_time`)"
    headers = {
        letter_headers.TOPIC: literal(settings.events_topic),
        letter_headers.PARTITION: "CAST(`kafka_partition` AS STRING)",
        letter_headers.OFFSET: "CAST(`kafka_offset` AS STRING)",
        letter_headers.CONNECTOR_NAME: literal(flink_name(STORE)),
        letter_headers.STAGE: STAGE,
        letter_headers.MESSAGE: f"LEFT({reason}, {_MOST_REASON_CHARACTERS})",
        letter_headers.TIMESTAMP: f"CAST({record_time_ms} AS STRING)",
        letter_headers.SHORTENED: f"CASE WHEN {_FITS} THEN '0' ELSE CAST({_SIZE} AS STRING) END",
    }
    entries = ", ".join(f"{literal(name)}, CAST({text} AS BYTES)" for name, text in headers.items())
    # A producer refuses negative times. Where a letter has none, the time of writing becomes its own.
    time = f"CASE WHEN {HAS_RECORD_TIME} THEN `record_time` END"
    key, value = (f"CASE WHEN {_FITS} THEN `{name}` ELSE beginning(`{name}`, {KEPT_BYTES}) END" for name in _BYTES)
    headers_kept = f"CASE WHEN {_FITS} THEN MAP_UNION(`headers`, MAP[{entries}]) ELSE MAP[{entries}] END"
    return f"""
        INSERT INTO {name}
        SELECT {key}, {value}, {headers_kept}, {time}
        FROM {EVENTS} WHERE {condition}
    """
