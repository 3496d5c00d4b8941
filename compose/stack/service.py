"""What the stack knows about one of its processes, and what it knows about the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compose.stack.layout import Layout
from compose.stack.passwords import Passwords
from compose.stack.ports import Ports
from pipeline.settings import Settings


@dataclass(frozen=True)
class Plan:
    """Everything that the processes of one stack are configured from. `settings` contain the addresses.

    ``job_environment`` overrides settings for the Flink jobs alone: to lead them over a link that can be cut, say.
    ``monitoring`` adds exporters, Prometheus and Flink's reporter, which a benchmark's own stack does without.
    """

    layout: Layout
    ports: Ports
    passwords: Passwords
    settings: Settings
    job_environment: Mapping[str, str] = field(default_factory=dict)
    monitoring: bool = False


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
