"""`adctr slo check` on the running stack: what it records, judges and reports, in every form the same."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

from compose.process.exit_codes import ExitCode
from slo.recording import Recording
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled
from slo.verdict import judge
from tests.integration.commands import adctr

if TYPE_CHECKING:
    from tests.integration.conftest import RunningStack

RATE, SECONDS = 500, 35


def test_a_short_check_says_what_half_a_minute_can_tell(stack: RunningStack, tmp_path: Path) -> None:
    """What it cannot tell is not judged, and the recording judges the same again."""
    reports = {form: tmp_path / f"report.{form}" for form in ("html", "xml", "md")}
    saved = tmp_path / "check.recording"
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(stack.data_dir), "slo", "check"]
    command += ["--for", f"{SECONDS}s", "--rate", str(RATE), "--save", str(saved), "--format", "json"]
    for path in reports.values():
        command += ["--out", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.stdout, ended.stderr
    found = json.loads(ended.stdout)
    said = {each["name"]: each["verdict"] for each in found["objectives"]}

    assert (found["load"]["acknowledged"], found["exact"]) == (RATE * SECONDS, True)
    assert said["counts_exact"] == "pass"
    assert said["redis_keys_without_ttl"] == "pass"
    assert said["redis_memory"] == "pass"
    assert said["checkpoint_size_growth"] == "not judged"
    assert said["event_to_redis"] != "not judged"  # how it is judged is this machine's business
    codes = {"pass": ExitCode.PASS, "fail": ExitCode.FAIL, "inconclusive": ExitCode.INCONCLUSIVE}
    assert ended.returncode == codes[found["verdict"]]

    recording = Recording.load(saved)
    assert len(recording.series[Indicator.EVENT_TO_REDIS].values) == RATE * SECONDS
    again = judge(load_bundled(), recording)
    assert {each.name: each.verdict.value for each in again.objectives} == said
    cases = ET.parse(reports["xml"]).getroot().iter("testcase")  # noqa: S314 - our own file
    assert {case.get("name") for case in cases} == set(said)
    assert "An event counts in Redis" in reports["md"].read_text(encoding="utf-8")
    page = reports["html"].read_text(encoding="utf-8")
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_no_verify_compares_nothing_under_a_load_of_its_own_either(stack: RunningStack) -> None:
    ended = adctr(stack.data_dir, *("slo", "check", "--for", "3s", "--rate", "50", "--no-verify", "--format", "json"))
    found = json.loads(ended.stdout)
    assert found["load"]["acknowledged"] == 150
    assert "exact" not in found
    said = {each["name"]: each["verdict"] for each in found["objectives"]}
    assert said["counts_exact"] != "pass"
