"""What is said of a fault: exact, back in time, and everything kept that had to be; or why not."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from slo.faults.catalogue import FAULTS, find_fault
from slo.faults.fault import Fault, FaultResult, FaultRun
from slo.faults.recovery import Recovery
from slo.report.faults import to_html, to_json, to_text
from slo.report.plots import Plot
from slo.verdict import ObjectiveResult, Verdict

FAULT = Fault(
    "redis_struck",
    "Redis is struck.",
    lambda bench: nullcontext(),
    5.0,
    keeps=frozenset({"event_to_redis"}),
    answers=True,
)
KEPT = ObjectiveResult("event_to_redis", Verdict.PASS, 0.999, 0.99, "ratio", 1000)
GOOD = FaultRun(FAULT, 2.0, exact=True, records=600_000, kept=[KEPT], reads={"postgres": 9, "redis": 91})


def test_exact_and_back_in_time_passes() -> None:
    assert (GOOD.verdict, GOOD.problems, GOOD.doubts) == (Verdict.PASS, [], [])


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (replace(GOOD, exact=False, differences=3), "3 differences"),
        (replace(GOOD, recovery_seconds=5.1), "recovered after 5.1 s, limit 5 s"),
        (replace(GOOD, recovery_seconds=None), "did not recover while it was watched"),
        (replace(GOOD, recovery=Recovery(2.0, None, 0.0)), "some events were not in Redis as long as it was watched"),
        (
            replace(GOOD, reads={"postgres": 9, "redis": 90, "unanswered": 1}),
            "1 of 100 reads got no answer from either store",
        ),
        (FaultRun(FAULT, None, broken="no progress for 60 s"), "no progress for 60 s"),
        (
            replace(GOOD, kept=[replace(KEPT, verdict=Verdict.FAIL, reason="too slow")]),
            "event_to_redis not kept: too slow",
        ),
    ],
)
def test_each_way_to_fail_says_so(run: FaultRun, said: str) -> None:
    assert (run.verdict, run.problems) == (Verdict.FAIL, [said])


@pytest.mark.parametrize(
    "run",
    [
        replace(GOOD, recovery_seconds=None, void="3 sends failed"),
        replace(GOOD, exact=False),
        replace(GOOD, reads={"redis": 3}),
        replace(GOOD, kept=[replace(KEPT, verdict=Verdict.INCONCLUSIVE, reason="the generator was late itself")]),
        FaultRun(FAULT, None, void="the load ended before the fault did"),
    ],
)
def test_what_could_not_be_told_is_no_pass(run: FaultRun) -> None:
    assert run.verdict is Verdict.INCONCLUSIVE
    assert len(run.doubts) >= 1


def test_a_difference_is_a_failure_however_little_else_could_be_told() -> None:
    assert replace(GOOD, void="3 sends failed", exact=False, differences=1).verdict is Verdict.FAIL


def test_of_several_runs_the_median_counts_and_every_count() -> None:
    """One slow run of three is an outlier; one difference in three runs is a bug."""
    slow = replace(GOOD, recovery_seconds=9.0)
    assert FaultResult(FAULT, [GOOD, slow, replace(GOOD, recovery_seconds=3.0)]).recovery_seconds == 3.0
    assert FaultResult(FAULT, [GOOD, slow, GOOD]).verdict is Verdict.PASS
    assert FaultResult(FAULT, [slow, slow, GOOD]).reasons == ["recovered after 9.0 s, limit 5 s"]
    assert FaultResult(FAULT, [GOOD, replace(GOOD, exact=False, differences=1), GOOD]).verdict is Verdict.FAIL
    assert FaultResult(FAULT, [GOOD, replace(GOOD, recovery_seconds=None), GOOD]).verdict is Verdict.FAIL


def test_every_form_of_the_report_says_the_same() -> None:
    results = [FaultResult(FAULT, [GOOD]), FaultResult(FAULT, [replace(GOOD, exact=False, differences=7)])]
    document = to_json(results, 10_000.0)
    assert document["verdict"] == "fail"
    assert [(each["name"], each["exact"], each["recovery_seconds"]) for each in document["faults"]] == [
        ("redis_struck", True, 2.0),
        ("redis_struck", False, 2.0),
    ]
    text = to_text(results, 10_000.0)
    assert "7 differ" in text
    assert "1 of 2 passed, at 10,000 events/s" in text
    drawn = Plot("Latency in Redis", "", "", [], [], [])
    page = to_html(results, 10_000.0, {FAULT.name: [[drawn]]})
    assert "Latency in Redis" in page
    assert "7 differences" in page
    assert "Redis is struck." in page


def test_every_fault_has_a_name_of_its_own_and_a_load_that_outlives_its_limit() -> None:
    assert len({each.name for each in FAULTS}) == len(FAULTS)
    for each in FAULTS:
        assert find_fault(each.name) is each
        assert each.load_seconds > each.begin_seconds + each.lasts_seconds + each.limit_seconds
    with pytest.raises(KeyError, match="known are taskmanager_killed,"):
        find_fault("earthquake")


def test_a_slower_machine_has_longer_limits_and_the_load_outlives_them_too() -> None:
    fault = FAULTS[0].with_limits_times(4.0)
    assert (fault.limit_seconds, fault.onset_seconds) == (60.0, 40.0)
    assert fault.load_seconds > FAULTS[0].load_seconds + 44.0
    assert FaultRun(fault, 59.0, exact=True, records=1, reads={"redis": 100}).verdict is Verdict.PASS
    assert FaultRun(fault, 61.0, exact=True, records=1, reads={"redis": 100}).verdict is Verdict.FAIL
