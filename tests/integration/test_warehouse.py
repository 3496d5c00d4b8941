"""dbt on a real stack: a day of old events, whose marts equal what the jobs have counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from compose.cli.warehouse import PROGRAM_VARIABLE
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from tests.integration.commands import adctr, adctr_json
from tests.warehouse.builds import MARTS
from tests.warehouse.conftest import dbt

__all__ = ["dbt"]
EVENTS = 200_000


@pytest.mark.long
@pytest.mark.embedded
def test_marts_of_a_day_are_built_and_verified(tmp_path: Path, dbt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, PROGRAM_VARIABLE, dbt)
    data = tmp_path / "stack"
    with temporary_stack(data, PortChoice.AUTO, historic=True, say=print, environ={}):
        adctr_json(data, "load", "historic", "--events", str(EVENTS), "--span", "24h")
        before = adctr_json(data, "verify")
        assert not [store for store in before["verified"] if store.startswith("warehouse.")]
        built = adctr(data, "warehouse", "build")
        assert built.returncode == 0, built.stdout[-6000:]
        after = adctr_json(data, "verify")
        assert (after["exact"], after["differences"]) == (True, [])
        assert min(after["verified"][f"warehouse.{mart}"] for mart in MARTS) >= 22
