"""Every decision has the same form, and one that was superseded names its successor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DECISIONS = Path(__file__).parents[3] / "docs" / "decisions"
PAGES = sorted(DECISIONS.glob("*.md"))
SECTIONS = ["Context", "Decision", "Consequences"]


def faults(page: Path) -> list[str]:
    """Everything that is wrong with the form of a page."""
    text = page.read_text(encoding="utf-8")
    head = re.match(r"# (\d+)\. .+\n\nStatus: ((?:.+\n)+?)Date: \d{4}-\d\d-\d\d\.\n\n", text)
    if not head:
        return ["begins otherwise than `# N. Title`, Status, Date"]
    found = []
    if int(head[1]) != int(page.name[:4]):
        found.append(f"number {head[1]} is not that of the file")
    later = [int(each) for each in re.findall(r"\[\d+\]\((\d{4})-[a-z0-9-]+\.md\)", head[2])]
    if head[2] != "accepted.\n" and not (head[2].startswith("superseded") and later and min(later) > int(head[1])):
        found.append("is neither accepted nor superseded by a later page")
    if [each for each in re.findall(r"^## (.+)$", text, re.MULTILINE) if each in SECTIONS] != SECTIONS:
        found.append(f"has other sections than {', '.join(SECTIONS)}")
    return found + [
        f"links to {target}, which does not exist"
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", text)
        if not (page.parent / target).is_file()
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_the_usual_form(page: Path) -> None:
    assert faults(page) == []


GOOD = "# 7. Title\n\nStatus: accepted.\nDate: 2026-11-30.\n\n## Context\n\n## Decision\n\n## Consequences\n"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# 7.", "# 8.", "number 8 is not that of the file"),
        ("accepted.", "superseded.", "is neither accepted nor superseded by a later page"),
        ("Status: accepted.\n", "", "begins otherwise than `# N. Title`, Status, Date"),
        ("Date: 2026-11-30.\n", "", "begins otherwise than `# N. Title`, Status, Date"),
        ("## Context\n\n", "", "has other sections than Context, Decision, Consequences"),
        ("## Context\n", "## Context\n\nSee [8](0008-none.md).\n", "links to 0008-none.md, which does not exist"),
    ],
)
def test_a_page_of_another_form_is_found(tmp_path: Path, old: str, new: str, fault: str) -> None:
    page = tmp_path / "0007-title.md"
    page.write_text(GOOD)
    assert faults(page) == []
    page.write_text(GOOD.replace(old, new))
    assert faults(page) == [fault]
