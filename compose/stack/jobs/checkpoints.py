"""The retained checkpoints and savepoints of a job on disk: from which to resume, which ones nobody needs any more."""

from __future__ import annotations

import shutil
from pathlib import Path

SAVEPOINTS = "savepoints"
"""Directory beside those of the submissions: ``checkpoints/<job>/savepoints/savepoint-…``."""


def complete_checkpoints(job_dir: Path) -> list[Path]:
    """Complete checkpoints and savepoints below ``checkpoints/<job>``, newest first.

    Flink writes ``_metadata`` last and renames it into place, so a checkpoint that has it is complete.
    """
    found: list[tuple[float, Path]] = []
    for metadata in (*job_dir.glob("*/chk-*/_metadata"), *job_dir.glob(f"{SAVEPOINTS}/savepoint-*/_metadata")):
        try:
            found.append((metadata.stat().st_mtime, metadata.parent))
        except FileNotFoundError:
            continue  # subsumed by a newer one while we looked
    return [path for _, path in sorted(found, reverse=True)]


def remove_predecessors(job_dir: Path, job_id: str, retained: int) -> list[Path]:
    """Removes what earlier submissions of a job left behind, once this one has as many checkpoints as are retained.

    Savepoints as well: a job is resumed from its newest state or not at all. But not one that is younger than these
    checkpoints, or is being written: somebody has asked Flink for it, and the job ends with it.
    """
    own = complete_checkpoints_of(job_dir / job_id)
    if len(own) < retained:
        return []
    oldest = min(map(_written_seconds, own))
    stale = [path for path in job_dir.iterdir() if path.is_dir() and path.name not in (job_id, SAVEPOINTS)]
    stale += [path for path in job_dir.glob(f"{SAVEPOINTS}/savepoint-*") if _written_seconds(path) < oldest]
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    return stale


def _written_seconds(checkpoint: Path) -> float:
    """When its last file was written, unix seconds; 0 where it has gone meanwhile."""
    metadata = checkpoint / "_metadata"
    try:
        return (metadata if metadata.exists() else checkpoint).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def complete_checkpoints_of(submission_dir: Path) -> list[Path]:
    """Complete checkpoints of one submission, in no particular order."""
    return [metadata.parent for metadata in submission_dir.glob("chk-*/_metadata")]
