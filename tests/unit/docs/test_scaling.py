"""The example manifest: settings it names exist, and it says what the page promises."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.job_names import JOBS
from pipeline.settings import ENV_PREFIX, Settings

MANIFEST = Path(__file__).parents[3] / "docs" / "kubernetes" / "live-job.yaml"


@pytest.fixture
def spec() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert (document["apiVersion"], document["kind"]) == ("flink.apache.org/v1beta1", "FlinkDeployment")
    return dict(document["spec"])


def test_every_variable_is_a_setting(spec: dict[str, Any]) -> None:
    names = [row["name"] for row in spec["podTemplate"]["spec"]["containers"][0]["env"]]
    known = {ENV_PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}
    assert set(names) <= known
    values = {
        row["name"]: row["value"] for row in spec["podTemplate"]["spec"]["containers"][0]["env"] if "value" in row
    }
    settings = Settings.from_env(values)
    assert settings.checkpoint_uri("live") == "s3://adctr-state/checkpoints/live"
    assert settings.parallelism == spec["job"]["parallelism"] == int(spec["flinkConfiguration"]["parallelism.default"])


def test_it_is_an_application_with_high_availability_and_state_on_object_storage(spec: dict[str, Any]) -> None:
    config = spec["flinkConfiguration"]
    assert config["high-availability.type"] == "kubernetes"
    assert config["high-availability.storageDir"].startswith("s3://")
    assert spec["job"]["args"][-1] in JOBS
    assert spec["job"]["upgradeMode"] == "last-state"
    slots = int(config["taskmanager.numberOfTaskSlots"]) * spec["taskManager"]["replicas"]
    assert slots >= spec["job"]["parallelism"]
