"""What can be done to a running stack, as data: what it must find there, and what it takes away while it lasts.

Faults (`slo.faults.catalogue`), sabotage (`slo.drills.catalogue`) and commands of operators
(`slo.disturbances.operators`) are actions. A new one is one entry there; random schedules draw it from then on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass
from typing import Any

from slo.disturbances.bench import Bench

KAFKA, REGISTRY, REDIS, POSTGRES = "kafka", "registry", "redis", "postgres"
JOB_MANAGER, LIVE_TASK_MANAGER, STORE_TASK_MANAGER = "jobmanager", "taskmanager-live", "taskmanager-store"
JOB_KEEPER, CACHE_KEEPER, CANARY = "jobs", "cache-keeper", "canary"
CHECKPOINTS = "checkpoints"
"""That the jobs can complete them, and that those on disk are whole."""

TASK_MANAGERS = frozenset({LIVE_TASK_MANAGER, STORE_TASK_MANAGER})
FLINK = TASK_MANAGERS | {JOB_MANAGER}
PYTHON = frozenset({JOB_KEEPER, CACHE_KEEPER, CANARY})
WHOLE_STACK = frozenset({KAFKA, REGISTRY, REDIS, POSTGRES, CHECKPOINTS}) | FLINK | PYTHON

SHORTEST_SECONDS = 2.0


def link_to(server: str) -> str:
    """The way of the jobs to a server, as something that an action takes."""
    return f"link to {server}"


@dataclass(frozen=True)
class Action:
    """Something done to a running stack. ``inject`` does it on entry and puts things right on exit.

    ``needs`` are parts of the stack that must work when it begins and as long as it lasts, ``takes`` those that do not
    work meanwhile, nor for ``back_seconds`` after it; it needs them as well when it begins.
    """

    name: str
    story: str
    inject: Callable[[Bench], AbstractContextManager[Any]]
    _: KW_ONLY
    lasts_seconds: float = 0.0
    """How long its effect stays, unless a schedule says otherwise."""
    links: tuple[str, ...] = ()
    """The servers that the jobs must reach over a link, because it is done to the link."""
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    back_seconds: float = 10.0
    from_seconds: float = 0.0
    """There is nothing to do it to before, counted from the begin of the load."""
    revises: bool = False
    """Final windows may have other counts after it: it begins a new revision of them."""
    drawn: bool = True
    """Random schedules may draw it: every count is right after it, and nothing but the stack is touched."""

    @property
    def lengths(self) -> tuple[float, float]:
        """The shortest and the longest that random schedules make it last, in seconds."""
        return min(SHORTEST_SECONDS, self.lasts_seconds), self.lasts_seconds

    def excludes(self, other: Action) -> bool:
        """Whether one of the two takes what the other needs or takes: they can't be done at the same time."""
        return bool(self.takes & (other.needs | other.takes) or other.takes & self.needs)
