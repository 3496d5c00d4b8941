"""`adctr slo` as scripts see it: exit codes, standard output, messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml

from slo.drills.catalogue import DRILLS
from slo.recording import Recording, Series
from slo.rules.rule_file import rule_file
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled

SPEC_TESTS = Path(__file__).parents[3] / "slo" / "spec"


def adctr(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compose.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_rules_are_the_whole_output() -> None:
    """So that `adctr slo rules > rules.yaml` works."""
    result = adctr("slo", "rules")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == rule_file(load_bundled())


def test_rules_of_another_file_into_a_file(tmp_path: Path) -> None:
    out = tmp_path / "rules.yaml"
    result = adctr("slo", "rules", "--spec", str(SPEC_TESTS / "small.yaml"), "--out", str(out))
    assert (result.returncode, result.stdout) == (0, "")
    groups = [group["name"] for group in yaml.safe_load(out.read_text(encoding="utf-8"))["groups"]]
    assert groups == ["adctr-cache-read", "adctr-redis-memory-growth", "adctr-probes"]
    assert result.stderr == f"{out}: 25 alerts, 5 recorded\n"


def test_counts_that_are_compared_too_seldom_for_the_rules_are_refused() -> None:
    result = adctr("slo", "export", "--verify-every", "2d")
    assert result.returncode == 2
    assert "--verify-every 2d: must be at most 1d" in result.stderr


def test_a_bad_file_is_explained_line_by_line_and_nothing_is_written(tmp_path: Path) -> None:
    out, bad = tmp_path / "rules.yaml", SPEC_TESTS / "bad" / "missing_keys.yaml"
    result = adctr("slo", "rules", "--spec", str(bad), "--out", str(out))
    assert (result.returncode, result.stdout, out.exists()) == (2, "", False)
    assert result.stderr.splitlines() == [
        f"adctr: {bad}: 3 mistakes, docs/objectives.md describes the format",
        f"{bad}:5: objectives[0].kind: is missing; add kind: one of latency, freshness, ceiling, growth, correctness",
        f"{bad}:5: objectives[0].minimum: is missing; add minimum: {{duration: 30s, samples: 100}}",
        f"{bad}:5: objectives[0].why: is missing; add why: why the objective exists",
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = adctr("slo", "rules", "--spec", str(tmp_path / "none.yaml"))
    assert result.returncode == 2
    assert "none.yaml: can't be read (No such file or directory)" in result.stderr


def test_an_output_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    result = adctr("slo", "rules", "--out", str(tmp_path / "no" / "rules.yaml"))
    assert result.returncode == 2
    assert f"there is no directory {tmp_path / 'no'}" in result.stderr


def test_a_check_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    result = adctr("--data-dir", str(tmp_path), "slo", "check", "--for", "10s")
    assert result.returncode == 4
    assert "no stack is running" in result.stderr


def test_a_check_refuses_what_it_cannot_do_before_it_begins(tmp_path: Path) -> None:
    """Objectives with mistakes, a report of an unknown form or for nowhere, an invalid duration."""
    bad = SPEC_TESTS / "bad" / "missing_keys.yaml"
    for arguments, words in (
        (["--spec", str(bad)], "is missing"),
        (["--out", str(tmp_path / "report.pdf")], "must end in one of .html"),
        (["--out", str(tmp_path / "no" / "report.html")], f"there is no directory {tmp_path / 'no'}"),
        (["--save", str(tmp_path / "no" / "a.recording")], f"there is no directory {tmp_path / 'no'}"),
        (["--save", str(tmp_path)], "cannot be written"),
        (["--for", "soon"], "--for"),
    ):
        result = adctr("--data-dir", str(tmp_path), "slo", "check", *arguments)
        assert result.returncode == 2, result.stderr
        assert words in result.stderr


def test_recordings_are_compared_and_other_files_refused(tmp_path: Path) -> None:
    """A second run that is twice as slow is worse; against itself the first one is not; a picture is no recording."""
    times = 1000.0 + np.arange(6000) / 100
    values = np.random.default_rng(4).lognormal(np.log(0.1), 0.3, len(times))
    for name, factor in (("a", 1.0), ("b", 2.0)):
        series = {Indicator.CACHE_READ: Series(times, values * factor)}
        Recording(1000.0, 1060.0, series).save(tmp_path / f"{name}.recording")
    a, b = str(tmp_path / "a.recording"), str(tmp_path / "b.recording")
    worse = adctr("slo", "compare", a, b, "--format", "json")
    assert (worse.returncode, json.loads(worse.stdout)["worse"]) == (1, True)
    assert adctr("slo", "compare", a, a).returncode == 0
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8")
    refused = adctr("slo", "compare", a, str(tmp_path / "holiday.jpg"))
    assert refused.returncode == 2
    assert "holiday.jpg" in refused.stderr


def test_drills_are_listed_and_unknown_ones_refused(tmp_path: Path) -> None:
    assert "partition_frozen" in adctr("slo", "drill").stdout
    refused = adctr("--data-dir", str(tmp_path), "slo", "drill", "earthquake")
    assert refused.returncode == 2
    assert "known are redis_writes_delayed" in refused.stderr


def test_drills_are_listed_in_both_forms() -> None:
    listed = json.loads(adctr("slo", "drill", "--format", "json").stdout)["drills"]
    said = [(each["name"], each["story"]) for each in listed]
    assert said == [(each.name, each.story) for each in DRILLS]
    assert [line.split()[0] for line in adctr("slo", "drill").stdout.splitlines()] == [name for name, _ in said]
