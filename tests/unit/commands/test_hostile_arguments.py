"""Hostile arguments of the command line are text: refused with a message, or taken for what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.exceptions import TyperException

from compose.cli import _register_commands, app
from compose.commands.dlq import printable
from compose.errors import StackNotRunning, UsageError
from tests.vectors.hostile import HOSTILE

_register_commands()


def run(*arguments: str) -> None:
    app(list(arguments), standalone_mode=False)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_argument_that_is_no_name_no_time_and_no_number_is_refused(tmp_path: Path, text: str) -> None:
    for arguments in (
        ("logs", text),
        ("status", "--format", text),
        ("dlq", "show", text),
        ("dlq", "list", "--from", text),
        ("dlq", "list", "--partition", text),
        ("dlq", "replay", "--set", text),
        ("dlq", "replay", "--event-time", text),
        ("recount", "--from", text, "--to", text),
        ("recount", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T01:00:00Z", "--timeout", text),
        ("retention", "--keep", text),
        ("slo", "check", "--for", text),
        ("slo", "check", "--spec", str(tmp_path / text.replace("/", "_"))),
        ("slo", "drill", text),
    ):
        with pytest.raises((UsageError, TyperException)):
            run("--data-dir", str(tmp_path / "data"), *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_to_search_for_may_be_anything(tmp_path: Path, text: str) -> None:
    """Here only the stack is missing."""
    for option in ("--reason", "--campaign"):
        with pytest.raises(StackNotRunning):
            run("--data-dir", str(tmp_path / "data"), "dlq", "list", option, text)


@pytest.mark.parametrize("name", ['a"b', "a;b", "a$(touch x)", "a\nb", "a%b", "a'b", "a\\b", "a:b", "a,b"])
def test_a_data_directory_with_a_hostile_name_is_refused(tmp_path: Path, name: str) -> None:
    for command in (("up", "--ports", "auto"), ("status",), ("down",)):
        with pytest.raises(UsageError, match="are not possible in it"):
            run("--data-dir", str(tmp_path / name), *command)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_printed_steers_no_terminal(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(text.encode()).isprintable()
    assert printable(b"\xff\xfe" + text.encode()).isprintable()


def test_a_megabyte_is_cut_short() -> None:
    assert printable("x" * 1_000_000) == "x" * 300 + "… (1,000,000 characters)"
