"""What `adctr load locust` hands to its locustfile and to the producers, by one variable of the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from loadgen.locust_users.gates import Gate

VARIABLE = "ADCTR_LOCUST"


@dataclass(frozen=True)
class LocustPlan:
    """How the users behave. ``ledgers`` is the directory in which each producer puts its own.

    ``dashboard_url`` None: nobody opens it. ``alive_fd`` is a pipe's end that each process holds open while it lives.
    """

    profile: str
    seed: int
    ledgers: str
    events_per_user: float
    reads_per_user: float
    dashboard_url: str | None
    gates: tuple[Gate, ...]
    alive_fd: int

    def to_env(self) -> dict[str, str]:
        """The variable."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> LocustPlan:
        """Raises RuntimeError where the command didn't set it."""
        if VARIABLE not in environ:
            raise RuntimeError(
                "the locustfile needs a stack: start it by `adctr load locust`, locust's own flags behind it"
            )
        values = json.loads(environ[VARIABLE])
        return cls(**{**values, "gates": tuple(Gate(**gate) for gate in values["gates"])})

    @property
    def ledger_directory(self) -> Path:
        """As a path."""
        return Path(self.ledgers)
