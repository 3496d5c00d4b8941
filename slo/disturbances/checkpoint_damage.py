"""Damages checkpoints on disk, as a full or failing disk does."""

from __future__ import annotations

import os
from pathlib import Path

METADATA = "_metadata"


def newest_checkpoint(checkpoint_dir: str, job: str) -> Path:
    """The newest complete checkpoint of a job. Raises FileNotFoundError if there is none."""
    found = []
    for metadata in (Path(checkpoint_dir) / job).glob(f"*/chk-*/{METADATA}"):
        try:
            found.append((metadata.stat().st_mtime, metadata.parent))
        except FileNotFoundError:  # subsumed meanwhile
            continue
    if not found:
        raise FileNotFoundError(f"{checkpoint_dir}/{job} has no complete checkpoint")
    return max(found)[1]


def truncate_states(checkpoint: Path) -> int:
    """Cuts every state file of a checkpoint in half and leaves its ``_metadata`` alone; how many files there were."""
    states = [path for path in checkpoint.iterdir() if path.name != METADATA]
    for path in states:
        os.truncate(path, path.stat().st_size // 2)
    return len(states)
