"""Every flag on a command line of Compose is one that the pinned version of the program knows.

`help/NAME-VERSION.txt` is what that version prints on ``--help`` (Prometheus: the flags that it prints on
``--write-documentation``). An image of another version needs its own file: see docs/container-images.md.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose.docker.compose_file import COMPOSE_FILE, HERE
from compose.stack.services import monitoring, postgres_server

HELP = Path(__file__).parent / "help"
PROGRAMS = {
    "alertmanager": "alertmanager",
    "postgres-exporter": "postgres_exporter",
    "prometheus": "prometheus",
    "redis-exporter": "redis_exporter",
}
"""Service → program."""


def _container(service: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((HERE / COMPOSE_FILE).read_text("utf-8"))["services"][service]
    return found


def _flags_of(text: str) -> set[str]:
    """Those that a help text lists: with one dash by Go's own package, with two by kingpin."""
    known: set[str] = set()
    for dashes, negatable, name in re.findall(r"(?<![\w-])(--?)(\[no-\])?([a-zA-Z][\w.-]*)", text):
        known |= {f"{dashes}{name}", f"{dashes}no-{name}"} if negatable else {f"{dashes}{name}"}
    return known


def _flags_in(command: list[str]) -> set[str]:
    return {part.partition("=")[0] for part in command if part.startswith("-")}


def _known(service: str) -> set[str]:
    image = _container(service)["image"]
    version = re.search(r":v?([\d.]+)(-\w+)?$", image)
    assert version is not None, image
    return _flags_of((HELP / f"{PROGRAMS[service]}-{version[1]}.txt").read_text("utf-8"))


@pytest.mark.parametrize("service", sorted(PROGRAMS))
def test_the_pinned_version_knows_every_flag(service: str) -> None:
    used = _flags_in(_container(service)["command"])
    assert used
    assert used <= _known(service)


@pytest.mark.parametrize("service", sorted(PROGRAMS))
def test_a_flag_that_the_program_does_not_know_is_found(service: str) -> None:
    """In the program's own spelling, so that only the name can tell; and a flag of another version of it."""
    dashes = "-" if service == "redis-exporter" else "--"
    assert not _flags_in([f"{dashes}no-such-flag=1"]) <= _known(service)
    if service == "postgres-exporter":
        assert not {"--no-collector.bgwriter"} <= _known(service)


def test_every_program_that_is_told_flags_is_looked_at() -> None:
    services = yaml.safe_load((HERE / COMPOSE_FILE).read_text("utf-8"))["services"]
    told = {
        name
        for name, service in services.items()
        if not service["image"].startswith("adctr:") and _flags_in(service.get("command", []))
    }
    assert told - {"postgres"} == set(PROGRAMS), "the flags of postgres are settings: see the test beside"


def test_postgres_knows_the_settings_on_its_command_line() -> None:
    """The bundled server is of the image's major version."""
    container = _container("postgres")
    program = postgres_server.binary("postgres")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.split()[-1].partition(".")[0] == container["image"].partition(":")[2].partition(".")[0]
    listed = subprocess.run([program, "--describe-config"], capture_output=True, text=True, check=True).stdout
    known = {line.partition("\t")[0].lower() for line in listed.splitlines()}
    settings = {each.partition("=")[0] for each in container["command"][1:] if each != "-c"}
    assert settings
    assert settings <= known


@pytest.mark.parametrize(
    ("version", "flag"), [("0.11.1", "--no-collector.bgwriter"), ("0.15.0", "--no-collector.stat_bgwriter")]
)
def test_postgres_exporter_is_asked_what_it_calls_the_collector(tmp_path: Path, version: str, flag: str) -> None:
    program = tmp_path / "postgres_exporter"
    program.write_text(f"#!/bin/sh\ncat {HELP / f'postgres_exporter-{version}.txt'} >&2\n")
    program.chmod(0o755)
    assert monitoring.bgwriter_flag(str(program)) == flag
