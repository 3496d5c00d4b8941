"""The plugin in sessions of its own, with real benchmarks of real sleeps."""

from __future__ import annotations

import json

import pytest

from slo import json_lines
from slo.verdict import judge_run  # noqa: F401 - with NumPy, which a session within must not import a second time

CONFTEST = """
import pytest
from dataclasses import replace
from slo.spec.model import Indicator, Kind, Minimum
from tests.unit.slo.verdict.building import objective, specification

def gate(name, under_seconds, **changes):
    fields = dict(name=name, indicator=Indicator.BENCHMARK_ROUND, value=under_seconds, minimum=Minimum(0.0, 50))
    fields["independent_seconds"] = 0.001
    return objective(Kind.LATENCY, **(fields | changes))

@pytest.fixture(scope="session")
def slo_specification():
    return specification(
        gate("relaxed", 10.0),
        gate("strict", 0.0005),
        gate("always", 10.0, target=1.0),
        gate("long", 10.0, minimum=Minimum(3600.0, 50)),
        replace(gate("ceiling", 0.0005), kind=Kind.CEILING),
    )
"""

BENCHMARK = """
import time
import pytest

@pytest.mark.objective("{objective}")
def test_sleep(benchmark):
    benchmark.pedantic(time.sleep, args=(0.001,), rounds={rounds}, iterations={iterations})
"""


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    # The session within is no worker of the one around it, where benchmarks would be switched off.
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeini("[pytest]\naddopts = -p no:locust -p slo.pytest_plugin --strict-markers -p no:cacheprovider")
    pytester.makeconftest(CONFTEST)
    return pytester


def run(
    session: pytest.Pytester, objective: str, *options: str, rounds: int = 60, iterations: int = 1
) -> pytest.RunResult:
    session.makepyfile(BENCHMARK.format(objective=objective, rounds=rounds, iterations=iterations))
    return session.runpytest_inprocess(*options)


@pytest.mark.parametrize("objective", ["relaxed", "always"])
def test_an_objective_that_is_met_passes_and_is_shown(session: pytest.Pytester, objective: str) -> None:
    """A sleep of 1 ms takes less than 10 s; the percentiles are there."""
    result = run(session, objective)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.re_match_lines(
        [rf"{objective} +pass +100 % .* 60 .*", "objectives: pass", rf"test_sleep \({objective}\): p50 \d.* ms, p99 .*"]
    )


@pytest.mark.parametrize("objective", ["strict", "ceiling"])
def test_a_breach_fails_the_session(session: pytest.Pytester, objective: str) -> None:
    """It takes longer than 0.5 ms, every time."""
    result = run(session, objective)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([rf"objective {objective}: fail: .*", rf"{objective} +fail .*"])


@pytest.mark.parametrize(
    ("rounds", "iterations", "options", "said"),
    [
        (49, 1, (), "*objective relaxed: inconclusive: 49 samples are too few: it takes 50*"),
        (60, 2, (), "*objective relaxed: inconclusive: void: each sample is the mean of 2 calls*"),
        (60, 1, ("--benchmark-disable",), "*objective relaxed: nothing was measured*"),
    ],
)
def test_a_gate_that_could_not_say_is_not_kept(
    session: pytest.Pytester, rounds: int, iterations: int, options: tuple[str, ...], said: str
) -> None:
    result = run(session, "relaxed", *options, rounds=rounds, iterations=iterations)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])


def test_what_a_run_is_too_short_for_is_skipped_in_sight_and_fails_a_release(session: pytest.Pytester) -> None:
    said = "*objective long: *the check took 0 s, this objective needs 3,600 s*"
    shown = run(session, "long", "-rs")
    shown.assert_outcomes(skipped=1)
    shown.stdout.fnmatch_lines([said])
    shown.stdout.fnmatch_lines(["objectives: inconclusive"])
    released = run(session, "long", "--slo-release")
    released.assert_outcomes(failed=1)
    released.stdout.fnmatch_lines([said])


def test_the_verdict_stands_in_the_json(session: pytest.Pytester) -> None:
    """Per benchmark and for the session."""
    run(session, "relaxed", "--benchmark-json=out.json")
    document = json.loads((session.path / "out.json").read_text())
    assert document["objectives"]["verdict"] == "pass"
    (benchmark,) = document["benchmarks"]
    assert benchmark["extra_info"]["objective"]["name"] == "relaxed"
    assert benchmark["extra_info"]["objective"]["samples"] == 60
    assert 0.001 <= benchmark["extra_info"]["percentiles"]["p99_seconds"] < 10.0


def test_a_wrong_name_fails_and_says_which_there_are(session: pytest.Pytester) -> None:
    result = run(session, "relaxd")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*no objective is called 'relaxd'; there are: relaxed, strict, always, long, ceiling"])


def test_a_mark_without_anything_to_judge_fails(session: pytest.Pytester) -> None:
    """A gate that gates nothing is a mistake."""
    session.makepyfile("import pytest\n@pytest.mark.objective('relaxed')\ndef test_nothing(): pass\n")
    result = session.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the test uses neither `benchmark` nor `recorded`"])


def test_without_a_specification_the_remedy_is_named(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\naddopts = -p no:locust -p slo.pytest_plugin")
    result = run(pytester, "relaxed")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*define the fixture slo_specification in a conftest*"])


def test_a_recording_can_be_judged_instead(session: pytest.Pytester) -> None:
    """Where the samples come from elsewhere: a run, a store."""
    session.makepyfile(
        """
        import numpy as np
        import pytest
        from slo.recording import Recording, Series
        from slo.spec.model import Indicator

        @pytest.mark.parametrize("value", [1.0, 11.0])
        @pytest.mark.objective("relaxed")
        def test_run(recorded, value):
            samples = Series(np.arange(60.0), np.full(60, value))
            recorded(Recording(0.0, 60.0, {Indicator.BENCHMARK_ROUND: samples}))
        """
    )
    session.runpytest_inprocess().assert_outcomes(passed=1, failed=1)


def test_a_failing_test_is_not_judged(session: pytest.Pytester) -> None:
    """Its own failure is shown, not a verdict on half of it."""
    session.makepyfile("import pytest\n@pytest.mark.objective('relaxed')\ndef test_wrong(benchmark): assert 1 == 2\n")
    result = session.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*objectives: *")


def test_a_slower_candidate_fails_and_an_equal_one_does_not(session: pytest.Pytester) -> None:
    """1 ms against 1 and 2, interleaved."""
    session.makepyfile(
        """
        import time

        def test_equal(interleaved):
            interleaved(lambda: time.sleep(0.001), lambda: time.sleep(0.001), rounds=80, tolerance=0.3)

        def test_slower(interleaved):
            interleaved(lambda: time.sleep(0.001), lambda: time.sleep(0.002), rounds=80)
        """
    )
    result = session.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the candidate is slower than its baseline: B slower by * %"])


@pytest.mark.parametrize("order", [("relaxed", "strict"), ("strict", "relaxed")])
def test_each_of_two_objectives_is_judged(session: pytest.Pytester, order: tuple[str, str]) -> None:
    """One is met and the other is not, whichever stands nearer to the test."""
    session.makepyfile(
        BENCHMARK.format(objective=order[0], rounds=60, iterations=1).replace(
            "def test_sleep", f'@pytest.mark.objective("{order[1]}")\ndef test_sleep'
        )
    )
    result = session.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines_random([r"relaxed +pass .*", r"strict +fail .*", r"objective strict: fail: .*"])


def test_a_session_adds_a_line_to_its_history(session: pytest.Pytester) -> None:
    run(session, "relaxed", "--history", "history.jsonl")
    run(session, "strict", "--history", "history.jsonl")
    good, bad = json_lines.read(session.path / "history.jsonl")
    assert (good["exit_code"], good["figures"]["verdict"]) == (0, "pass")
    assert (bad["exit_code"], bad["figures"]["verdict"]) == (1, "fail")
    assert good["command"] == "pytest"
    assert "--history" in good["options"]["arguments"]


def test_a_history_that_cannot_be_written_to_is_refused_before_any_test(session: pytest.Pytester) -> None:
    result = run(session, "relaxed", "--history", "nowhere/history.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--history nowhere/history.jsonl: there is no directory nowhere*"])
    result.stdout.no_fnmatch_line("*passed*")


def test_a_session_without_objectives_adds_nothing(session: pytest.Pytester) -> None:
    session.makepyfile("def test_nothing(): pass")
    assert session.runpytest_inprocess("--history", "history.jsonl").ret == 0
    assert not (session.path / "history.jsonl").exists()
