"""Hostile arguments of the command line are text: refused with a message, or read literally."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.exceptions import TyperException

from compose.cli.main import app
from compose.process.errors import StackNotRunning, UsageError
from pipeline.shared.terminal_safe import printable, printable_lines
from slo.reconciliation.compare import Difference
from slo.reconciliation.report import difference_line
from tests.vectors.hostile import HOSTILE


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
        ("slo", "rules", "--spec", str(tmp_path / text.replace("/", "_"))),
        ("slo", "compare", str(tmp_path / text.replace("/", "_")), str(tmp_path / text.replace("/", "_"))),
        ("chaos", "run", text),
        ("chaos", "random", "--for", text),
        ("chaos", "random", "--faults", text),
        ("chaos", "random", "--seed", text),
        ("chaos", "run", str(tmp_path / text.replace("/", "_")), "--shrink"),
        ("chaos", "run", "--all", "--out", text.replace("/", "_")),
        ("bench", "soak", "--minutes", text),
        ("bench", "report", str(tmp_path / text.replace("/", "_"))),
        ("verify", "--timeout", text),
    ):
        with pytest.raises((UsageError, TyperException)):
            run("--data-dir", str(tmp_path / "data"), *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_five_thousand_digits_is_no_origin_and_no_time(tmp_path: Path) -> None:
    """Python itself refuses to read it."""
    digits = "9" * 5000
    for arguments in (("show", f"1/{digits}"), ("show", f"{digits}/1"), ("replay", "--set", f"event_time={digits}")):
        with pytest.raises(UsageError):
            run("--data-dir", str(tmp_path / "data"), "dlq", *arguments)


@pytest.mark.parametrize("number", ["nan", "inf", "0", "-1"])
def test_a_rate_and_a_time_are_numbers_above_zero(number: str) -> None:
    for arguments in (("--rate", number), ("--rate", "1", "--seconds", number)):
        with pytest.raises(UsageError, match="both must be numbers above 0"):
            run("load", "run", *arguments)


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("http://u:s3cret@h", "t"),
        ("http://u:s3/cret@h", "t"),
        ("u:s3cret@h", "t"),
        ("http://[::1", "t"),
        ("http://h:999999", "t"),
        ("http://h", "s3 cret"),
        ("http://h", "s3\ncret"),
    ],
)
def test_no_secret_is_in_what_is_said_of_a_bad_url_or_token(url: str, token: str) -> None:
    with pytest.raises(UsageError) as refused:
        run("grafana", "publish", "--url", url, "--token", token)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_to_search_for_and_the_name_of_a_file_may_be_anything(tmp_path: Path, text: str) -> None:
    """Here only the stack is missing, or a file of that name."""
    name = str(tmp_path / text.replace("/", "_"))
    for arguments in (
        ("dlq", "list", "--reason", text),
        ("dlq", "list", "--campaign", text),
        ("load", "run", "--rate", "1", "--profile", text),
        ("load", "run", "--rate", "1", "--profile", name),
        ("load", "replay", name),
        ("verify", "--ledger", name),
    ):
        with pytest.raises((StackNotRunning, UsageError, TyperException)):
            run("--data-dir", str(tmp_path / "data"), *arguments)


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


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_difference_is_one_line_whatever_the_event_says(text: str) -> None:
    """An id could clear the screen and write a good verdict on it."""
    found = Difference("topic", "repeated event id", text, text, event_id=text, campaign_id=text, category=text)
    assert difference_line(found).isprintable()


def test_lines_stay_lines() -> None:
    assert printable_lines("one\n\x1b[2Jtwo\n") == "one\n\\x1b[2Jtwo\n"
