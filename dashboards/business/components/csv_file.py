"""Files for other programs: points as decimals, shares as fractions, an empty field where there is no value."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import streamlit as st

Value = str | int | float | None


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """A header and the rows."""
    file = io.StringIO()
    # Names in quotes: where lists are separated by semicolons, a spreadsheet would split a name at one.
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    writer.writerows([_plain(value) for value in row] for row in rows)
    return file.getvalue()


def download(label: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], file_name: str, key: str) -> None:
    """A button. The file is made only when somebody asks for it, not with each refresh."""
    st.download_button(
        label,
        lambda: to_csv(columns, rows),
        file_name,
        "text/csv",
        key=key,
        on_click="ignore",
        icon=":material/download:",
    )


def _plain(value: Value) -> str | int | float:
    """A name that a spreadsheet would read as a formula is quoted as text (OWASP, CSV injection)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return f"'{value}"
    return "" if value is None else value
