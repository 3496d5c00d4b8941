"""Several schedules as one result: a verdict over all of them, and which pairs of actions overlapped in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from slo import json_lines
from slo.schedules.schedule import Schedule
from slo.verdict.result import Verdict, overall

_Document = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """Two actions that overlapped. ``recoveries`` are those of the runs they did so in, in seconds, from the last heal.

    ``times`` counts overlaps; two actions may overlap more than once in a run.
    """

    first: str
    second: str
    times: int
    recoveries: Sequence[float]

    def as_json(self) -> dict[str, Any]:
        """Recoveries in seconds; null where no run had one."""
        found = self.recoveries
        return {
            "actions": [self.first, self.second],
            "times": self.times,
            "recovery_median_seconds": median(found) if found else None,
            "recovery_worst_seconds": max(found, default=None),
        }


def pairs(runs: Sequence[_Document]) -> list[Pair]:
    """Of the documents of runs, the most frequent first. Which of the two came first makes no difference."""
    times: dict[tuple[str, ...], int] = {}
    recoveries: dict[tuple[str, ...], dict[int, float]] = {}
    for number, run in enumerate(runs):
        for overlap in run["overlaps"]:
            names = tuple(sorted(overlap))
            times[names] = times.get(names, 0) + 1
            if run["recovery_seconds"] is not None:
                recoveries.setdefault(names, {})[number] = run["recovery_seconds"]
    found = [Pair(a, b, count, list(recoveries.get((a, b), {}).values())) for (a, b), count in times.items()]
    return sorted(found, key=lambda each: (-each.times, each.first, each.second))


def series_json(runs: Sequence[_Document]) -> dict[str, Any]:
    """``verdict`` of all runs, means of strikes that struck and of their overlaps, ``runs`` and ``pairs``."""
    return {
        "verdict": overall(Verdict(run["verdict"]) for run in runs).value,
        "strikes_mean": mean(_struck(run) for run in runs),
        "overlaps_mean": mean(len(run["overlaps"]) for run in runs),
        "runs": list(runs),
        "pairs": [each.as_json() for each in pairs(runs)],
    }


def series_markdown(runs: Sequence[_Document]) -> str:
    """A table of the runs and one of the pairs, for a terminal or a page."""
    return "\n".join([*_runs_table(runs), "", *_pairs_table(pairs(runs))])


def find_result(results: Path, schedule: Schedule, limit_seconds: float, code: str | None) -> dict[str, Any] | None:
    """The last result of this schedule, limit and code in the file that passed or failed; None if there is none."""
    strikes = [(each.action.name, each.begin_seconds, each.lasts_seconds) for each in schedule.strikes]
    wanted = schedule.seed, schedule.seconds, schedule.rate, limit_seconds, strikes
    for run in reversed(json_lines.read(results) if code else []):
        if run["code"] == code and run["verdict"] != Verdict.INCONCLUSIVE and _planned(run) == wanted:
            return dict(run)
    return None


def _planned(run: _Document) -> tuple[Any, ...]:
    strikes = [(each["action"], each["begin_seconds"], each["lasts_seconds"]) for each in run["strikes"]]
    return run["seed"], run["seconds"], run["rate"], run["limit_seconds"], strikes


def _struck(run: _Document) -> int:
    return sum(each["struck"] for each in run["strikes"])


def _runs_table(runs: Sequence[_Document]) -> Iterator[str]:
    yield "| seed | verdict | strikes | overlaps | records | differences | reads | wrong | recovery (s) | code |"
    yield "|--:|---|--:|--:|--:|--:|--:|--:|--:|---|"
    for run in runs:
        cells = (
            str(run["seed"]),
            run["verdict"],
            str(_struck(run)),
            str(len(run["overlaps"])),
            f"{run['records']:,}",
            f"{run['differences']:,}" if run["exact"] or run["differences"] else "–",
            f"{sum(run['reads'].values()):,}",
            f"{run['wrong_reads']:,}",
            _seconds(run["recovery_seconds"]),
            run["code"] or "–",
        )
        yield f"| {' | '.join(cells)} |"


def _pairs_table(found: Sequence[Pair]) -> Iterator[str]:
    yield "| overlapped | times | recovery, median (s) | worst (s) |"
    yield "|---|--:|--:|--:|"
    for each in found:
        seconds = each.as_json()
        shown = (_seconds(seconds[key]) for key in ("recovery_median_seconds", "recovery_worst_seconds"))
        yield f"| `{each.first}` and `{each.second}` | {each.times} | {' | '.join(shown)} |"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
