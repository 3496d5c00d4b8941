"""The lock file of the Java artifacts and what happens to a file that does not match it."""

from pathlib import Path

import pytest

from compose.stack.java import artifacts
from compose.stack.java.artifacts import Artifact, read_lock
from compose.stack.platform_check import unsupported

LOCK = """
[[artifact]]
group = "registry"
coordinate = "io.example:registry:tar.gz:all:3.0"
size_bytes = 3
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""


def test_a_coordinate_names_its_place_in_the_repository() -> None:
    (artifact,) = read_lock(LOCK)
    assert artifact.path == Path("io/example/registry/3.0/registry-3.0-all.tar.gz")
    plain = Artifact("kafka", "org.example:lib_2.13:jar:4.1", 1, "")
    assert plain.path == Path("org/example/lib_2.13/4.1/lib_2.13-4.1.jar")


def test_the_committed_lock_is_complete() -> None:
    """Each group that something asks for is there, each file once, each with a checksum."""
    every = artifacts.locked()
    assert {artifact.group for artifact in every} == {"kafka", "registry", "flink", "compiler"}
    assert len({(artifact.group, artifact.coordinate) for artifact in every}) == len(every)
    assert all(len(artifact.sha256) == 64 and artifact.size_bytes > 0 for artifact in every)


def test_a_file_counts_as_present_only_with_its_full_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interrupted download left behind is fetched again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (artifact,) = read_lock(LOCK)
    monkeypatch.setattr(artifacts, "locked", lambda group=None: [artifact])
    path = artifacts.maven_dir() / artifact.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"ab")
    assert not artifacts.present()
    path.write_bytes(b"abc")
    assert artifacts.present()
    assert artifacts.sha256_of(path) == artifact.sha256


@pytest.mark.parametrize(
    ("system", "machine", "libc", "named"),
    [
        ("linux", "x86_64", "glibc", None),
        ("linux", "aarch64", "glibc", "aarch64"),
        ("linux", "riscv64", "glibc", "riscv64"),
        ("linux", "x86_64", "", "glibc"),
        ("darwin", "arm64", "", "darwin"),
    ],
)
def test_unsupported_machines_are_told_why(system: str, machine: str, libc: str, named: str | None) -> None:
    reason = unsupported(system, machine, libc)
    assert reason is None if named is None else named in (reason or "")
