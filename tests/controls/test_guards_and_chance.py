"""Random schedules know no guard. Without one of these each is found by five of them at most."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.controls.guards import GUARDS, ROOT, Guard

SEEDS = range(1, 6)
SECONDS = 120
TIMEOUT_SECONDS = 1_800
_BY_INVARIANT = {guard.invariant: guard for guard in GUARDS}
SIX = {
    "completeness marker": _BY_INVARIANT["a part of Redis is never taken for the whole"],
    "flush before the barrier": _BY_INVARIANT["no count lies between two checkpoints"],
    "counts that never fall": _BY_INVARIANT["within a revision a count in Redis never falls"],
    "watermark after the write": _BY_INVARIANT["no watermark overtakes its cells"],
    "flushed dead letters": Guard(
        "a dead letter is acknowledged before the checkpoint that covers it",
        "pipeline/sinks/dead_letter.py",
        '"sink.delivery-guarantee": "at-least-once"',
        '"sink.delivery-guarantee": "none"',
        check="",
        says="",
    ),
    "offsets in the checkpoint": Guard(
        "a job that is submitted again goes on from its checkpoint",
        "compose/stack/jobs/keeper.py",
        'arguments.append(f"{job}={checkpoint}" if checkpoint else job)',
        "arguments.append(job)",
        check="",
        says="",
    ),
}
_EACH = pytest.mark.parametrize("guard", SIX.values(), ids=[name.replace(" ", "-") for name in SIX])


@_EACH
def test_a_guard_is_there(guard: Guard) -> None:
    source = (ROOT / guard.file).read_text(encoding="utf-8")
    assert guard.removed_from(source) != source


@pytest.mark.long
@pytest.mark.embedded
@_EACH
def test_without_its_guard_a_schedule_fails(guard: Guard, copy: Path, tmp_path: Path) -> None:
    """By wrong counts or by what readers were told. A stack that only does not come back proves nothing."""
    guarded = (ROOT / guard.file).read_text(encoding="utf-8")
    try:
        (copy / guard.file).write_text(guard.removed_from(guarded), encoding="utf-8")
        ran(copy, tmp_path, "-m", "compose.stack.java.setup")
        found = any(is_found(copy, tmp_path, seed) for seed in SEEDS)
    finally:
        (copy / guard.file).write_text(guarded, encoding="utf-8")
    assert found


def is_found(copy: Path, directory: Path, seed: int) -> bool:
    """Whether a schedule leads to differences or wrong reads."""
    words = ("--data-dir", str(directory / "data"), "chaos", "random", "--seed", str(seed), "--for", f"{SECONDS}s")
    found = json.loads(ran(copy, directory, "-m", "compose.cli", *words, "--format", "json"))
    print(seed, found["verdict"], found["reasons"])
    return bool(found["differences"] or found["wrong_reads"])


def ran(copy: Path, directory: Path, *words: str) -> str:
    """What a command of the copy prints."""
    command = [str(copy / ".venv" / "bin" / "python"), *words]
    done = subprocess.run(
        command, cwd=directory, stdout=subprocess.PIPE, text=True, check=False, timeout=TIMEOUT_SECONDS
    )
    return done.stdout
