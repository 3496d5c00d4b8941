"""What differs between the stack in containers and the embedded one: names, and where things come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import EVERYWHERE, Ports
from compose.stack.service import Plan
from compose.stack.services.dashboard import NAME as DASHBOARD
from compose.stack.state import Hosts, settings_for
from pipeline.settings import ENV_PREFIX, Settings

PROJECT_IMAGE = "adctr:0.1.0"
DATA = Path("/var/lib/adctr")
"""The data directory in every container of the project's image."""
PORTS = Ports()
"""In its own network each container has the well-known ones."""
HOSTS = Hosts(kafka="kafka", registry="registry", redis="redis", postgres="postgres", jobmanager="jobmanager")
TASK_MANAGER = "taskmanager"
"""One service of as many processes as one likes: any of them takes any job."""
KAFKA_FROM_HOST_PORT = 9095
"""Who comes from outside is told the published address, so the broker has a listener for him."""
ADDRESSES = frozenset(
    ("kafka_bootstrap", "schema_registry_url", "redis_host", "redis_port", "postgres_host", "postgres_port",
     "postgres_database", "flink_rest_url", "dashboard_url", "checkpoint_dir")
)  # fmt: skip
"""The settings that the network decides, and nobody else."""
NOT_IN_COMPOSE = frozenset(("historic", "alert_webhook_url", "watchdog_url"))
"""A historic load has the embedded stack; who sends alerts is told by a file of Alertmanager's own."""


def password_variable(name: str) -> str:
    """The variable in `.env` that holds a password, by its name in `Passwords`."""
    return f"{ENV_PREFIX}{name.upper()}_PASSWORD"


def port_variable(name: str) -> str:
    """The variable that moves a published port, by its name in `Ports`."""
    return f"{ENV_PREFIX}PORT_{name.upper()}"


def required(variable: str) -> str:
    """Compose puts the variable's value here, and refuses to start without one."""
    return f"${{{variable}:?run make docker-env}}"


def placeholders() -> Passwords:
    """Passwords as the Compose file has them: none."""
    return Passwords(**{each.name: required(password_variable(each.name)) for each in dataclasses.fields(Passwords)})


def plan(settings: Settings) -> Plan:
    """What the processes in containers are configured from."""
    return Plan(Layout(DATA), PORTS, placeholders(), settings, monitoring=True, listen=EVERYWHERE)


def network_settings(base: Settings) -> Settings:
    """`base` with the addresses inside Compose's network and with placeholders for passwords."""
    found = settings_for(base, Layout(DATA), PORTS, placeholders(), historic=False, hosts=HOSTS)
    return dataclasses.replace(found, dashboard_url=f"http://{DASHBOARD}:{PORTS.dashboard}")
