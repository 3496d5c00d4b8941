"""What operators do to a running stack, as actions: their commands, and a newer schema of the event.

A command that finds a server down, or nothing to do yet (exit codes 4 and 3), has done nothing: that is NotStruck. Any
other exit code but 0 is a failure of the command.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema

from pipeline.cache.cache_writer import writer_client
from pipeline.contract.codec import HEADER, MAGIC_BYTE, SCHEMA_TEXT
from pipeline.contract.registry import registry_client, subject_of
from pipeline.recount import not_final, windows_of
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.disturbances.action import KAFKA, POSTGRES, REDIS, REGISTRY, WHOLE_STACK, Action
from slo.disturbances.bench import Bench, CommandFailed, NotStruck
from slo.disturbances.sabotage import KAFKA_SECONDS, drill_event, produce_value

_NOTHING_DONE = (3, 4)
_LONGEST_WINDOW_SECONDS = max(WINDOW_SIZES_SECONDS)
_WINDOWS_BACK = 3
_NEWER_EVENTS = 100
_PRICE = b"\x02" + struct.pack("<d", 0.25)
"""Branch 1 of a union, and a double."""


@contextmanager
def dead_letters_replayed(bench: Bench) -> Iterator[None]:
    """Every dead letter that decodes is repaired by its record time and replayed."""
    _command(bench, "dlq", "replay", "--event-time", "record")
    yield


@contextmanager
def windows_recounted(bench: Bench) -> Iterator[None]:
    """The newest five minutes of which every window is final are counted again."""
    start = _newest_final_start(bench.settings)
    _command(bench, "recount", "--from", _moment(start), "--to", _moment(start + _LONGEST_WINDOW_SECONDS))
    yield


@contextmanager
def retention_applied(bench: Bench) -> Iterator[None]:
    """What is older than PostgreSQL keeps is dropped, and the coming days are created."""
    _command(bench, "retention")
    yield


@contextmanager
def schema_evolved(bench: Bench) -> Iterator[None]:
    """A newer schema, with one field more, is registered, and some producers use it."""
    settings = bench.settings
    schema_id = registry_client(settings.schema_registry_url).register_schema(
        subject_of(settings.events_topic), Schema(_newer_schema(), "AVRO")
    )
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap, "enable.idempotence": True})
    for _ in range(_NEWER_EVENTS):
        event, value = drill_event(settings, "newer-schema", "newer-schema")
        newer = HEADER.pack(MAGIC_BYTE, schema_id) + value[HEADER.size :] + _PRICE
        produce_value(producer, settings, event, newer)
    if producer.flush(KAFKA_SECONDS):
        raise NotStruck("Kafka did not take the events of the newer schema")
    yield


@contextmanager
def stack_upgraded(bench: Bench) -> Iterator[None]:
    """The jobs end with savepoints and the stack is stopped, as for an upgrade; on exit it is started again."""
    _command(bench, "down", "--savepoint")
    try:
        yield
    finally:
        bench.start_everything()


OPERATORS: tuple[Action, ...] = (
    Action(
        "dead_letters_replayed",
        "Dead letters are replayed: `dlq replay --event-time record`.",
        dead_letters_replayed,
        needs=frozenset({KAFKA, REGISTRY, POSTGRES}),
        from_seconds=15.0,
    ),
    Action(
        "windows_recounted",
        "Final windows are counted again: `recount`.",
        windows_recounted,
        needs=frozenset({REDIS, POSTGRES}),
        from_seconds=240.0,
        revises=True,
    ),
    Action("retention_applied", "`retention`.", retention_applied, needs=frozenset({POSTGRES})),
    Action(
        "schema_evolved",
        "A schema with one field more is registered and used.",
        schema_evolved,
        needs=frozenset({KAFKA, REGISTRY}),
    ),
    Action(
        "stack_upgraded",
        "The stack is stopped by `down --savepoint` and started again.",
        stack_upgraded,
        takes=WHOLE_STACK,
        back_seconds=75.0,
    ),
)


def _command(bench: Bench, *words: str) -> None:
    try:
        bench.command(*words)
    except CommandFailed as error:
        if error.code in _NOTHING_DONE:
            raise NotStruck(str(error)) from error
        raise


def _newest_final_start(settings: Settings) -> int:
    """Where the newest longest window begins that is final, and with it all within it. Raises NotStruck."""
    now = int(time.time()) // _LONGEST_WINDOW_SECONDS * _LONGEST_WINDOW_SECONDS
    with closing(writer_client(settings)) as client:
        for back in range(1, _WINDOWS_BACK + 1):
            start = now - back * _LONGEST_WINDOW_SECONDS
            ranges = windows_of(start, start + _LONGEST_WINDOW_SECONDS)
            if not any(not_final(settings, windows, client) for windows in ranges):
                return start
    raise NotStruck("no window of five minutes is final yet")


def _newer_schema() -> str:
    schema = json.loads(SCHEMA_TEXT)
    schema["fields"].append({"name": "price", "type": ["null", "double"], "default": None})
    return json.dumps(schema)


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
