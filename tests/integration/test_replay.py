"""Real logs against a real stack: what is sent, what is rejected, and that `adctr verify` finds all of it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from compose.stack.layout import Layout
from compose.stack.lifecycle import bring_up, take_down
from compose.stack.ports import PortChoice
from compose.stack.processes.owner import owning
from loadgen.ledger import read_ledger
from loadgen.truth import expected_counts
from pipeline.contract.cache_schema import Counts

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

MAP = ("--map", "event_time=ts", "--map", "campaign_id=campaign", "--map", "category=cat")


def _adctr(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(data_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def _verify(data_dir: Path, ledger: Path) -> dict[str, Any]:
    ended = _adctr(data_dir, "verify", "--ledger", str(ledger), "--format", "json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@pytest.mark.long
def test_a_csv_log_shifted_to_now(stack: RunningStack, tmp_path: Path) -> None:
    """40 rows over 39 s, ten times as fast: every other one clicked; bad rows are told by line and stop nothing."""
    lines = [b"ts,campaign,cat,clicked"]
    for number in range(40):
        at = f"2019-03-01T08:00:{number:02d}Z".encode()
        lines.append(b"%s,shop-%d,%s,%d" % (at, number % 4, b"toys" if number % 3 else b"food", number % 2))
    lines[5:5] = [b"soon,shop-1,toys,0", b"2019-03-01T08:00:04Z,\xff,toys,0", b"2019-03-01T08:00:04Z,shop-1"]
    log, ledger = tmp_path / "log.csv.gz", tmp_path / "replay.ledger"
    log.write_bytes(gzip.compress(b"\n".join(lines)))
    options = ("--clicked", "clicked", "--speed", "10x", "--shift-to-now", "--ledger", str(ledger), "--format", "json")
    began = time.time()
    done = _adctr(stack.data_dir, "load", "replay", str(log), *MAP, *options)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["acknowledged"], report["failed"]) == (60, 60, 0)
    assert report["rejected"] == [
        {"line": 6, "reason": "ts='soon' is not in the format ISO 8601"},
        {"line": 7, "reason": "campaign is not UTF-8"},
        {"line": 8, "reason": "has 2 columns, the header 4"},
    ]
    assert sorted(report["send_delay_seconds"]) == ["max", "p50", "p99"]
    truth = read_ledger(ledger)
    sent_over = (truth.intended_ns[-1] - truth.intended_ns[0]) / 1e9
    assert sent_over == pytest.approx(3.9)
    assert began < truth.intended_ns[0] / 1e9 < time.time()
    assert sum(expected_counts(truth, 60).values(), Counts(0, 0)) == Counts(40, 20)
    found = _verify(stack.data_dir, ledger)
    assert (found["exact"], found["differences"]) == (True, [])


def test_json_lines_as_fast_as_possible(stack: RunningStack, tmp_path: Path) -> None:
    """Clicks as rows of their own, times in epoch seconds: 3,000 rows at once."""
    log = tmp_path / "log.jsonl"
    rows = ({"at": 1.5e9 + n / 10, "c": n % 7, "kind": "click" if n % 10 == 0 else "view"} for n in range(3_000))
    log.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    fields = ("--map", "event_time=at", "--map", "campaign_id=c", "--map", "event_type=kind")
    options = ("--time-format", "epoch_s", "--speed", "max", "--shift-to-now", "--format", "json")
    done = _adctr(stack.data_dir, "load", "replay", str(log), *fields, *options)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["acknowledged"], report["rejected"]) == (3_000, 3_000, [])
    assert report["send_delay_seconds"] is None
    assert sum(expected_counts(read_ledger(Path(report["ledger"])), 60).values(), Counts(0, 0)) == Counts(2_700, 300)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*MAP, "--shift-to-now"), "--map category=cat: no such column; "),
        ((*MAP[:4],), "add --shift-to-now, or start a stack for old records"),
        ((*MAP[:4], "--speed", "fast", "--shift-to-now"), "--speed fast: must be a number and x"),
        ((*MAP[2:],), "--map event_time=COLUMN is missing"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    stack: RunningStack, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Nothing is sent then, and no ledger is left."""
    log, ledger = tmp_path / "log.csv", tmp_path / "a.ledger"
    log.write_text("ts,campaign\n2026-01-01T00:00:00Z,a\n", encoding="utf-8")
    done = _adctr(stack.data_dir, "load", "replay", str(log), *arguments, "--ledger", str(ledger))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not ledger.exists()


@pytest.mark.long
@pytest.mark.embedded
def test_an_old_log_on_a_historic_stack(tmp_path: Path) -> None:
    """An hour of 2019 with its own times: the windows of that hour are exact, and a second log is not taken."""
    layout = Layout.of(tmp_path / "historic")
    layout.create()
    log, ledger = tmp_path / "log.csv", tmp_path / "old.ledger"
    rows = [f"{1_551_427_200 + second},shop-{second % 5},toys" for second in range(0, 3_600, 2)]
    rows.insert(1_000, f"{1_551_427_200},shop-1,toys")
    log.write_text("\n".join(["ts,campaign,cat", *rows]), encoding="utf-8")
    options = (*MAP, "--time-format", "epoch_s", "--format", "json")
    with owning(layout):
        try:
            bring_up(layout.root, PortChoice.AUTO, historic=True, say=print, environ={})
            done = _adctr(layout.root, "load", "replay", str(log), *options, "--ledger", str(ledger))
            assert done.returncode == 0, done.stderr
            report = json.loads(done.stdout)
            assert (report["sent"], report["acknowledged"], report["rejected_total"]) == (1_800, 1_800, 1)
            assert report["rejected"][0]["line"] == 1_002
            assert "sort the log by time" in report["rejected"][0]["reason"]
            found = _verify(layout.root, ledger)
            again = _adctr(layout.root, "load", "replay", str(log), *options)
        finally:
            take_down(layout)
    assert (found["exact"], found["late"], found["dead_lettered"]) == (True, 0, 0)
    assert len(expected_counts(read_ledger(ledger), 60)) == 60 * 5
    assert again.returncode == 2
    assert "a preload needs an empty topic" in again.stderr
