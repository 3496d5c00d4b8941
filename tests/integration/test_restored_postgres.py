"""A PostgreSQL that was restored from a backup gets what it lost from the topic: `up --reread-store`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose.stack.layout import Layout
from compose.stack.lifecycle import take_down
from compose.stack.passwords import Passwords
from compose.stack.services.postgres_server import SUPERUSER, binary
from compose.stack.state import load_settings
from pipeline.settings import Settings
from pipeline.store import connect_reader
from tests.integration.commands import adctr, adctr_json
from tests.integration.waiting import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.long]

UP = ("up", "--ports", "auto", "--no-monitoring")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A stack of the test's own, as it is stopped half-way."""
    try:
        ended = adctr(tmp_path, *UP)
        assert ended.returncode == 0, ended.stderr
        yield tmp_path
    finally:
        take_down(Layout.of(tmp_path))


def _postgres(directory: Path, program: str, *arguments: str) -> None:
    """As the superuser, for tables belong to several roles."""
    settings, password = load_settings(directory), Passwords.load(Layout.of(directory)).postgres_superuser
    where = (f"--host={settings.postgres_host}", f"--port={settings.postgres_port}", f"--username={SUPERUSER}")
    subprocess.run(
        [str(binary(program)), *where, f"--dbname={settings.postgres_database}", *arguments],
        env=os.environ | {"PGPASSWORD": password},
        check=True,
    )


def _stored(settings: Settings) -> int:
    with connect_reader(settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM realtime.raw_events")
        return int(cursor.fetchone()[0])  # type: ignore[index]


def test_a_backup_that_was_taken_under_load_is_filled_from_the_topic(directory: Path, tmp_path: Path) -> None:
    settings, backup = load_settings(directory), tmp_path / "backup.dump"
    command = [sys.executable, "-m", "compose.cli", "--data-dir", str(directory), "load", "run"]
    with subprocess.Popen([*command, "--rate", "1000", "--seconds", "40"]) as load:
        eventually("some events are stored", lambda: _stored(settings) > 10_000, 60)
        _postgres(directory, "pg_dump", "--format=custom", "--schema=realtime", f"--file={backup}")
        assert load.wait() == 0
    counted = adctr_json(directory, "verify")["counted"]
    # Not `pg_restore --clean`: it can't drop what partitions inherit.
    _postgres(directory, "psql", "--quiet", "--command=DROP SCHEMA realtime CASCADE")
    _postgres(directory, "pg_restore", "--single-transaction", str(backup))
    assert _stored(settings) < counted
    assert adctr_json(directory, "verify", code=1)["differences_total"] > 0, "the store job does not know what is gone"
    assert adctr(directory, "down").returncode == 0
    again = adctr(directory, *UP, "--reread-store")
    assert again.returncode == 0, again.stderr
    report = adctr_json(directory, "verify")
    assert report["exact"], report["differences"]
    assert report["counted"] >= counted
