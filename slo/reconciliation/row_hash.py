"""A 64-bit hash of an event's columns, computed by numpy from the topic and by PostgreSQL from ``raw_events``.

PostgreSQL hashes each text column by ``hashtextextended(column, seed)``, with a seed of the column's own, and combines
the hashes by XOR (`SQL`). `hash_texts` does the same for many texts at once. The source is ``hash_bytes_extended`` in
PostgreSQL's ``src/common/hashfn.c``, which follows Bob Jenkins' lookup3 and reads words as little-endian machines do;
a test compares the two. Times are mixed in by `row_hashes` on both sides, as the binary COPY brings them as numbers.
A null text counts 0. Partition and offset are where a hash is kept, and ``late`` is compared as a flag.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.contract.codec import EVENT_TYPES, AdEvent
from pipeline.contract.rules import MAX_NAME_BYTES

Longs = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
_Words = npt.NDArray[np.uint32]

TEXT_COLUMNS = tuple(name for name in AdEvent._fields if name not in ("event_type", "event_time"))
SEED_OF = {name: number for number, name in enumerate((*TEXT_COLUMNS, "event_type"), start=1)}
MOST_HASHED_BYTES = MAX_NAME_BYTES
"""Of a longer text the MD5 is hashed: numpy takes a step for every 12 bytes of the longest one."""
_MOST_SIZES = MOST_HASHED_BYTES + 1
_CHUNK_BYTES = 12
PADDING_BYTES = _CHUNK_BYTES
"""Behind the last text there must be so many bytes, whatever they are."""
_START = 0x9E3779B9 + 3923095
_WORD_MASKS: _Words = np.array(
    [[(1 << 8 * min(max(size - at, 0), 4)) - 1 for at in (0, 4, 8)] for size in range(_CHUNK_BYTES)], dtype=np.uint32
)
"""Of the last bytes of a text, fewer than 12: which bits of the three words belong to it."""
_EVENT_TIME, _RECORD_TIME = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd, so that no two values of one time give the same product."""
_POSTGRES_EPOCH_MS = 946_684_800_000
"""2000-01-01T00:00Z, from which PostgreSQL counts microseconds."""


def _sql(column: str) -> str:
    text = f"CASE WHEN octet_length({column}) > {MOST_HASHED_BYTES} THEN md5({column}) ELSE {column} END"
    return f"coalesce(hashtextextended({text}, {SEED_OF[column]}), 0)"


SQL = " # ".join(_sql(column) for column in SEED_OF)
"""The hash of a row's texts as a bigint expression over the columns of ``raw_events``."""


def _mix(a: _Words, b: _Words, c: _Words) -> None:
    """lookup3's mix, in place."""
    for x, y, z, bits in ((a, c, b, 4), (b, a, c, 6), (c, b, a, 8), (a, c, b, 16), (b, a, c, 19), (c, b, a, 4)):
        np.subtract(x, y, out=x)
        np.bitwise_xor(x, _rotated(y, bits), out=x)
        np.add(y, z, out=y)


def _finish(a: _Words, b: _Words, c: _Words) -> None:
    """lookup3's final, in place."""
    steps = ((c, b, 14), (a, c, 11), (b, a, 25), (c, b, 16), (a, c, 4), (b, a, 14), (c, b, 24))
    for x, y, bits in steps:
        np.bitwise_xor(x, y, out=x)
        np.subtract(x, _rotated(y, bits), out=x)


def _rotated(word: _Words, bits: int) -> _Words:
    rotated: _Words = (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))
    return rotated


def _seeded(seed: int) -> tuple[_Words, _Words, _Words]:
    """The state behind the seed (32 bits, not 0), by the size of the text: up to `MOST_HASHED_BYTES`."""
    a, b, c = (np.arange(_MOST_SIZES, dtype=np.uint32) + np.uint32(_START) for _ in range(3))
    b += np.uint32(seed)
    _mix(a, b, c)
    return a, b, c


_STATES = {seed: _seeded(seed) for seed in SEED_OF.values()}


def hash_texts(data: bytes, start: Longs, size: Longs, seed: int) -> Hashes:
    """``hashtextextended`` of texts in ``data``, which goes on for `PADDING_BYTES` behind the last one.

    ``start`` and ``size`` (at most `MOST_HASHED_BYTES`) in bytes, one entry per text; ``seed`` is one of `SEED_OF`.
    """
    chunks: npt.NDArray[np.void] = np.ndarray(
        len(data) - _CHUNK_BYTES + 1, dtype=f"V{_CHUNK_BYTES}", buffer=data, strides=(1,)
    )
    a, b, c = (state[size] for state in _STATES[seed])
    rest = size % _CHUNK_BYTES
    for done in range(0, int(size.max(initial=0)) - _CHUNK_BYTES + 1, _CHUNK_BYTES):
        some = np.flatnonzero(size >= done + _CHUNK_BYTES)
        words = _words(chunks, start[some] + done)
        parts = a[some] + words[:, 0], b[some] + words[:, 1], c[some] + words[:, 2]
        _mix(*parts)
        a[some], b[some], c[some] = parts
    words = _words(chunks, start + size - rest) & _WORD_MASKS[rest]
    a += words[:, 0]
    b += words[:, 1]
    c += words[:, 2] << np.uint32(8)  # its lowest byte is the length's
    _finish(a, b, c)
    hashes: Hashes = (b.astype(np.uint64) << np.uint64(32)) | c
    return hashes


def _words(chunks: npt.NDArray[np.void], at: Longs) -> _Words:
    """Three words of 32 bits from each position."""
    words: _Words = chunks[at].view("<u4").reshape(len(at), 3)
    return words


def row_hashes(texts: Hashes, event_time_us: Longs, record_time_us: Longs) -> Hashes:
    """The hashes of rows from those of their texts and their times, in microseconds since 2000."""
    hashes: Hashes = texts + event_time_us.view(np.uint64) * _EVENT_TIME + record_time_us.view(np.uint64) * _RECORD_TIME
    return hashes


def postgres_time(time_ms: Longs) -> Longs:
    """Milliseconds since 1970 as PostgreSQL counts them."""
    return (time_ms - _POSTGRES_EPOCH_MS) * 1000


def hash_events(events: Sequence[AdEvent], record_times_ms: Sequence[int]) -> Hashes:
    """The hashes of the rows that events must have, each with the time of its record."""
    texts = np.zeros(len(events), dtype=np.uint64)
    for column in TEXT_COLUMNS:
        values = [getattr(event, column) for event in events]
        here = np.array([index for index, value in enumerate(values) if value is not None], dtype=np.int64)
        texts[here] ^= _hashed([value for value in values if value is not None], column)
    texts ^= _hashed([event.event_type for event in events], "event_type")
    event_time = postgres_time(np.array([event.event_time for event in events], dtype=np.int64))
    return row_hashes(texts, event_time, postgres_time(np.asarray(record_times_ms, dtype=np.int64)))


def _hashed(values: Sequence[str], column: str) -> Hashes:
    encoded = [_shortened(value.encode()) for value in values]
    size = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    return hash_texts(b"".join(encoded) + bytes(PADDING_BYTES), np.cumsum(size) - size, size, SEED_OF[column])


def _shortened(text: bytes) -> bytes:
    if len(text) <= MOST_HASHED_BYTES:
        return text
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()


HASH_OF_TYPE: Hashes = _hashed(EVENT_TYPES, "event_type")
"""By the number of the event type."""
