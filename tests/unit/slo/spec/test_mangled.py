"""Whatever is done to a file: it is read, or its mistakes are told in lines; it never ends in a traceback."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from pipeline.shared.checked_yaml.errors import Problem
from slo.spec.errors import SpecificationError
from slo.spec.parse import load

LINES = (Path(__file__).parent / "small.yaml").read_bytes().splitlines()
JUNK = (
    b"", b"~", b"[]", b"{a: b}", b"yes", b".nan", b"-1", b"1e999", b"'x'", b"*a", b"&a [*a]", b"!!int x", b"2026-01-01",
    b"1:30", b"\t", b"? a", b"<<: {a: 1}", b"|", b"\xff", b"\x00", b"1_000", b"9" * 400, b"%YAML 9.9", b'"a\\nb"',
)  # fmt: skip


def mangled(rng: Random) -> bytes:
    """One to three lines lost, doubled, cut, or with another value."""
    lines = list(LINES)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        line, junk, cut = lines[at], rng.choice(JUNK), rng.randrange(len(lines[at]) + 1)
        changes = ([], [line, line], [line[:cut] + junk + line[cut:]], [line.split(b":")[0] + b": " + junk])
        lines[at : at + 1] = rng.choice(changes)
    return b"\n".join(lines)


def mistakes_of(path: Path) -> tuple[Problem, ...]:
    try:
        load(path)
    except SpecificationError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("seed", range(300))
def test_no_file_ends_in_a_traceback(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "objectives.yaml"
    path.write_bytes(mangled(Random(seed)))
    mistakes = mistakes_of(path)
    assert all(problem.line and problem.text for problem in mistakes)
    assert all("\n" not in problem.shown("objectives.yaml") for problem in mistakes)
