"""What becomes of events between the source and the windows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from compose.stack.java import JAVA, QUICK_START
from compose.stack.java_build import JAVA_DIR, compile_sources
from compose.stack.services.flink import class_path

HARNESS = Path(__file__).with_name("java") / "CombineEvents.java"
TESTED = JAVA_DIR / "src/adctr/flink/CombinedCounts.java"


def combine(classes: Path, *arguments: str) -> list[list[str]]:
    """The rows of each draining, sorted."""
    compile_sources([HARNESS, TESTED], classes)
    path = os.pathsep.join(map(str, [*class_path(), classes]))
    command = [str(JAVA), *QUICK_START, "-cp", path, "adctr.flink.CombineEvents", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    drained: list[list[str]] = [[]]
    for line in done.stdout.splitlines():
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
