"""Every mistake in a profile has a message that says where it is and what to write instead.

bad/<mistake>.yaml is the file, bad/<mistake>.txt the whole message. ADCTR_UPDATE_GOLDEN=1 writes the latter.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from loadgen.profiles import load_profile
from loadgen.profiles.parse import ProfileError
from loadgen.rate_curve import RateCurve, RatePoint
from pipeline.shared.checked_yaml.errors import Problem
from tests.golden import assert_golden

HERE = Path(__file__).parent
BAD = HERE / "bad"
MISTAKES = sorted(path.stem for path in BAD.glob("*.yaml"))
JUNK = (b"", b"~", b"[]", b"{a: b}", b".nan", b"-1", b"'x'", b"*a", b"!!int x", b"\t", b"\xff", b"9" * 400, b"0s")


def test_without_a_mistake_the_file_is_read() -> None:
    """The bad files are this one with one thing changed."""
    profile = load_profile(HERE / "small.yaml")
    assert (profile.name, profile.campaigns, profile.zipf_exponent) == ("small", 20, 0.5)
    assert (profile.late_fraction, profile.out_of_order_fraction, profile.duplicate_fraction) == (0.1, 0.2, 0.0)
    points = ((0, 1), (4, 1), (4, 3), (6, 3), (6, 1))
    assert profile.curve == RateCurve(tuple(RatePoint(at, times) for at, times in points), 10.0)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(ProfileError) as caught:
        load_profile(Path(f"{mistake}.yaml"))
    assert_golden(BAD / f"{mistake}.txt", f"{caught.value}\n")


def _mistakes_of(path: Path) -> tuple[Problem, ...]:
    try:
        load_profile(path)
    except ProfileError as error:
        return error.problems
    return ()


def test_every_message_belongs_to_a_file() -> None:
    assert sorted(path.stem for path in BAD.glob("*.txt")) == MISTAKES
    assert len(MISTAKES) >= 10


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"rush\.yaml: can't be read \(No such file or directory\)"):
        load_profile(tmp_path / "rush.yaml")


@pytest.mark.parametrize("seed", range(200))
def test_no_file_ends_in_a_traceback(seed: int, tmp_path: Path) -> None:
    """Lines cut, doubled, lost or filled with junk: the file is read, or its mistakes are told."""
    rng, path = Random(seed), tmp_path / "profile.yaml"
    lines = (HERE / "small.yaml").read_bytes().splitlines()
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        line, junk = lines[at], rng.choice(JUNK)
        cut = rng.randrange(len(line) + 1)
        lines[at : at + 1] = rng.choice(
            ([], [line, line], [line[:cut] + junk + line[cut:]], [line.split(b":")[0] + b": " + junk])
        ) or [b""]
    path.write_bytes(b"\n".join(lines))
    assert all("\n" not in problem.text for problem in _mistakes_of(path))
