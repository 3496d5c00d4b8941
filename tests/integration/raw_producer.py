"""A Kafka producer below every client library: sends what those would refuse, as other people's clients may.

Produce request version 3 and record batches of format 2: https://kafka.apache.org/documentation/#messageformat
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

_PRODUCE, _VERSION = 0, 3
_CASTAGNOLI = 0x82F63B78


@dataclass(frozen=True)
class RawRecord:
    """One record; names of headers are bytes, as nothing says that they are text."""

    value: bytes | None
    record_time_ms: int
    key: bytes | None = None
    headers: tuple[tuple[bytes, bytes | None], ...] = ()


def produce(bootstrap: str, topic: str, partition: int, record: RawRecord) -> tuple[int, int]:
    """Sends one record to the only broker; (error code of Kafka's protocol, offset)."""
    host, _, port = bootstrap.rpartition(":")
    batch = _batch(record)
    name = topic.encode()
    body = struct.pack(">hhiih", -1, -1, 30_000, 1, len(name)) + name
    body += struct.pack(">iii", 1, partition, len(batch)) + batch
    request = struct.pack(">hhih", _PRODUCE, _VERSION, 1, -1) + body
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        # correlation id, one topic and its name, one partition: its number, the error, the offset
        error, offset = struct.unpack_from(">hq", answer.read(size), 4 + 4 + 2 + len(name) + 4 + 4)
    return error, offset


def _batch(record: RawRecord) -> bytes:
    parts = b"\x00" + _varint(0) + _varint(0)  # attributes, and the differences of time and offset
    parts += _bytes(record.key) + _bytes(record.value) + _varint(len(record.headers))
    parts += b"".join(_bytes(name) + _bytes(value) for name, value in record.headers)
    time_ms = record.record_time_ms
    checked = struct.pack(">hiqqqhii", 0, 0, time_ms, time_ms, -1, -1, -1, 1) + _varint(len(parts)) + parts
    rest = struct.pack(">ibI", -1, 2, _crc32c(checked)) + checked
    return struct.pack(">qi", 0, len(rest)) + rest


def _bytes(content: bytes | None) -> bytes:
    return _varint(-1) if content is None else _varint(len(content)) + content


def _varint(number: int) -> bytes:
    rest, out = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CASTAGNOLI if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
