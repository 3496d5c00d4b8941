"""Flink and the project's own processes: one image, a container for each of the embedded stack's services."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from compose.docker.containers import CLI, CORE, DONE, HEALTHY, LOAD, OPS, Container, fetches
from compose.docker.names import ADDRESSES, DATA, NOT_IN_COMPOSE, PORTS, PROJECT_IMAGE, TASK_MANAGER
from compose.docker.run import services
from compose.stack.ports import LOOPBACK
from compose.stack.service import Plan, Service
from compose.stack.services.dashboard import NAME as DASHBOARD
from compose.stack.services.monitoring import EXPORTER
from pipeline.settings import ENV_PREFIX, Settings

SETTINGS_FILE = "settings.env"
LOAD_COMMAND = ("adctr", "load", "run", "--rate", "${ADCTR_LOAD_RATE:-1000}")
TASK_MANAGERS = 2
"""As many as there are jobs, so that each has one to itself."""

_USER = "adctr"
_CHECKPOINTS = f"checkpoints:{DATA / 'checkpoints'}"
_LEDGERS = f"ledgers:{DATA / 'ledgers'}"
_PROVISION = "provision"
# What the embedded stack's start does or waits for by itself.
_STEPS = {
    "topics": (_PROVISION, DONE),
    "tables": (_PROVISION, DONE),
    "jobs running": ("jobs", HEALTHY),
    "jobmanager:prepared": ("jobmanager", HEALTHY),
}
# Not in it: those that need 512 megabytes.
_MEMORY = {"jobmanager": "1200M", TASK_MANAGER: "2G", "jobs": "1G", DASHBOARD: "768M", EXPORTER: "768M"}
_REST = f"{LOOPBACK}:{PORTS.flink_rest}"
# The others' checks are those of the embedded stack, in a Python of their own.
_CHECKS = {
    "jobmanager": fetches(f"http://{_REST}/overview"),
    TASK_MANAGER: fetches(f"http://jobmanager:{PORTS.flink_rest}/taskmanagers/$$HOSTNAME"),
    DASHBOARD: fetches(f"http://{LOOPBACK}:{PORTS.dashboard}/_stcore/health"),
    EXPORTER: fetches(f"http://{LOOPBACK}:{PORTS.exporter}/metrics"),
    "canary": "",
}
_PORTS = {"jobmanager": "flink_rest", DASHBOARD: "dashboard", EXPORTER: "exporter"}
# Python alone, and nothing that writes much: the others' JVMs and browsers' sessions need more than this.
_READ_ONLY = {_PROVISION, "canary", "cache-keeper"}
# Without owner and mode it would be root's: of the folder that it hides nothing is kept. The user is the Dockerfile's.
_SCRATCH = ("/tmp", f"{DATA}:uid=10001,gid=10001,mode=0755")  # noqa: S108 - a mount
_VOLUMES = {
    "jobmanager": [_CHECKPOINTS],
    TASK_MANAGER: [_CHECKPOINTS],
    "jobs": [_CHECKPOINTS],
    EXPORTER: [f"{_LEDGERS}:ro"],
}


def containers(plan: Plan) -> dict[str, Container]:
    """What runs from the project's image, by name."""
    owner = _passwords({key: value for key, value in plan.settings.to_env().items() if "_POSTGRES_" in key})
    servers = {"kafka": HEALTHY, "registry": HEALTHY, "postgres": HEALTHY}
    return {
        _PROVISION: _container(_PROVISION, environment=owner, needs=servers, more={"restart": "on-failure"}),
        **{each.name: _of(each) for each in services(plan).values()},
        "load": _container(
            "load", profile=LOAD, command=LOAD_COMMAND, cpus="2.0", needs={"jobs": HEALTHY}, volumes=[_LEDGERS]
        ),
        # Everything that `adctr` can do, so with every password: `docker compose run --rm cli adctr verify`.
        "cli": _container(
            "cli",
            profile=CLI,
            command=("adctr", "--help"),
            cpus="2.0",
            environment=_passwords(plan.settings.to_env()),
            needs={"jobs": HEALTHY},
            volumes=[_LEDGERS],
            more={"restart": "no"},
        ),
    }


def _of(service: Service) -> Container:
    """A service of the embedded stack: what it is told and what it waits for are the same."""
    name = service.name
    port = _PORTS.get(name)
    return _container(
        name,
        profile=OPS if name == EXPORTER else CORE,
        cpus="2.0" if name == TASK_MANAGER else "1.0",
        environment=_passwords(service.environment),
        check=_CHECKS.get(name, f"python -m compose.docker.run check {name}"),
        needs=dict(_STEPS.get(need, (need, HEALTHY)) for need in service.needs),
        ports={port: getattr(PORTS, port)} if port else {},
        volumes=_VOLUMES.get(name, []),
        more={"scale": TASK_MANAGERS} if name == TASK_MANAGER else {},
    )


def _container(name: str, profile: str = CORE, command: tuple[str, ...] = (), **more: object) -> Container:
    found = Container(
        image=PROJECT_IMAGE,
        profile=profile,
        user=_USER,
        memory=_MEMORY.get(name, "512M"),
        command=command or (name,),
        scratch=_SCRATCH if name in _READ_ONLY else None,
        **more,  # type: ignore[arg-type]
    )
    return dataclasses.replace(found, more={"pull_policy": "never", "env_file": [SETTINGS_FILE], **found.more})


def _passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """Of what a process is told, that which Compose takes from `.env`; the rest is the same for all."""
    return {key: value for key, value in environment.items() if key.endswith("_PASSWORD") and value}


def settings_file(settings: Settings) -> str:
    """What all of them are told: addresses, and settings that `.env` may change."""
    lines = []
    for spec in dataclasses.fields(settings):
        key = ENV_PREFIX + spec.name.upper()
        value = settings.to_env()[key]
        if spec.name.endswith("_password") or spec.name in NOT_IN_COMPOSE:
            continue
        lines.append(f"{key}={value}" if spec.name in ADDRESSES else f"{key}=${{{key}:-{value}}}")
    return "".join(f"{line}\n" for line in lines)
