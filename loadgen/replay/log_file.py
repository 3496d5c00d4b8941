"""A log file → rows with their line numbers: CSV or JSON, plain or gzip, distinguished by their first bytes.

Whatever is wrong with a line becomes a `Rejected` in its place; reading goes on behind it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

from loadgen.errors import LoadRefused
from loadgen.replay.csv_rows import open_csv
from loadgen.replay.json_rows import open_json
from loadgen.replay.rows import Layout, Log
from loadgen.replay.source import LONGEST_LINE, Source

_NO_TEXT = " \t\n\x1e\ufeff"


def open_log(path: Path | str, wanted: Mapping[str, str], layout: Layout | None = None) -> Log:
    """Opens a log, ``-`` for standard input; it is read once, from front to back.

    ``wanted`` are the columns by the option that names each.
    Raises LoadRefused if the file can't be read, is empty, has a header and nothing else, or lacks a wanted column.
    """
    layout = layout or Layout()
    source = Source(path)
    head = ""
    for block in source:
        head += block
        if head.strip(_NO_TEXT) or len(head) > LONGEST_LINE:
            break
    begins = head.lstrip(_NO_TEXT)[:1]
    if not begins:
        reason = f" ({source.broke_off})" if source.broke_off else ""
        raise LoadRefused(f"{source.name}: is empty{reason}; a log has one row at least")
    blocks = itertools.chain((head,), source)
    if begins not in "{[":
        return open_csv(source, blocks, layout, wanted)
    if layout.columns is not None:
        raise LoadRefused(f"--columns: {source.name} is JSON, whose objects name their columns themselves")
    return open_json(source, blocks, wanted)
