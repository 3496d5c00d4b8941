"""The same job in PyFlink's DataStream API with Python decoding, as Flink's documentation would have it.

``python -m slo.bench.peers.pyflink_datastream JAR…`` (the Kafka connector's jars; a JVM in ``JAVA_HOME``) runs it in
a cluster of its own inside one JVM, until SIGTERM. The Kafka source hands on bytes, a `MapFunction` decodes them with
fastavro, a `KeyedProcessFunction` keyed by campaign keeps tumbling windows of both sizes by event time.

That function is the documentation's replacement for a tumbling window (Flink, "Learn Flink: Event-driven Applications",
``PseudoWindow``). ``window(TumblingEventTimeWindows…)`` with the bundled triggers is not used, to its advantage: the
event-time ones show nothing before the watermark says so, which is seconds late; ``ContinuousProcessingTimeTrigger``
fires without end once a window's end is in the past, as it is in a full topic; and two window operators, with a
timestamp assigner before them, would take each event from the JVM to Python and back twice more.

What was set, and why:

- ``python.fn-execution.bundle.time`` 50 ms instead of 1 s, because results wait for the end of a bundle. The size
  stays at 100,000: at full speed it is the time that ends a bundle.
- ``python.state.cache-size`` 100,000 instead of 1,000: state then crosses to the JVM once per bundle and key.
- types are declared, so that nothing but the state is pickled; of an event only what is counted goes on; one state per
  key holds the windows of both sizes, so that an event reads and writes one.
- one timer per 200 ms, the live job's early firing, writes whatever has changed in one batch. It is armed by the first
  change after the last write. What waits for it is in memory, not in state: without checkpoints there is no difference.
- watermarks are made in the JVM from Kafka's record times, which is all that Python's ``from_source`` can do
  (FLINK-39725). They only say when a window may be forgotten; what is counted where is decided by the event's own time.
- Python's workers are processes of their own, as on a cluster. In a local run they would be threads of the client.
- no checkpoints, as the other peers; objects are reused; network buffers wait 10 ms, as the live job's.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import psutil
from confluent_kafka.schema_registry import SchemaRegistryClient
from pyflink.common import Configuration, Duration, Types, WatermarkStrategy
from pyflink.common.serialization import ByteArraySchema
from pyflink.datastream import KeyedProcessFunction, MapFunction, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.connectors.kafka import KafkaOffsetsInitializer, KafkaSource
from pyflink.datastream.state import ValueStateDescriptor
from pyflink.datastream.time_domain import TimeDomain

from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.bench.peers.cells import CellWriter

WRITE_MS = 200
END_SECONDS = 10.0
HEADER_BYTES = 5
OPTIONS = {
    "pipeline.object-reuse": "true",
    "execution.buffer-timeout.interval": "10 ms",
    "python.fn-execution.bundle.time": "50",
    "python.state.cache-size": "100000",
    "python.executable": sys.executable,
    "python.client.executable": sys.executable,
}
# Read by PyFlink where it starts a local cluster.
WORKERS_ARE_PROCESSES = {"_python_worker_execution_mode": "process"}

Event = tuple[str, str, int, bool]
"""(campaign_id, category, event time in ms, whether it is a click)"""
Windows = dict[tuple[int, int, str], list[int]]
"""By (size in seconds, start in seconds, category), of one campaign: impressions and clicks."""


class Decode(MapFunction):
    """Confluent's framing, then Avro; each schema is asked for once."""

    def __init__(self, registry_url: str) -> None:
        self._registry_url = registry_url

    def open(self, runtime_context: RuntimeContext) -> None:  # noqa: ARG002
        self._registry = SchemaRegistryClient({"url": self._registry_url})
        self._schemas: dict[int, Any] = {}

    def map(self, value: bytes) -> Event:
        schema_id = int.from_bytes(value[1:HEADER_BYTES], "big")
        schema = self._schemas.get(schema_id)
        if schema is None:
            text = self._registry.get_schema(schema_id).schema_str
            schema = self._schemas[schema_id] = without_logical_types(text)
        return decoded(value, schema)


def without_logical_types(schema_text: str) -> Any:
    """For fastavro; it would make a datetime of every event's time."""
    schema = json.loads(schema_text)
    for field in schema["fields"]:
        if isinstance(field["type"], dict):
            field["type"].pop("logicalType", None)
    return fastavro.parse_schema(schema)


def decoded(value: bytes, schema: Any) -> Event:
    """What is counted of a record's value. Raises what fastavro raises."""
    stream = BytesIO(value)
    stream.seek(HEADER_BYTES)
    event: Any = fastavro.schemaless_reader(stream, schema)
    return event["campaign_id"], event["category"], event["event_time"], event["event_type"] == "CLICK"


class CountWindows(KeyedProcessFunction):
    """Windows of one campaign as state; what has changed of all campaigns goes to Redis by a timer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lateness_ms = settings.allowed_lateness_seconds * 1000

    def open(self, runtime_context: RuntimeContext) -> None:
        self._windows = runtime_context.get_state(ValueStateDescriptor("windows", Types.PICKLED_BYTE_ARRAY()))
        self._writer = CellWriter(self._settings)
        self._changes: dict[tuple[int, int, str, str], list[int]] = {}

    def process_element(self, event: Event, ctx: KeyedProcessFunction.Context) -> None:
        campaign, category, event_ms, is_click = event
        timers = ctx.timer_service()
        windows: Windows = self._windows.value() or {}
        if not self._changes:
            timers.register_processing_time_timer(timers.current_processing_time() + WRITE_MS)
        for size in WINDOW_SIZES_SECONDS:
            start = event_ms // (size * 1000) * size
            counts = windows.get((size, start, category))
            if counts is None:
                forgotten_at = self._forgotten_at(size, start)
                if forgotten_at <= timers.current_watermark():
                    continue  # late
                timers.register_event_time_timer(forgotten_at)
                counts = windows[size, start, category] = [0, 0]
            counts[is_click] += 1
            self._changes[size, start, campaign, category] = counts
        self._windows.update(windows)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Sequence[bool]:
        if ctx.time_domain() is TimeDomain.PROCESSING_TIME:
            self._writer.write((*cell, impressions, clicks) for cell, (impressions, clicks) in self._changes.items())
            self._changes.clear()
        else:
            windows: Windows = self._windows.value() or {}
            kept = {key: counts for key, counts in windows.items() if self._forgotten_at(*key[:2]) > timestamp}
            self._windows.update(kept)
        return ()

    def _forgotten_at(self, size: int, start: int) -> int:
        return (start + size) * 1000 + self._lateness_ms

    def close(self) -> None:
        self._writer.close()


def build(settings: Settings, jars: Sequence[str], scratch: str) -> StreamExecutionEnvironment:
    """The job. Flink keeps its files in the directory ``scratch``."""
    config = Configuration()
    options = OPTIONS | {"parallelism.default": str(settings.parallelism), "io.tmp.dirs": scratch}
    for key, value in options.items():
        config.set_string(key, value)
    environment = StreamExecutionEnvironment.get_execution_environment(config)
    environment.add_jars(*(Path(jar).as_uri() for jar in jars))
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(settings.kafka_bootstrap)
        .set_topics(settings.events_topic)
        .set_group_id("adctr-pyflink")
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(ByteArraySchema())
        .set_property("fetch.max.wait.ms", "20")
        .build()
    )
    behind = Duration.of_seconds(settings.out_of_orderness_seconds)
    watermarks = WatermarkStrategy.for_bounded_out_of_orderness(behind).with_idleness(
        Duration.of_seconds(settings.idle_timeout_seconds)
    )
    counted = Types.TUPLE([Types.STRING(), Types.STRING(), Types.LONG(), Types.BOOLEAN()])
    (
        environment.from_source(source, watermarks, "ad events")
        .map(Decode(settings.schema_registry_url), counted)
        .key_by(lambda event: event[0], Types.STRING())
        .process(CountWindows(settings), Types.BOOLEAN())
        # Nothing comes here; a stream without a sink is not run.
        .print()
    )
    return environment


def main() -> None:
    """Runs until SIGTERM; leaves no process and no file behind. Raises what ended the job, if anything did."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = Settings.from_env(os.environ)
    with tempfile.TemporaryDirectory(prefix="adctr-pyflink-", ignore_cleanup_errors=True) as scratch:
        java = {"FLINK_LOG_DIR": scratch, "JVM_ARGS": f"-Xmx1g -Djava.io.tmpdir={scratch}"}
        os.environ.update(java | WORKERS_ARE_PROCESSES)
        try:
            client = build(settings, sys.argv[1:], scratch).execute_async("windows")
            result = client.get_job_execution_result()
            while not stop.wait(0.2) and not result.done():
                pass
            if result.done():
                result.result()
        finally:
            _end_children()


def _end_children() -> None:
    """The JVM and its Python workers, which have nothing that would be lost."""
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # it would say of each of its objects that their JVM is gone
    children = psutil.Process().children(recursive=True)
    for child in children:
        child.kill()
    psutil.wait_procs(children, END_SECONDS)


if __name__ == "__main__":
    main()
