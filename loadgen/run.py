"""What every kind of load run shares: its plan, its progress, its result."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loadgen.profiles import Profile
from loadgen.send_delay import SendDelay
from loadgen.traffic import WHOLE, Part


@dataclass(frozen=True)
class LoadPlan:
    """What to send. ``ledger`` is a file that doesn't exist yet."""

    profile: Profile
    seed: int
    ledger: Path
    run_id: str
    part: Part = WHOLE


@dataclass(frozen=True)
class LoadProgress:
    """How far a run is. ``behind_seconds``: since the oldest event that is due and not sent was due."""

    sent: int
    acknowledged: int
    failed: int
    elapsed_seconds: float
    behind_seconds: float


Report = Callable[[LoadProgress], None]


@dataclass(frozen=True)
class LoadResult:
    """The outcome of a run. ``failed`` are all sends without an acknowledgement; ``failures`` are those with an error,
    by its name."""

    run_id: str
    ledger: Path
    sent: int
    acknowledged: int
    failed: int
    rate_achieved: float
    send_delay: SendDelay | None
    cpu_seconds: float
    interrupted: bool
    failures: Mapping[str, int] = field(default_factory=dict)


def new_run_id() -> str:
    """Short, random, without a dash: event ids are ``<run_id>-<seq>``."""
    return secrets.token_hex(4)
