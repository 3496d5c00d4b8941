"""Escapes untrusted text for the terminal: events, file names, logs and messages of servers."""

from __future__ import annotations

MOST_SHOWN = 300


def printable(value: object, most: int | None = MOST_SHOWN) -> str:
    """In one line, with whatever isn't printable escaped, cut after ``most`` characters; ``-`` for None."""
    if value is None:
        return "-"
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    cut = text[:most]
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in cut)
    return shown + (f"… ({len(text):,} characters)" if len(text) > len(cut) else "")


def printable_lines(text: str) -> str:
    """The same of text whose line breaks are meant; nothing is cut."""
    return "\n".join(printable(line, None) for line in text.split("\n"))
