"""Prometheus's own tool reads the rules, and lets hours pass over them: promtool/*.yaml are the stories."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from slo.rules.rule_file import rule_file
from slo.spec.parse import load_bundled

STORIES = sorted((Path(__file__).parent / "promtool").glob("*.yaml"))


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        message = "promtool is not on PATH; .ci/prometheus fetches it, CONTRIBUTING.md says how"
        if os.environ.get("ADCTR_REQUIRE_PROMTOOL") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


def run(command: list[str], directory: Path) -> None:
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr


def test_prometheus_takes_the_rules(promtool: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rule_file(load_bundled()), encoding="utf-8")
    run([promtool, "check", "rules", "rules.yaml"], tmp_path)


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(promtool: str, tmp_path: Path, story: Path) -> None:
    (tmp_path / "rules.yaml").write_text(rule_file(load_bundled()), encoding="utf-8")
    shutil.copy(story, tmp_path / "story.yaml")
    run([promtool, "test", "rules", "story.yaml"], tmp_path)


def test_a_story_with_another_end_fails(promtool: str, tmp_path: Path) -> None:
    """The stories can fail: the same one with an alert that never fires."""
    (tmp_path / "rules.yaml").write_text(rule_file(load_bundled()), encoding="utf-8")
    story = (Path(__file__).parent / "promtool" / "counts_exact.yaml").read_text(encoding="utf-8")
    (tmp_path / "story.yaml").write_text(story.replace("eval_time: 14m", "eval_time: 20m"), encoding="utf-8")
    with pytest.raises(AssertionError, match="FAILED"):
        run([promtool, "test", "rules", "story.yaml"], tmp_path)
