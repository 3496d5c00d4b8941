"""Locust's users of a stack: producers of events, readers of the cache and of PostgreSQL, visitors of the dashboard.

For `adctr load locust`, which starts locust in a process of its own, because importing it replaces the standard
library's waiting by gevent's. docs/load.md says how to use it.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from functools import cache
from typing import Any

import requests
from gevent.lock import BoundedSemaphore
from locust import LoadTestShape, events, stats

from loadgen.locust_users.gates import Requests, exit_code, judge, three_digits
from loadgen.locust_users.gevent_postgres import Connections, make_green
from loadgen.locust_users.open_loop import OpenLoopUser
from loadgen.locust_users.plan import LocustPlan
from loadgen.locust_users.producer_link import ProducerLink
from loadgen.profiles import find_profile
from pipeline.cache.cache_manager import CacheManager
from pipeline.cache.redis_reader import cache_client
from pipeline.read_results import Ranking, Reading, Source
from pipeline.settings import Settings
from pipeline.store.db_connector import connect_reader
from pipeline.store.metrics_queries import WindowRange, campaigns_query, categories_query, series_query

PLAN = LocustPlan.from_env(os.environ)
SETTINGS = Settings.from_env(os.environ)
PROFILE = find_profile(PLAN.profile)
KAFKA, CACHE, POSTGRES, HTTP = "KAFKA", "CACHE", "POSTGRES", "HTTP"
"""Kinds of requests: locust's column "type"."""
REQUESTS_PER_SECOND = 10.0
"""Of a producing user: its events go in so many requests."""
RANGE_SECONDS = 600
PAGE_SECONDS = 5.0

stats.bucket_response_time = three_digits
make_green()


@cache
def _one_at_a_time() -> BoundedSemaphore:
    return BoundedSemaphore()


@cache
def _producer() -> ProducerLink:
    return ProducerLink(PLAN)


def producer() -> ProducerLink:
    """This process's producer. The first request starts it, so that a master, which sends nothing, has none.

    Starting it lets other greenlets run: they wait here, or each of them would start one.
    """
    with _one_at_a_time():
        return _producer()


@cache
def reader() -> CacheManager:
    """This process's read API."""
    return CacheManager(cache_client(SETTINGS), lambda: connect_reader(SETTINGS), SETTINGS)


@cache
def connections() -> Connections:
    """This process's connections to PostgreSQL."""
    return Connections(lambda: connect_reader(SETTINGS))


class Producer(OpenLoopUser):
    """Sends events by the profile; a request is answered when all of its events are acknowledged."""

    weight = 5
    per_second = min(REQUESTS_PER_SECOND, PLAN.events_per_user)
    events_per_request = max(1, round(PLAN.events_per_user / REQUESTS_PER_SECOND))

    def request(self, intended_ns: int) -> None:
        def produce() -> tuple[int, int]:
            reply = producer().produce(self.events_per_request, intended_ns)
            if reply.failed:
                raise RuntimeError(f"{reply.failed} events were not acknowledged")
            return reply.acknowledged, reply.at_ns

        self.timed(KAFKA, f"produce {self.events_per_request} events", intended_ns, produce)


class CacheReader(OpenLoopUser):
    """Asks the read API in rotation for the current window, ten minutes of windows, and the top campaigns."""

    weight = 3
    per_second = PLAN.reads_per_user

    def on_start(self) -> None:
        super().on_start()
        self._turns = itertools.cycle(("current window", "time series", "top campaigns"))

    def request(self, intended_ns: int) -> None:
        name = next(self._turns)

        def read() -> tuple[int, None]:
            now, manager = int(time.time()), reader()
            if name == "current window":
                _require_redis(manager.current_window())
                return 1, None
            if name == "time series":
                series = manager.time_series(now - RANGE_SECONDS, now)
                _require_redis(series)
                return len(series.value), None
            campaigns = manager.top_campaigns(now - RANGE_SECONDS, now)
            _require_redis(campaigns)
            return len(campaigns.value), None

        self.timed(CACHE, name, intended_ns, read)


def _require_redis(reading: Reading[Any]) -> None:
    """Raises RuntimeError where PostgreSQL answered instead: the cache did not."""
    if reading.source is not Source.REDIS:
        raise RuntimeError(f"answered by {reading.source}: {reading.fallback_reason}")


class PostgresReader(OpenLoopUser):
    """Asks PostgreSQL the read API's questions."""

    weight = 1
    per_second = PLAN.reads_per_user

    def on_start(self) -> None:
        super().on_start()
        self._turns = itertools.cycle(("time series", "categories", "top campaigns"))

    def request(self, intended_ns: int) -> None:
        name, now = next(self._turns), int(time.time())
        windows = WindowRange(60, (now - RANGE_SECONDS) // 60 * 60, now)

        def read() -> tuple[int, None]:
            if name == "time series":
                query = series_query(windows, None, None)
            elif name == "categories":
                query = categories_query(windows)
            else:
                query = campaigns_query(windows, None, Ranking())
            with connections().one() as connection, connection.cursor() as cursor:
                cursor.execute(query.statement, query.arguments)
                return len(cursor.fetchall()), None

        self.timed(POSTGRES, name, intended_ns, read)


class DashboardVisitor(OpenLoopUser):
    """Opens the dashboard's page and asks for its health. Nobody does where there is none."""

    weight = 0 if PLAN.dashboard_url is None else 1
    per_second = 1.0

    def on_start(self) -> None:
        super().on_start()
        self._paths = itertools.cycle(("/", "/_stcore/health"))

    def request(self, intended_ns: int) -> None:
        path = next(self._paths)

        def get() -> tuple[int, None]:
            answer = requests.get(f"{PLAN.dashboard_url}{path}", timeout=PAGE_SECONDS)
            answer.raise_for_status()
            return len(answer.content), None

        self.timed(HTTP, path, intended_ns, get)


if PROFILE.curve is not None:

    class ProfileShape(LoadTestShape):  # type: ignore[misc]
        """As many of ``--users`` as the profile's rate over time says, for ``--run-time``."""

        use_common_options = True

        def tick(self) -> tuple[int, float] | None:
            assert PROFILE.curve is not None
            options, elapsed = self.runner.environment.parsed_options, self.get_run_time()
            if options.run_time and elapsed > options.run_time:
                return None
            nominal = options.num_users or 1
            # At once: the curve says how quickly users come and go.
            return max(1, round(nominal * PROFILE.curve.times(elapsed))), nominal * PROFILE.curve.highest_times


@events.init.add_listener  # type: ignore[untyped-decorator]
def leave_figures_to_the_master(environment: Any, **_: object) -> None:
    """A worker has locust's flags as well, and would print and write its own figures over the master's."""
    options = environment.parsed_options
    if options is not None and options.worker:
        options.json, options.json_file = False, None


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def end(environment: Any, **_: object) -> None:
    """Ends the producer, so that its ledger is complete; then the objectives decide about the exit code."""
    environment.runner.stop()  # after a Ctrl-C users are still at work
    if _producer.cache_info().currsize:
        producer().close()
    if environment.parsed_options is not None and getattr(environment.parsed_options, "worker", False):
        return
    found = {kind: _requests_of(environment, kind) for kind in (KAFKA, CACHE, POSTGRES, HTTP)}
    judged = [judge(gate, found[gate.kind]) for gate in PLAN.gates]
    for each in judged:
        print(each, file=sys.stderr, flush=True)
    failed = [kind for kind, requests_ in found.items() if requests_.failures]
    environment.process_exit_code = exit_code(judged, failed)


def _requests_of(environment: Any, kind: str) -> Requests:
    entries = [entry for (_, method), entry in environment.stats.entries.items() if method == kind]
    times: dict[float, int] = {}
    for entry in entries:
        for milliseconds, count in entry.response_times.items():
            times[milliseconds] = times.get(milliseconds, 0) + count
    return Requests(sum(entry.num_requests for entry in entries), sum(e.num_failures for e in entries), times)
