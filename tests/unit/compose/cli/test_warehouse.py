"""How dbt is started, without dbt."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from compose.cli import warehouse
from compose.process.errors import EnvironmentFailed
from pipeline.contract.cache_schema import CANARY_PREFIX
from pipeline.settings import Settings


def test_dbt_is_told_the_warehouses_password_and_nobody_elses() -> None:
    told = warehouse.environment(Settings(postgres_warehouse_password="d8t", postgres_owner_password="0wner"))
    assert told["ADCTR_POSTGRES_WAREHOUSE_PASSWORD"] == "d8t"
    assert [name for name in told if "PASSWORD" in name] == ["ADCTR_POSTGRES_WAREHOUSE_PASSWORD"]


def test_dbt_writes_below_the_data_directory_alone(tmp_path: Path) -> None:
    command = warehouse.command("dbt", ["test", "--select", "hours"], tmp_path)
    assert command[:2] == ["dbt", "test"]
    assert command[-2:] == ["--select", "hours"]
    assert command[command.index("--target-path") + 1] == str(tmp_path / "target")
    assert command[command.index("--log-path") + 1] == str(tmp_path)
    assert warehouse.command("dbt", [], tmp_path)[1] == "build"


def test_without_dbt_the_error_names_what_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(warehouse, "_OWN_PROGRAM", tmp_path / "dbt")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFailed, match="`make warehouse` installs it"):
        warehouse.program({})
    assert warehouse.program({"ADCTR_DBT": "/opt/dbt"}) == "/opt/dbt"


def test_canaries_have_the_same_prefix_in_the_models() -> None:
    project = yaml.safe_load((warehouse.PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["canary_prefix"] == CANARY_PREFIX
