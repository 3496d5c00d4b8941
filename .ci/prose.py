"""Checks the project's texts against its rules of plain English, as a part of `make lint`.

Reads Markdown, docstrings, comments, and the strings that users read: help, errors, alerts, reports.
`--fix` puts each sentence of the Markdown files on a line of its own and wraps it.
Exit 0: nothing found. 1: findings, each printed as FILE:LINE with better words.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDTH = 120
SENTENCES = "sentences"
SKIPPED = re.compile(
    r"tests/(vectors|replay_logs)/|/bad/|/migrations/|\.(json|jsonl|lock|png|tsv|csv|gz|txt)$|^LICENSE$|ci/(test_)?prose\.py$"
)
"""Data, generated files, migrations (which never change), and the rules themselves with their test."""


@dataclass(frozen=True)
class Rule:
    """``pattern`` finds words that readers stumble over; a space in it matches any white space. ``instead``: better."""

    name: str
    pattern: str
    instead: str
    example: str
    """A text with one finding, for the test."""
    files: str = ""
    """A regular expression that a file's path must match."""

    def found_in(self, text: str) -> Iterator[re.Match[str]]:
        """Every place where the rule is broken."""
        return re.finditer(self.pattern.replace(" ", r"\s+"), text, re.IGNORECASE | re.MULTILINE)


_BE = "(is|are|was|were|be|been|stays?)"
RULES = (
    Rule("surely", r"\bsurely\b", "state the bound, for example the 95 % interval", "the surely best first"),
    Rule("by-turns", r"\bby turns\b", "interleaved", "Both are measured by turns."),
    Rule("whoever", r"\bwhoever\b", "name them: readers, users, callers", "Whoever reads waits."),
    Rule("mend", r"\bmend(s|ed|ing)?\b", "repair, correct", "a file of mended letters"),
    Rule("excuse", r"\bexcuse[sd]?\b", "confounder", "An excuse overrides no breach."),
    Rule("luck", r"\bfor luck\b", "the margin with its unit", "a quarter for luck"),
    Rule(
        "gone",
        r"\b(service|process|owner|parent|server|stack|supervisor|exporter|broker|registry|dashboard|Redis|PostgreSQL|Kafka"
        r"|Flink|JobManager|TaskManager)( alone| already)? (is|was|has been) gone\b",
        "is down, has ended, no longer exists, is lost",
        "a service is gone",
    ),
    Rule("away", rf"\b{_BE} away\b(?! from)", "is down, is unavailable", "while Redis is away"),
    Rule("all-the-same", r"\ball the same\b", "anyway, still", "It is written all the same."),
    Rule("for-ever", r"\bfor ever\b", "forever, without limit, without end", "It waits for ever."),
    Rule("seen-to", r"\b(has|have) been seen to\b", "name the check that showed it", "Each has been seen to fail."),
    Rule("of-others", r"\btext of others\b", "untrusted text", "Text of others on a terminal."),
    Rule("is-none", r"\b(that|which) (is|are|was|were) none\b", "is not a …", "an event that is none"),
    Rule("became-of", r"\b(becomes?|became) of\b", "results in, outcome, turns into", "what became of every count"),
    Rule("mishap", r"\bmishaps?\b", "failure", "no other mishap"),
    Rule(
        "taken-for", r"\b(takes?|taking|taken|took)( nothing)? for\b", "mistaken for, treated as", "taken for healthy"
    ),
    Rule("told-apart", r"\btold apart\b", "distinguished", "They are told apart by name."),
    Rule(
        "look", r"\b(an?|one|each|every|two|this|last|first|next|between) looks?\b(?!-)", "poll, sample", "at each look"
    ),
    Rule(
        "letter",
        r"(?<!dead\s)(?<!dead-)(?<!lower-case\s)\bletters?\b(?!\.\w|, digits)",
        "dead letter",
        "Lists the letters of a topic.",
        files=r"\.md$|^compose/cli/",
    ),
    Rule("busy", r"\b(machine|host)( (is|was|may be| be))? (too )?busy\b", "noisy host", "The machine is busy."),
    Rule("in-the-way", r"\bin the way\b", "name what failed", "the machine is in the way"),
    Rule("whom", r"\bwhom\b", "name them", "those for whom it is"),
    Rule("beyond-doubt", r"\bbeyond doubt\b", "significant, by the interval", "differences beyond doubt"),
    Rule("round-and-round", r"\bround and round\b", "loops forever", "It goes round and round."),
    Rule(
        "what-opening",
        r"(?:^(?:- |\*\*)?|[.:] )(?-i:What)(?: [^\s?.:|]+){3,}[.:](?:\*\*)?(?=\s|$)",
        "begin with the subject or the verb",
        "What keeps these is removed.",
        files=r"\.md$|^compose/cli/",
    ),
)

ALLOWED: tuple[tuple[str, str], ...] = (
    ("mend", "pipeline/dead_letters/__init__.py"),  # the name of a module
    ("sentences", "docs/benchmarks.md"),  # written by `adctr bench report`
)
"""Exceptions: a rule's name, and a file where it is not applied. One that is needed no more is a finding."""


@dataclass(frozen=True)
class Text:
    """A piece of prose and the line on which it begins."""

    line: int
    text: str


def python_texts(source: str, *, strings: bool = True) -> Iterator[Text]:
    """Comments (neighbouring lines as one text), docstrings, and, with ``strings``, every string of several words."""
    yield from _comments(source)
    tree = ast.parse(source)
    parts: set[ast.AST] = set()
    documentation: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documentation.add(node.value)
        if isinstance(node, ast.JoinedStr) and node not in parts:
            parts.update(each for each in ast.walk(node) if each is not node)
            if strings:
                yield Text(node.lineno, "".join(_constant(each) for each in node.values))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in parts:
            continue
        if node in documentation or (strings and " " in node.value):
            yield Text(node.lineno, node.value)


def _constant(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "…"


def _comments(source: str) -> Iterator[Text]:
    first, lines = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if lines and token.start[0] != first + len(lines):
            yield Text(first, "\n".join(lines))
            lines = []
        first = first if lines else token.start[0]
        lines.append(token.string.lstrip("# "))
    if lines:
        yield Text(first, "\n".join(lines))


def texts_of(path: str, source: str) -> Iterator[Text]:
    """The prose in a file; of one that is neither Markdown nor Python, all of it."""
    if path.endswith(".py"):
        yield from python_texts(source, strings=not path.startswith("tests/"))
    elif path.endswith(".md"):
        yield Text(1, re.sub(r"`[^`\n]*`", lambda code: "x" * len(code[0]), source))
    else:
        yield Text(1, source)


@dataclass(frozen=True)
class Finding:
    """A broken rule: where, and better words."""

    rule: str
    path: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says} ({self.rule})"


def findings(path: str, source: str) -> list[Finding]:
    """Every broken rule in a file, exceptions included."""
    found = []
    rules = [rule for rule in RULES if re.search(rule.files, path)]
    for text in texts_of(path, source):
        flush = re.sub(r"\n[ \t]+", "\n", text.text)
        for rule in rules:
            for match in rule.found_in(flush):
                line = text.line + flush.count("\n", 0, match.end())
                words = " ".join(match[0].split())
                found.append(Finding(rule.name, path, line, f"{words!r}: better {rule.instead}"))
    if path.endswith(".md") and (one := one_sentence_per_line(source)) != source:
        pairs = zip(source.split("\n"), one.split("\n"), strict=False)
        line = next((number for number, (is_, should) in enumerate(pairs, 1) if is_ != should), 1)
        says = f"one sentence per line, at most {WIDTH} characters: run `make format`"
        found.append(Finding(SENTENCES, path, line, says))
    return found


def report(found: Sequence[Finding], allowed: Sequence[tuple[str, str]] = ALLOWED) -> list[str]:
    """The findings without the exceptions, and the exceptions without a finding."""
    broken = {(each.rule, each.path) for each in found}
    unused = [
        f"{path}: breaks no rule ({rule}): remove the exception" for rule, path in allowed if (rule, path) not in broken
    ]
    return [str(each) for each in found if (each.rule, each.path) not in allowed] + unused


_BLOCK = re.compile(r"( *)((?:[-*+]|\d+\.) +)?(.*)")
_VERBATIM = re.compile(r"\s*(\||#|<|!\[|---|```|$)")
_SENTENCE = re.compile(r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<=[.!?])([)*\"”]*)\s+(?=[(*\"“\[]*[A-Z`0-9\x00])")
_WHOLE = re.compile(r"`[^`]+`|\[[^\]]*\]\([^)\s]*\)")
_MARKER = re.compile(r" (?=(?:[-*+#|>]|\d+\.)(?: |$))")


def one_sentence_per_line(markdown: str) -> str:
    """Puts each sentence on a line of its own and wraps it at ``WIDTH``; tables, headings and code stay as they are."""
    out: list[str] = []
    block: list[str] = []
    fenced = in_list = False

    def flush() -> None:
        out.extend(_wrapped(block))
        block.clear()

    for line in markdown.split("\n"):
        fence = line.lstrip().startswith("```")
        code = not in_list and not block and line.startswith("    ")
        if fenced or fence or code or _VERBATIM.match(line):
            flush()
            out.append(line)
            fenced ^= fence
            in_list = in_list and (not line or line.startswith(" "))
            continue
        item = _BLOCK.fullmatch(line)
        if item and item[2]:
            flush()
            in_list = True
        elif not line.startswith(" ") and not block:
            in_list = False
        block.append(line)
    flush()
    return "\n".join(out)


def _wrapped(block: Sequence[str]) -> Iterator[str]:
    if not block:
        return
    head = _BLOCK.fullmatch(block[0])
    assert head
    indent, marker = head[1], head[2] or ""
    text = " ".join([head[3].strip(), *(line.strip() for line in block[1:])])
    # Code and links stay on one line, and no sentence ends in them.
    kept = iter(_WHOLE.findall(text))
    text = _WHOLE.sub(lambda each: each[0][0] + "\x00" * (len(each[0]) - 1), text)
    text = _MARKER.sub("\x01", text)
    rest = indent + " " * len(marker)
    first = indent + marker
    for sentence in _SENTENCE.sub(r"\1\n", text).split("\n"):
        for line in textwrap.wrap(
            sentence,
            WIDTH,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            yield re.sub(".\x00+", lambda _: next(kept), line).replace("\x01", " ")
        first = rest


def files() -> Iterable[str]:
    """The texts among the files that git knows, and new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return sorted(path for path in set(listed) if not SKIPPED.search(path) and (ROOT / path).is_file())


def main(arguments: Sequence[str]) -> int:
    """Checks every file, or with ``--fix`` reflows the Markdown files. Returns the exit code."""
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in files()}
    if "--fix" in arguments:
        for path, source in sources.items():
            if path.endswith(".md") and (SENTENCES, path) not in ALLOWED:
                (ROOT / path).write_text(one_sentence_per_line(source), encoding="utf-8")
        return 0
    found = report([each for path, source in sources.items() for each in findings(path, source)])
    print("\n".join(found) if found else f"prose: nothing found in {len(sources)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
