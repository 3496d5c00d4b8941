"""A preload: events whose record times lie in the past, as fast as the broker takes them.

For benchmarks and old logs, on a stack started with ``--historic``, whose topic takes any record time. The
topic has to be empty, because the watermark follows record times and must not have passed these already.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import replace

from confluent_kafka import Consumer, KafkaException, TopicPartition

from loadgen.closed_loop import ClosedLoop
from loadgen.errors import BrokerUnavailable, LoadRefused
from loadgen.pacer import SECOND_NS, SteadyPacer
from loadgen.publisher import METADATA_TIMEOUT_SECONDS
from loadgen.run import LoadPlan, LoadResult, Report
from loadgen.session import Session, header_of
from loadgen.traffic import Prepared, Traffic
from pipeline.canary import canary_event
from pipeline.contract.codec import encode
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings

MARGIN_SECONDS = 1


def closing_time_ms(end_ms: int, settings: Settings) -> int:
    """Time of the canaries behind events that end at ``end_ms``: their watermark closes every window before."""
    size_ms = max(WINDOW_SIZES_SECONDS) * 1000
    last_window_end_ms = -(-end_ms // size_ms) * size_ms
    return last_window_end_ms + (settings.out_of_orderness_seconds + MARGIN_SECONDS) * 1000


def latest_end_ms(now_ms: int, settings: Settings) -> int:
    """The latest end of a preload whose canaries still lie in the past: a full window boundary."""
    size_ms = max(WINDOW_SIZES_SECONDS) * 1000
    return (now_ms - (settings.out_of_orderness_seconds + MARGIN_SECONDS) * 1000) // size_ms * size_ms


def historic(
    settings: Settings,
    plan: LoadPlan,
    events: int,
    span_seconds: float,
    end_ms: int,
    stop: threading.Event,
    report: Report | None = None,
) -> LoadResult:
    """Sends ``events`` events with record times = event times, evenly over ``span_seconds`` until ``end_ms``.

    Ends with a canary on every partition (see `closing_time_ms`), unless stopped early. Raises LoadRefused,
    BrokerUnavailable and OSError (the ledger).
    """
    refuse_live(settings)
    _refuse_span(settings, events, span_seconds, end_ms)
    refuse_full_topic(settings)
    start_ns = end_ms * 1_000_000 - int(span_seconds * SECOND_NS)
    pacer = SteadyPacer(events / span_seconds, span_seconds)
    session = Session(settings)
    traffic = session.generated(plan)
    traffic.begin(pacer, start_ns, settings.allowed_lateness_seconds)
    session.open(plan.ledger, header_of(settings, plan, pacer.mean_rate, traffic, start_ns))
    loop = ClosedLoop(session, _Dated(traffic), stop, report)
    with session.ending_its_ledger(loop):
        loop.send_all()
        if not stop.is_set():
            send_closing_canaries(session, closing_time_ms(end_ms, settings))
        loop.await_answers()
        refuse_open_windows(session)
    return session.finish(loop.sent, loop.rate_achieved(), None, interrupted=stop.is_set())


class _Dated:
    """Traffic whose record times are its schedule's."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def next(self) -> Prepared | None:
        prepared = self._traffic.next()
        if prepared is None:
            return None
        return replace(prepared, record_times_ms=(prepared.rows["intended_ns"] // 1_000_000).tolist())


def refuse_live(settings: Settings) -> None:
    """Raises LoadRefused for a stack whose topic takes no old record times."""
    if not settings.historic:
        raise LoadRefused(
            "this stack runs live: old record times need a stack of their own, `adctr --data-dir OTHER up --historic`"
        )


def refuse_full_topic(settings: Settings) -> None:
    """Raises LoadRefused unless nothing was ever sent, or BrokerUnavailable."""
    found = _records_on_topic(settings)
    if found:
        raise LoadRefused(
            f"topic {settings.events_topic} holds or held {found} records: a preload needs an empty topic; start over "
            "with an empty data directory"
        )


def _refuse_span(settings: Settings, events: int, span_seconds: float, end_ms: int) -> None:
    if events < 1 or span_seconds <= 0:
        raise LoadRefused(f"events={events}, span={span_seconds:g} s: both must be more than 0")
    latest = latest_end_ms(time.time_ns() // 1_000_000, settings)
    if end_ms > latest:
        raise LoadRefused(
            f"end={end_ms} ms: must be at most {latest} ms, or the canaries behind it would lie in the future"
        )


def _records_on_topic(settings: Settings) -> int:
    """How many records were ever written: the sum of the end offsets."""
    topic = settings.events_topic
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "adctr-preload", "log_level": 2})
    try:
        partitions = consumer.list_topics(topic, METADATA_TIMEOUT_SECONDS).topics[topic].partitions
        ends = (
            consumer.get_watermark_offsets(TopicPartition(topic, index), METADATA_TIMEOUT_SECONDS)[1]
            for index in partitions
        )
        return sum(ends)
    except KafkaException as error:
        raise BrokerUnavailable(f"Kafka at {settings.kafka_bootstrap}: {error}; is the stack up?") from error
    finally:
        consumer.close()


def send_closing_canaries(session: Session, time_ms: int) -> None:
    """One to every partition, so that the last windows close."""
    run = uuid.uuid4().hex
    for partition in range(session.partition_count):
        event = canary_event(partition, f"canary-{run}-{partition}", time_ms)
        session.publisher.send_canary(encode(event, session.schema_id), event.campaign_id.encode(), partition, time_ms)


def refuse_open_windows(session: Session) -> None:
    """Raises BrokerUnavailable if a closing canary was not delivered."""
    if session.publisher.canaries_failed:
        raise BrokerUnavailable("the canaries at the end of the preload were not delivered: the last windows stay open")
