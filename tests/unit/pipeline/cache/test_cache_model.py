"""Redis's keys and scripts against a model, in any order: raise, recount, expire, flush, retention, rebuild.

The property that matters: what a reader gets from Redis is what was counted, or Redis is said not to have it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from pipeline.cache.cache_pressure import _set
from pipeline.cache.cache_rebuild import begin, finish, forget_index, is_complete, lost_windows
from pipeline.cache.cache_writer import CacheWriter, writer_client
from pipeline.cache.redis_reader import NotInRedis, RedisReader
from pipeline.contract.cache_schema import (
    ZERO,
    Counts,
    categories_key,
    cell_field,
    cells_key,
    parse_counts,
    parse_revision,
)
from pipeline.settings import Settings
from pipeline.store.metrics_queries import WindowRange
from tests.generated import BUDGETS
from tests.integration.redis_servers import RedisServer, free_port

SIZE, LONGEST = 60, 1800
ENDS = (100, -400, -1000, -1600, -2200)
"""Of windows, after the time at which a run begins; each is minutes away from where any retention ends."""
RETENTIONS = (600, 1200, 1800)
NAMES = (("shoes", "sports"), ("boots", "sports"), ("hats", "fashion"), ("hats", "sports"))
Value = tuple[int, Counts]
"""(revision, counts)"""

windows = st.sampled_from(ENDS)
counts = st.builds(Counts, st.integers(0, 3), st.integers(0, 3))
cells = st.dictionaries(st.sampled_from(NAMES), counts, min_size=1)
revisions = st.sampled_from((0, 0, 0, 1, 2))


def merged(before: Value, after: Value) -> Value:
    """Of two values of a cell the one that holds."""
    if before[0] != after[0]:
        return max(before, after, key=lambda value: value[0])
    larger = Counts(max(before[1].impressions, after[1].impressions), max(before[1].clicks, after[1].clicks))
    return before[0], larger


class CacheModel(RuleBasedStateMachine):
    """``counted`` is what PostgreSQL has: everything that was ever counted, whatever Redis made of it."""

    client: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        self.now = int(time.time())
        self.writer = CacheWriter(self.client, LONGEST)
        self.reader = RedisReader(self.client, LONGEST, time.time)
        self.counted: dict[int, dict[tuple[str, str], Value]] = {}
        self.seconds, self.kept_from = LONGEST, -(10**9)
        self.lost: set[int] = set()
        self.complete, self.token = False, ""
        self.token_holds = False
        self.start_rebuild()
        self.end_rebuild()

    def start_of(self, end: int) -> int:
        return self.now + end - SIZE

    def held(self, end: int) -> bool:
        return end > self.kept_from and end + self.seconds > 0

    def count(self, end: int, found: dict[tuple[str, str], Counts], revision: int) -> None:
        window = self.counted.setdefault(end, {})
        for cell, value in found.items():
            window[cell] = merged(window.get(cell, (0, ZERO)), (revision, value))

    @rule(end=windows, found=cells, revision=revisions)
    def write(self, end: int, found: dict[tuple[str, str], Counts], revision: int) -> None:
        """The live job, or a recount."""
        self.count(end, found, revision)
        assert self.writer.raise_window(SIZE, self.start_of(end), found, revision) == self.held(end)
        if self.held(end) and end in self.lost:
            # Parts of it are back; it is absent until a rebuild.
            self.complete = self.token_holds = False

    @rule(end=windows, found=cells)
    def write_while_the_clock_is_ahead(self, end: int, found: dict[tuple[str, str], Counts]) -> None:
        """To Redis every window has expired then, and its keys are gone."""
        if self.held(end):
            self.expire_while_the_clock_is_ahead(end)
            self.count(end, found, 0)
            assert not CacheWriter(self.client, -(10**6)).raise_window(SIZE, self.start_of(end), found)
            self.lost.add(end)

    @rule(end=windows)
    def expire_while_the_clock_is_ahead(self, end: int) -> None:
        keys = (cells_key(SIZE, self.start_of(end)), categories_key(SIZE, self.start_of(end)))
        if self.client.exists(*keys):
            self.lost.add(end)
        for key in keys:
            self.client.expireat(key, 0)

    @rule(seconds=st.sampled_from(RETENTIONS))
    def change_retention(self, seconds: int) -> None:
        _set(self.client, seconds)
        self.kept_from = max(self.kept_from, -min(self.seconds, seconds))
        self.seconds = seconds

    @precondition(lambda self: self.counted)
    @rule(really=st.integers(0, 4))
    def flush(self, really: int) -> None:
        """Seldom: there is little to see afterwards."""
        if really:
            return
        self.client.flushall()
        self.lost.clear()
        self.seconds, self.kept_from = LONGEST, -(10**9)
        self.complete = self.token_holds = False

    @precondition(lambda self: self.lost or not self.complete)
    @rule()
    def start_rebuild(self) -> None:
        self.token = begin(self.client)
        forget_index(self.client)
        self.complete, self.token_holds = False, True
        self.lost.clear()
        for end, window in self.counted.items():
            for revision in sorted({value[0] for value in window.values()}):
                some = {cell: value[1] for cell, value in window.items() if value[0] == revision}
                self.writer.raise_window(SIZE, self.start_of(end), some, revision)
        self.writer.raise_watermark(SIZE, self.now * 1000)

    @precondition(lambda self: not self.complete)
    @rule()
    def end_rebuild(self) -> None:
        assert finish(self.client, self.token) == self.token_holds
        self.complete = self.complete or self.token_holds

    @invariant()
    def a_reader_gets_what_was_counted_or_is_sent_away(self) -> None:
        for end in ENDS:
            start = self.start_of(end)
            totals = [value[1] for value in self.counted.get(end, {}).values()]
            here = self.complete and self.held(end) and end not in self.lost
            try:
                found = self.reader.series(WindowRange(SIZE, start, start + SIZE), None, None).value[start]
            except NotInRedis:
                assert not here, f"the window that ends at {end} is there, and Redis is said not to have it"
            else:
                assert found == sum(totals, ZERO), f"the window that ends at {end}"
                assert here

    @invariant()
    def sums_are_those_of_the_cells(self) -> None:
        for end in ENDS:
            sums: dict[bytes, Counts] = {}
            found = self.client.hgetall(cells_key(SIZE, self.start_of(end)))
            for field, value in found.items():  # type: ignore[union-attr]
                category = field.partition(b"\0")[2]
                sums[category] = sums.get(category, ZERO) + parse_counts(value)
            categories = self.client.hgetall(categories_key(SIZE, self.start_of(end)))
            assert {name: parse_counts(value) for name, value in categories.items()} == sums  # type: ignore[union-attr]
            if self.complete and self.held(end) and end not in self.lost:
                values = {
                    cell: (parse_revision(found[cell_field(*cell)]), parse_counts(found[cell_field(*cell)]))
                    for cell in self.counted.get(end, {})
                    if cell_field(*cell) in found
                }
                expected = {cell: value for cell, value in self.counted.get(end, {}).items() if value != (0, ZERO)}
                assert values == expected

    @invariant()
    def the_keeper_knows(self) -> None:
        assert is_complete(self.client) == self.complete
        if self.complete:
            gone = [end for end in self.lost if self.held(end)]
            assert lost_windows(self.client, LONGEST) == len(gone)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    server = RedisServer(free_port(), Path(tmp_path_factory.mktemp("redis")))
    with writer_client(Settings(redis_port=server.port)) as client:
        yield client
    server.kill()


@BUDGETS
def test_whatever_happens_redis_gives_no_wrong_answer(budget: str, client: redis.Redis) -> None:
    CacheModel.client = client
    steps = 20 if hypothesis_settings.default.max_examples < 100 else 50
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        CacheModel, settings=hypothesis_settings(stateful_step_count=steps)
    )
