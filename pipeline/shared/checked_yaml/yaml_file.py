"""A file's bytes → the YAML tree of its one document, whose nodes know their lines. Nothing is ever constructed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline.shared.checked_yaml.errors import DocumentError, Problem


@dataclass(frozen=True)
class Form:
    """What a kind of file is called, so that messages can say what to write. ``error`` is what they are raised as."""

    a_file: str
    things: str
    levels: str
    first_line: str
    page: str
    error: type[DocumentError]


def read_tree(path: Path, form: Form) -> yaml.Node:
    """The document's root. Raises the form's error, also for a file that is missing or can't be read."""
    file = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        text = f"can't be read ({error.strerror}); give the path of {form.a_file}"
        raise form.error(file, [Problem(None, "", text)]) from error
    return parse_tree(_decoded(content, file, form), file, form)


def _decoded(content: bytes, file: str, form: Form) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise form.error(file, [Problem(line, "", text)]) from error


def parse_tree(text: str, file: str, form: Form) -> yaml.Node:
    """The root of the only document of a text. Raises the form's error."""
    problem: Problem
    try:
        roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = Problem(line, "", f"character U+{ord(text[error.position]):04X} is not allowed in YAML; remove it")
        raise form.error(file, [problem]) from error
    except yaml.MarkedYAMLError as error:
        raise form.error(file, [_syntax_problem(error, text)]) from error
    except RecursionError as error:
        problem = Problem(1, "", f"is nested too deeply to be read; {form.things} need {form.levels} levels")
        raise form.error(file, [problem]) from error
    if not roots or _is_empty(roots[0]):
        problem = Problem(1, "", f"is empty; start with {form.first_line} ({form.page} shows the rest)")
        raise form.error(file, [problem])
    if len(roots) > 1:
        line = roots[1].start_mark.line + 1
        problem = Problem(line, "", f"{len(roots)} documents in one file; keep one, without lines of `---` in between")
        raise form.error(file, [problem])
    return roots[0]


def _is_empty(root: yaml.Node) -> bool:
    return isinstance(root, yaml.ScalarNode) and root.tag == "tag:yaml.org,2002:null" and not root.value


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(None, "", f"is not YAML: {error.problem or error}")
    line = mark.line + 1
    lines = text.splitlines()
    content = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in content[: len(content) - len(content.lstrip())]:
        return Problem(line, "", "a tab indents this line; indent with spaces, YAML allows no tabs there")
    context = error.context
    if context and error.context_mark is not None:
        context += f" that begins on line {error.context_mark.line + 1}"
    said = ", ".join(filter(None, (context, error.problem)))
    return Problem(line, "", f"is not YAML at column {mark.column + 1} ({said}); check indentation, quotes and colons")
