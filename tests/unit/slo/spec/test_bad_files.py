"""Every mistake has a message that says where it is and what to write instead.

bad/<mistake>.yaml is the file, bad/<mistake>.txt the whole message. ADCTR_UPDATE_GOLDEN=1 writes the latter.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from slo.spec.errors import SpecificationError
from slo.spec.parse import load
from tests.golden import assert_golden

HERE = Path(__file__).parent
BAD = HERE / "bad"
MISTAKES = sorted(path.stem for path in BAD.glob("*.yaml"))


def test_without_a_mistake_the_file_is_read() -> None:
    """The bad files are this one with one thing changed."""
    specification = load(HERE / "small.yaml")
    assert [each.name for each in specification.objectives] == ["cache_read", "redis_memory_growth"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(SpecificationError) as caught:
        load(Path(f"{mistake}.yaml"))
    assert_golden(BAD / f"{mistake}.txt", f"{caught.value}\n")


def test_all_mistakes_of_a_file_are_told_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD)
    with pytest.raises(SpecificationError) as caught:
        load(Path("several.yaml"))
    assert [problem.line for problem in caught.value.problems] == [3, 11, 17, 19, 24, 27]


def test_every_message_belongs_to_a_file() -> None:
    assert sorted(path.stem for path in BAD.glob("*.txt")) == MISTAKES
    assert len(MISTAKES) >= 15


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as caught:
        load(tmp_path / "objective.yaml")
    path = tmp_path / "objective.yaml"
    assert str(caught.value) == (
        f"{path}: can't be read (No such file or directory); give the path of a file of objectives"
    )


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SpecificationError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: can't be read (Is a directory); give the path of a file of objectives"
