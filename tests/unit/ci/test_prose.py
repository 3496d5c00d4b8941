"""The prose check of `make lint`: each rule finds its example, in every kind of text, and nothing in good text."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prose", ROOT / ".ci" / "prose.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["prose"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


prose = _load()
A_BREACH = "An excuse overrides no breach."


def rules_of(path: str, source: str) -> list[str]:
    """The rules that a file breaks."""
    return [each.rule for each in prose.findings(path, source)]


@pytest.mark.parametrize("rule", prose.RULES, ids=lambda rule: rule.name)
def test_each_rule_finds_its_example_and_nothing_in_its_advice(rule: prose.Rule) -> None:  # type: ignore[name-defined]
    assert rule.name in rules_of("docs/page.md", rule.example)
    assert list(rule.found_in(rule.instead)) == []


def test_words_are_found_across_the_ends_of_lines() -> None:
    assert rules_of("a.java", "// It waits for\n ever\n") == ["for-ever"]
    (found,) = prose.findings("a.py", "# One.\n# It is written all the\n# same.\n")
    assert (found.rule, found.line) == ("all-the-same", 3)
    assert rules_of("compose/cli/a.py", '"""Lists dead\n    letters."""') == []


@pytest.mark.parametrize(
    "source",
    [
        f"# {A_BREACH}",
        f'"""{A_BREACH}"""',
        f'def f() -> None:\n    """{A_BREACH}"""',
        f'raise ValueError("{A_BREACH}")',
        'raise ValueError(f"{name}: an excuse " "overrides no breach")',
    ],
    ids=["comment", "module", "function", "message", "f-string"],
)
def test_comments_docstrings_and_messages_are_read(source: str) -> None:
    assert rules_of("slo/a.py", source) == ["excuse"]


def test_names_data_and_the_strings_of_tests_are_not_read() -> None:
    assert rules_of("slo/a.py", 'excuse = found["excuse"]') == []
    assert rules_of("tests/a.py", f'assert text == "{A_BREACH}"') == []
    assert rules_of("docs/page.md", "Run `adctr excuse now`.") == []


@pytest.mark.parametrize(
    ("source", "fixed"),
    [
        ("One thought. Another one.", "One thought.\nAnother one."),
        ("1. One. Two\n   more.", "1. One.\n   Two more."),
        ("Wait 3.5 s, e.g. by `a. B`. Then go.", "Wait 3.5 s, e.g. by `a. B`.\nThen go."),
        ("See (the page.) [Next](a.md) is here.", "See (the page.)\n[Next](a.md) is here."),
        (f"{'word ' * 23}- [a link of two](docs/a.md)", f"{'word ' * 22}word -\n[a link of two](docs/a.md)"),
        ("| One. Two. | three |", "| One. Two. | three |"),
        ("# One. Two.", "# One. Two."),
        ("    one. Two.", "    one. Two."),
        ("```\none. Two.\n```", "```\none. Two.\n```"),
    ],
)
def test_each_sentence_gets_a_line(source: str, fixed: str) -> None:
    assert prose.one_sentence_per_line(source) == fixed
    assert prose.one_sentence_per_line(fixed) == fixed
    assert rules_of("docs/page.md", source) == ([] if source == fixed else ["sentences"])


def test_an_exception_hides_a_finding_and_is_one_where_it_hides_none() -> None:
    found = prose.findings("a.py", f"# {A_BREACH}")
    assert prose.report(found, []) == ["a.py:1: 'excuse': better confounder (excuse)"]
    assert prose.report(found, [("excuse", "a.py")]) == []
    assert prose.report([], [("excuse", "a.py")]) == ["a.py: breaks no rule (excuse): remove the exception"]
