"""What a stack wrote down about itself, and the settings that any command gets from it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compose.process.errors import EnvironmentFailed, StackNotRunning
from compose.stack.layout import Layout, write_private
from compose.stack.passwords import Passwords
from compose.stack.ports import LOOPBACK, Ports
from compose.stack.processes.supervision import Supervisor
from pipeline.settings import Settings

__all__ = ["Record", "StackNotRunning", "load_settings", "settings_for"]

STACK_VARIABLE = "ADCTR_STACK"
REMOTE = "remote"
_SECRET_FIELDS = frozenset(
    spec.name
    for spec in dataclasses.fields(Settings)
    if spec.name.endswith("_password") or spec.name in ("alert_webhook_url", "watchdog_url")
)


@dataclass(frozen=True)
class Record:
    """stack.json: the stack's ports and its settings without secrets."""

    ports: Ports
    settings: dict[str, Any]

    @property
    def historic(self) -> bool:
        return bool(self.settings.get("historic", False))

    @classmethod
    def of(cls, ports: Ports, settings: Settings) -> Record:
        values = {key: value for key, value in asdict(settings).items() if key not in _SECRET_FIELDS}
        return cls(ports, values)

    @classmethod
    def read(cls, layout: Layout) -> Record | None:
        """None if no stack was ever started in this directory. Raises EnvironmentFailed if the file is damaged."""
        try:
            values = json.loads(layout.record.read_text(encoding="utf-8"))
            return cls(Ports(**values["ports"]), dict(values["settings"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EnvironmentFailed(f"{layout.record}: cannot read it: {error}") from error

    def write(self, layout: Layout) -> None:
        text = json.dumps({"ports": asdict(self.ports), "settings": self.settings}, indent=2)
        write_private(layout.record, text + "\n")


@dataclass(frozen=True)
class Hosts:
    """Where each server is found: all on this machine, or each under a name of its own."""

    kafka: str = LOOPBACK
    registry: str = LOOPBACK
    redis: str = LOOPBACK
    postgres: str = LOOPBACK
    jobmanager: str = LOOPBACK


LOCAL = Hosts()


def settings_for(
    base: Settings, layout: Layout, ports: Ports, passwords: Passwords, historic: bool, hosts: Hosts = LOCAL
) -> Settings:
    """`base` (time bounds, names) with a stack's addresses and passwords."""
    return dataclasses.replace(
        base,
        kafka_bootstrap=f"{hosts.kafka}:{ports.kafka}",
        schema_registry_url=f"http://{hosts.registry}:{ports.registry}/apis/ccompat/v7",
        redis_host=hosts.redis,
        redis_port=ports.redis,
        redis_reader_password=passwords.redis_reader,
        redis_writer_password=passwords.redis_writer,
        redis_admin_password=passwords.redis_admin,
        postgres_host=hosts.postgres,
        postgres_port=ports.postgres,
        postgres_owner_password=passwords.postgres_owner,
        postgres_writer_password=passwords.postgres_writer,
        postgres_reader_password=passwords.postgres_reader,
        postgres_mender_password=passwords.postgres_mender,
        postgres_keeper_password=passwords.postgres_keeper,
        postgres_monitor_password=passwords.postgres_monitor,
        postgres_warehouse_password=passwords.postgres_warehouse,
        flink_rest_url=f"http://{hosts.jobmanager}:{ports.flink_rest}",
        checkpoint_dir=str(layout.checkpoints),
        historic=historic,
    )


def instead_of_the_stacks(settings: Settings) -> dict[str, str]:
    """The environment in which `load_settings` gives these settings, whatever stack runs in its directory."""
    return {STACK_VARIABLE: REMOTE, **settings.to_env()}


def load_settings(data_dir: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the stack that runs in `data_dir`. Raises StackNotRunning if none does.

    With ``ADCTR_STACK=remote`` those of the environment: the stack is somebody else's (Compose, a cluster).
    """
    if environ.get(STACK_VARIABLE) == REMOTE:
        return Settings.from_env(environ)
    layout = Layout.of(data_dir)
    if Supervisor.find(layout) is None:
        raise StackNotRunning(layout.root)
    record = Record.read(layout)
    if record is None:
        raise StackNotRunning(layout.root)
    known = {spec.name for spec in dataclasses.fields(Settings)}
    base = Settings(**{key: value for key, value in record.settings.items() if key in known})
    return settings_for(base, layout, record.ports, Passwords.load(layout), record.historic)
