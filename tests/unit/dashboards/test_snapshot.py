"""What a refresh reads, and how often."""

from __future__ import annotations

from dashboards.business.snapshot import Snapshot, SnapshotReader, Unavailable
from pipeline.contract.cache_schema import Counts, Retention
from pipeline.read_results import Source
from pipeline.settings import Settings
from tests.memory_metrics import MemoryMetrics

NOON = 1_767_268_800
DAY = 86_400


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def day_of_minutes() -> dict[int, dict[tuple[str, str], Counts]]:
    """One impression in every minute of a day and a bit."""
    return {NOON - DAY - 600 + n * 60: {("shoes", "sports"): Counts(1, 0)} for n in range(24 * 60 + 30)}


def reader(now: float = NOON + 30.0) -> tuple[SnapshotReader, MemoryMetrics, Clock]:
    clock = Clock(now)
    fake = MemoryMetrics(clock, day_of_minutes(), watermark_ms=int((now - 5.5) * 1000))
    return SnapshotReader(fake, Settings(), clock), fake, clock


def taken(reader: SnapshotReader, range_seconds: int) -> Snapshot:
    found = reader.take(range_seconds, None)
    assert isinstance(found, Snapshot)
    return found


def test_half_an_hour_is_two_reads_of_redis() -> None:
    snapshots, fake, _ = reader()
    found = taken(snapshots, 1800)
    assert (fake.reads, found.source, found.newest_event_seconds) == (2, Source.REDIS, NOON + 29.5)
    assert [found.minutes[0].start_seconds, found.minutes[-1].start_seconds] == [NOON - 29 * 60, NOON]
    assert [found.windows[0].start_seconds, found.windows[-1].start_seconds] == [NOON - 1500, NOON]
    assert found.cells == {("shoes", "sports"): Counts(30, 0)}, "five windows of five, and five minutes of now's"


def test_a_day_ends_with_redis_and_begins_with_postgres_whose_part_is_read_once() -> None:
    """288 windows without a gap; what is final is not asked for again until a window has moved on."""
    snapshots, fake, clock = reader()
    found = taken(snapshots, DAY)
    starts = [window.start_seconds for window in found.windows]
    assert starts == list(range(NOON + 300 - DAY, NOON + 300, 300))
    assert found.cells == {("shoes", "sports"): Counts(24 * 60, 0)}
    assert (fake.reads, found.source) == (4, Source.REDIS)
    clock.now += 10
    assert taken(snapshots, DAY).cells == found.cells
    assert fake.reads == 6, "the newer part of both sizes alone"
    clock.now += 300
    taken(snapshots, DAY)
    assert fake.reads == 10


def test_what_is_not_final_is_read_again() -> None:
    """A job that is an hour behind may still change what Redis no longer keeps."""
    snapshots, fake, clock = reader()
    fake.watermark_ms = (NOON - 3600) * 1000
    taken(snapshots, DAY)
    clock.now += 10
    taken(snapshots, DAY)
    assert fake.reads == 8


def test_without_redis_everything_is_postgres_and_says_so() -> None:
    snapshots, fake, _ = reader()
    fake.redis_down = True
    found = taken(snapshots, 1800)
    assert (found.source, found.fallback_reason) == (Source.POSTGRES, "Redis: connection refused")


def test_while_memory_is_short_what_has_gone_is_postgres_and_the_rest_is_redis() -> None:
    """At every second, while windows go and after: what is live never waits for PostgreSQL, and nothing is zero."""
    for in_force in (Retention(1260), Retention(1800, NOON - 1320)):
        for second in range(0, 300, 7):
            snapshots, fake, _ = reader(NOON + second)
            fake.in_force = in_force
            found = taken(snapshots, 1800)
            assert (found.source, found.fallback_reason, found.past_missing) == (Source.REDIS, None, None)
            assert fake.reads > 2
            assert len(found.minutes) == 30
            assert all(each.by_category for each in found.minutes)


def test_without_postgres_the_newest_part_is_still_there() -> None:
    snapshots, fake, _ = reader()
    fake.postgres_down = True
    found = taken(snapshots, DAY)
    assert found.source is Source.REDIS
    assert found.past_missing is not None
    assert 0 < len(found.windows) < 12


def test_where_the_store_job_is_far_behind_the_older_part_is_not_complete() -> None:
    """Redis has let windows go that PostgreSQL does not have yet."""
    snapshots, fake, _ = reader()
    fake.postgres_watermark_ms = (NOON - 1800) * 1000
    assert taken(snapshots, 3600).past_missing is not None
    fake.postgres_watermark_ms = (NOON - 300) * 1000
    assert taken(snapshots, 3600).past_missing is None


def test_without_both_there_is_a_reason() -> None:
    snapshots, fake, _ = reader()
    fake.redis_down = fake.postgres_down = True
    found = snapshots.take(1800, None)
    assert isinstance(found, Unavailable)
    assert found.reason == "Redis: connection refused; PostgreSQL: connection refused"


def test_windows_about_to_expire_are_asked_of_postgres_at_every_second() -> None:
    """Whatever the second of a window: no read of Redis reaches back beyond what it keeps."""
    for second in range(300):
        snapshots, _, _ = reader(NOON + second)
        for range_seconds in (900, 1800, 3600):
            assert taken(snapshots, range_seconds).fallback_reason is None


def test_ranges_that_nobody_asks_for_again_are_dropped() -> None:
    """A page that is watched all day asks for new ranges every five minutes; those of now are kept."""
    snapshots, fake, clock = reader()
    held = []
    for _ in range(12):
        fake.watermark_ms = int((clock.now - 5.5) * 1000)
        taken(snapshots, DAY)
        held.append(len(snapshots._past._final))
        clock.now += 300
    assert held[-1] == held[3] < held[0] * 4
    before = fake.reads
    clock.now -= 300
    taken(snapshots, DAY)
    assert fake.reads == before + 2, "the newer part of both sizes alone"
