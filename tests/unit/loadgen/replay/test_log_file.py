"""Log files good and bad: every row comes with its line, every bad one with its reason, and none stops the others."""

from __future__ import annotations

import gzip
import os
import threading
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from loadgen.errors import LoadRefused
from loadgen.replay.csv_rows import MOST_LINES_OF_A_ROW
from loadgen.replay.log_file import open_log
from loadgen.replay.rows import Layout, Rejected, Row
from loadgen.replay.source import LONGEST_LINE

HEADER = b"time,campaign\n"


WANTED = {"--map event_time=time": "time", "--map campaign_id=campaign": "campaign"}


def _read(
    path: Path, content: bytes, layout: Layout | None = None, wanted: Mapping[str, str] = WANTED
) -> list[Row | Rejected]:
    path.write_bytes(content)
    return list(open_log(path, wanted, layout).rows)


def test_a_csv_file(tmp_path: Path) -> None:
    """With a byte order mark, Windows line ends, a blank line, quotes, and a row over two lines."""
    content = b'\xef\xbb\xbftime,campaign\r\n1,a\r\n\r\n2,"b, c"\r\n3,"d\r\ne"\r\n4,f'
    assert _read(tmp_path / "log.csv", content) == [
        Row(2, {"time": "1", "campaign": "a"}),
        Row(4, {"time": "2", "campaign": "b, c"}),
        Row(5, {"time": "3", "campaign": "d\ne"}),
        Row(7, {"time": "4", "campaign": "f"}),
    ]


def test_json_lines(tmp_path: Path) -> None:
    """Types are kept; what is no object is rejected."""
    content = b'\n{"time": 1, "clicked": true}\nnonsense\n[1]\n\n{"time": 2.5}\n'
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    rows = list(open_log(path, {"--clicked clicked": "clicked", "--map event_time=time": "time"}).rows)
    assert rows[0] == Row(2, {"time": 1, "clicked": True})
    assert rows[1] == Rejected(3, "is not JSON: Expecting value at character 1")
    assert rows[2] == Rejected(4, "is JSON, but no object")
    assert rows[-1] == Row(6, {"time": 2.5, "clicked": None})


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
        Row(3, {"time": "2", "campaign": "\udcff"}),
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
    """Costs the row that opens it; those below are read anew, at the end of the file as well."""
    rows = b"".join(b"%d,campaign-%06d\n" % (number, number) for number in range(20_000))
    for content in (HEADER + b'1,"a\n' + rows, HEADER + b'1,"a\n' + rows[:300]):
        found = _read(tmp_path / "log.csv", content)
        reason = "opens a quote that isn't closed; --quoting none takes quotes for text"
        assert found[0] == Rejected(2, reason)
        assert all(isinstance(each, Row) for each in found[1:])
        assert len(found) == content.count(b"\n") - 1 + (not content.endswith(b"\n"))


def test_quotes_that_swallow_rows(tmp_path: Path) -> None:
    """Two stray quotes: each line between them is reported; with quoting off all four are rows."""
    content = b'time,campaign,query\n1,a,"cheap\n2,a,shoes\n3,b,boots"\n4,b,boots\n'
    found = _read(tmp_path / "log.csv", content)
    assert [type(each) for each in found] == [Rejected, Rejected, Rejected, Row]
    assert [each.line for each in found] == [2, 3, 4, 5]
    assert "--quoting none" in found[0].reason  # type: ignore[union-attr]
    unquoted = _read(tmp_path / "log.csv", content, Layout(quoted=False))
    assert [row.values["time"] for row in unquoted if isinstance(row, Row)] == ["1", "2", "3", "4"]


def test_a_text_of_many_lines_is_one_row(tmp_path: Path) -> None:
    """As many as a row may have; and delimiters in it are text."""
    text = "\n".join(["so, then"] * (MOST_LINES_OF_A_ROW - 1))
    content = f'time,campaign,text,n\n1,a,"{text}",0\n2,b,c,0\n'.encode()
    found = _read(tmp_path / "log.csv", content)
    assert found == [Row(2, {"time": "1", "campaign": "a"}), Row(101, {"time": "2", "campaign": "b"})]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    """With a byte order mark and without."""
    text = end.join(["time,campaign", "1,ä", "2,b", ""])
    found = _read(tmp_path / "log.csv", text.encode(encoding))
    assert found == [Row(2, {"time": "1", "campaign": "ä"}), Row(3, {"time": "2", "campaign": "b"})]


def test_utf_16_that_breaks_off(tmp_path: Path) -> None:
    """Half a letter is no letter."""
    found = _read(tmp_path / "log.csv", "time,campaign\n1,a\n2,bc".encode("utf-16")[:-1])
    assert found == [Row(2, {"time": "1", "campaign": "a"}), Row(3, {"time": "2", "campaign": "b\udcff"})]


def test_a_bad_byte_elsewhere_costs_nothing(tmp_path: Path) -> None:
    """In CSV, in JSON, and in a key."""
    assert _read(tmp_path / "log", b"time,campaign,ua\xe4\n1,a,\xff\n") == [Row(2, {"time": "1", "campaign": "a"})]
    found = _read(tmp_path / "log", b'{"time":1,"campaign":"a","ua":"\xff","\xfe":NaN}\n')
    assert found == [Row(1, {"time": 1, "campaign": "a"})]


def test_a_line_that_names_the_delimiter(tmp_path: Path) -> None:
    """Excel's. Lines keep their numbers; another delimiter beside it is refused."""
    content = b"sep=;\r\ntime;campaign\r\n1;a\r\n"
    for layout in (None, Layout(delimiter=";")):
        assert _read(tmp_path / "log.csv", content, layout) == [Row(3, {"time": "1", "campaign": "a"})]
    with pytest.raises(LoadRefused, match="line 1 says sep=;; leave out --delimiter"):
        _read(tmp_path / "log.csv", content, Layout(delimiter=","))


@pytest.mark.parametrize(
    "header", ["#time,campaign", "# time,campaign", "# made by a tool\n#\n\ntime,campaign", "#note\n#time,campaign"]
)
def test_comments_above_the_header(tmp_path: Path, header: str) -> None:
    """And a header that looks like one."""
    found = _read(tmp_path / "log.csv", f"{header}\n1,a\n".encode())
    assert found == [Row(header.count("\n") + 2, {"time": "1", "campaign": "a"})]


def test_w3c_extended_log_format(tmp_path: Path) -> None:
    """CloudFront's and IIS': names behind #Fields:, which may change; ``-`` is no value; the time is in two columns."""
    wanted = {"--map event_time=date+time": "date+time", "--map campaign_id=q": "q"}
    content = "#Version: 1.0\n#Fields: date time q\n2026-01-31\t12:00:00\t7\n2026-01-31\t12:00:01\t-\n"
    content += "#Fields: q x date time\n8\t-\t2026-01-31\t12:00:02\n#Fields: q date\n9\t2026-01-31\n"
    for text in (content, content.replace("\t", " ")):
        found = _read(tmp_path / "log", text.encode(), wanted=wanted)
        assert found[:3] == [
            Row(3, {"date+time": "2026-01-31 12:00:00", "q": "7"}),
            Row(4, {"date+time": "2026-01-31 12:00:01", "q": ""}),
            Row(6, {"date+time": "2026-01-31 12:00:02", "q": "8"}),
        ]
        assert isinstance(found[3], Rejected)
        assert "the #Fields of line 7 lack a column: --map event_time=date+time: no such column" in found[3].reason


def test_a_file_without_a_header(tmp_path: Path) -> None:
    """Its columns are named; the first row is a row."""
    layout = Layout(delimiter="\t", columns=("campaign", "", "time"))
    found = _read(tmp_path / "log.tsv", b"a\tx\t1\nb\ty\t2\nc\t3\n", layout)
    assert found == [
        Row(1, {"time": "1", "campaign": "a"}),
        Row(2, {"time": "2", "campaign": "b"}),
        Rejected(3, "has 2 columns, the header 3"),
    ]
    with pytest.raises(LoadRefused, match=r"--columns: .* is JSON"):
        _read(tmp_path / "log.json", b'{"time": 1}\n', layout)


@pytest.mark.parametrize(
    "text",
    [
        '{"time":1,"campaign":"a"}{"time":2,"campaign":"b"}',
        '[{"time":1,"campaign":"a"},\n{"time":2,"campaign":"b"}]\n',
        '[\n  {\n    "time": 1,\n    "campaign": "a"\n  },\n  {"time":2, "campaign":"b"}\n]\n',
        '{"time":1,"campaign":"a"},\n{"time":2,"campaign":"b"},\n',
        '\x1e{"time":1,"campaign":"a"}\n\x1e{"time":2,"campaign":"b"}\n',
        '{\n "time":1,"campaign":"a"}\n{\n "time":2,\n"campaign":"b"}\n',
        '{"time":1,"campaign":"a"}\n\ufeff{"time":2,"campaign":"b"}\n',
    ],
)
def test_json_that_is_not_one_object_a_line(tmp_path: Path, text: str) -> None:
    """Arrays, objects one behind the other or over several lines, with commas or record separators."""
    found = _read(tmp_path / "log.json", text.encode())
    assert [each.values for each in found if isinstance(each, Row)] == [
        {"time": 1, "campaign": "a"},
        {"time": 2, "campaign": "b"},
    ]
    assert len(found) == 2


def test_a_long_stream_of_objects(tmp_path: Path) -> None:
    """Longer than any block, on one line; objects lie across the ends of blocks. Bad ones cost themselves."""
    objects = [f'{{"time":{number},"campaign":"{"x" * (number % 300)}"}}' for number in range(20_000)]
    objects[7] = '{"time":bad}'
    objects[9_000] = '{"time":9000,"campaign":"open}'
    found = _read(tmp_path / "part-0000", "".join(objects).encode())
    assert len([each for each in found if isinstance(each, Row)]) >= 19_997
    assert 2 <= len([each for each in found if isinstance(each, Rejected)]) <= 3
    assert found[-1] == Row(1, {"time": 19_999, "campaign": "x" * (19_999 % 300)})


def test_a_bad_object_in_an_array(tmp_path: Path) -> None:
    """The next one that begins like the first is read; what is in the bad one is no row."""
    text = '[\n {"time":1,"campaign":"a"},\n {bad: [\n  {"time":9,"campaign":"no"}]},\n {"time":2,"campaign":"b"}\n]'
    found = _read(tmp_path / "log.json", text.encode())
    assert [each.line for each in found] == [2, 3, 5]
    assert [type(each) for each in found] == [Row, Rejected, Row]


def test_json_keeps_what_numbers_say(tmp_path: Path) -> None:
    """Beyond 64 bits as well."""
    text = '{"time":1,"campaign":18446744073709551617}\n{"time":2,"campaign":18446744073709551618}\n'
    for content in (text, f"[{text}]"):
        found = _read(tmp_path / "log", content.encode())
        assert [row.values["campaign"] for row in found if isinstance(row, Row)] == [2**64 + 1, 2**64 + 2]


def test_columns_within_columns(tmp_path: Path) -> None:
    """Of objects, and joined; a key with a point or a plus goes before."""
    wanted = {"a": "traffic.name", "b": "day+time", "c": "x.y", "d": "p+q"}
    content = b'{"traffic":{"name":"n"},"day":"d","time":"t","x.y":1,"p+q":2}\n{"traffic":[],"day":"d","time":""}\n'
    assert _read(tmp_path / "log", content, wanted=wanted) == [
        Row(1, {"traffic.name": "n", "day+time": "d t", "x.y": 1, "p+q": 2}),
        Row(2, {"traffic.name": None, "day+time": None, "x.y": None, "p+q": None}),
    ]


def test_a_key_that_comes_late(tmp_path: Path) -> None:
    """Is looked for far; one that never comes is refused while the whole is in view, else told at the end."""
    path = tmp_path / "log.jsonl"
    some = b'{"time":1}\n'
    path.write_bytes(some * 5_000 + b'{"time":2,"campaign":"a"}\n')
    log = open_log(path, WANTED)
    assert (len(list(log.rows)), log.never_seen) == (5_001, set())
    path.write_bytes(some * 5_000)
    with pytest.raises(LoadRefused, match="--map campaign_id=campaign: no such column; there are time"):
        open_log(path, WANTED)
    path.write_bytes(some * 20_000)
    log = open_log(path, WANTED)
    assert (len(list(log.rows)), log.never_seen) == (20_000, {"--map campaign_id=campaign"})


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_pipe_is_read_once_and_fully(zipped: bool, size: int) -> None:
    """However few bytes it gives at a time."""
    content = b'{"time":1,"campaign":"a"}\n{"time":2,"campaign":"b"}\n'
    data = gzip.compress(content) if zipped else content
    read, write = os.pipe()

    def feed() -> None:
        with os.fdopen(write, "wb", buffering=0) as pipe:
            for at in range(0, len(data), size):
                pipe.write(data[at : at + size])

    feeder = threading.Thread(target=feed)
    feeder.start()
    found = list(open_log(f"/dev/fd/{read}", WANTED).rows)
    feeder.join()
    os.close(read)
    assert found == [Row(1, {"time": 1, "campaign": "a"}), Row(2, {"time": 2, "campaign": "b"})]


def test_the_first_rows_of_a_pipe_do_not_wait_for_the_last() -> None:
    """Those of a log that is still being written."""
    read, write = os.pipe()
    os.write(write, b"time,campaign\n1,a\n")
    rows = open_log(f"/dev/fd/{read}", WANTED).rows
    assert next(rows) == Row(2, {"time": "1", "campaign": "a"})
    os.write(write, b"2,b\n")
    assert next(rows) == Row(3, {"time": "2", "campaign": "b"})
    os.close(write)
    assert list(rows) == []
    os.close(read)


def test_what_was_zipped_twice(tmp_path: Path) -> None:
    assert _read(tmp_path / "log", gzip.compress(gzip.compress(HEADER + b"1,a\n")))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Neither with rows nor with bad ones, however long what is wrong with them."""
    path = tmp_path / "log.json"
    path.write_bytes((b'{"time": 1, "campaign": "' + b"x" * 5_000 + b'"}\n') * 10_000)
    tracemalloc.start()
    try:
        for _ in open_log(path, WANTED).rows:
            pass
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (HEADER, "has a header (time, campaign) and no row"),
        (b"\x89PNG\r\n\x1a\nxyz\n", "the first line is not UTF-8"),
        (b"\0" * 100, "is binary"),
        (b"{}\n{}\n", "none of its 2 values is an object with keys"),
        (b"[]", "none of its 0 values is an object with keys"),
        (b"time;campaign\n1;a\n", "no such column; there are time;campaign (one column: --delimiter ';'?)"),
        (b"#a\n#b\n", "has no header"),
        (b"1,2268318,pv,1511544070\n1,2,pv,3\n", "--columns names the columns of a file without one"),
        (b"time,campaign,time\n1,a,2\n", "2 columns of that name"),
        (b"\x28\xb5\x2f\xfd....", "is zstd; a log is text, plain or gzip: zstd -dc"),
        (b"BZh91AY....", "is bzip2 (bz2)"),
        (b"PK\x03\x04....", "is zip"),
        (b"PAR1....", "is Parquet"),
        (gzip.compress(b"PAR1....", mtime=0), "is Parquet"),
        (b"{bad\n", "line 1 is not JSON"),
        (gzip.compress(HEADER, mtime=0)[:12], "is empty (the gzip data break off here"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """Before anything is sent, with what was found."""
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(LoadRefused) as caught:
        open_log(path, WANTED)
    assert str(caught.value).startswith((f"{path}: ", "--map "))
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match=r"nosuch\.csv: can't be read \(No such file or directory\)"):
        open_log(tmp_path / "nosuch.csv", WANTED)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadRefused, match=r"can't be read \(Is a directory\)"):
        open_log(tmp_path, WANTED)
    with pytest.raises(LoadRefused, match="/dev/null: is empty"):
        open_log("/dev/null", WANTED)


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
        rows = list(open_log(path, WANTED).rows)
    except LoadRefused:
        return
    assert all(isinstance(each, Row | Rejected) for each in rows)
