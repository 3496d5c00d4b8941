"""What the stack knows about one of its processes, and what it knows about the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import LOOPBACK, Ports
from pipeline.settings import ENV_PREFIX, Settings


@dataclass(frozen=True)
class JobLinks:
    """Ports by which the Flink jobs alone reach the servers: a listener there can disturb the connection.

    None is the straight way. Kafka's clients go on to the address that the broker advertises, so the broker listens at
    ``kafka_listener`` for those that come by ``kafka``, and advertises that port to them.
    """

    kafka: int | None = None
    kafka_listener: int | None = None
    redis: int | None = None
    postgres: int | None = None

    def environment(self) -> dict[str, str]:
        """The jobs' settings that differ from everybody else's."""
        values = {
            "KAFKA_BOOTSTRAP": None if self.kafka is None else f"{LOOPBACK}:{self.kafka}",
            "REDIS_PORT": self.redis,
            "POSTGRES_PORT": self.postgres,
        }
        return {ENV_PREFIX + name: str(value) for name, value in values.items() if value is not None}


STRAIGHT = JobLinks()


@dataclass(frozen=True)
class Plan:
    """Everything that the processes of one stack are configured from. `settings` contain the addresses.

    ``monitoring`` adds exporters, Prometheus and Flink's reporter, which a benchmark's own stack does without.
    ``listen`` is the address that the processes listen on; where others find them stands in the settings.
    """

    layout: Layout
    ports: Ports
    passwords: Passwords
    settings: Settings
    job_links: JobLinks = STRAIGHT
    monitoring: bool = False
    listen: str = LOOPBACK


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Service:
    """One supervised process.

    `prepare` writes configuration and first-time state; `check` returns if the service answers and
    raises anything if it does not yet. `needs` names services and steps that must be healthy first.
    """

    name: str
    command: tuple[str, ...]
    address: str
    check: Callable[[], None]
    prepare: Callable[[], None] = _nothing
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    needs: tuple[str, ...] = ()
    stop_signal: str = "TERM"
    stop_seconds: int = 15
    start_timeout_seconds: float = 300.0
    """Generous: a process that lives and says nothing yet is slow; one that keeps dying is noticed at once."""
