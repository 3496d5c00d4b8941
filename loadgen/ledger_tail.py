"""A ledger while it is being written: counts so far, read on from where the last poll ended."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from loadgen.ledger import ANSWER, EVENT, MAGIC

_SIZE = struct.Struct("<I")
_BLOCK = struct.Struct("<cI")


class LedgerTail:
    """Counts of one ledger. ``planned`` events are in the ledger before they are sent, half a second ahead.

    A file that is no ledger, or none yet, counts nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_id = ""
        self.rate = 0.0
        """Events per second that the run aims at; 0 until its header is there."""
        self.start_seconds = 0.0
        self.planned = 0
        self.acknowledged = 0
        self.failed = 0
        self.ended = False
        self._at = 0

    def read_on(self) -> None:
        """Takes in what was written since the last poll; half a block waits for the next. Raises OSError."""
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            if self._at == 0:
                self._read_header(file, size)
            while self._at:
                file.seek(self._at)
                head = file.read(_BLOCK.size)
                if len(head) < _BLOCK.size:
                    return
                kind, count = _BLOCK.unpack(head)
                width = {b"E": EVENT.itemsize, b"A": ANSWER.itemsize}.get(kind, 1)
                after = self._at + _BLOCK.size + count * width
                if after > size:
                    return
                self._take(kind, count, file.read(count * width) if kind == b"A" else b"")
                self._at = after

    def _read_header(self, file: BinaryIO, size: int) -> None:
        file.seek(0)
        beginning = file.read(len(MAGIC) + _SIZE.size)
        if not beginning.startswith(MAGIC) or len(beginning) < len(MAGIC) + _SIZE.size:
            return
        (length,) = _SIZE.unpack(beginning[len(MAGIC) :])
        if size < len(beginning) + length:
            return
        header = json.loads(file.read(length))
        self.run_id, self.rate = str(header["run_id"]), float(header["rate"])
        self.start_seconds = header["start_ns"] / 1e9
        self._at = len(beginning) + length

    def _take(self, kind: bytes, count: int, payload: bytes) -> None:
        if kind == b"E":
            self.planned += count
        elif kind == b"A":
            good = int((np.frombuffer(payload, ANSWER)["partition"] >= 0).sum())
            self.acknowledged += good
            self.failed += count - good
        elif kind == b"Z":
            self.ended = True
