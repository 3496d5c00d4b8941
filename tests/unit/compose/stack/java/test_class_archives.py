"""With the real JVM: what one process writes at its end the next one uses; what was stopped too soon is not kept."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from compose.stack.java import artifacts, class_archives
from compose.stack.java.jvm import JAVA, argument_file
from compose.stack.layout import Layout

JARS = artifacts.paths("kafka")


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setattr(class_archives, "DIRECTORY", tmp_path / "environment" / "class-archives")
    layout = Layout.of(tmp_path / "stack")
    layout.create()
    class_archives.prepare(layout)
    return layout


def kept() -> list[str]:
    """What stands beside the JDK's own archive."""
    return [each.name for each in class_archives.DIRECTORY.iterdir() if each.name != "jdk.jsa"]


def run_java(layout: Layout, *options: str) -> str:
    """Kafka's storage tool makes a cluster's id; what the JVM says of shared classes."""
    chosen = (*class_archives.options(layout, "tool", JARS), *options)
    arguments = layout.run / "tool.args"
    arguments.write_text(argument_file(chosen, JARS, ("kafka.tools.StorageTool", "random-uuid")), encoding="utf-8")
    done = subprocess.run([str(JAVA), f"@{arguments}"], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


def test_the_second_process_takes_its_classes_from_the_archive_of_the_first(layout: Layout) -> None:
    run_java(layout)
    class_archives.note_running(layout)
    class_archives.keep(layout)
    assert len(kept()) == 1
    loaded = run_java(layout, "-Xlog:class+load")
    assert "kafka.tools.StorageTool source: shared objects file (top)" in loaded


def test_what_was_stopped_before_the_stack_ran_is_not_kept(layout: Layout) -> None:
    run_java(layout)
    class_archives.keep(layout)
    assert kept() == []
    assert class_archives.options(layout, "tool", JARS)[1].startswith("-XX:ArchiveClassesAtExit=")


def test_that_a_stack_ran_which_died_says_nothing_of_the_next(layout: Layout) -> None:
    class_archives.options(layout, "tool", JARS)
    class_archives.note_running(layout)
    class_archives.prepare(layout)
    run_java(layout)
    class_archives.keep(layout)
    assert kept() == []


def test_an_archive_that_a_killed_process_left_unfinished_is_not_kept(layout: Layout) -> None:
    _, option = class_archives.options(layout, "tool", JARS)
    Path(option.partition("=")[2]).write_bytes(bytes(4096))
    class_archives.note_running(layout)
    class_archives.keep(layout)
    assert kept() == []


def test_another_jar_makes_another_archive(layout: Layout, tmp_path: Path) -> None:
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"one")
    before = class_archives.options(layout, "tool", [jar])
    jar.write_bytes(b"another")
    assert class_archives.options(layout, "tool", [jar]) != before


def test_the_same_jar_elsewhere_makes_another_archive(layout: Layout, tmp_path: Path) -> None:
    """The JVM compares paths as well."""
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"one")
    (tmp_path / "elsewhere").mkdir()
    elsewhere = Path(shutil.copy2(jar, tmp_path / "elsewhere"))
    assert class_archives.options(layout, "tool", [jar]) != class_archives.options(layout, "tool", [elsewhere])
