"""The conditions of `pipeline.source`, evaluated by Flink, against `pipeline.contract.rules`, on generated rows."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from compose.stack.java.build import compile_sources, flink_jars
from compose.stack.java.jvm import JAVA, QUICK_START
from pipeline.contract.reasons import Reason
from pipeline.contract.rules import MAX_AHEAD_MS, Fate, code_of_times, fate_of_valid, is_no_canary
from pipeline.settings import Settings
from pipeline.source import INVALID_REASON, IS_INVALID, IS_TOMBSTONE, IS_VALID, is_counted, is_late
from tests.unit.pipeline.contract.generated.test_generated_schemas import SEED

HARNESS = Path(__file__).parents[1] / "java" / "SqlRules.java"
QUICK, LONG = 2_000, 100_000
EARLIEST, LATEST = 946_684_800_000, 253_402_300_799_999
LATENESS_SECONDS = 600
NAMES = st.sampled_from(("_canary", "_canary-3")) | st.builds(
    "".join,
    st.tuples(
        st.sampled_from(("", "x")), st.sampled_from(("_canary", "_Canary", "_canar")), st.text("-0359x é٣", max_size=10)
    ),
)
"""Names of canaries, and names like those."""


@dataclass(frozen=True)
class Row:
    """What the decoder makes of a record, and its record time; without an event time there is no event."""

    event_ms: int | None
    record_ms: int
    tombstone: bool = False
    header: bool = False
    campaign: str = "shoes"
    category: str = "sports"

    def fate(self) -> Fate:
        """By the Python rules."""
        if self.tombstone:
            return Fate.TOMBSTONE
        if self.event_ms is None:
            return Fate.INVALID
        if is_no_canary(self.campaign, self.category):
            return Fate.INVALID
        return fate_of_valid(self.event_ms, self.record_ms, LATENESS_SECONDS)

    def line(self, number: int) -> str:
        """As CSV."""
        event = "" if self.event_ms is None else self.event_ms
        return f"{number},{event},{self.record_ms},{self.tombstone},{self.header},{self.campaign},{self.category}"


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Times anywhere and at each bound; records without an event."""
    record_ms = draw(st.integers(0, LATEST) | st.integers(1_700_000_000_000, 1_800_000_000_000))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return Row(None, record_ms, tombstone=draw(st.booleans()), header=draw(st.booleans()))
    bound = draw(st.sampled_from([0, MAX_AHEAD_MS, -LATENESS_SECONDS * 1000]))
    event_ms = record_ms + bound + draw(st.integers(-2, 2)) if kind < 8 else draw(st.integers(EARLIEST, LATEST))
    names = {"campaign": draw(NAMES), "category": draw(NAMES)} if draw(st.booleans()) else {}
    return Row(min(max(event_ms, EARLIEST), LATEST), record_ms, **names)


def generated(count: int) -> list[Row]:
    """So many rows, the same for the same seed."""
    found: list[Row] = []

    @seed(SEED)
    @settings(max_examples=count // 50, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.lists(rows(), min_size=50, max_size=60))
    def collect(some: list[Row]) -> None:
        found.extend(some)

    collect()
    return found


def flink_says(some: list[Row], scratch: Path) -> list[tuple[list[Fate], str]]:
    """The fates whose conditions hold for each row, and the reason of a dead letter."""
    options = Settings(allowed_lateness_seconds=LATENESS_SECONDS)
    conditions = {
        Fate.TOMBSTONE: IS_TOMBSTONE,
        Fate.INVALID: IS_INVALID,
        Fate.LATE: f"{IS_VALID} AND {is_late(options)}",
        Fate.COUNTED: is_counted(options),
    }
    (scratch / "rows.csv").write_text("\n".join(row.line(number) for number, row in enumerate(some)), encoding="utf-8")
    names = ", ".join(f"({condition}) AS `{fate}`" for fate, condition in conditions.items())
    (scratch / "query.sql").write_text(
        f"""
        CREATE TABLE csv (`id` INT, `event_ms` BIGINT, `record_ms` BIGINT, `is_tombstone` BOOLEAN, `has_header` BOOLEAN,
            `campaign_id` STRING, `category` STRING)
        WITH ('connector' = 'filesystem', 'path' = '{scratch / "rows.csv"}', 'format' = 'csv', 'csv.null-literal' = '');
        CREATE VIEW events AS SELECT *,
            TO_TIMESTAMP_LTZ(`event_ms`, 3) AS `event_time`, TO_TIMESTAMP_LTZ(`record_ms`, 3) AS `record_time`,
            CASE WHEN `event_ms` IS NULL AND NOT `is_tombstone` THEN 'no event' END AS `decode_error`,
            CASE WHEN `has_header` THEN MAP['__value_schema_id', X'01'] ELSE MAP['trace', X'02'] END AS `headers`
        FROM csv;
        SELECT `id`, {INVALID_REASON}, {names} FROM events""",  # noqa: S608 - our own conditions
        encoding="utf-8",
    )
    compile_sources([HARNESS], scratch / "classes")
    class_path = os.pathsep.join(map(str, [scratch / "classes", *flink_jars()]))
    command = [str(JAVA), *QUICK_START, "-cp", class_path, "adctr.flink.SqlRules", str(scratch / "query.sql")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = sorted((line.split("\t") for line in done.stdout.splitlines()), key=lambda words: int(words[0]))
    return [
        ([fate for fate, holds in zip(conditions, words[2:], strict=True) if holds == "true"], words[1])
        for words in lines
    ]


def check(count: int, scratch: Path) -> None:
    """Flink finds the fate that Python finds, and no second one."""
    some = [replace(row, header=False) if row.event_ms is not None else row for row in generated(count)]
    said = flink_says(some, scratch)
    assert len(said) == len(some) >= count
    for row, (fates, reason) in zip(some, said, strict=True):
        assert fates == [row.fate()], row
        if row.fate() is Fate.INVALID and row.event_ms is None:
            assert ("__value_schema_id" in reason) is row.header, row
        elif row.fate() is Fate.INVALID:
            false_canary = is_no_canary(row.campaign, row.category)
            code = Reason.FALSE_CANARY if false_canary else code_of_times(row.record_ms)
            assert Reason.in_text(reason) is code, row
    assert {row.fate() for row in some} == set(Fate)


def test_flink_and_python_agree_on_the_rules(tmp_path: Path) -> None:
    check(QUICK, tmp_path)


@pytest.mark.long
def test_flink_and_python_agree_on_the_rules_for_a_hundred_thousand_rows(tmp_path: Path) -> None:
    check(LONG, tmp_path)
