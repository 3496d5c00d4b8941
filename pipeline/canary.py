"""The canary: on each whole second of the clock one impression to every partition, so that time never stops.

Without it the watermark would stand still, and the last windows stay open, whenever all other traffic
stops. A canary is an event like any other (counted, stored, verified); readers hide its names.

Event time and record time are both the second at which it was *due*, however late it leaves. So the n-th canary of a
partition that a one-minute window counts was due n - 1 seconds after the window's start, and an observer of the count
has the latency of each canary (`slo.probes.canaries`).

``python -m pipeline.canary`` runs until SIGTERM. It never dies of an outage. What an outage or a pause of the process
kept back is sent afterwards, as long as the broker takes its record time (see `patience_seconds`). A hole in the row is
left by: a process that did not run, a second longer ago than that, a clock that steps forward further than that.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from pipeline.contract.cache_schema import CANARY_PREFIX
from pipeline.contract.codec import AdEvent, RegistryUnavailable, encode
from pipeline.contract.registry import find_schema_id
from pipeline.settings import Settings, SettingsError

PERIOD_SECONDS = 1
MAX_PATIENCE_SECONDS = 60.0
FLUSH_SECONDS = 2.0
POLL_SECONDS = 0.2
PARTITIONS_SECONDS = 10.0
METADATA_SECONDS = 0.5

log = logging.getLogger("adctr.canary")


def canary_event(partition: int, event_id: str, time_ms: int) -> AdEvent:
    """The impression that one partition gets."""
    return AdEvent(
        event_id=event_id,
        event_type="IMPRESSION",
        event_time=time_ms,
        user_id=CANARY_PREFIX,
        ad_id=CANARY_PREFIX,
        campaign_id=f"{CANARY_PREFIX}-{partition}",
        category=CANARY_PREFIX,
    )


def patience_seconds(settings: Settings) -> float:
    """How long a canary is kept for a pause of this process, and again as long for one of the broker.

    Both together are at most half the slack, which the broker takes at any setting (`pipeline.provision.topic_specs`).
    """
    return min(MAX_PATIENCE_SECONDS, settings.record_slack_seconds / 4)


def due_seconds(now: float, last: int, patience: float) -> range:
    """The whole seconds to send canaries for at ``now``: those after ``last`` that are not older than the patience.

    None while the clock is behind ``last``, because it stepped back: no second gets two canaries.
    """
    return range(max(last + 1, math.ceil(now - patience)), math.floor(now) + PERIOD_SECONDS, PERIOD_SECONDS)


class Canary:
    """Sends canaries; every failure is logged once per kind and forgotten at the next success."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._patience = patience_seconds(settings)
        self._producer = self._new_producer()
        self._schema_id: int | None = None
        self._partitions = settings.events_partitions
        self._partitions_asked = -math.inf
        self._run = uuid.uuid4().hex
        self._last = math.floor(clock())
        self._trouble = ""
        self._fatal = False

    def run(self, stop: threading.Event) -> None:
        """Sends until ``stop`` is set, from the next whole second on."""
        while not stop.is_set():
            self._attempt()
            wake = math.floor(self._clock()) + PERIOD_SECONDS
            while (left := wake - self._clock()) > 0 and not stop.wait(min(left, POLL_SECONDS)):
                self._producer.poll(0)
        self._producer.flush(FLUSH_SECONDS)

    def _attempt(self) -> None:
        try:
            if self._fatal:
                self._producer, self._fatal = self._new_producer(), False
            if self._schema_id is None:
                self._schema_id = find_schema_id(self._settings.schema_registry_url, self._settings.events_topic)
            self._find_partitions()
            for second in due_seconds(self._clock(), self._last, self._patience):
                self._last = second
                for partition in range(self._partitions):
                    self._send(partition, second, self._schema_id)
        except (RegistryUnavailable, KafkaException, BufferError) as error:
            self._note(str(error))

    def _find_partitions(self) -> None:
        """Partitions may be added while it runs; a broker that does not answer leaves it with those it knows."""
        now = time.monotonic()
        if now - self._partitions_asked < PARTITIONS_SECONDS:
            return
        self._partitions_asked = now
        topic = self._settings.events_topic
        try:
            found = self._producer.list_topics(topic, timeout=METADATA_SECONDS).topics[topic]
        except KafkaException:
            return
        if found.error is None and len(found.partitions) > self._partitions:
            log.info("%s has %d partitions now", topic, len(found.partitions))
            self._partitions = len(found.partitions)

    def _send(self, partition: int, second: int, schema_id: int) -> None:
        time_ms = second * 1000
        event = canary_event(partition, f"canary-{self._run}-{partition}-{second}", time_ms)
        self._producer.produce(
            self._settings.events_topic,
            value=encode(event, schema_id),
            key=event.campaign_id.encode(),
            partition=partition,
            timestamp=time_ms,
            on_delivery=self._delivered,
        )

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is None:
            self._note("")
            return
        self._fatal = self._fatal or error.fatal()
        self._note(f"a canary was not delivered: {error}")

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("%s; trying again each second", trouble)
        elif not trouble and self._trouble:
            log.info("canaries are delivered again")
        self._trouble = trouble

    def _new_producer(self) -> Producer:
        # Idempotent: a retried send must not become a second record with the same event id.
        return Producer(
            {
                "bootstrap.servers": self._settings.kafka_bootstrap,
                "enable.idempotence": True,
                "message.timeout.ms": int(self._patience * 1000),
                "linger.ms": 0,
                "reconnect.backoff.max.ms": 1000,
                "log_level": 2,
            }
        )


def main() -> int:
    """Runs until SIGTERM or SIGINT. Exit code 0, or 2 for settings that allow no canary."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        log.error("%s", error)
        return 2
    if settings.historic:
        log.error("ADCTR_HISTORIC=true: a historic stack has no canary, the preload ends with its own")
        return 2
    for client in ("httpx", "httpx2"):  # whichever the registry client uses: it logs each request
        logging.getLogger(client).setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Canary(settings).run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
