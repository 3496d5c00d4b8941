"""The verdict for a CI job's summary."""

from __future__ import annotations

from slo.recording import Recording
from slo.report.figures import budget, found, pairs, utc, wanted
from slo.spec.model import Specification
from slo.verdict.result import RunVerdict, Verdict

_MARKS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "⚠️", Verdict.NOT_JUDGED: "➖"}


def to_markdown(specification: Specification, recording: Recording, verdict: RunVerdict) -> str:
    """A heading and a table in GitHub's Markdown."""
    lines = [
        f"### {_MARKS[verdict.verdict]} {_cell(specification.service)}: {verdict.words}",
        "",
        f"{recording.seconds:,.0f} s from {utc(recording.began)}",
        "",
        "| objective | verdict | figure | wanted | samples | budget spent | why |",
        "|---|---|---:|---|---:|---:|---|",
    ]
    for objective, result in pairs(specification, verdict):
        judged = f"{_MARKS[result.verdict]} {result.verdict.value}"
        cells = (
            objective.display_name,
            judged,
            " ".join(found(result)),
            wanted(objective, result),
            f"{result.samples:,}",
        )
        lines.append("| " + " | ".join(map(_cell, (*cells, budget(result), result.reason))) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    for character in "\\`*_[]<>|":
        text = text.replace(character, {"<": "&lt;", ">": "&gt;"}.get(character, f"\\{character}"))
    return " ".join(text.split())
