"""Every action that a random schedule may draw."""

from __future__ import annotations

from functools import partial

from slo.disturbances import injections
from slo.disturbances.action import (
    CACHE_KEEPER,
    CANARY,
    JOB_KEEPER,
    JOB_MANAGER,
    LIVE_TASK_MANAGER,
    REDIS,
    REGISTRY,
    STORE_TASK_MANAGER,
    Action,
)
from slo.disturbances.operators import OPERATORS
from slo.disturbances.sabotage import processes_frozen
from slo.drills.catalogue import DRILLS
from slo.faults.catalogue import FAULTS

FROZEN_SECONDS = 15.0

_KILLED = (LIVE_TASK_MANAGER, STORE_TASK_MANAGER, JOB_KEEPER, CACHE_KEEPER, CANARY)
"""One by one; the catalogue of faults kills the other processes, and these together."""
_FROZEN = (LIVE_TASK_MANAGER, STORE_TASK_MANAGER, JOB_MANAGER, JOB_KEEPER, CACHE_KEEPER, REDIS, REGISTRY)


def _killed(service: str) -> Action:
    strike = partial(injections.killed, services=(service,))
    return Action(f"{_word(service)}_killed", f"{service}: kill -9.", strike, takes=frozenset({service}))


def _frozen(service: str) -> Action:
    return Action(
        f"{_word(service)}_frozen",
        f"{service} stands still for up to {FROZEN_SECONDS:g} s.",
        partial(processes_frozen, services=(service,)),
        lasts_seconds=FROZEN_SECONDS,
        takes=frozenset({service}),
    )


def _word(service: str) -> str:
    return {JOB_KEEPER: "job_keeper"}.get(service, service.replace("-", "_"))


SINGLE_PROCESSES = (*map(_killed, _KILLED), *map(_frozen, _FROZEN))

ACTIONS: tuple[Action, ...] = tuple(each for each in (*FAULTS, *DRILLS, *SINGLE_PROCESSES, *OPERATORS) if each.drawn)
_BY_NAME = {each.name: each for each in ACTIONS}


def find_action(name: str) -> Action:
    """An action by name. Raises KeyError with those that exist."""
    if name not in _BY_NAME:
        raise KeyError(f"action {name!r}: known are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
