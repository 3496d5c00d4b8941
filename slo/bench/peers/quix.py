"""The same job in Quix Streams, by its documentation: Avro deserializer, tumbling windows, a batching sink.

Each window size is a branch with a reduction that emits every change (``current``); the sink writes a batch whenever
the application commits. Windows are kept by message key, which is the campaign, so categories stand inside the value.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from typing import Any

from quixstreams import Application
from quixstreams.models.serializers.avro import AvroDeserializer
from quixstreams.models.serializers.schema_registry import SchemaRegistryClientConfig
from quixstreams.sinks.base import BatchingSink, SinkBatch

from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.bench.peers.cells import CellWriter, Change

COMMIT_SECONDS = 0.2
"""As often as the live job fires early; Quix's default of 5 s would be its latency."""


class CellSink(BatchingSink):
    """Cells of one window size."""

    def __init__(self, settings: Settings, size_seconds: int) -> None:
        super().__init__()
        self._settings = settings
        self._size_seconds = size_seconds

    def setup(self) -> None:
        self._writer = CellWriter(self._settings)

    def write(self, batch: SinkBatch) -> None:
        self._writer.write(change for item in batch for change in self._changes(item.key, item.value))

    def _changes(self, key: bytes, window: dict[str, Any]) -> Iterator[Change]:
        for category, (impressions, clicks) in window["value"].items():
            yield self._size_seconds, window["start"] // 1000, key.decode(), category, impressions, clicks


def first(event: dict[str, Any]) -> dict[str, list[int]]:
    """A window of one event: by category, impressions and clicks."""
    return more({}, event)


def more(counts: dict[str, list[int]], event: dict[str, Any]) -> dict[str, list[int]]:
    """The window with one event more."""
    of_category = counts.setdefault(event["category"], [0, 0])
    of_category[event["event_type"] == "CLICK"] += 1
    return counts


def event_time_ms(value: Any, *_: Any) -> int:
    """The time that windows go by."""
    return int(value["event_time"].timestamp() * 1000)


def main() -> None:
    """Runs until SIGTERM."""
    settings = Settings.from_env(os.environ)
    with tempfile.TemporaryDirectory() as state_dir:
        app = Application(
            broker_address=settings.kafka_bootstrap,
            consumer_group=f"adctr-quix-{uuid.uuid4()}",
            auto_offset_reset="earliest",
            commit_interval=COMMIT_SECONDS,
            state_dir=state_dir,
            use_changelog_topics=False,
            loglevel="WARNING",
        )
        registry = SchemaRegistryClientConfig(url=settings.schema_registry_url)
        topic = app.topic(
            settings.events_topic,
            value_deserializer=AvroDeserializer(schema_registry_client_config=registry),
            timestamp_extractor=event_time_ms,
        )
        events = app.dataframe(topic)
        for size in WINDOW_SIZES_SECONDS:
            windows = events.tumbling_window(size * 1000, grace_ms=settings.allowed_lateness_seconds * 1000)
            windows.reduce(more, first).current().sink(CellSink(settings, size))
        app.run()


if __name__ == "__main__":
    main()
