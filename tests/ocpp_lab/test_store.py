"""`open_store`: what a statement wrote is on the disk when it returns (DESIGN.md, decisions 6 and 9)."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path

import pytest

from ocpp_lab.store import open_store

SCHEMA = "CREATE TABLE IF NOT EXISTS things (name TEXT);"


class Owner:
    """Somebody who keeps things."""


def names(database: sqlite3.Connection) -> list[str]:
    return [name for (name,) in database.execute("SELECT name FROM things ORDER BY rowid")]


def test_every_statement_waits_for_the_disk(tmp_path: Path) -> None:
    """WAL with synchronous=FULL (2): with NORMAL the newest statements may go with the power."""
    owner = Owner()
    database = open_store(owner, str(tmp_path / "store"), SCHEMA)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)
    database.close()


def test_nobody_has_to_commit(tmp_path: Path) -> None:
    """Another owner of the same file sees each statement at once, and the schema does not start it afresh."""
    path = str(tmp_path / "store")
    owner = Owner()
    one, two = open_store(owner, path, SCHEMA), open_store(owner, path, SCHEMA)
    one.execute("INSERT INTO things VALUES ('a')")
    assert not one.in_transaction
    assert names(two) == ["a"]
    two.execute("INSERT INTO things VALUES ('b')")
    assert names(one) == ["a", "b"]
    one.close()
    two.close()
    again = open_store(owner, path, SCHEMA)
    assert names(again) == ["a", "b"]
    again.close()


def test_memory_is_for_one_owner() -> None:
    """``":memory:"`` is shared with nobody."""
    owner = Owner()
    one, two = open_store(owner, ":memory:", SCHEMA), open_store(owner, ":memory:", SCHEMA)
    one.execute("INSERT INTO things VALUES ('a')")
    assert names(two) == []
    one.close()
    two.close()


def test_it_is_closed_with_its_owner() -> None:
    """Nobody leaves a file open by forgetting it; closing it before is fine."""
    owner = Owner()
    database = open_store(owner, ":memory:", SCHEMA)
    del owner
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        names(database)
    owner = Owner()
    open_store(owner, ":memory:", SCHEMA).close()
    del owner
    gc.collect()
