"""Every fault. A link's limit, and what must be kept meanwhile, are those of the server behind it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from slo.disturbances import injections
from slo.disturbances.action import (
    CHECKPOINTS,
    FLINK,
    JOB_KEEPER,
    JOB_MANAGER,
    KAFKA,
    POSTGRES,
    PYTHON,
    REDIS,
    REGISTRY,
    TASK_MANAGERS,
    WHOLE_STACK,
    link_to,
)
from slo.disturbances.bench import Bench
from slo.disturbances.sabotage import processes_frozen
from slo.faults.fault import Fault
from slo.spec.model import Indicator

TASK_MANAGER_SECONDS = 15.0
JOB_MANAGER_SECONDS = 30.0
KAFKA_SECONDS = 15.0
REDIS_SECONDS = 5.0
POSTGRES_SECONDS = 60.0
STACK_SECONDS = 60.0
CHECKPOINT_SECONDS = 60.0

LinkInjection = Callable[[Bench, str], AbstractContextManager[None]]

_REDIS_KEPT = frozenset({"event_to_redis"})
_POSTGRES_KEPT = frozenset({"event_to_postgres"})
_POSTGRES = Indicator.EVENT_TO_POSTGRES

PROCESSES: tuple[Fault, ...] = (
    Fault(
        "taskmanager_killed",
        "The TaskManager of the live job: kill -9.",
        injections.live_task_manager_killed,
        TASK_MANAGER_SECONDS,
        needs=frozenset({JOB_MANAGER}),
        takes=TASK_MANAGERS,
    ),
    Fault(
        "taskmanager_killed_thrice",
        "The same three times, each as soon as the job runs in the other one.",
        injections.live_task_manager_killed_thrice,
        TASK_MANAGER_SECONDS,
        watched_seconds=50.0,
        drawn=False,  # it waits for the job between its kills, and another fault keeps the job from starting
    ),
    Fault(
        "jobmanager_killed",
        "Flink's JobManager, and with it all that it knew of the jobs: kill -9.",
        partial(injections.killed, services=("jobmanager",)),
        JOB_MANAGER_SECONDS,
        takes=frozenset({JOB_MANAGER}),
    ),
    Fault(
        "python_killed",
        "Every Python process of the pipeline at once (job keeper, cache keeper, canary): kill -9.",
        partial(injections.killed, services=("jobs", "cache-keeper", "canary")),
        REDIS_SECONDS,
        keeps=_REDIS_KEPT | _POSTGRES_KEPT,
        watched_seconds=30.0,
        takes=PYTHON,
    ),
    Fault(
        "generator_killed",
        "The generator: kill -9, and another one goes on.",
        injections.nothing,
        REDIS_SECONDS,
        kills_generator=True,
        drawn=False,  # the load of a schedule is one generator's
    ),
    Fault(
        "stack_killed",
        "Every process of the stack at once, its supervisor first: kill -9, and started again.",
        injections.everything_killed,
        STACK_SECONDS,
        answers=False,
        takes=WHOLE_STACK,
        back_seconds=75.0,
    ),
)

SERVERS: tuple[Fault, ...] = (
    Fault(
        "kafka_killed",
        "The broker: kill -9.",
        partial(injections.killed, services=("kafka",)),
        KAFKA_SECONDS,
        takes=frozenset({KAFKA}),
    ),
    Fault(
        "kafka_paused",
        "The broker stands still for 30 s.",
        partial(processes_frozen, services=("kafka",)),
        KAFKA_SECONDS,
        lasts_seconds=30.0,
        takes=frozenset({KAFKA}),
    ),
    Fault(
        "redis_killed",
        "Redis: kill -9.",
        partial(injections.killed, services=("redis",)),
        REDIS_SECONDS,
        keeps=_POSTGRES_KEPT,
        watched_seconds=30.0,
        takes=frozenset({REDIS}),
    ),
    Fault(
        "redis_away",
        "Redis is stopped for 60 s.",
        partial(injections.away, services=("redis",)),
        REDIS_SECONDS,
        lasts_seconds=60.0,
        keeps=_POSTGRES_KEPT,
        takes=frozenset({REDIS}),
    ),
    Fault(
        "redis_flushed",
        "FLUSHALL: until everything is restored nobody reads from Redis.",
        injections.redis_flushed,
        REDIS_SECONDS,
        keeps=_POSTGRES_KEPT,
        watched_seconds=30.0,
        needs=frozenset({REDIS}),
    ),
    Fault(
        "redis_out_of_memory",
        "Redis refuses every write for 20 s, as it does at maxmemory.",
        injections.redis_out_of_memory,
        REDIS_SECONDS,
        lasts_seconds=20.0,
        keeps=_POSTGRES_KEPT,
        takes=frozenset({REDIS}),
    ),
    Fault(
        "postgres_killed",
        "PostgreSQL: kill -9.",
        partial(injections.killed, services=("postgres",)),
        POSTGRES_SECONDS,
        recovers=_POSTGRES,
        keeps=_REDIS_KEPT,
        takes=frozenset({POSTGRES}),
    ),
    Fault(
        "postgres_away",
        "PostgreSQL is stopped for 60 s.",
        partial(injections.away, services=("postgres",)),
        POSTGRES_SECONDS,
        lasts_seconds=60.0,
        recovers=_POSTGRES,
        keeps=_REDIS_KEPT,
        takes=frozenset({POSTGRES}),
    ),
    Fault(
        "registry_away",
        "The Schema Registry is stopped for 60 s while no TaskManager restarts.",
        partial(injections.away, services=("registry",)),
        TASK_MANAGER_SECONDS,
        lasts_seconds=60.0,
        keeps=_REDIS_KEPT | _POSTGRES_KEPT,
        takes=frozenset({REGISTRY}),
    ),
    Fault(
        "registry_away_taskmanagers_killed",
        "The Schema Registry is stopped for 60 s, and both TaskManagers die in it, with the schemas that they knew.",
        injections.registry_away_task_managers_killed,
        TASK_MANAGER_SECONDS,
        lasts_seconds=60.0,
        takes=TASK_MANAGERS | {REGISTRY},
    ),
    Fault(
        "checkpoints_full",
        "No checkpoint can be written for 30 s, as on a full disk.",
        injections.checkpoints_full,
        TASK_MANAGER_SECONDS,
        lasts_seconds=30.0,
        keeps=_REDIS_KEPT,
        needs=FLINK,
        takes=frozenset({CHECKPOINTS}),
    ),
    Fault(
        "checkpoint_damaged",
        "The newest checkpoint of the live job is truncated, and its TaskManager killed: kill -9.",
        injections.live_checkpoint_damaged,
        CHECKPOINT_SECONDS,
        watched_seconds=90.0,
        needs=frozenset({JOB_MANAGER, JOB_KEEPER, KAFKA, REGISTRY}),
        takes=TASK_MANAGERS | {CHECKPOINTS},
        back_seconds=60.0,
    ),
)


def _link_faults(
    server: str, name: str, limit_seconds: float, recovers: Indicator, keeps: frozenset[str] = frozenset()
) -> tuple[Fault, ...]:
    def fault(what: str, story: str, inject: LinkInjection, lasts_seconds: float) -> Fault:
        return Fault(
            f"{server}_{what}",
            f"Between the jobs and {name}: {story}",
            lambda bench: inject(bench, server),
            limit_seconds,
            lasts_seconds=lasts_seconds,
            recovers=recovers,
            keeps=keeps,
            links=(server,),
            takes=frozenset({link_to(server)}),
        )

    return (
        fault("slow", "100 ± 50 ms on the way there, for 20 s.", injections.link_slow, 20.0),
        fault("reset", "every connection reset, every 3 s for 20 s.", injections.link_reset, 20.0),
        fault("cut", "nothing gets through for 30 s, and nobody is told.", injections.link_cut, 30.0),
    )


LINKS: tuple[Fault, ...] = (
    *_link_faults("kafka", "Kafka", KAFKA_SECONDS, Indicator.EVENT_TO_REDIS),
    *_link_faults("redis", "Redis", REDIS_SECONDS, Indicator.EVENT_TO_REDIS, _POSTGRES_KEPT),
    *_link_faults("postgres", "PostgreSQL", POSTGRES_SECONDS, _POSTGRES, _REDIS_KEPT),
)

FAULTS = (*PROCESSES, *SERVERS, *LINKS)


def find_fault(name: str) -> Fault:
    """A fault by name. Raises KeyError with those that exist."""
    for fault in FAULTS:
        if fault.name == name:
            return fault
    raise KeyError(f"fault {name!r}: known are {', '.join(each.name for each in FAULTS)}")
