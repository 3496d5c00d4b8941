"""Which migrations a database still needs, and when it is better to stop."""

from __future__ import annotations

import pytest

from pipeline.store.migrate import Migration, MigrationFailed, load_migrations, pending

KNOWN = [Migration(1, "first", "CREATE TABLE a ()"), Migration(2, "second", "CREATE TABLE b ()")]


def test_an_empty_database_needs_all_in_order() -> None:
    assert pending(KNOWN, {}) == KNOWN


def test_a_current_database_needs_none() -> None:
    assert pending(KNOWN, {1: KNOWN[0].sha256, 2: KNOWN[1].sha256}) == []


def test_an_applied_migration_must_not_be_edited() -> None:
    with pytest.raises(MigrationFailed, match=r"0001_first\.sql was edited"):
        pending(KNOWN, {1: "another digest"})


def test_a_newer_database_is_left_alone() -> None:
    with pytest.raises(MigrationFailed, match="database has migration 0003, this program knows 2"):
        pending(KNOWN, {1: KNOWN[0].sha256, 2: KNOWN[1].sha256, 3: "x"})


def test_the_files_are_numbered_without_gaps() -> None:
    found = load_migrations()
    assert [migration.version for migration in found] == list(range(1, len(found) + 1))
    assert [migration.name for migration in found][:3] == ["metrics", "raw_events", "progress"]
