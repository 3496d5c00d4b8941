"""CI runs the gates on every commit, and keeps their report when they pass too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def steps(job: str) -> list[dict[str, Any]]:
    workflow: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
    return list(workflow["jobs"][job]["steps"])


def test_ci_runs_the_gates_and_keeps_their_report_when_they_pass_too() -> None:
    assert "make gates\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert any(step.get("run") == ".ci/run" for step in steps("test"))
    kept = [step for step in steps("test") if "upload-artifact" in step.get("uses", "") and step["if"] == "always()"]
    assert any(".artifacts/gates" in step["with"]["path"].split() for step in kept)
    assert all(step["with"]["include-hidden-files"] for step in kept)
