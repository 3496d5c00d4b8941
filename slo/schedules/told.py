"""What readers were told, and what of it was wrong: functions of the recorded answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.contract.cache_schema import ZERO, Counts

Span = tuple[float, float]
"""From, to, in unix seconds."""


@dataclass(frozen=True)
class ToldWindow:
    """One window in an answer: its start in unix seconds, all its counts, and whether they were said to be final."""

    start: int
    counts: Counts
    final: bool


@dataclass(frozen=True)
class Told:
    """One answer: who gave it, when it was asked for and when it came (unix seconds), and the windows in it.

    ``cells`` is the sum over the campaigns of the same answer, None where it names none.
    """

    source: str
    asked_at: float
    told_at: float
    size_seconds: int
    windows: tuple[ToldWindow, ...]
    cells: Counts | None = None


@dataclass(frozen=True)
class WrongRead:
    """An answer that no reader should have had."""

    told_at: float
    text: str


def wrong_reads(answers: Sequence[Told], revisions: Sequence[Span]) -> list[WrongRead]:
    """Everything that was wrong with answers, which are in the order in which they were asked for, by one reader.

    ``revisions`` are the times in which final windows were counted again: before and after each, counts may differ.
    """
    found = [*changed_finals(answers, revisions), *fallen_counts(answers, revisions), *mixed_states(answers)]
    return sorted(found, key=lambda each: each.told_at)


def changed_finals(answers: Sequence[Told], revisions: Sequence[Span]) -> Iterator[WrongRead]:
    """A final window never changes within a revision, in either store."""
    first: dict[tuple[int, int, int], Counts] = {}
    for revision, answer in _settled(answers, revisions):
        for window in answer.windows:
            if not window.final:
                continue
            before = first.setdefault((revision, answer.size_seconds, window.start), window.counts)
            if window.counts != before:  # control: changed finals
                yield _wrong(answer, window, f"final, and changed from {_shown(before)}")


def fallen_counts(answers: Sequence[Told], revisions: Sequence[Span]) -> Iterator[WrongRead]:
    """A count never falls within a revision, as one store tells it: the other may be further."""
    highest: dict[tuple[int, str, int, int], Counts] = {}
    for revision, answer in _settled(answers, revisions):
        for window in answer.windows:
            key = (revision, answer.source, answer.size_seconds, window.start)
            before, now = highest.get(key, ZERO), window.counts
            if now.impressions < before.impressions or now.clicks < before.clicks:  # control: fallen counts
                yield _wrong(answer, window, f"fallen from {_shown(before)}")
            highest[key] = Counts(max(before.impressions, now.impressions), max(before.clicks, now.clicks))


def mixed_states(answers: Sequence[Told]) -> Iterator[WrongRead]:
    """The windows of an answer and its campaigns add up to the same: no answer mixes two states."""
    for answer in answers:
        if answer.cells is None:
            continue
        total = sum((window.counts for window in answer.windows), ZERO)
        if total != answer.cells:  # control: mixed states
            text = (
                f"{answer.source} told {_shown(total)} by window and {_shown(answer.cells)} by campaign in one answer"
            )
            yield WrongRead(answer.told_at, text)


def _settled(answers: Sequence[Told], revisions: Sequence[Span]) -> Iterator[tuple[int, Told]]:
    """Answers with the number of their revision; those that came while one was being written are left out."""
    for answer in answers:
        if any(began <= answer.told_at and answer.asked_at <= ended for began, ended in revisions):
            continue
        yield sum(ended < answer.asked_at for _, ended in revisions), answer


def _wrong(answer: Told, window: ToldWindow, what: str) -> WrongRead:
    where = f"{answer.source} told {_shown(window.counts)} of the {answer.size_seconds} s window {window.start}"
    return WrongRead(answer.told_at, f"{where}: {what}")


def _shown(counts: Counts) -> str:
    return f"{counts.impressions:,} impressions {counts.clicks:,} clicks"
