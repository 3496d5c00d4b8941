"""What is wrong with a file: all of it at once, each with its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.shared.terminal_safe import printable


@dataclass(frozen=True)
class Problem:
    """One mistake. ``line`` counts from 1, None where it is the file as a whole; ``key`` is like objectives[2].target.

    ``text`` says what stands there and what to write instead.
    """

    line: int | None
    key: str
    text: str

    def shown(self, file: str) -> str:
        """As compilers say it, so that editors jump to the line. One line, whatever the file has: it is quoted."""
        place = file if self.line is None else f"{file}:{self.line}"
        return printable(": ".join(filter(None, (place, self.key, self.text))), None)


class DocumentError(ValueError):
    """A file is not what it should be. The message has one line per problem, in the order of the file."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__("\n".join(problem.shown(file) for problem in self.problems))


class Invalid(ValueError):
    """One value is wrong; the caller knows its key and line and makes a Problem of it."""
