"""The page of benchmarks in Markdown, and with its plots as one self-contained file for a browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slo.report.benchmarks import Chapter, Document, Rows, sections
from slo.report.html import templates

HEAD = """\
# Benchmarks

Made by `make benchmarks-page` from what `adctr bench capacity`, `cost`, `cache-reads` and `peers` printed with
`--format json`, in [benchmarks](benchmarks). `adctr bench report --format html docs/benchmarks/*.json` draws the
curves. No run was discarded. [measurements.md](measurements.md) has what other commands
measured.
"""


def benchmarks_markdown(documents: Sequence[Document]) -> str:
    """The whole page. Raises UnknownBenchmark."""
    return "\n".join([HEAD, *(line for section in sections(documents) for line in _lines(section))])


def benchmarks_html(documents: Sequence[Document]) -> str:
    """Tables and plots, no script, no network. Raises UnknownBenchmark."""
    return templates().get_template("benchmarks.html.j2").render(sections=sections(documents))


def _lines(section: Chapter) -> Iterator[str]:
    yield f"## {section.title}\n"
    yield f"Measured on: {section.machine}.\n"
    for text in section.text:
        yield f"{text}\n"
    for table in section.tables:
        yield f"{table.title}:\n"
        yield from _table(table.rows)
        yield ""
    yield f"Left out: {section.left_out}\n"


def _table(rows: Rows) -> Iterator[str]:
    heading, *body = rows
    yield _row(heading)
    yield f"|{'|'.join('---' if not place else '---:' for place in range(len(heading)))}|"
    for row in body:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |"
