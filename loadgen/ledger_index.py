"""Several ledgers under one name: for runs of several processes, each of which writes a ledger of its own.

The file holds the magic ``ADCTRLGI`` and nothing else; the ledgers are in the directory beside it that is named like it
with ``.parts`` behind. It is there before the first event is sent, so whatever dies, `adctr verify` finds every part.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from loadgen.ledger import Ledger, LedgerError, read_ledger

INDEX_MAGIC = b"ADCTRLGI"


def parts_of(path: Path) -> Path:
    """The directory of an index's ledgers."""
    return path.with_name(f"{path.name}.parts")


def create_index(path: Path) -> Path:
    """A new index; returns the directory for its ledgers. Raises FileExistsError and OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(INDEX_MAGIC)
    directory = parts_of(path)
    directory.mkdir()
    return directory


def read_ledgers(path: Path) -> list[Ledger]:
    """What a file holds: one ledger, or those of its processes; parts of one run are put together.

    Raises LedgerError or OSError.
    """
    with path.open("rb") as file:
        if file.read(len(INDEX_MAGIC)) != INDEX_MAGIC:
            return [read_ledger(path)]
    # A process that was killed before it had written a header has sent nothing.
    files = [each for each in sorted(parts_of(path).glob("*.ledger")) if each.stat().st_size]
    runs: dict[str, list[Ledger]] = {}
    for each in files:
        ledger = read_ledger(each)
        runs.setdefault(ledger.run_id, []).append(ledger)
    return [_together(path, parts) for parts in runs.values()]


def _together(path: Path, parts: Sequence[Ledger]) -> Ledger:
    """One run's parts as one ledger, in the order of intended times. The order within a part stays."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if any(part.header != first.header for part in parts):
        raise LedgerError(f"{path}: its parts of run {first.run_id} have different headers; they belong to two loads")
    order = np.argsort(np.concatenate([part.intended_ns for part in parts]), kind="stable")

    def column(name: str) -> npt.NDArray[Any]:
        joined: npt.NDArray[Any] = np.concatenate([getattr(part, name) for part in parts])
        return joined[order]

    return Ledger(
        path=path,
        header=first.header,
        events=column("events"),
        acked=column("acked"),
        failed=column("failed"),
        partition=column("partition"),
        offset=column("offset"),
        ended_cleanly=all(part.ended_cleanly for part in parts),
        sent_ns=column("sent_ns"),
    )
