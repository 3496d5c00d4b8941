"""Objectives for benchmarks: ``@pytest.mark.objective("codec_encode")`` on a test that uses pytest-benchmark.

After the test the objective of that name in the fixture ``slo_specification`` (define it in a conftest) is judged by
the raw samples, one per call. Only a pass is green: a breach fails the test, and so does inconclusive, because a gate
that could not say is not kept. What the run was too short for is skipped, and fails with ``--slo-release``. A test
without pytest-benchmark hands what it has seen to the fixture ``recorded``. Verdicts and percentiles are shown behind
pytest-benchmark's table and stand in its JSON, per benchmark (``extra_info``) and for the session (``objectives``).
``--history FILE`` appends one line of JSON for the session.
The fixture ``interleaved`` compares a callable with its baseline, interleaved.

Load it with ``-p slo.pytest_plugin`` or ``pytest_plugins`` in the top conftest.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from slo.compare import Comparison
    from slo.history import HistoryEntry
    from slo.recording import Recording
    from slo.spec.model import Objective, Specification
    from slo.verdict import ObjectiveResult

MARKER = "objective"
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
_RECORDED = pytest.StashKey["Recording"]()
_SESSION = pytest.StashKey["SessionResults"]()


class SessionResults:
    """What the session has come to so far."""

    def __init__(self) -> None:
        self.specification: Specification | None = None
        self.results: list[ObjectiveResult] = []
        self.lines: list[str] = []
        self.entry: HistoryEntry | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--slo-release`` and ``--history``."""
    group = parser.getgroup("slo", "service level objectives")
    group.addoption("--slo-release", action="store_true", help="fail whatever is not a pass: nothing goes unjudged")
    group.addoption(
        "--history", type=Path, metavar="FILE", help="append a line of JSON: verdicts, commit, machine, load, seed"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known. Raises UsageError for a history that can't be written to, before any test runs."""
    config.addinivalue_line("markers", f"{MARKER}(name): judges the benchmark by the objective of this name")
    config.stash[_SESSION] = session = SessionResults()
    if history := config.getoption("--history", default=None):
        from slo.history import HistoryEntry
        from slo.report.write import why_unwritable

        if why := why_unwritable(history):
            raise pytest.UsageError(f"--history {history}: {why}")
        session.entry = HistoryEntry.begin("pytest", {"arguments": config.invocation_params.args}, None)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Marked tests get the specification."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker(MARKER):
            item.fixturenames.append("slo_specification")


@pytest.fixture(scope="session")
def slo_specification() -> Specification:
    """The objectives; to be overridden in a conftest."""
    raise pytest.UsageError("tests are marked with an objective: define the fixture slo_specification in a conftest")


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Callable[[Recording], None]:
    """Hands over a recording to be judged instead of a benchmark."""

    def hand_over(recording: Recording) -> None:
        request.node.stash[_RECORDED] = recording

    return hand_over


@pytest.fixture
def interleaved(request: pytest.FixtureRequest) -> Callable[..., Comparison]:
    """``interleaved(baseline, candidate)`` times both interleaved and fails the test if the candidate is slower.

    Keywords are those of `slo.interleaved_timing.interleave`: rounds, tolerance.
    """
    from slo.interleaved_timing import interleave

    def compared(a: Callable[[], Any], b: Callable[[], Any], **options: Any) -> Comparison:
        found = interleave(a, b, **options)
        request.config.stash[_SESSION].lines.append(f"{request.node.name}: {found.text}")
        if found.relevant and found.difference == "worse":
            pytest.fail(f"the candidate is slower than its baseline: {found.text}", pytrace=False)
        return found

    return compared


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Judges a marked test that has passed so far."""
    outcome = yield
    markers = list(item.iter_markers(MARKER))
    if markers and isinstance(item, pytest.Function):
        specification: Any = item.funcargs["slo_specification"]
        item.config.stash[_SESSION].specification = specification
        results = [_gate(item, _objective(specification, marker)) for marker in reversed(markers)]
        _require_all(results)
    return outcome


def _objective(specification: Specification, marker: pytest.Mark) -> Objective:
    if len(marker.args) != 1 or marker.kwargs:
        pytest.fail(f"@pytest.mark.{MARKER} takes one name, got {marker.args}", pytrace=False)
    try:
        return specification.objective(marker.args[0])
    except KeyError:
        known = ", ".join(each.name for each in specification.objectives)
        pytest.fail(f"no objective is called {marker.args[0]!r}; there are: {known}", pytrace=False)


def _gate(item: pytest.Function, objective: Objective) -> ObjectiveResult:
    from slo.verdict import judge_objective

    release = bool(item.config.getoption("--slo-release", default=False))
    recording = item.stash.get(_RECORDED, None) or _of_benchmark(item, objective)
    result = judge_objective(objective, recording, release=release)
    session = item.config.stash[_SESSION]
    session.results.append(result)
    if session.entry is not None and "sent" in recording.notes:
        from loadgen.population import DEFAULT_SEED

        session.entry = session.entry.with_seed(DEFAULT_SEED)
    _show(item, objective, result, recording)
    return result


def _require_all(results: Sequence[ObjectiveResult]) -> None:
    """Fails or skips the test unless each of its objectives has passed."""
    from slo.verdict import Verdict

    others = [each for each in results if each.verdict is not Verdict.PASS]
    words = "; ".join(
        f"objective {each.name}: {each.verdict.value}: {each.reason or 'see the table of objectives'}"
        for each in others
    )
    if any(each.verdict is not Verdict.NOT_JUDGED for each in others):
        pytest.fail(words, pytrace=False)
    if others:
        pytest.skip(words)


def _of_benchmark(item: pytest.Function, objective: Objective) -> Recording:
    """The raw samples of pytest-benchmark, one after the other. Fails where benchmarks are disabled."""
    import numpy as np

    from slo.recording import Recording, Series

    benchmark: Any = item.funcargs.get("benchmark")
    if benchmark is None:
        pytest.fail(f"objective {objective.name}: the test uses neither `benchmark` nor `recorded`", pytrace=False)
    if benchmark.stats is None:
        pytest.fail(
            f"objective {objective.name}: nothing was measured; without --benchmark-disable it is", pytrace=False
        )
    took = np.array(benchmark.stats.stats.data, dtype=np.float64)
    void = ""
    if benchmark.stats.iterations != 1:
        # A mean of many calls hides the slow ones, and those are what percentiles are about.
        void = f"each sample is the mean of {benchmark.stats.iterations} calls; use benchmark.pedantic(iterations=1)"
    series = Series(np.cumsum(took), took, void=void)
    return Recording(0.0, float(took.sum()), {objective.indicator: series})


def _show(item: pytest.Function, objective: Objective, result: ObjectiveResult, recording: Recording) -> None:
    """Adds the percentiles to the terminal's summary and, with the verdict, to pytest-benchmark's JSON."""
    from slo.report.figures import figure
    from slo.statistics.percentiles import percentiles
    from slo.verdict.units import unit_of

    series = recording.series.get(objective.indicator)
    found = percentiles(series.values, list(PERCENTILES.values())) if series is not None else [None] * len(PERCENTILES)
    named = dict(zip(PERCENTILES, found, strict=True))
    unit = unit_of(objective.indicator)
    shown = ", ".join(f"{name} {figure(value, unit)}" for name, value in named.items())
    item.config.stash[_SESSION].lines.append(f"{item.name} ({objective.name}): {shown}")
    benchmark: Any = item.funcargs.get("benchmark")
    if benchmark is not None:
        benchmark.extra_info["objective"] = asdict(result)
        benchmark.extra_info["percentiles"] = {f"{name}_{unit}": value for name, value in named.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Puts the verdict of the session beside the benchmarks."""
    from slo.verdict import RunVerdict

    session = config.stash[_SESSION]
    if session.results:
        output_json["objectives"] = RunVerdict.of(session.results).as_json()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Appends to the history what was judged and compared; nothing where nothing was."""
    from slo.verdict import RunVerdict

    seen = session.config.stash[_SESSION]
    if seen.entry is not None and (seen.results or seen.lines):
        figures = {**RunVerdict.of(seen.results).as_json(), "figures": seen.lines}
        seen.entry.append(session.config.getoption("--history"), figures, int(exitstatus))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of objectives, behind that of pytest-benchmark."""
    session = config.stash[_SESSION]
    if not session.results and not session.lines:
        return
    terminalreporter.section("objectives")
    if session.specification is not None:
        terminalreporter.write(_table(session.specification, session.results))
    for line in session.lines:
        terminalreporter.write_line(line)


def _table(specification: Specification, results: Sequence[ObjectiveResult]) -> str:
    from slo.report.text import rendered
    from slo.verdict import RunVerdict

    verdict = RunVerdict.of(results)
    return rendered(specification, verdict, f"objectives: {verdict.verdict.value}")
