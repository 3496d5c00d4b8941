"""The `.env` beside the Compose file, with random passwords: ``python -m compose.docker.env_file`` makes it once."""

from __future__ import annotations

import dataclasses
import secrets
from pathlib import Path

from compose.docker.compose_file import HERE
from compose.docker.containers import CORE
from compose.docker.names import password_variable, port_variable
from compose.docker.watchers import GRAFANA_PASSWORD
from compose.stack.layout import write_private
from compose.stack.passwords import Passwords
from compose.stack.ports import Ports

ENV_FILE = HERE / ".env"
PROFILES = "COMPOSE_PROFILES"
_HEAD = "# Made by `make docker-env`; keep it to yourself. What may stand here besides: settings.env, ADCTR_PORT_….\n"


def ensure(path: Path, ports: Ports | None = None) -> dict[str, str]:
    """The variables in the file; what is missing is added, what is there stays. ``ports`` are those to publish."""
    known = read(path) if path.exists() else {}
    variables = [*(password_variable(each.name) for each in dataclasses.fields(Passwords)), GRAFANA_PASSWORD]
    wanted = {PROFILES: CORE, **{name: secrets.token_hex(16) for name in variables}}
    if ports is not None:
        wanted |= {port_variable(name): str(port) for name, port in ports.items()}
    complete = wanted | known
    if complete != known:
        write_private(path, _HEAD + "".join(f"{key}={value}\n" for key, value in complete.items()))
    return complete


def read(path: Path) -> dict[str, str]:
    """The variables of an `.env`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line.strip() and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def passwords(variables: dict[str, str]) -> Passwords:
    """Those that stand in an `.env`."""
    return Passwords(**{each.name: variables[password_variable(each.name)] for each in dataclasses.fields(Passwords)})


if __name__ == "__main__":
    ensure(ENV_FILE)
