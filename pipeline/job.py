"""Builds and submits the two Flink jobs. Run by Flink's client: ``flink run -py pipeline/job.py``.

``live`` counts windows into Redis; ``store`` counts them into PostgreSQL and keeps raw events, dead letters, late
events and tombstones. They share rules and nothing else: each reads the topic for itself, so that one sink's trouble
is not the other's, and each checks the other's counts. Events never pass through Python: all of it is SQL, but for
one operator of ours between the source and the windows (docs/decisions/0024-combining.md).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import EnvironmentSettings, StreamTableEnvironment

from pipeline.aggregations import (
    COMBINED,
    STORE_EARLY_FIRE_MILLISECONDS,
    counted_events,
    window_options,
    window_view,
)
from pipeline.group_offsets import begin_at_the_first_record
from pipeline.job_names import JOBS, LIVE, STORE, flink_name
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.sinks import dead_letter, postgres, redis_cache
from pipeline.source import COUNTED_FIELDS, EVENT_FIELDS, EVENTS, events_query, events_table

LIVE_COMBINE_MILLISECONDS = 10
"""A part of the second within which an event is in Redis."""
STORE_COMBINE_MILLISECONDS = 100


@dataclass(frozen=True)
class JobPlan:
    """A job as SQL, beginning with the table of its topic and the query that makes `EVENTS` of it.

    ``shared``: whether statements read it beside the windows. ``ddl`` are views and sinks, ``inserts`` form
    one Flink job.
    """

    topic: str
    events: str
    shared: bool
    combine_milliseconds: int
    ddl: list[str]
    inserts: list[str]
    early_fire_milliseconds: int


def live_plan(settings: Settings, offset_reset: str = "none") -> JobPlan:
    """Windows into Redis."""
    return JobPlan(
        topic=events_table(settings, LIVE, COUNTED_FIELDS, with_origin=False, offset_reset=offset_reset),
        events=events_query(COUNTED_FIELDS, with_origin=False),
        shared=False,
        combine_milliseconds=LIVE_COMBINE_MILLISECONDS,
        ddl=[
            *(window_view(size) for size in WINDOW_SIZES_SECONDS),
            *(redis_cache.cache_table(settings, size) for size in WINDOW_SIZES_SECONDS),
        ],
        inserts=[redis_cache.cache_insert(size) for size in WINDOW_SIZES_SECONDS],
        early_fire_milliseconds=settings.early_fire_milliseconds,
    )


def store_plan(settings: Settings, offset_reset: str = "none") -> JobPlan:
    """Windows and records into PostgreSQL, rejects into their topics."""
    return JobPlan(
        topic=events_table(settings, STORE, EVENT_FIELDS, with_origin=True, offset_reset=offset_reset),
        events=events_query(EVENT_FIELDS, with_origin=True),
        shared=True,
        combine_milliseconds=STORE_COMBINE_MILLISECONDS,
        ddl=[
            *dead_letter.FUNCTIONS,
            *(window_view(size) for size in WINDOW_SIZES_SECONDS),
            *(postgres.metrics_table(settings, size) for size in WINDOW_SIZES_SECONDS),
            postgres.raw_events_table(settings),
            postgres.tombstones_table(settings),
            *(postgres.watermark_table(settings, size) for size in WINDOW_SIZES_SECONDS),
            dead_letter.letters_table(settings, "dead_letters", settings.dead_letter_topic),
            dead_letter.letters_table(settings, "late_events", settings.late_topic),
        ],
        inserts=[
            *(postgres.metrics_insert(size) for size in WINDOW_SIZES_SECONDS),
            postgres.raw_events_insert(settings),
            postgres.tombstones_insert(),
            *(postgres.watermark_insert(size) for size in WINDOW_SIZES_SECONDS),
            dead_letter.dead_letters_insert(settings),
            dead_letter.late_events_insert(settings),
        ],
        early_fire_milliseconds=STORE_EARLY_FIRE_MILLISECONDS,
    )


PLANS = {LIVE: live_plan, STORE: store_plan}


def job_options(settings: Settings, job: str, early_fire_milliseconds: int, restore_from: str | None) -> dict[str, str]:
    """Flink options of one job; the cluster's own are the stack's business."""
    options = window_options(settings, early_fire_milliseconds) | {
        "pipeline.name": flink_name(job),
        "parallelism.default": str(settings.parallelism),
        "pipeline.object-reuse": "true",
        "execution.buffer-timeout.interval": "10 ms",
        "execution.checkpointing.interval": f"{settings.checkpoint_interval_seconds} s",
        # As all state is written each time: one that takes long is not followed by the next one at once.
        "execution.checkpointing.min-pause": f"{settings.checkpoint_interval_seconds} s",
        "execution.checkpointing.dir": settings.checkpoint_uri(job),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    }
    if restore_from:
        options |= {"execution.state-recovery.path": restore_from, "execution.state-recovery.claim-mode": "CLAIM"}
    return options


def submit(
    settings: Settings, job: str, restore_from: str | None, *, accept_loss: bool = False, rewind: bool = False
) -> str:
    """Submits one job and returns its id.

    With ``accept_loss`` it goes on at the first record that there is where the next one is gone. ``rewind`` is for a
    checkpoint that is not the newest: of a partition from which nothing was read by then, the checkpoint says no more
    than "at the committed offset", and the group has committed further ones since.
    """
    if restore_from is None or rewind:
        begin_at_the_first_record(settings, flink_name(job))
    plan = PLANS[job](settings, "earliest" if accept_loss else "none")
    configuration = Configuration()
    for key, value in job_options(settings, job, plan.early_fire_milliseconds, restore_from).items():
        configuration.set_string(key, value)
    tables = StreamTableEnvironment.create(
        StreamExecutionEnvironment.get_execution_environment(configuration),
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(configuration).build(),
    )
    streams, java_tables = get_gateway().jvm.adctr.flink.Streams, tables._j_tenv  # noqa: SLF001 - there is no other way
    tables.execute_sql(plan.topic)
    if plan.shared:
        streams.share(java_tables, plan.events, "event_time", EVENTS)
    else:
        tables.execute_sql(f"CREATE TEMPORARY VIEW {EVENTS} AS {plan.events}")
    streams.combine(java_tables, counted_events(settings), COMBINED, plan.combine_milliseconds)
    for statement in plan.ddl:
        tables.execute_sql(statement)
    statements = tables.create_statement_set()
    for insert in plan.inserts:
        statements.add_insert_sql(insert)
    client = statements.execute().get_job_client()
    if client is None:
        raise RuntimeError(f"Flink took job {job} but gave no client for it")
    return str(client.get_job_id())


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """``jobs``, ``accept_loss`` and ``rewind``: lists of strings. Ends the process (SystemExit) on wrong ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", nargs="+", metavar="JOB[=CHECKPOINT]")
    parser.add_argument("--accept-loss", action="append", default=[], metavar="JOB")
    parser.add_argument("--rewind", action="append", default=[], metavar="JOB")
    # The options of a job stand behind it, in front of the next job.
    parsed = parser.parse_intermixed_args(arguments)
    for argument in parsed.jobs:
        if argument.partition("=")[0] not in JOBS:
            parser.error(f"job {argument!r}: allowed are {', '.join(JOBS)}")
    return parsed


def main(arguments: Sequence[str]) -> None:
    """Submits the named jobs, each from its checkpoint where one is given as JOB=PATH."""
    parsed = parse_arguments(arguments)
    settings = Settings.from_env(os.environ)
    failed = []
    for argument in parsed.jobs:
        job, _, restore_from = argument.partition("=")
        try:
            options = {"accept_loss": job in parsed.accept_loss, "rewind": job in parsed.rewind}
            job_id = submit(settings, job, restore_from or None, **options)
            print(f"submitted {job} {job_id}", flush=True)
        except Exception as error:  # Flink's, in any of Java's classes: the other job has its own state
            print(f"{job} was not submitted: {error}", file=sys.stderr, flush=True)
            failed.append(job)
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
