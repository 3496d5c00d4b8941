"""A log's bytes as text: opened once and read once from front to back, so that a pipe is as good as a file."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadgen.errors import LoadRefused
from loadgen.replay.rows import Line, Rejected

STDIN = "-"
"""In place of a path: standard input."""
BLOCK = 1 << 17
LONGEST_LINE = 1 << 20
"""In characters. A longer line is no row of a log."""
_HEAD = 8
"""As many bytes as it takes to tell the kinds of files apart."""
_GZIP = b"\x1f\x8b"
_MOST_GZIP_LAYERS = 3
_BAD_BYTES = "adctr.bad_bytes"
_TOO_LONG = f"is longer than {LONGEST_LINE:,} characters: no row of a log"
_OTHER_KINDS = {
    b"\x28\xb5\x2f\xfd": ("zstd", "zstd -dc {path}"),
    b"BZh": ("bzip2 (bz2)", "bzip2 -dc {path}"),
    b"\xfd7zXZ\x00": ("xz", "xz -dc {path}"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4 -dc {path}"),
    b"PK\x03\x04": ("zip", "unzip -p {path}"),
    b"PAR1": ("Parquet", """duckdb -c "COPY '{path}' TO '/dev/stdout' (FORMAT csv)\""""),
}
_ENCODINGS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def _one_surrogate(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


codecs.register_error(_BAD_BYTES, _one_surrogate)


class Source:
    """The text of a log in blocks, with every line end as LF. A byte that is not text becomes a lone surrogate.

    ``broke_off`` says why the text ended before its end, once it has. Raises LoadRefused if the file can't be read, or
    is of a kind that is no text.
    """

    def __init__(self, path: Path | str) -> None:
        self.name = "standard input" if str(path) == STDIN else str(path)
        self.broke_off: str | None = None
        self.read_chars = 0
        self._path = path
        try:
            opened = _opened(path)
        except OSError as error:
            raise LoadRefused(f"{self.name}: can't be read ({error.strerror or error})") from error
        head = self._unzip(opened)
        self._refuse_other_kinds(head)
        self._encoding = _encoding(head)
        if self._encoding == "utf-8-sig" and 0 in head:
            raise LoadRefused(f"{self.name}: is binary; a log is text, plain or gzip")
        self._blocks = self._read()

    def __iter__(self) -> Iterator[str]:
        return self._blocks

    def _unzip(self, opened: Any) -> bytes:
        """Finds the stream of text; its first bytes. Some servers zip a second time what is zipped already."""
        head = b""
        try:
            self._stream, head = _with_head(opened)
            for _ in range(_MOST_GZIP_LAYERS):
                if not head.startswith(_GZIP):
                    break
                self._stream, head = _with_head(gzip.GzipFile(fileobj=self._stream))
        except (OSError, EOFError, zlib.error) as error:
            self.broke_off = _why(error)
            return b""
        return head

    def _read(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self._encoding)(
            "surrogateescape" if self._encoding == "utf-8-sig" else _BAD_BYTES
        )
        text = io.IncrementalNewlineDecoder(decoder, translate=True)
        while self.broke_off is None and (data := self._bytes()):
            block = text.decode(data)
            self.read_chars += len(block)
            yield block
        yield text.decode(b"", final=True)

    def _bytes(self) -> bytes:
        data = b""
        try:
            data = self._stream.read1(BLOCK)
        except (OSError, EOFError, zlib.error) as error:
            self.broke_off = _why(error)
        return data

    def _refuse_other_kinds(self, head: bytes) -> None:
        for magic, (kind, command) in _OTHER_KINDS.items():
            if head.startswith(magic):
                piped = command.format(path="FILE" if str(self._path) == STDIN else self._path)
                raise LoadRefused(
                    f"{self.name}: is {kind}; a log is text, plain or gzip: {piped} | adctr load replay - …"
                )


def _opened(path: Path | str) -> Any:
    if str(path) != STDIN:
        return Path(path).open("rb", buffering=0)  # open as long as its rows are read
    if sys.stdin is None:
        raise LoadRefused("standard input: is closed; give a file, or pipe the log into the command")
    return sys.stdin.buffer


def _with_head(stream: Any) -> tuple[Any, bytes]:
    """A stream and its first bytes, which are read from it again. A pipe may give them one by one."""
    head = b""
    while len(head) < _HEAD and (more := stream.read(_HEAD - len(head))):
        head += more
    return io.BufferedReader(_Rejoined(head, stream), BLOCK), head


class _Rejoined(io.RawIOBase):
    """Bytes that were read already, and the stream that they came from."""

    def __init__(self, head: bytes, rest: Any) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._head:
            size = min(len(self._head), len(buffer))
            buffer[:size], self._head = self._head[:size], self._head[size:]
            return size
        read = getattr(self._rest, "read1", self._rest.read)
        data = read(len(buffer))
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)


def _encoding(head: bytes) -> str:
    for mark, encoding in _ENCODINGS.items():
        if head.startswith(mark):
            return encoding
    if len(head) >= 4 and 0 in head[:4]:
        if head[0] and head[2] and not head[1] and not head[3]:
            return "utf-16-le"
        if head[1] and head[3] and not head[0] and not head[2]:
            return "utf-16-be"
    return "utf-8-sig"


def _why(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the gzip data break off here: the file was cut, or is still being written"
    if isinstance(error, gzip.BadGzipFile | zlib.error):
        return f"the gzip data are damaged from here on ({error})"
    return f"can't be read from here on ({getattr(error, 'strerror', None) or error})"


def lines(source: Source, blocks: Iterator[str]) -> Iterator[Line | Rejected]:
    """The lines of a source, whose blocks these are, without their ends; numbered from 1."""
    number, rest, too_long = 0, "", False
    for block in blocks:
        whole = (rest + block).split("\n")
        rest = whole.pop()
        for line in whole:
            number += 1
            if too_long or len(line) > LONGEST_LINE:
                too_long = False
                yield Rejected(number, _TOO_LONG)
            else:
                yield number, line
        if too_long or len(rest) > LONGEST_LINE:
            rest, too_long = "", True
    if source.broke_off is not None:
        yield Rejected(number + 1, source.broke_off)
    elif too_long:
        yield Rejected(number + 1, _TOO_LONG)
    elif rest:
        yield number + 1, rest
