"""`open_store`: a sqlite file whose every statement is on the disk when it returns."""

from __future__ import annotations

import sqlite3
import weakref


def open_store(owner: object, path: str, schema: str) -> sqlite3.Connection:
    """A connection in autocommit mode with the schema in place; ``":memory:"`` keeps nothing.

    Several owners may share a file. It is closed when its owner is forgotten, if nobody closed it before.
    """
    # The garbage collector may forget the owner in any thread.
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    weakref.finalize(owner, database.close)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")  # WAL alone may lose the newest statements with the power
    database.executescript(schema)
    return database
