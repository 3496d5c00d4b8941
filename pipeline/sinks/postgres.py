"""Windows, raw events, tombstones and the watermark into PostgreSQL, schema ``realtime``."""

from __future__ import annotations

from pipeline.contract.windows import WINDOW_NAMES
from pipeline.settings import Settings
from pipeline.source import (
    EARLIEST_RECORD_TIME,
    EVENT_FIELDS,
    EVENTS,
    IS_TOMBSTONE,
    IS_VALID,
    LATEST_RECORD_TIME,
    is_late,
)
from pipeline.sql import table
from pipeline.window_rows import WINDOW_COLUMNS, WINDOW_KEY

WRITER_ROLE = "adctr_writer"


def _url(settings: Settings) -> str:
    return (
        f"jdbc:postgresql://{settings.postgres_host}:{settings.postgres_port}/{settings.postgres_database}"
        "?connectTimeout=5&socketTimeout=60"
    )


def _options(settings: Settings, connector: str, **more: str) -> dict[str, str | int]:
    return {
        "connector": connector,
        "url": _url(settings),
        "username": WRITER_ROLE,
        "password": settings.postgres_writer_password,
        **more,
    }


def _copy(settings: Settings, name: str) -> dict[str, str | int]:
    return _options(settings, "adctr-copy", **{"table-name": f"realtime.{name}"})


def metrics_table(settings: Settings, size_seconds: int) -> str:
    """DDL of table ``metrics_<name>``: absolute counts, upserted; the database derives the CTR."""
    name = f"metrics_{WINDOW_NAMES[size_seconds]}"
    return table(name, WINDOW_COLUMNS, _copy(settings, name), primary_key=WINDOW_KEY)


def metrics_insert(size_seconds: int) -> str:
    """INSERT of one window size into its metrics table."""
    name = WINDOW_NAMES[size_seconds]
    return f"INSERT INTO metrics_{name} SELECT * FROM windows_{name}"


def raw_events_table(settings: Settings) -> str:
    """DDL of table ``raw_events``, keyed by the record's origin: what a replay brings again is left alone."""
    columns = [
        "`kafka_partition` INT",
        "`kafka_offset` BIGINT",
        "`record_time` TIMESTAMP(3)",
        "`event_time` TIMESTAMP(3)",
        *(f"`{name}` STRING" for name in EVENT_FIELDS),
        "`late` BOOLEAN",
    ]
    return table("raw_events", columns, _copy(settings, "raw_events"))


def raw_events_insert(settings: Settings) -> str:
    """INSERT of every counted and every late event."""
    fields = ", ".join(f"`{name}`" for name in EVENT_FIELDS)
    return f"""
        INSERT INTO raw_events
        SELECT `kafka_partition`, `kafka_offset`,
          CAST(`record_time` AS TIMESTAMP(3)), CAST(`event_time` AS TIMESTAMP(3)), {fields}, {is_late(settings)}
        FROM {EVENTS} WHERE {IS_VALID}
    """


def tombstones_table(settings: Settings) -> str:
    """DDL of table ``tombstones``: the origins of records without a value."""
    columns = ["`kafka_partition` INT", "`kafka_offset` BIGINT", "`record_time` TIMESTAMP(3)"]
    return table("tombstones", columns, _copy(settings, "tombstones"))


def tombstones_insert() -> str:
    """INSERT of every tombstone's origin; a record time that is out of range becomes the next that is not."""
    record_time = f"LEAST(GREATEST(`record_time`, {EARLIEST_RECORD_TIME}), {LATEST_RECORD_TIME})"
    return f"""
        INSERT INTO tombstones
        SELECT `kafka_partition`, `kafka_offset`, CAST({record_time} AS TIMESTAMP(3))
        FROM {EVENTS} WHERE {IS_TOMBSTONE}
    """


def watermark_table(settings: Settings, size_seconds: int) -> str:
    """DDL of table ``watermark_<name>``: keeps no row and publishes their watermark as that of ``store-<seconds>``."""
    options = _options(settings, "adctr-watermark", job=f"store-{size_seconds}")
    return table(f"watermark_{WINDOW_NAMES[size_seconds]}", WINDOW_COLUMNS, options, primary_key=WINDOW_KEY)


def watermark_insert(size_seconds: int) -> str:
    """INSERT that carries one window operator's watermark.

    All columns, though none is kept: otherwise the planner prunes them and counts every window a second time.
    """
    name = WINDOW_NAMES[size_seconds]
    return f"INSERT INTO watermark_{name} SELECT * FROM windows_{name}"
