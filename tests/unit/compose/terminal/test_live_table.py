"""The live table of `adctr demo`, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from compose.terminal import live_table as module
from compose.terminal.live_table import live_table
from slo.probes.probe import Sample
from slo.probes.recorder import Recorder
from slo.spec.model import Indicator
from slo.spec.parse import load_bundled
from tests.unit.slo.probes.test_recorder import Scripted

OBJECTIVES = load_bundled()


def seen(indicator: Indicator) -> Recorder:
    """500 good samples within the last ten seconds."""
    probe = Scripted(lambda _: [])
    probe.indicators = (indicator,)
    recorder = Recorder([probe])
    recorder.began = time.time() - 60
    for number in range(500):
        recorder.take(Sample(indicator, time.time() - number / 50, 0.2))
    return recorder


def test_a_terminal_shows_every_objective_with_its_figure_in_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but counts_exact, which is judged at the end; redrawn as time goes on."""
    monkeypatch.setattr(module, "REDRAW_SECONDS", 0.0)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=60, color_system=None)
    with live_table(OBJECTIVES, seen(Indicator.EVENT_TO_REDIS), console, pytest.fail) as show:
        show("   1 s   Redis 5,000 events")
        show("   2 s   Redis 10,000 events" + " and more" * 20)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line for line in lines if line.startswith("event_to_redis")]
    assert len(rows) >= 2
    assert "100 %" in rows[-1]
    assert any("10,000 events" in line for line in lines)
    for objective in OBJECTIVES.objectives:
        is_shown = any(line.startswith(objective.name[:12]) for line in lines)  # long names go on in the next line
        assert is_shown is (objective.name != "counts_exact"), objective.name


def test_elsewhere_it_is_a_line_of_progress() -> None:
    said: list[str] = []
    console = Console(file=io.StringIO(), force_terminal=False)
    with live_table(OBJECTIVES, seen(Indicator.EVENT_TO_REDIS), console, said.append) as show:
        show("1 s")
    assert said == ["1 s"]
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
