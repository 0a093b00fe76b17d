"""`Database`: one sqlite file with a version, one connection, and a place where a disk can be made to fail.

A statement is on the disk when it returns, and so are all statements of a `Database.transaction` when the block ends,
or none of them. Whatever sqlite cannot do is a `StoreFailed`; nothing was done then.

One that is ``grouped`` does otherwise while a call is answered: see `group`.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from .errors import StoreFailed
from .group import Group, Rest, current_answer

_READS = ("SELECT", "PRAGMA")

_LOCK = "-lock"
"""What the file beside ours is called that an owner keeps locked. It is empty; the operating system frees the lock
however its owner ends."""


class Database:
    """One sqlite file, one connection. ``":memory:"`` is a file that nobody else sees and that ends with its owner.

    ``steps`` are the scripts that lead from one version of the file to the next, the first from an empty file. An older
    file is brought up in one transaction. ``alone``: nobody else may open it so at the same time; reading it from
    elsewhere is fine. ``busy_timeout`` (s) is how long a statement waits for somebody else's lock.

    ``grouped``: what the handler of a call writes is durable when its group is (`group.Group`), and so is what it read
    meanwhile. Everybody else finds that group committed, and has his own statement on the disk on return. A file in
    memory has no disk to wait for, and no groups.

    Raises `StoreFailed`: no database, no such folder, opened elsewhere, made by a newer edition.
    """

    def __init__(
        self,
        path: str,
        steps: Sequence[str],
        *,
        alone: bool = False,
        busy_timeout: float = 0.0,
        grouped: bool = False,
    ) -> None:
        self.path = path
        self.before: Callable[[str], None] = lambda sql: None
        """Told of every statement before it runs. Tests raise `sqlite3.Error` here: that is a disk that fails."""
        self.failures = 0
        """How many statements sqlite refused in this life."""
        self._depth = 0  # of nested `transaction` blocks
        self._afterwards: list[Callable[[], object]] = []  # what waits for the end of the outermost one
        self._grouped = grouped and path != ":memory:"
        self._group: Group | None = None  # what answers have written and nobody has committed
        self._rest = Rest()  # between two groups; told of every commit of one
        self._lock: sqlite3.Connection | None = None  # set by `be_alone`
        self._handles: list[sqlite3.Connection] = []  # what is closed in the end: the file, and then its lock
        # Closed with its owner if nobody closed it before; the garbage collector may do so in any thread.
        self._end = weakref.finalize(self, lambda handles: _close(*handles), self._handles)
        try:
            if alone:
                self.be_alone()
            self._db = _open(path, busy_timeout)
            self._handles.insert(0, self._db)
            self._bring_up(steps)
        except StoreFailed:
            self.close()
            raise

    def be_alone(self) -> None:
        """Nobody else may be alone in this file until it is closed; fine if we are. Raises `StoreFailed` if somebody
        is."""
        if self._lock is None and self.path != ":memory:":
            self._lock = _lock(self.path)
            self._handles.append(self._lock)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; durable on return, unless a `transaction` or a group is open."""
        return self._run(sql, values).fetchall()

    def records(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one statement and return its rows by the names of their columns."""
        cursor = self._run(sql, values)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def insert(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run an INSERT and return the key of the new row."""
        key = self._run(sql, values).lastrowid
        assert key is not None
        return key

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements of the block, or none: durable when it ends, undone when it raises.

        A block inside another one is a part of it. Nothing may be awaited in it: others would write into it.
        """
        if self._depth:
            yield  # whoever began it will commit or undo
            return
        self._find_place(writes=True)
        group = self._group
        if group is None:
            self._do("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            if group is None:
                self._do("COMMIT")
        except BaseException as error:
            self._afterwards.clear()
            self._poison(StoreFailed(f"{self.path}: a transaction was left with {error!r}"))
            raise
        finally:
            self._depth -= 1
        acts, self._afterwards = self._afterwards, []
        for do in acts:
            self.afterwards(do)

    def afterwards(self, do: Callable[[], object]) -> None:
        """Do this once what is written now is durable; never, if it is undone. What is counted has to be true."""
        if self._depth:
            self._afterwards.append(do)
        elif self._group is not None:
            self._group.then(lambda durable: durable and do())
        else:
            do()

    @property
    def in_transaction(self) -> bool:
        """Whether a `transaction` block is open: then a statement that fails has to leave it."""
        return self._depth > 0

    def commit(self) -> None:
        """What answers have written is on the disk when this returns, or was undone: those who wait are told."""
        if self._group is None or self._depth:
            return
        group, self._group = self._group, None  # before anything else: another thread may come to commit it, too
        began = group.time()
        try:
            self._do("COMMIT")
            self._rest.after(began, group.time())
        except StoreFailed as error:
            self._roll_back()
            group.end(error)
        else:
            group.end()

    def close(self) -> None:
        """Commit, close the file and let others open it; closing twice is fine. Raises `StoreFailed` when all is
        closed."""
        self.commit()
        self._end()

    # -- one statement

    def _run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        self._find_place(writes=writes(sql))
        return self._do(sql, values)

    def _do(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            self.before(sql)
            return self._db.execute(sql, values)
        except sqlite3.Error as error:
            self.failures += not isinstance(error, sqlite3.ProgrammingError)  # which is that it is closed
            failed = StoreFailed(f"{self.path}: {error}")
            if self._group is not None and (writes(sql) or not self._db.in_transaction):
                self._poison(failed)
            raise failed from error

    # -- groups

    def _find_place(self, *, writes: bool) -> None:
        """In an answer, the group: a write begins one, and whoever reads from it depends on it as well. Elsewhere what
        is open is committed first."""
        if self._depth or not self._grouped:
            return
        written = current_answer()
        if written is None:
            self.commit()
            return
        written.check()
        if self._group is None and writes:
            self._do("BEGIN IMMEDIATE")
            self._group = Group(self._commit_this, self._rest)
        if self._group is not None:
            written.join(self._group)

    def _commit_this(self, group: Group) -> None:
        if self._group is group:
            self.commit()

    def _poison(self, error: StoreFailed) -> None:
        """Undo what is open: a `transaction`, or the group, of which nobody can undo a part."""
        group, self._group = self._group, None
        self._roll_back()
        if group is not None:
            group.end(error)

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # sqlite may have undone it already, on a full disk
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    # -- versions

    def _bring_up(self, steps: Sequence[str]) -> None:
        """From the version that the file has to ours."""
        [(version,)] = self.execute("PRAGMA user_version")
        if version > len(steps):
            raise StoreFailed(
                f"{self.path}: expected a file of version {len(steps)} or older, came version {version}: a newer"
                " edition wrote it, or it is of another kind; use that edition, or another file"
            )
        if version == len(steps):
            return
        try:
            with self.transaction():
                for step in steps[version:]:
                    for statement in filter(str.strip, step.split(";")):
                        self.execute(statement)
                self.execute(f"PRAGMA user_version = {len(steps)}")
        except StoreFailed as error:
            if "already exists" not in str(error):  # sqlite's word for a table of that name
                raise
            came = f"came one with other tables ({error.__cause__}); use another"
            raise StoreFailed(f"{self.path}: expected a file of this kind, {came}") from error


def writes(sql: str) -> bool:
    """Whether a statement writes. What is not known to read is taken for a write: that costs a commit, and no row."""
    return not sql.lstrip()[:6].upper().startswith(_READS)


def _open(path: str, busy_timeout: float) -> sqlite3.Connection:
    database = None
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=busy_timeout)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")  # WAL alone may lose the newest statements with the power
    except sqlite3.Error as error:
        _close(database)
        raise StoreFailed(
            f"{path}: expected an sqlite file, or a new one in a folder that exists and can be written: {error}"
        ) from error
    return database


def _lock(path: str) -> sqlite3.Connection:
    """Keep a lock on a file beside ours. sqlite has the one kind of lock that every operating system frees."""
    lock = None
    try:
        lock = sqlite3.connect(path + _LOCK, isolation_level=None, check_same_thread=False, timeout=0)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        _close(lock)
        if "locked" in str(error):
            raise StoreFailed(
                f"{path}: expected a file that nobody has open, came one that another owner uses"
            ) from None
        raise StoreFailed(f"{path}: expected a folder that exists and can be written: {error}") from error
    return lock


def _close(*databases: sqlite3.Connection | None) -> None:
    """Close all of them, whichever fails."""
    failed = None
    for database in filter(None, databases):
        try:
            database.close()
        except sqlite3.Error as error:
            failed = error
    if failed:
        raise StoreFailed(f"closing: {failed}") from failed
