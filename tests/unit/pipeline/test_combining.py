"""Events between the source and the windows."""

from __future__ import annotations

from pathlib import Path

from tests.unit.pipeline.java_harness import run_harness


def combine(classes: Path, *arguments: str) -> list[list[str]]:
    """The rows of each draining, sorted."""
    printed = run_harness(classes, "adctr.flink.CombineEvents", arguments, ["CombinedCounts"])
    drained: list[list[str]] = [[]]
    for line in printed.splitlines():
        if line.startswith("full: "):
            assert line == "full: false"
            drained[-1].sort()
            drained.append([])
        else:
            drained[-1].append(line)
    return drained[:-1]


def test_counts_are_kept_apart_by_minute_campaign_and_category(tmp_path: Path) -> None:
    """Each row has the time of its newest event, which lies in the same windows as all the others."""
    events = [
        "60000,shoes,sports,false",
        "119999,shoes,sports,true",
        "90000,shoes,sports,false",
        "120000,shoes,sports,false",
        "60000,shoes,fashion,false",
        "60000,hats,sports,true",
        "-1,old,sports,false",
    ]
    assert combine(tmp_path, *events, "drain", "drain", "60001,shoes,sports,true", "drain") == [
        [
            "hats,sports,0,1,60000",
            "old,sports,1,0,-1",
            "shoes,fashion,1,0,60000",
            "shoes,sports,1,0,120000",
            "shoes,sports,2,1,119999",
        ],
        [],
        ["shoes,sports,0,1,60001"],
    ]
