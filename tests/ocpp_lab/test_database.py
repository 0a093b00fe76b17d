"""`Database`: what a statement wrote is on the disk when it returns, together or not at all; and a disk that fails."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path

import pytest

from ocpp_lab import Ledger
from ocpp_lab.database import Database, _close
from ocpp_lab.errors import StoreFailed
from ocpp_lab.store import Store
from tests.fakes import Failing

STEPS = ["CREATE TABLE IF NOT EXISTS things (name TEXT)"]


def names(database: Database) -> list[str]:
    return [name for (name,) in database.execute("SELECT name FROM things ORDER BY rowid")]


def add(database: Database, name: str) -> int:
    return database.insert("INSERT INTO things VALUES (?)", (name,))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "store.db")


def test_every_statement_waits_for_the_disk(path: str) -> None:
    """WAL with synchronous=FULL (2): with NORMAL the newest statements may go with the power."""
    database = Database(path, STEPS)
    assert database.execute("PRAGMA journal_mode") == [("wal",)]
    assert database.execute("PRAGMA synchronous") == [(2,)]
    database.close()


def test_nobody_has_to_commit(path: str) -> None:
    """Another owner of the same file sees each statement at once, and the schema does not start it afresh."""
    one, two = Database(path, STEPS), Database(path, STEPS)
    assert add(one, "a") == 1
    assert names(two) == ["a"]
    add(two, "b")
    assert names(one) == ["a", "b"]
    assert one.records("SELECT rowid AS number, name FROM things") == [
        {"number": 1, "name": "a"},
        {"number": 2, "name": "b"},
    ]
    one.close()
    two.close()
    two.close()  # twice is fine
    again = Database(path, STEPS)
    assert names(again) == ["a", "b"]
    again.close()


def test_memory_is_for_one_owner() -> None:
    """``":memory:"`` is shared with nobody."""
    one, two = Database(":memory:", STEPS, alone=True), Database(":memory:", STEPS, alone=True)
    add(one, "a")
    assert names(two) == []
    one.close()
    two.close()


def test_it_is_closed_with_its_owner(path: str) -> None:
    """Nobody keeps a file locked by forgetting it."""
    database = Database(path, STEPS, alone=True)
    del database
    gc.collect()
    Database(path, STEPS, alone=True).close()


def test_a_closed_file_says_so() -> None:
    database = Database(":memory:", STEPS)
    database.close()
    with pytest.raises(StoreFailed, match="closed"):
        names(database)


def test_of_two_files_the_second_is_closed_too() -> None:
    """The file and its lock: what fails over the first is told when both are closed."""

    class Stuck(sqlite3.Connection):
        def close(self) -> None:
            super().close()
            raise sqlite3.OperationalError("disk I/O error")

    stuck, other = sqlite3.connect(":memory:", factory=Stuck), sqlite3.connect(":memory:")
    with pytest.raises(StoreFailed, match="disk I/O error"):
        _close(stuck, None, other)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        other.execute("SELECT 1")


# Together -------------------------------------------------------------------------------------------------------------


def test_all_of_a_block_or_nothing(path: str) -> None:
    """Others see it when it is over; what raises undoes it, in whatever block it stands."""
    database, other = Database(path, STEPS), Database(path, STEPS)
    with database.transaction():
        add(database, "a")
        with database.transaction():
            add(database, "b")
        assert names(other) == [] and names(database) == ["a", "b"]
    assert names(other) == ["a", "b"]
    with pytest.raises(KeyError):
        with database.transaction():
            add(database, "c")
            with database.transaction():
                add(database, "d")
                raise KeyError
    assert names(other) == names(database) == ["a", "b"]
    add(database, "e")  # each statement counts for itself again
    assert names(other) == ["a", "b", "e"]
    database.close()
    other.close()


@pytest.mark.parametrize("nth", range(1, 5))
def test_whichever_statement_of_a_block_fails(nth: int, path: str) -> None:
    """BEGIN, two INSERTs, COMMIT: the block has not happened, and the next one does."""
    database = Database(path, STEPS)
    database.before = Failing(nth)
    with pytest.raises(StoreFailed, match=r"store\.db: database or disk is full") as failed:
        with database.transaction():
            add(database, "a")
            add(database, "b")
    assert isinstance(failed.value.__cause__, sqlite3.OperationalError)
    assert names(database) == []
    with database.transaction():
        add(database, "c")
    assert names(database) == ["c"]
    database.close()


def test_a_disk_that_fails_from_now_on() -> None:
    """The seam: the nth statement, once or from then on, until somebody mends it."""
    database = Database(":memory:", STEPS)
    failing = database.before = Failing(2, once=False)
    add(database, "a")
    for _ in range(3):
        with pytest.raises(StoreFailed):
            add(database, "b")
    failing.mend()
    add(database, "c")
    assert names(database) == ["a", "c"]
    database.close()


def test_a_full_disk(path: str) -> None:
    """``max_page_count`` is a real SQLITE_FULL: the block is undone, and room is found again."""
    database = Database(path, STEPS)
    [(pages,)] = database.execute("PRAGMA page_count")
    database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFailed, match="disk is full"):
        with database.transaction():
            add(database, "small")
            add(database, "x" * 100_000)
    assert names(database) == []
    database.execute("PRAGMA max_page_count = 100000")
    add(database, "a")
    assert names(database) == ["a"]
    database.close()


def test_another_program_s_lock_is_not_waited_for(path: str) -> None:
    """Whoever waits stops the whole loop."""
    database = Database(path, STEPS)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed, match="locked"):
        add(database, "a")
    other.execute("ROLLBACK")
    add(database, "a")
    other.close()
    database.close()


# Versions -------------------------------------------------------------------------------------------------------------


def test_an_older_file_is_brought_up(path: str) -> None:
    """From no version or any before ours; each step once."""
    old = sqlite3.connect(path)
    old.executescript("CREATE TABLE things (name TEXT); INSERT INTO things VALUES ('kept');")
    old.close()
    database = Database(path, STEPS)
    assert (names(database), database.execute("PRAGMA user_version")) == (["kept"], [(1,)])
    database.close()
    second = [*STEPS, "ALTER TABLE things ADD COLUMN colour TEXT; UPDATE things SET colour = 'grey'"]
    for _ in range(2):
        database = Database(path, second)
        assert database.execute("SELECT * FROM things") == [("kept", "grey")]
        assert database.execute("PRAGMA user_version") == [(2,)]
        database.close()


def test_a_step_that_fails_leaves_the_older_file(path: str) -> None:
    """Half a step would be a file of no version at all."""
    Database(path, STEPS).close()
    with pytest.raises(StoreFailed, match="no such table: nowhere"):
        Database(path, [*STEPS, "ALTER TABLE things ADD COLUMN colour TEXT; UPDATE nowhere SET x = 1"])
    database = Database(path, STEPS)
    assert database.execute("SELECT * FROM things") == []
    add(database, "a")
    database.close()


def test_a_newer_file_is_refused(path: str) -> None:
    Database(path, [*STEPS, "SELECT 1"]).close()
    with pytest.raises(StoreFailed, match=r"expected a file of version 1 or older, came version 2.*newer edition"):
        Database(path, STEPS)


# What cannot be opened ------------------------------------------------------------------------------------------------


def test_what_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear driver, " * 100)
    with pytest.raises(
        StoreFailed, match=r"letter\.txt: expected an sqlite file, or a new one in a folder that exists"
    ):
        Database(str(file), STEPS)
    assert file.read_text().startswith("Dear driver")


@pytest.mark.parametrize("alone", [False, True])
def test_a_folder_that_does_not_exist(tmp_path: Path, alone: bool) -> None:
    with pytest.raises(StoreFailed, match="folder that exists"):
        Database(str(tmp_path / "no" / "store.db"), STEPS, alone=alone)


def test_opened_twice(path: str) -> None:
    """In this process or in another; reading it is fine for everybody, and the end of its owner frees it."""
    database = Database(path, STEPS, alone=True)
    with pytest.raises(StoreFailed, match=r"expected a file that nobody has open, came one that another owner uses"):
        Database(path, STEPS, alone=True)
    add(database, "a")
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT name FROM things").fetchall() == [("a",)]
    reader.close()
    database.close()
    Database(path, STEPS, alone=True).close()


def test_a_file_of_another_kind_is_refused_and_stays_as_it_is(path: str) -> None:
    """A ledger is no store of a charge point: two programs may be given one name."""
    ledger = Ledger(path)
    ledger.register("CP_1", "Accepted")
    ledger.close()
    with pytest.raises(StoreFailed, match="expected a file of this kind, came one with other tables"):
        Store(path)
    ledger = Ledger(path)
    assert ledger.registrations() == {"CP_1": "Accepted"}
    ledger.close()
    other = f"{path}.cp"
    Store(other).close()
    with pytest.raises(StoreFailed, match="or it is of another kind"):
        Ledger(other)
