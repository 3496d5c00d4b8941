"""The ledger: the truth about a load run, written before anything is sent.

One file, little-endian, only ever appended to:

    magic ``ADCTRLG1`` | uint32 size | header as JSON | block | block | …
    block: kind (1 byte) | uint32 rows (or bytes, for ``Z``) | payload

======  ===========================================================================================
kind    payload
======  ===========================================================================================
``E``   events about to be sent, in the order of sending: rows of `EVENT`
``C``   campaigns that the header doesn't have, as JSON: ``[[campaign, category], …]``, behind those known so far
``A``   outcomes of sends, in the order of the answers: rows of `ANSWER`
``S``   when events were handed to the producer, in order: rows of `SENT`
``Z``   the end of a run that ended cleanly, as JSON: ``attempted`` (events handed to the producer)
======  ===========================================================================================

A generator that was killed leaves a file without ``Z``, maybe with half a block at its end; what it planned but
never sent is in there too. So what is on the topic is always a subset of the ledger, and a superset of
what was acknowledged.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

MAGIC = b"ADCTRLG1"
_SIZE = struct.Struct("<I")
_BLOCK = struct.Struct("<cI")

EVENT = np.dtype(
    [
        ("seq", "<u8"),
        ("campaign", "<u4"),
        ("type", "u1"),
        ("flags", "u1"),
        ("event_time_ms", "<i8"),
        ("intended_ns", "<i8"),
    ]
)
"""Event id is ``<run_id>-<seq>``; campaign is an index into the header's list; type 0 impression, 1 click."""
ANSWER = np.dtype([("seq", "<u8"), ("partition", "<i4"), ("offset", "<i8")])
"""Partition and offset of an acknowledged record; partition -1 for a failed send, with -error code as offset."""
UNKNOWN_OFFSET = -1
"""Of an acknowledged record whose offset the broker didn't tell: it answered that it had the record already."""

SENT = np.dtype([("count", "<u8"), ("sent_ns", "<i8")])
"""So many events of the run (rows, from the first) had been handed over by this time, ns since the epoch."""

IMPRESSION, CLICK = 0, 1
LATE, INVALID, OUT_OF_ORDER = 1, 2, 4
"""Bits of ``flags``. Late and invalid are promises: the record will be so by its own two times."""

Events = npt.NDArray[np.void]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Column = Int64s | Sequence[int]


class LedgerError(ValueError):
    """A file is no ledger; the message names it."""


@dataclass(frozen=True)
class LedgerHeader:
    """What a run is: ``start_ns`` is ns since the epoch, ``campaign_category`` has one index of ``categories`` each.

    A campaign with several categories, as a real log may have, stands once for each.
    """

    run_id: str
    seed: int
    profile: str
    rate: float
    start_ns: int
    topic: str
    allowed_lateness_seconds: int
    campaigns: Sequence[str]
    campaign_category: Sequence[int]
    categories: Sequence[str]
    historic: bool = False


class LedgerWriter:
    """Appends to a new ledger. Every write reaches the operating system before it returns."""

    def __init__(self, path: Path, header: LedgerHeader) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.header = header
        self._file: BinaryIO = path.open("xb", buffering=0)
        text = json.dumps(asdict(header)).encode()
        self._write(MAGIC, _SIZE.pack(len(text)), text)

    def events(self, rows: Events) -> None:
        """Rows of `EVENT` that are about to be sent."""
        self._write(_BLOCK.pack(b"E", len(rows)), rows.tobytes())

    def cells(self, cells: Sequence[tuple[str, str]]) -> None:
        """Campaigns, each with its category, that come behind the header's; before their first event."""
        text = json.dumps(cells).encode()
        self._write(_BLOCK.pack(b"C", len(text)), text)

    def answers(self, seqs: Column, partitions: Column, offsets: Column) -> None:
        """Outcomes of sends: see `ANSWER`."""
        rows = np.empty(len(seqs), ANSWER)
        rows["seq"], rows["partition"], rows["offset"] = seqs, partitions, offsets
        self._write(_BLOCK.pack(b"A", len(rows)), rows.tobytes())

    def sent(self, counts: Column, sent_ns: Column) -> None:
        """How many events had been handed over by then: see `SENT`."""
        rows = np.empty(len(counts), SENT)
        rows["count"], rows["sent_ns"] = counts, sent_ns
        self._write(_BLOCK.pack(b"S", len(rows)), rows.tobytes())

    def close(self, attempted: int) -> None:
        """Marks the run as ended cleanly after ``attempted`` events were handed to the producer."""
        text = json.dumps({"attempted": attempted}).encode()
        self._write(_BLOCK.pack(b"Z", len(text)), text)
        self.abandon()

    def abandon(self) -> None:
        """Closes the file without the mark of a clean end."""
        self._file.close()

    def _write(self, *parts: bytes) -> None:
        data = memoryview(b"".join(parts))
        while data:  # an unbuffered write may be partial, for instance when the disk fills up
            data = data[self._file.write(data) :]


@dataclass(frozen=True)
class Ledger:
    """A ledger as arrays of one length, one row per event in the order of sending.

    ``events`` has the columns of `EVENT`. ``partition`` and ``offset`` are -1 where a send was not acknowledged;
    ``offset`` alone where it was, and the broker didn't say where the record stands;
    ``failed`` is true where the producer reported a failure (the record may still be on the topic).
    ``sent_ns`` is when each event had been handed to the producer, ns since the epoch; the intended time where that is
    not known.
    """

    path: Path
    header: LedgerHeader
    events: Events
    acked: Bools
    failed: Bools
    partition: Int64s
    offset: Int64s
    ended_cleanly: bool
    sent_ns: Int64s

    @property
    def run_id(self) -> str:
        """Prefix of every event id of the run."""
        return self.header.run_id

    @property
    def seq(self) -> npt.NDArray[np.uint64]:
        """Number of each event within the run; a duplicate repeats one."""
        return self.events["seq"]

    @property
    def campaign(self) -> npt.NDArray[np.uint32]:
        """Index of each event's campaign in ``header.campaigns``."""
        return self.events["campaign"]

    @property
    def type(self) -> npt.NDArray[np.uint8]:
        """0 for an impression, 1 for a click."""
        return self.events["type"]

    @property
    def event_time_ms(self) -> Int64s:
        """Event times, ms since the epoch."""
        return self.events["event_time_ms"]

    @property
    def intended_ns(self) -> Int64s:
        """Intended send times by the schedule, ns since the epoch."""
        return self.events["intended_ns"]

    @property
    def late(self) -> Bools:
        """Events that are late by their record."""
        return self._flagged(LATE)

    @property
    def invalid(self) -> Bools:
        """Events that are invalid by their record."""
        return self._flagged(INVALID)

    @cached_property
    def countable(self) -> Bools:
        """Events that are counted once they are on the topic."""
        return ~self._flagged(LATE | INVALID)

    @cached_property
    def campaign_category(self) -> npt.NDArray[np.uint32]:
        """Index in ``header.categories`` of each campaign's category."""
        return np.asarray(self.header.campaign_category, np.uint32)

    def _flagged(self, bits: int) -> Bools:
        flags: npt.NDArray[np.uint8] = self.events["flags"]
        return np.not_equal(flags & bits, 0)


def read_ledger(path: Path) -> Ledger:
    """Reads a whole ledger, also one whose writer was killed. Raises LedgerError or OSError."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise LedgerError(f"{path}: not a ledger (a ledger begins with {MAGIC.decode()})")
        try:
            (size,) = _SIZE.unpack(file.read(_SIZE.size))
            header = LedgerHeader(**json.loads(file.read(size)))
        except (struct.error, ValueError, TypeError) as error:
            raise LedgerError(f"{path}: the header is damaged: {error}") from error
        events: list[Events] = []
        answers: list[Events] = []
        sent: list[Events] = []
        cells: list[tuple[str, str]] = []
        end: dict[str, Any] | None = None
        for kind, payload in _blocks(file):
            if kind == b"E":
                events.append(np.frombuffer(payload, EVENT))
            elif kind == b"A":
                answers.append(np.frombuffer(payload, ANSWER))
            elif kind == b"S":
                sent.append(np.frombuffer(payload, SENT))
            elif kind == b"C":
                cells += json.loads(payload)
            elif kind == b"Z":
                end = json.loads(payload)
            else:
                raise LedgerError(f"{path}: unknown block {kind!r} before byte {file.tell()}")
    rows = np.concatenate(events) if events else np.empty(0, EVENT)
    if end is not None:
        rows = rows[: end["attempted"]]
    return _with_answers(path, _with_cells(header, cells), rows, answers, end is not None, _sent_ns(rows, sent))


def _sent_ns(rows: Events, sent: list[Events]) -> Int64s:
    """When each event had been handed over; the intended time where nobody noted it."""
    found: Int64s = rows["intended_ns"].copy()
    noted = np.concatenate(sent) if sent else np.empty(0, SENT)
    at = np.searchsorted(noted["count"], np.arange(len(rows), dtype=np.uint64), side="right")
    known = at < len(noted)
    found[known] = noted["sent_ns"][at[known]]
    return found


def _with_cells(header: LedgerHeader, cells: Sequence[tuple[str, str]]) -> LedgerHeader:
    if not cells:
        return header
    categories = {name: index for index, name in enumerate(header.categories)}
    indexes = [categories.setdefault(category, len(categories)) for _, category in cells]
    return replace(
        header,
        campaigns=[*header.campaigns, *(campaign for campaign, _ in cells)],
        campaign_category=[*header.campaign_category, *indexes],
        categories=list(categories),
    )


def _blocks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    widths = {b"E": EVENT.itemsize, b"A": ANSWER.itemsize, b"S": SENT.itemsize}
    while len(head := file.read(_BLOCK.size)) == _BLOCK.size:
        kind, count = _BLOCK.unpack(head)
        width = widths.get(kind, 1)
        payload = file.read(count * width)
        complete = len(payload) // width
        if kind in widths or complete == count:
            yield kind, payload[: complete * width]


def _with_answers(
    path: Path, header: LedgerHeader, rows: Events, answers: list[Events], ended_cleanly: bool, sent_ns: Int64s
) -> Ledger:
    partition, offset = np.full(len(rows), -1, np.int64), np.full(len(rows), -1, np.int64)
    failed = np.zeros(len(rows), np.bool_)
    all_answers = np.concatenate(answers) if answers else np.empty(0, ANSWER)
    at = _row_of_seq(rows["seq"], all_answers["seq"])
    good = all_answers["partition"] >= 0
    partition[at[good]] = all_answers["partition"][good]
    offset[at[good]] = all_answers["offset"][good]
    failed[at[~good]] = True
    return Ledger(path, header, rows, partition >= 0, failed, partition, offset, ended_cleanly, sent_ns)


def _row_of_seq(seqs: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """Row of each wanted number: its k-th mention is the k-th row with it, as duplicates are sent in order."""
    if len(seqs) and np.array_equal(seqs, np.arange(seqs[0], seqs[0] + len(seqs), dtype=np.uint64)):
        shifted: npt.NDArray[np.intp] = (wanted - seqs[0]).astype(np.intp)
        return shifted
    order = np.argsort(seqs, kind="stable")
    wanted_order = np.argsort(wanted, kind="stable")
    sorted_wanted = wanted[wanted_order]
    repeat = np.arange(len(wanted)) - np.searchsorted(sorted_wanted, sorted_wanted, side="left")
    rows = np.empty(len(wanted), np.intp)
    rows[wanted_order] = order[np.searchsorted(seqs[order], sorted_wanted, side="left") + repeat]
    return rows
