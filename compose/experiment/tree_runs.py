"""One run of one version: a drain, or a load on a whole stack, by the version's own `adctr`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from compose.experiment.compared_tree import ComparedTree
from compose.experiment.stack_processes import PIPELINE
from compose.process.errors import EnvironmentFailed
from slo.bench.cpu_meter import ProcessGone
from slo.bench.process_meter import ProcessMeter
from slo.bench.tree_comparison import (
    CACHE_P99,
    DRAIN_CPU,
    DRAIN_WALL,
    LOAD_CPU,
    POSTGRES_P99,
    REDIS_P99,
    Kind,
    TreeRun,
)
from slo.recording import Recording, RecordingError
from slo.spec.model import Indicator
from slo.statistics.percentiles import percentiles

EDGE_SECONDS = 2.0
"""At both ends of a load, not counted: the generator begins and ends there, and a report's times are whole seconds."""
MILLION = 1e6


@dataclass(frozen=True)
class RunSettings:
    """How much is drained, and the load: events per second, seconds of it, and seconds before that are not timed."""

    events: int = 3_000_000
    repetitions: int = 2
    rate: float = 10_000.0
    seconds: float = 60.0
    warm_up_seconds: float = 45.0


def measure(tree: ComparedTree, kind: Kind, settings: RunSettings) -> TreeRun:
    """Raises EnvironmentFailed where the run came to nothing, or its report lacks a figure."""
    ways: Mapping[Kind, Callable[[ComparedTree, RunSettings], TreeRun]] = {Kind.DRAIN: _drained, Kind.LOAD: _loaded}
    try:
        return ways[kind](tree, settings)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise EnvironmentFailed(
            f"{tree.name} {tree.checkout.name}: the report of its {kind} is not what this version can read: "
            f"{type(error).__name__} {error}"
        ) from error
    except (ProcessGone, psutil.Error) as error:
        raise EnvironmentFailed(f"{tree.name} {tree.checkout.name}: {error}; run it again") from error


def _drained(tree: ComparedTree, settings: RunSettings) -> TreeRun:
    options = ("--events", str(settings.events), "--repetitions", str(settings.repetitions))
    runs = [run for run in tree.document("bench", "drain", *options)["runs"] if run["contender"] == "flink"]
    events = sum(run["events"] for run in runs) / MILLION
    figures = {
        DRAIN_CPU: sum(run["cpu_seconds"] for run in runs) / events,
        DRAIN_WALL: sum(run["wall_seconds"] for run in runs) / events,
    }
    return TreeRun(figures, sum(run["differences"] for run in runs))


def _loaded(tree: ComparedTree, settings: RunSettings) -> TreeRun:
    with _stack(tree) as processes, ProcessMeter(processes) as meter:
        saved = tree.data_dir / "compared.recording"
        load = ("--rate", f"{settings.rate:g}", "--for", f"{settings.seconds:g}s")
        warm_up = ("--warm-up", f"{settings.warm_up_seconds:g}s")
        report = tree.document("slo", "check", *load, *warm_up, "--save", str(saved))
        reads = _cache_reads(saved)
    began, ended = _timed(report, settings.seconds)
    millions = report["load"]["rate_achieved"] * (ended - began) / MILLION
    used = {name: seconds / millions for name, seconds in meter.cpu_seconds(began, ended).items()}
    figures: dict[str, float | None] = {
        LOAD_CPU: sum(used.values()),
        REDIS_P99: report["latency_seconds"]["redis"]["p99"],
        POSTGRES_P99: report["latency_seconds"]["postgres"]["p99"],
        CACHE_P99: reads,
        **{f"{LOAD_CPU}.{name}": seconds for name, seconds in used.items()},
    }
    seen = {name: float(value) for name, value in figures.items() if value is not None}
    # Without it the jobs were not through in time: counts that can't be compared are not right.
    return TreeRun(seen, report.get("differences_total", 1))


def _timed(report: Mapping[str, Any], seconds: float) -> tuple[float, float]:
    """The interval in which the load ran without doubt (unix seconds)."""
    began = datetime.strptime(report["began"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).timestamp()
    ended = began + report["seconds"]
    return ended - seconds + EDGE_SECONDS, ended - EDGE_SECONDS


def _cache_reads(saved: Path) -> float | None:
    """None where the recording is another version's, or has no reads."""
    try:
        series = Recording.load(saved).series[Indicator.CACHE_READ]
    except (RecordingError, FileNotFoundError, KeyError):
        return None
    return percentiles(series.values, [0.99])[0]


@contextmanager
def _stack(tree: ComparedTree) -> Iterator[Mapping[str, psutil.Process]]:
    """The processes of a stack that its own ``adctr up`` has started; gone when the block ends, with its state."""
    _remove_stack(tree)
    try:
        tree.adctr("up", "--ports", "auto", "--no-monitoring")
        rows = {row["name"]: row["pid"] for row in tree.document("status")["services"]}
        yield {name: psutil.Process(rows[name]) for name in PIPELINE if rows.get(name)}
    finally:
        _remove_stack(tree)


def _remove_stack(tree: ComparedTree) -> None:
    """Also what an interrupted comparison has left."""
    if tree.data_dir.exists():
        tree.adctr("down")
    shutil.rmtree(tree.data_dir, ignore_errors=True)
