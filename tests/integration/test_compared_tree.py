"""This version measured as `adctr bench compare` measures it: what its own commands print has every figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose.experiment.compared_tree import ComparedTree, head_checkout
from compose.experiment.stack_processes import PIPELINE
from compose.experiment.tree_runs import RunSettings, measure
from slo.bench.tree_comparison import LOAD_CPU, MEASURED, Kind

SETTINGS = RunSettings(events=300_000, repetitions=1, rate=2_000.0, seconds=30.0, warm_up_seconds=10.0)


@pytest.mark.embedded
@pytest.mark.long
@pytest.mark.parametrize("kind", Kind)
def test_every_figure_is_there_and_every_count_is_right(tmp_path: Path, kind: Kind) -> None:
    tree = ComparedTree("head", head_checkout(), tmp_path / "stack", tmp_path / "log")
    run = measure(tree, kind, SETTINGS)
    services = [f"{LOAD_CPU}.{name}" for name in PIPELINE] if kind is Kind.LOAD else []
    assert set(run.figures) == {*MEASURED[kind], *services}
    assert min(run.figures.values()) > 0
    assert run.differences == 0
    assert not (tree.data_dir / "bench-drain").exists()
    assert not (tree.data_dir / "compared.recording").exists()
