"""One line for each verdict and benchmark: what came of it, of which code, on which machine."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from slo import json_lines
from slo.bench.host import Machine, this_machine
from slo.checkout import Checkout, find_checkout


@dataclass(frozen=True)
class HistoryEntry:
    """A run that has begun. ``options`` are what it was told, ``seed`` is that of its load; None where it has none.

    ``checkout`` is the code as it was then; None where it is no checkout, as in a container. ``load_average`` is that
    of the last minute: on a machine that others use, the reason of many a slow run.
    """

    command: str
    options: Mapping[str, Any]
    seed: int | None
    checkout: Checkout | None
    machine: Machine
    began: float
    load_average: float

    @classmethod
    def begin(cls, command: str, options: Mapping[str, Any], seed: int | None) -> HistoryEntry:
        """Of a run that begins now."""
        return cls(command, options, seed, find_checkout(), this_machine(), time.time(), os.getloadavg()[0])

    def with_seed(self, seed: int | None) -> HistoryEntry:
        """For a run that learns it on the way."""
        return replace(self, seed=seed)

    def line(self, figures: Mapping[str, Any], exit_code: int) -> dict[str, Any]:
        """The document of the line, of a run that has ended now."""
        return {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began)),
            "command": self.command,
            "options": self.options,
            "commit": self.checkout.commit if self.checkout else None,
            "dirty": self.checkout.dirty if self.checkout else None,
            "machine": asdict(self.machine),
            "load": {"began": self.load_average, "ended": os.getloadavg()[0]},
            "seed": self.seed,
            "seconds": round(time.time() - self.began, 1),
            "exit_code": exit_code,
            "figures": figures,
        }

    def append(self, path: Path, figures: Mapping[str, Any], exit_code: int) -> None:
        """Adds the line to the file. Raises OSError."""
        json_lines.append(path, self.line(figures, exit_code))
