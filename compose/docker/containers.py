"""One service of the Compose file: what all of them have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from compose.docker.names import PORTS, port_variable
from compose.stack.ports import LOOPBACK

CORE, OPS, LOAD, CLI = "core", "ops", "load", "cli"
PROFILES = (CORE, OPS, LOAD, CLI)
HEALTHY = "service_healthy"
DONE = "service_completed_successfully"
INTERVAL_SECONDS = 10
CHECKED_WITHIN_SECONDS = 30
"""Two checks start Python, and all run beside those of seventeen other containers."""
LOGGING = {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}}
"""Of each container, before compression; Docker's own default has no limit."""
STARTS_WITHIN_SECONDS = 600
"""On a busy machine; a check that fails until then does not count."""


@dataclass(frozen=True)
class Container:
    """A service of the Compose file. ``ports``: what is published, by its name in `Ports`, and the port inside."""

    image: str
    profile: str
    user: str
    memory: str
    cpus: str = "1.0"
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    check: str = ""
    needs: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    volumes: Sequence[str] = ()
    scratch: Sequence[str] | None = None
    """Where it writes besides its volumes, in memory; all else is read-only then. None: it writes where it likes."""
    labels: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As Compose reads it; what is empty is left out."""
        check = {
            "test": ["CMD-SHELL", self.check],
            "interval": f"{INTERVAL_SECONDS}s",
            "timeout": f"{CHECKED_WITHIN_SECONDS}s",
            "retries": 3,
            "start_period": f"{STARTS_WITHIN_SECONDS}s",
        }
        found: dict[str, Any] = {
            "image": self.image,
            "profiles": [self.profile],
            "user": self.user,
            "command": list(self.command),
            "environment": dict(self.environment),
            "depends_on": {name: {"condition": condition} for name, condition in self.needs.items()},
            "healthcheck": check if self.check else None,
            "ports": [published(name, inside) for name, inside in self.ports.items()],
            "volumes": list(self.volumes),
            "labels": dict(self.labels),
            "read_only": self.scratch is not None,
            "tmpfs": list(self.scratch or ()),
            "logging": LOGGING,
            "deploy": {"resources": {"limits": {"memory": self.memory, "cpus": self.cpus, "pids": 1000}}},
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "restart": "unless-stopped",
            **self.more,
        }
        return {key: value for key, value in found.items() if value}


def published(name: str, inside: int) -> str:
    """A port of this machine, reachable from it alone, that leads into a container."""
    return f"{LOOPBACK}:${{{port_variable(name)}:-{getattr(PORTS, name, inside)}}}:{inside}"


def fetches(url: str) -> str:
    """A health check by curl, which the project's image and Red Hat's have."""
    return f"curl -fsS -o /dev/null {url}"


def gets(url: str) -> str:
    """A health check by wget, which images made of Alpine or busybox have."""
    return f"wget -q -O /dev/null {url}"
