"""Files of YAML, legal and nearly legal, made of one that is legal; and what must hold of whatever reads them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from hypothesis import strategies as st

from pipeline.shared.checked_yaml.errors import DocumentError

T = TypeVar("T")
Document = dict[str, Any]

names = st.text("abxyz_019", max_size=20).map("n".__add__)
"""Names of profiles and objectives."""
_sentence_words = st.lists(st.text("AZaz09,.:#'\"é-", min_size=1, max_size=8), max_size=5)
sentences = _sentence_words.map(lambda words: " ".join(["A", *words]))
"""Words for people, in which YAML may see something else."""

_LINE_BREAKS = "\n\r\x85\u2028\u2029"
"""YAML's."""
_HOLE = "thisIsAHole"
_awkward = ("", "~", "1_0", ".inf", "1e999", "10ms", "5 m", "lt", "28d")
_words = st.text(max_size=12) | st.sampled_from(_awkward)
_junk: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _words | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=3),
    max_leaves=5,
)
_numbers = st.text("0123456789_.e-", min_size=1, max_size=6) | st.sampled_from(("1__0", "1_", "0x1F", "0o17", "1:30"))
_raw = _numbers | st.text("0123456789_.eE+-:{}[]&*!|>'\"#\\ \n\t%@`abdhmsn~,?<\x85\u2028é", max_size=12)


def dumped(document: Document, draw: st.DrawFn) -> str:
    """The document in one of YAML's styles."""
    return yaml.safe_dump(
        document,
        sort_keys=draw(st.booleans()),
        default_flow_style=draw(st.sampled_from((None, True, False))),
        allow_unicode=draw(st.booleans()),
    )


@st.composite
def nearly(draw: st.DrawFn, documents: st.SearchStrategy[Document]) -> str:
    """A legal document in which one to three things have been changed, dropped, added or written over."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(1, 3))):
        holder = draw(st.sampled_from(list(_holders(document))))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        change = draw(st.sampled_from(("replace", "hole", "drop", "add")))
        if change == "add" and isinstance(holder, dict):
            holder[draw(_words)] = draw(_junk)
        elif keys:
            key = draw(st.sampled_from(keys))
            if change == "drop":
                del holder[key]
            else:
                holder[key] = _HOLE if change == "hole" else draw(_junk)
    text = dumped(document, draw)
    while _HOLE in text:
        text = text.replace(_HOLE, draw(_raw), 1)
    return text


def _holders(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _holders(each)


def read_or_refused(path: Path, text: str, load: Callable[[Path], T]) -> T | None:
    """What was read; None where it was refused, which is only ever done in lines that say where and what."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        return load(path)
    except DocumentError as error:
        refused = error
    lines = str(refused).split("\n")
    assert len(lines) == len(refused.problems), "a problem is one line"
    for problem, line in zip(refused.problems, lines, strict=True):
        assert problem.text, "says what is wrong"
        assert problem.line is not None, "says where"
        assert 1 <= problem.line <= sum(text.count(each) for each in _LINE_BREAKS) + 2
        assert line.isprintable(), f"is no line for a terminal: {line!r}"
    return None
