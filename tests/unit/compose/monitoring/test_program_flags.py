"""Every flag on a command line of Compose is one that the pinned version of the program knows.

`help/NAME-VERSION.txt` is what that version prints on ``--help``. An image of another version needs its own file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose.docker.compose_file import COMPOSE_FILE, HERE
from compose.stack.services import monitoring

HELP = Path(__file__).parent / "help"
PROGRAMS = {"postgres-exporter": "postgres_exporter", "alertmanager": "alertmanager"}


def _flags_of(text: str) -> set[str]:
    known: set[str] = set()
    for negatable, name in re.findall(r"--(\[no-\])?([a-zA-Z][\w.-]*)", text):
        known |= {f"--{name}", f"--no-{name}"} if negatable else {f"--{name}"}
    return known


@pytest.mark.parametrize("service", sorted(PROGRAMS))
def test_the_pinned_version_knows_every_flag(service: str) -> None:
    container: dict[str, Any] = yaml.safe_load((HERE / COMPOSE_FILE).read_text("utf-8"))["services"][service]
    version = container["image"].rpartition(":v")[2]
    known = _flags_of((HELP / f"{PROGRAMS[service]}-{version}.txt").read_text("utf-8"))
    used = {part.partition("=")[0] for part in container["command"]}
    assert used <= known


@pytest.mark.parametrize(
    ("version", "flag"), [("0.11.1", "--no-collector.bgwriter"), ("0.15.0", "--no-collector.stat_bgwriter")]
)
def test_postgres_exporter_is_asked_what_it_calls_the_collector(tmp_path: Path, version: str, flag: str) -> None:
    program = tmp_path / "postgres_exporter"
    program.write_text(f"#!/bin/sh\ncat {HELP / f'postgres_exporter-{version}.txt'} >&2\n")
    program.chmod(0o755)
    assert monitoring.bgwriter_flag(str(program)) == flag
