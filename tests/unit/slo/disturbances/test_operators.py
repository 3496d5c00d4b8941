"""A command that did nothing is no strike, and one that failed is a failure."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import cast

import fastavro
import pytest

from pipeline.contract.codec import OUR_TYPE, SCHEMA_TEXT
from slo.disturbances import operators
from slo.disturbances.bench import Bench, CommandFailed, NotStruck
from slo.disturbances.operators import OPERATORS, dead_letters_replayed, retention_applied, stack_upgraded


class Stack:
    """Notes commands, and ends each with an exit code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.did: list[str] = []

    def command(self, *words: str) -> str:
        self.did.append(" ".join(words))
        if self.code:
            raise CommandFailed(words, self.code, "its words")
        return ""

    def start_everything(self) -> None:
        self.did.append("up")


def bench_of(stack: Stack) -> Bench:
    return cast(Bench, stack)


@pytest.mark.parametrize(("code", "error"), [(1, CommandFailed), (2, CommandFailed), (3, NotStruck), (4, NotStruck)])
def test_exit_codes_tell_nothing_done_from_failed(code: int, error: type[Exception]) -> None:
    for action in (dead_letters_replayed, retention_applied):
        with pytest.raises(error, match=f"ended with exit code {code}: its words"), action(bench_of(Stack(code))):
            pass


def test_an_upgrade_starts_the_stack_again_only_if_it_was_stopped() -> None:
    stack = Stack(0)
    with stack_upgraded(bench_of(stack)):
        assert stack.did == ["down --savepoint"]
    assert stack.did == ["down --savepoint", "up"]
    refused = Stack(4)
    with pytest.raises(NotStruck), stack_upgraded(bench_of(refused)):
        pass
    assert refused.did == ["down --savepoint"]


def test_without_a_final_window_there_is_nothing_to_recount(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack(0)
    bench = cast(Bench, SimpleNamespace(command=stack.command, settings=None))
    monkeypatch.setattr(operators, "writer_client", lambda _: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(operators, "not_final", lambda *_: "job store has not made them final")
    with pytest.raises(NotStruck, match="no window of five minutes is final yet"), operators.windows_recounted(bench):
        pass
    assert stack.did == []
    monkeypatch.setattr(operators, "not_final", lambda *_: None)
    with operators.windows_recounted(bench):
        assert stack.did[0].startswith("recount --from 20")


def test_the_newer_schema_reads_what_the_older_one_wrote() -> None:
    """A field with a default, behind the others: BACKWARD for the registry, skipped by who reads the older one."""
    newer = fastavro.parse_schema(json.loads(operators._newer_schema()))
    older = [field["name"] for field in json.loads(SCHEMA_TEXT)["fields"]]
    assert OUR_TYPE is not None
    assert [field["name"] for field in newer["fields"]] == [*older, "price"]  # type: ignore[index, call-overload]


def test_operators_say_what_they_need() -> None:
    assert all(each.needs or each.takes for each in OPERATORS)
    assert [each.name for each in OPERATORS if each.revises] == ["windows_recounted"]
