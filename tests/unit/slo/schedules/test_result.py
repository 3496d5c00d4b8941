"""What is said of a run of a schedule, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slo.faults.recovery import Recovery
from slo.schedules.result import ScheduleRun, StrikeOutcome
from slo.schedules.schedule import Schedule, strike
from slo.schedules.told import WrongRead
from slo.verdict import Verdict

SCHEDULE = Schedule(5, 120.0, 1000.0, (strike("redis_killed", 10.0), strike("jobmanager_killed", 12.0)))
STRUCK = [StrikeOutcome(each, each.begin_seconds, each.begin_seconds + 0.5) for each in SCHEDULE.strikes]
GOOD = ScheduleRun(SCHEDULE, 90.0, STRUCK, Recovery(30.0, 31.0, 44.0), exact=True, records=9_000, reads={"redis": 400})


def test_exact_back_in_time_and_nothing_wrong_passes() -> None:
    assert (GOOD.verdict, GOOD.problems, GOOD.doubts) == (Verdict.PASS, [], [])
    document = GOOD.as_json()
    promised = ("verdict", "seed", "exact", "wrong_reads", "recovery_seconds")
    assert [document[key] for key in promised] == ["pass", 5, True, 0, 44.0]
    assert [each["action"] for each in document["strikes"]] == ["redis_killed", "jobmanager_killed"]
    assert document["overlaps"] == [["redis_killed", "jobmanager_killed"]]
    assert "seed 5: pass, 2 of 2 strikes struck" in GOOD.as_text()


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (replace(GOOD, exact=False, differences=3), "3 differences"),
        (replace(GOOD, recovery=Recovery(91.0, 92.0, 44.0)), "recovered after 91.0 s, limit 90 s"),
        (replace(GOOD, recovery=Recovery(30.0, 31.0, None)), "did not recover while it was watched"),
        (replace(GOOD, wrong_reads=[WrongRead(1.0, "redis told 1")]), "1 wrong reads, the first: redis told 1"),
        (replace(GOOD, broken="no progress for 60 s"), "no progress for 60 s"),
        (replace(GOOD, left_running=["java (7)"]), "left running: java (7)"),
        (replace(GOOD, outcomes=[*STRUCK, replace(STRUCK[0], failed="`adctr down`: 1")]), "`adctr down`: 1"),
    ],
)
def test_each_way_to_fail_says_so(run: ScheduleRun, said: str) -> None:
    assert (run.verdict, run.problems) == (Verdict.FAIL, [said])
    assert said in run.as_text()
    assert said in run.as_json()["reasons"]


@pytest.mark.parametrize(
    "run",
    [
        replace(GOOD, void="3 sends failed"),
        replace(GOOD, exact=False),
        replace(GOOD, outcomes=[replace(each, missed="missed: not there") for each in STRUCK]),
        replace(GOOD, outcomes=[StrikeOutcome(each) for each in SCHEDULE.strikes]),
        replace(GOOD, reads={"redis": 3}),
    ],
)
def test_what_could_not_be_told_is_no_pass(run: ScheduleRun) -> None:
    assert run.verdict is Verdict.INCONCLUSIVE
    assert len(run.doubts) == 1
