"""Files of objectives and profiles that try to be more: read as text or refused in lines, soon, and nothing is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loadgen.profiles.parse import load_profile
from pipeline.shared.checked_yaml.errors import DocumentError
from slo.spec.parse import load
from tests.vectors.hostile import HOSTILE

UNIT = Path(__file__).parents[1]
FORMS: list[tuple[Callable[[Path], object], str, str]] = [
    (load, (UNIT / "slo/spec/small.yaml").read_text(encoding="utf-8"), "displayName: A read takes under 100 ms"),
    (
        load_profile,
        (UNIT / "loadgen/profiles/small.yaml").read_text(encoding="utf-8"),
        "description: A few campaigns and a burst.",
    ),
]
EACH_FORM = pytest.mark.parametrize(("read", "good", "text"), FORMS, ids=["objectives", "profile"])
DEPTH = 100_000
LAUGHS = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
VALUES = {
    "a call": "!!python/object/apply:os.mkdir [{made}]",
    "an object": "!!python/object:subprocess.Popen {{args: [mkdir, {made}]}}",
    "a module": "!!python/module:os",
    "itself": "&a [*a]",
    "itself as a key": "&a {{*a : 1}}",
    "a merge of itself": "&a {{<<: *a}}",
    "depth": "[" * DEPTH + "]" * DEPTH,
    "a megabyte of digits": "9" * 1_000_000,
    "an octet beyond UTF-8": '"\\xff\\0"',
}


def places(good: str, text: str, content: str) -> list[str]:
    """The file with something else as a known key's value, and with a key that is not known."""
    indent = good[: good.index(text)].rpartition("\n")[2]
    return [
        good.replace(text, f"{text.partition(':')[0]}: {content}"),
        good.replace(text, f"{text}\n{indent}unknown: {content}"),
    ]


def said(read: Callable[[Path], object], path: Path, content: str) -> str:
    """What its reader is told; nothing where the file is read."""
    path.write_text(content, encoding="utf-8")
    try:
        read(path)
    except DocumentError as error:
        return str(error)
    return ""


@EACH_FORM
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_value_does_nothing(read: Callable[[Path], object], good: str, text: str, value: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    path = tmp_path / "file.yaml"
    for content in places(good, text, value.format(made=made)):
        message = said(read, path, content)
        assert message == "" or message.startswith(str(path))
        assert len(message) < 10_000
    assert not made.exists()


@EACH_FORM
def test_a_billion_laughs_are_not_unfolded(
    read: Callable[[Path], object], good: str, text: str, tmp_path: Path
) -> None:
    message = said(read, tmp_path / "file.yaml", f"l0: &l0 [ha]\n{LAUGHS}{good}")
    assert "l11" in message
    assert len(message) < 10_000


@EACH_FORM
@pytest.mark.parametrize("hostile", [*HOSTILE.values(), "x" * 1_000_000], ids=[*HOSTILE, "megabyte"])
def test_no_message_steers_a_terminal(
    read: Callable[[Path], object], good: str, text: str, hostile: str, tmp_path: Path
) -> None:
    """As a value, as the name of a key, as the version that it has to name."""
    quoted = json.dumps(hostile)
    as_key = good.replace("apiVersion: adctr/v1", f"apiVersion: adctr/v1\n{quoted}: 1")
    as_version = good.replace("apiVersion: adctr/v1", f"apiVersion: {quoted}")
    for content in (*places(good, text, quoted), as_key, as_version):
        message = said(read, tmp_path / "file.yaml", content)
        assert all(each.isprintable() for each in message.splitlines()), message[:2000]
        assert len(message) < 10_000
