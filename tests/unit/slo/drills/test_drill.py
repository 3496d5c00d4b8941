"""A drill is caught when the verdict says what it must, and nothing that it must not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from compose.experiment.drill_run import scaled
from slo.disturbances import sabotage
from slo.drills.catalogue import DRILLS, find_drill
from slo.drills.drill import Drill, ExpectedReading, examine
from slo.recording import Recording, Series
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled
from slo.verdict import ObjectiveResult, RunVerdict, Verdict, judge_run

DRILL = Drill(
    "slow",
    "Redis is slow.",
    sabotage.nothing,
    must_fail=frozenset({"event_to_redis"}),
    must_be_inconclusive=frozenset({"cache_read"}),
    may_fail=frozenset({"window_close"}),
    may_be_inconclusive=frozenset({"event_to_postgres"}),
    reading=ExpectedReading(Indicator.EVENT_TO_REDIS, 4.8, 7.0),
)


def verdict(**results: str) -> RunVerdict:
    """Objectives by name and what was said of them."""
    return RunVerdict.of(
        [ObjectiveResult(name, Verdict(said), None, 1.0, "ratio", 100) for name, said in results.items()]
    )


def recording(highest: float) -> Recording:
    return Recording(0, 60, {Indicator.EVENT_TO_REDIS: Series(np.array([1.0, 2.0]), np.array([0.1, highest]))})


RIGHT = {"event_to_redis": "fail", "cache_read": "inconclusive", "window_close": "pass", "counts_exact": "pass"}


def test_the_right_answer_is_caught() -> None:
    assert examine(DRILL, verdict(**RIGHT), recording(5.1)).wrong == []


@pytest.mark.parametrize(
    "said",
    [
        {"window_close": "fail"},
        {"window_close": "inconclusive"},
        {"event_to_postgres": "inconclusive"},
        {"counts_exact": "not judged"},
    ],
)
def test_what_may_come_out_otherwise_may(said: dict[str, str]) -> None:
    assert examine(DRILL, verdict(**RIGHT | said), recording(5.1)).caught


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"event_to_redis": "pass"}, "event_to_redis: pass instead of fail"),
        ({"event_to_redis": "inconclusive"}, "event_to_redis: inconclusive instead of fail"),
        ({"cache_read": "pass"}, "cache_read: pass instead of inconclusive"),
        ({"cache_read": "fail"}, "cache_read: fail instead of inconclusive"),
        ({"counts_exact": "fail"}, "counts_exact: fail, which has nothing to do with it: "),
        ({"event_to_postgres": "fail"}, "event_to_postgres: fail, which has nothing to do with it: "),
    ],
)
def test_every_wrong_answer_is_named(said: dict[str, str], wrong: str) -> None:
    assert examine(DRILL, verdict(**RIGHT | said), recording(5.1)).wrong == [wrong]


def test_what_has_nothing_to_do_with_it_and_could_not_be_judged_leaves_the_drill_open() -> None:
    """It is not caught, and another time it may be."""
    result = examine(DRILL, verdict(**RIGHT | {"counts_exact": "inconclusive"}), recording(5.1))
    assert (result.caught, result.inconclusive, result.wrong) == (False, True, [])
    assert result.doubts == ["counts_exact: inconclusive, which has nothing to do with it: "]
    result = examine(DRILL, verdict(**RIGHT | {"counts_exact": "inconclusive", "cache_read": "pass"}), recording(5.1))
    assert (result.caught, result.inconclusive) == (False, False)


def test_a_generator_that_was_late_itself_leaves_the_drill_open() -> None:
    """The target lies between what the pipeline may have done; a verdict that is unsure otherwise caught nothing."""
    unsure = verdict(**RIGHT | {"event_to_redis": "inconclusive"})
    between = RunVerdict.of(
        [
            dataclasses.replace(each, in_run=(0.9, 1.0) if each.name == "event_to_redis" else None)
            for each in unsure.objectives
        ]
    )
    assert examine(DRILL, between, recording(5.1)).inconclusive
    assert not examine(DRILL, unsure, recording(5.1)).inconclusive
    assert examine(DRILL, verdict(**RIGHT | {"event_to_redis": "pass"}), recording(5.1)).wrong


def test_an_objective_that_was_not_judged_does_not_count_as_caught() -> None:
    results = {name: said for name, said in RIGHT.items() if name != "event_to_redis"}
    assert examine(DRILL, verdict(**results), recording(5.1)).wrong == ["event_to_redis was not judged at all"]


def test_a_figure_that_does_not_come_back_is_named() -> None:
    """Frozen for 5 s and read as 1.2 s: an average, or a generator that waited."""
    wrong = examine(DRILL, verdict(**RIGHT), recording(1.2)).wrong
    assert wrong == ["event_to_redis_seconds reads at most 1.20, wanted 4.8 to 7"]


def test_every_drill_has_an_answer_and_a_name_of_its_own() -> None:
    assert len({drill.name for drill in DRILLS}) == len(DRILLS) >= 13
    for drill in DRILLS:
        assert drill.must_fail | drill.must_be_inconclusive, drill.name
        assert not drill.must_fail & (drill.may_fail | drill.must_be_inconclusive), drill.name


def test_every_objective_fails_in_a_drill() -> None:
    """One that has never failed may be unable to."""
    failing = frozenset[str]().union(*(drill.must_fail for drill in DRILLS))
    assert failing == {each.name for each in load_bundled().objectives}


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_drill_is_long_enough_for_what_it_wants_to_hear(drill: Drill) -> None:
    """Or the objective comes out as not judged, whatever was done."""
    objectives = scaled(load_bundled(), drill)
    for name in drill.must_fail | drill.must_be_inconclusive:
        assert objectives.objective(name).minimum.duration_seconds <= drill.seconds, name


@pytest.mark.parametrize(("died_at", "said"), [(None, Verdict.PASS), (8.0, Verdict.INCONCLUSIVE)])
def test_what_the_dead_probe_had_read_before_would_have_passed(died_at: float | None, said: Verdict) -> None:
    """So that it is its silence that keeps it from a pass, and not that a drill is short."""
    drill = find_drill("probe_dead")
    times = np.arange(0.0, died_at or drill.seconds, 0.055)
    reads = Recording(0, drill.seconds, {Indicator.CACHE_READ: Series(times, np.full(len(times), 0.002))})
    judged = judge_run(scaled(load_bundled(), drill).only(["cache_read"]), reads)
    assert [each.verdict for each in judged.objectives] == [said]


def test_an_unknown_drill_is_refused_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match="known are redis_writes_delayed"):
        find_drill("earthquake")


def test_json_has_the_promised_keys() -> None:
    result = examine(DRILL, verdict(**RIGHT), recording(5.1)).as_json()
    assert {key: result[key] for key in ("name", "expected", "caught")} == {
        "name": "slow",
        "expected": "event_to_redis fails, cache_read inconclusive",
        "caught": True,
    }
    assert result["got"] == RIGHT
