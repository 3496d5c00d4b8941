"""Whatever PostgreSQL can hold comes back from it: through the sinks' own encoder, into a real PostgreSQL."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.db_connector import PgConnection, connect_mender
from tests.bare_postgres import bare_postgres
from tests.generated import BUDGETS
from tests.unit.pipeline.java_harness import running_harness

Row = tuple[str | None, int | None, int | None, bool | None, int | None]
"""Text, int, bigint, boolean, milliseconds since the epoch."""

EARLIEST_MS, LATEST_MS = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999."""
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text(
    "\\\t\n\r\"'é😀N.", max_size=8
)
rows = st.tuples(
    st.none() | texts | st.builds(lambda part, times: part * times, texts, st.integers(1, 500)),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.none() | st.integers(EARLIEST_MS, LATEST_MS),
)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The JVM with the sink's classes."""
    classes = tmp_path_factory.mktemp("classes")
    with running_harness(classes, "adctr.flink.CopyAnything", ["CopyBatch", "CopyFormat"]) as process:
        yield process


@pytest.fixture(scope="module")
def table() -> Iterator[PgConnection]:
    """A connection to a database with a table of every type that the sinks write."""
    with bare_postgres() as server, closing(connect_mender(server.settings)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE copied (a text, b int, c bigint, d boolean, e timestamptz)")
        yield connection


def encoded(encoder: subprocess.Popen[str], batch: list[Row]) -> bytes:
    """The batch as the sink hands it to PostgreSQL."""
    assert encoder.stdin is not None
    assert encoder.stdout is not None
    for text, *numbers in batch:
        hexadecimal = "-" if text is None else text.encode().hex()
        encoder.stdin.write(",".join([hexadecimal, *("-" if each is None else str(each).lower() for each in numbers)]))
        encoder.stdin.write("\n")
    encoder.stdin.write("\n")
    encoder.stdin.flush()
    return bytes.fromhex(encoder.stdout.readline())


@BUDGETS
@given(batch=st.lists(rows, min_size=1, max_size=100))
def test_every_value_comes_back(
    budget: str, encoder: subprocess.Popen[str], table: PgConnection, batch: list[Row]
) -> None:
    with table.cursor() as cursor:
        cursor.execute("TRUNCATE copied")
        cursor.copy_expert("COPY copied FROM STDIN (FORMAT binary)", io.BytesIO(encoded(encoder, batch)))
        cursor.execute("SELECT a, b, c, d, (extract(epoch FROM e) * 1000)::bigint FROM copied ORDER BY ctid")
        assert cursor.fetchall() == batch
