"""A file's bytes → the YAML tree of its one document, whose nodes know their lines. Nothing is ever constructed."""

from __future__ import annotations

from pathlib import Path

import yaml

from slo.spec.errors import Problem, SpecificationError


def read_tree(path: Path) -> yaml.Node:
    """The document's root. Raises SpecificationError, also for a file that is missing or can't be read."""
    file = str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        text = f"can't be read ({error.strerror}); give the path of a file of objectives"
        raise SpecificationError(file, [Problem(None, "", text)]) from error
    return parse_tree(_decoded(content, file), file)


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise SpecificationError(file, [Problem(line, "", text)]) from error


def parse_tree(text: str, file: str) -> yaml.Node:
    """The root of the only document of a text. Raises SpecificationError."""
    problem: Problem
    try:
        roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = Problem(line, "", f"character U+{ord(text[error.position]):04X} is not allowed in YAML; remove it")
        raise SpecificationError(file, [problem]) from error
    except yaml.MarkedYAMLError as error:
        raise SpecificationError(file, [_syntax_problem(error, text)]) from error
    except RecursionError as error:
        problem = Problem(1, "", "is nested too deeply to be read; objectives need four levels")
        raise SpecificationError(file, [problem]) from error
    if not roots or _is_empty(roots[0]):
        problem = Problem(1, "", "is empty; start with apiVersion: adctr/v1 (docs/objectives.md shows the rest)")
        raise SpecificationError(file, [problem])
    if len(roots) > 1:
        line = roots[1].start_mark.line + 1
        problem = Problem(line, "", f"{len(roots)} documents in one file; keep one, without lines of `---` in between")
        raise SpecificationError(file, [problem])
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
