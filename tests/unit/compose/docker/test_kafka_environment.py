"""Kafka's image reads the environment that Compose gives it: its own program, in the version that is pinned.

The image's `launch` runs `kafka.docker.KafkaDockerWrapper setup`, which is in Kafka's own jar: it makes
server.properties of the variables and formats the log directory. The image's files of defaults are not on Maven; here
they are empty.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose.docker.compose_file import COMPOSE_FILE, HERE
from compose.docker.names import network_settings, plan
from compose.docker.servers import broker
from compose.stack.java import artifacts
from compose.stack.java.jvm import JAVA
from pipeline.settings import Settings

LOGGING = """
Configuration:
  Properties: {Property: [{name: kafka.logs.dir, value: .}]}
  Appenders: {Console: {name: STDOUT, PatternLayout: {pattern: "%m%n"}}}
  Loggers: {Root: {level: INFO, AppenderRef: [{ref: STDOUT}]}, Logger: [{name: org.apache.kafka, level: INFO}]}
"""


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((HERE / COMPOSE_FILE).read_text("utf-8"))["services"]["kafka"]
    return found


def test_the_jars_are_of_the_images_version(service: dict[str, Any]) -> None:
    version = service["image"].rpartition(":")[2]
    assert f"kafka_2.13-{version}.jar" in {path.name for path in artifacts.paths("kafka")}


def test_the_images_program_makes_the_properties_that_are_meant(service: dict[str, Any], tmp_path: Path) -> None:
    """All of them and no others; the log directory is formatted."""
    for name in ("defaults", "mounted", "final", "logs"):
        (tmp_path / name).mkdir()
    (tmp_path / "defaults" / "server.properties").write_text("")
    for name in ("log4j2.yaml", "tools-log4j2.yaml"):
        (tmp_path / "defaults" / name).write_text(LOGGING)
    environment = {
        key: re.sub(r"\$\{\w+:-(\w+)\}", r"\1", value)
        for key, value in {**service["environment"], "KAFKA_LOG_DIRS": str(tmp_path / "logs")}.items()
    }
    classpath = ":".join(map(str, artifacts.paths("kafka")))
    names = {"default": "defaults", "mounted": "mounted", "final": "final"}
    directories = [f"--{option}-configs-dir={tmp_path / name}" for option, name in names.items()]
    ended = subprocess.run(
        [str(JAVA), "-cp", classpath, "kafka.docker.KafkaDockerWrapper", "setup", *directories],
        env={**environment, "CLUSTER_ID": "5L6g3nShT-eMCtK--X86sw"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = (tmp_path / "final" / "server.properties").read_text("utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if line)
    meant = {**broker(plan(network_settings(Settings()))), "log.dirs": str(tmp_path / "logs")}
    assert told == {key: re.sub(r"\$\{\w+:-(\w+)\}", r"\1", value) for key, value in meant.items()}
    assert "node.id=1" in (tmp_path / "logs" / "meta.properties").read_text("utf-8")
