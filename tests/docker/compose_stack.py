"""The stack in containers, started by testcontainers from the Compose file that people use."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testcontainers.compose import ComposeContainer, DockerCompose

from compose.docker import env_file
from compose.docker.compose_file import COMPOSE_FILE, HERE
from compose.stack.layout import Layout
from compose.stack.ports import Ports
from compose.stack.state import settings_for
from pipeline.settings import Settings

_COMMAND_SECONDS = 400


@dataclass(frozen=True)
class ComposeStack:
    """A running one. ``settings`` are those of this machine: published ports, all the passwords."""

    project: str
    compose: DockerCompose
    settings: Settings
    ports: Ports

    def containers(self, service: str | None = None) -> list[ComposeContainer]:
        """Those that run, of one service or all."""
        found = self.compose.get_containers()
        return [each for each in found if service in (None, each.Service)]

    def run(self, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """``docker compose …``; ``changed`` settings come before those of the environment file."""
        return subprocess.run(
            [*self.compose.docker_compose_command(), *arguments],
            cwd=HERE,
            env=os.environ | changed,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )

    def adctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line in a container beside the others: a load's is told no password."""
        service = "load" if arguments[0] == "load" else "cli"
        return self.run("run", "--rm", "-T", "--no-deps", service, "adctr", *arguments)

    def adctr_json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """What `adctr … --format json` reports; it must end with this exit code."""
        ended = self.adctr(*arguments, "--format", "json")
        assert ended.returncode == code, f"exit {ended.returncode}: {ended.stderr[-2000:]}{ended.stdout[-4000:]}"
        report: dict[str, Any] = json.loads(ended.stdout)
        return report


def project_name(purpose: str) -> str:
    """One of this run alone: with the same name, another run on the same engine would take these containers over."""
    return f"adctr-{purpose}-{os.getpid()}"


@contextmanager
def compose_stack(
    project: str, profiles: Sequence[str], more_files: Sequence[Path], directory: Path
) -> Iterator[ComposeStack]:
    """Up and healthy within the block, gone with its volumes after it."""
    ports = Ports.free()
    file = directory / "compose.env"
    variables = env_file.ensure(file, ports)
    with file.open("a") as more:
        more.write(f"COMPOSE_PROJECT_NAME={project}\n")
    files = [COMPOSE_FILE, *map(str, more_files)]
    compose = DockerCompose(HERE, files, env_file=str(file), profiles=list(profiles))
    layout = Layout.of(directory / "data")
    settings = settings_for(Settings(), layout, ports, env_file.passwords(variables), historic=False)
    with compose:
        yield ComposeStack(project, compose, settings, ports)
