"""A preload: events whose record times lie in the past, as fast as the broker takes them.

For benchmarks and old logs, on a stack started with ``--historic``, whose topic takes any record time. The
topic has to be empty, because the watermark follows record times and must not have passed these already.
"""

from __future__ import annotations

import threading
import time
import uuid

from confluent_kafka import Consumer, KafkaException, TopicPartition

from loadgen.errors import BrokerUnavailable, LoadRefused
from loadgen.pacer import SECOND_NS, SteadyPacer
from loadgen.publisher import METADATA_TIMEOUT_SECONDS, delivery_seconds
from loadgen.run import LoadPlan, LoadResult, Progress, Report, Session
from pipeline.contract.cache_schema import CANARY_PREFIX
from pipeline.contract.codec import AdEvent, encode
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings

MARGIN_SECONDS = 1
REPORT_SECONDS = 0.5


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
    _refuse(settings, events, span_seconds, end_ms)
    start_ns = end_ms * 1_000_000 - int(span_seconds * SECOND_NS)
    pacer = SteadyPacer(events / span_seconds, span_seconds)
    session = Session(settings, plan, pacer, start_ns)
    began, cpu = time.monotonic(), time.process_time()
    try:
        sent = _send_all(session, stop, report)
        elapsed = time.monotonic() - began
        if not stop.is_set():
            _send_canaries(session, closing_time_ms(end_ms, settings))
        _await_answers(session, delivery_seconds(settings))
    except BaseException:
        session.note_answers()
        session.ledger.abandon()
        raise
    session.ledger.close(sent)
    return LoadResult(
        run_id=plan.run_id,
        ledger=plan.ledger,
        sent=sent,
        acknowledged=session.acknowledged,
        failed=sent - session.acknowledged,
        rate_achieved=sent / elapsed,
        send_delay=None,
        cpu_seconds=time.process_time() - cpu,
        interrupted=stop.is_set(),
    )


def _refuse(settings: Settings, events: int, span_seconds: float, end_ms: int) -> None:
    if not settings.historic:
        raise LoadRefused(
            "this stack runs live: old record times need a stack of their own, `adctr --data-dir OTHER up --historic`"
        )
    if events < 1 or span_seconds <= 0:
        raise LoadRefused(f"events={events}, span={span_seconds:g} s: both must be more than 0")
    latest = latest_end_ms(time.time_ns() // 1_000_000, settings)
    if end_ms > latest:
        raise LoadRefused(
            f"end={end_ms} ms: must be at most {latest} ms, or the canaries behind it would lie in the future"
        )
    found = _records_on_topic(settings)
    if found:
        raise LoadRefused(
            f"topic {settings.events_topic} holds or held {found} records: a preload needs an empty topic; start over "
            "with an empty data directory"
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


def _send_all(session: Session, stop: threading.Event, report: Report | None) -> int:
    sent, began, reported = 0, time.monotonic(), 0.0
    while not stop.is_set() and (prepared := session.prepare()) is not None:
        record_times: list[int] = (prepared.batch.rows["intended_ns"] // 1_000_000).tolist()
        session.publisher.send_patiently(prepared.values, prepared.keys, prepared.partitions, record_times)
        sent += len(prepared.values)
        session.publisher.require_usable()
        session.publisher.poll()
        elapsed = time.monotonic() - began
        if elapsed - reported >= REPORT_SECONDS:
            reported = elapsed
            session.note_answers()
            if report is not None:
                report(Progress(sent, session.acknowledged, session.failed, elapsed, 0.0))
    return sent


def _send_canaries(session: Session, time_ms: int) -> None:
    run = uuid.uuid4().hex
    for partition in range(session.partition_count):
        event = AdEvent(
            event_id=f"canary-{run}-{partition}",
            event_type="IMPRESSION",
            event_time=time_ms,
            user_id=CANARY_PREFIX,
            ad_id=CANARY_PREFIX,
            campaign_id=f"{CANARY_PREFIX}-{partition}",
            category=CANARY_PREFIX,
        )
        session.publisher.send_canary(encode(event, session.schema_id), event.campaign_id.encode(), partition, time_ms)


def _await_answers(session: Session, seconds: float) -> None:
    deadline = time.monotonic() + seconds + 5
    while session.publisher.outstanding() and time.monotonic() < deadline:
        session.publisher.poll(0.1)
        session.note_answers()
    session.note_answers()
    if session.publisher.canaries_failed:
        raise BrokerUnavailable("the canaries at the end of the preload were not delivered: the last windows stay open")
