"""Schedules of overlapping actions on real stacks: saved ones, one from a seed, and a bad pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from compose.experiment.schedule_run import Judging, run_on_own_stack
from pipeline.store.db_connector import connect_owner
from slo.disturbances.action import POSTGRES, Action
from slo.disturbances.bench import Bench
from slo.schedules.draw import draw
from slo.schedules.file import read_schedule
from slo.schedules.schedule import Schedule, Strike, strike
from slo.spec.parse import load_bundled
from slo.verdict import Verdict
from tests.integration.commands import adctr

RATE = 1_000.0
SAVED = sorted((Path(__file__).parents[1] / "schedules").glob("*.yaml"))
LIMIT_SECONDS = 360.0
"""How soon it is back is for `adctr chaos random` to judge on a quiet machine; that it is back is for these tests."""

pytestmark = [pytest.mark.long, pytest.mark.embedded]


def judged_by(tmp_path: Path) -> Judging:
    return Judging(load_bundled(), LIMIT_SECONDS, 4.0, tmp_path / "activities.jsonl")


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_a_saved_schedule_passes(tmp_path: Path, path: Path) -> None:
    """Schedules that failed once, reduced, and those tried by hand. Every strike must strike."""
    run = run_on_own_stack(read_schedule(path), tmp_path / "stack", judged_by(tmp_path))
    assert (run.problems, run.doubts) == ([], []), run.as_text()
    assert run.verdict is Verdict.PASS
    assert {each.strike.action.name: each.said for each in run.outcomes if not each.struck} == {}, run.as_text()
    assert not (tmp_path / "stack").exists()


def test_a_seed_is_run_and_saved(tmp_path: Path) -> None:
    words = ("chaos", "random", "--seed", "7", "--for", "60s", "--rate", "1000", "--limit-factor", "4")
    done = adctr(tmp_path, *words, "--format", "json")
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert (found["verdict"], found["exact"], found["wrong_reads"]) == ("pass", True, 0)
    assert read_schedule(tmp_path / "schedules" / "seed-7.yaml") == draw(7, 60.0, RATE)


@contextmanager
def counts_lowered(bench: Bench) -> Iterator[None]:
    """What a writer without its guard does: every window of the store says less than it did, and then the truth."""
    with closing(connect_owner(bench.settings)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("UPDATE metrics_1min SET impressions = impressions / 2")
            yield
            cursor.execute("UPDATE metrics_1min SET impressions = impressions * 2")


def test_counts_that_fall_are_told_by_readers_and_by_the_counts(tmp_path: Path) -> None:
    """The control: with Redis away readers hear PostgreSQL, whose counts are halved amid it."""
    lowered = Action(
        "counts_lowered", "Counts are halved.", counts_lowered, lasts_seconds=5.0, needs=frozenset({POSTGRES})
    )
    schedule = Schedule(1, 60.0, RATE, (strike("redis_away", 10.0, 30.0), Strike(lowered, 25.0, 5.0)))
    run = run_on_own_stack(schedule, tmp_path / "stack", judged_by(tmp_path))
    assert run.verdict is Verdict.FAIL, run.as_text()
    assert any("postgres told" in each.text and "fallen from" in each.text for each in run.wrong_reads)
