"""Log files good and bad: every row comes with its line, every bad one with its reason, and none stops the others."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import pytest

from loadgen.errors import LoadRefused
from loadgen.replay.log_file import LONGEST_LINE, Rejected, Row, open_log

HEADER = b"time,campaign\n"


def _read(path: Path, content: bytes) -> list[Row | Rejected]:
    path.write_bytes(content)
    return list(open_log(path).rows)


def test_a_csv_file(tmp_path: Path) -> None:
    """With a byte order mark, Windows line ends, a blank line, quotes, and a row over two lines."""
    content = b'\xef\xbb\xbftime,campaign\r\n1,a\r\n\r\n2,"b, c"\r\n3,"d\r\ne"\r\n4,f'
    assert _read(tmp_path / "log.csv", content) == [
        Row(2, {"time": "1", "campaign": "a"}),
        Row(4, {"time": "2", "campaign": "b, c"}),
        Row(5, {"time": "3", "campaign": "d\r\ne"}),
        Row(7, {"time": "4", "campaign": "f"}),
    ]


def test_json_lines(tmp_path: Path) -> None:
    """Types are kept; what is no object is rejected."""
    content = b'\n{"time": 1, "clicked": true}\nnonsense\n[1]\n\n{"time": 2.5}\n'
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    log = open_log(path)
    assert log.columns == ("time", "clicked")
    rows = list(log.rows)
    assert rows[0] == Row(2, {"time": 1, "clicked": True})
    assert isinstance(rows[1], Rejected)
    assert (rows[1].line, rows[1].reason.startswith("is not JSON: ")) == (3, True)
    assert rows[2:] == [Rejected(4, "is JSON, but no object"), Row(6, {"time": 2.5})]


@pytest.mark.parametrize("zipped", [False, True])
def test_gzip_is_told_by_its_first_bytes(tmp_path: Path, zipped: bool) -> None:
    """Whatever the file is called."""
    content = HEADER + b"1,a\n"
    found = _read(tmp_path / "log", gzip.compress(content) if zipped else content)
    assert found == [Row(2, {"time": "1", "campaign": "a"})]


def test_bad_rows_are_named_by_their_lines(tmp_path: Path) -> None:
    """A byte that is not UTF-8, too few columns, too many; good rows between them come through."""
    content = HEADER + b"1,a\n2,\xff\n3\n4,d\n5,e,f\n6,g\n"
    assert _read(tmp_path / "log.csv", content) == [
        Row(2, {"time": "1", "campaign": "a"}),
        Rejected(3, "campaign is not UTF-8"),
        Rejected(4, "has 1 columns, the header 2"),
        Row(5, {"time": "4", "campaign": "d"}),
        Rejected(6, "has 3 columns, the header 2"),
        Row(7, {"time": "6", "campaign": "g"}),
    ]


def test_a_gzip_file_that_was_cut(tmp_path: Path) -> None:
    """What is whole is read; the place where it breaks off is named."""
    lines = b"".join(b"%d,%s\n" % (number, Random(number).randbytes(30).hex().encode()) for number in range(5_000))
    whole = gzip.compress(HEADER + lines)
    found = _read(tmp_path / "log.csv.gz", whole[: len(whole) // 2])
    assert all(isinstance(each, Row) for each in found[:1_000])
    assert isinstance(found[-1], Rejected)
    assert "break off" in found[-1].reason
    assert 1_000 < found[-1].line < 5_000


def test_a_gzip_file_that_is_damaged(tmp_path: Path) -> None:
    """The rows before the damage are read."""
    rng = Random(1)
    whole = bytearray(gzip.compress(HEADER + b"".join(b"%d,%d\n" % (n, rng.getrandbits(200)) for n in range(20_000))))
    middle = len(whole) // 2
    whole[middle : middle + 200] = bytes(200)
    found = _read(tmp_path / "log.csv.gz", bytes(whole))
    assert isinstance(found[0], Row)
    assert isinstance(found[-1], Rejected)
    assert "damaged" in found[-1].reason


def test_a_line_without_an_end(tmp_path: Path) -> None:
    """Three million characters are no row, and cost no three million characters of memory."""
    content = HEADER + b"1,a\n" + b"x" * (3 * LONGEST_LINE) + b"\n3,c\n"
    found = _read(tmp_path / "log.csv", content)
    assert found[0] == Row(2, {"time": "1", "campaign": "a"})
    assert [type(each) for each in found[1:]] == [Rejected, Row]
    assert (found[1].line, found[2]) == (3, Row(4, {"time": "3", "campaign": "c"}))


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    """Swallows what csv takes for one field, is named by the line where it opens, and reading goes on."""
    rows = b"".join(b"%d,campaign-%06d\n" % (number, number) for number in range(20_000))
    found = _read(tmp_path / "log.csv", HEADER + b'1,"a\n' + rows)
    assert isinstance(found[0], Rejected)
    assert found[0].line == 2
    assert "field larger than field limit" in found[0].reason
    assert isinstance(found[-1], Row)
    assert found[-1].line == 20_002


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (HEADER, "has a header (time, campaign) and no row"),
        (b"\x89PNG\r\n\x1a\nxyz\n", "is not UTF-8"),
        (b"{}\n{}\n", "none of its first 2 lines is an object with keys"),
        (b"{bad\n", "line 1 is not JSON"),
        (gzip.compress(HEADER, mtime=0)[:12], "is empty (the gzip data break off here"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Before anything is sent, with what was found."""
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(LoadRefused) as caught:
        open_log(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match=r"nosuch\.csv: can't be read \(No such file or directory\)"):
        open_log(tmp_path / "nosuch.csv")


@pytest.mark.parametrize("seed", range(60))
def test_no_file_ends_in_a_traceback(tmp_path: Path, seed: int) -> None:
    """Whatever is done to the bytes."""
    rng = Random(seed)
    good = HEADER + b"1,a\n2,b\n" if seed % 2 else b'{"time": 1}\n{"time": 2, "campaign": "x"}\n'
    content = bytearray(gzip.compress(good * 20) if seed % 3 else good * 20)
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path = tmp_path / "log"
    path.write_bytes(content[: rng.randrange(len(content))])
    try:
        rows = list(open_log(path).rows)
    except LoadRefused:
        return
    assert all(isinstance(each, Row | Rejected) for each in rows)
