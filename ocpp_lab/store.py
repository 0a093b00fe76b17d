"""`Store`: one sqlite file for everything of a charge point that survives a power cut.

The rooms above keep their own rows in it and know their own statements; what belongs together (a transaction is opened
*and* its StartTransaction is queued) is one `Store.transaction`.
"""

from __future__ import annotations

from .database import Database
from .errors import StoreFailed

_TABLES = """
CREATE TABLE IF NOT EXISTS outbox (
    key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: a late delete must not hit another message
    action TEXT NOT NULL, payload TEXT NOT NULL, "transaction" TEXT, failures INTEGER NOT NULL DEFAULT 0
);
-- The id is text: the specification bounds no integer, sqlite does.
CREATE TABLE IF NOT EXISTS transaction_ids ("transaction" TEXT PRIMARY KEY, id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (
    name TEXT PRIMARY KEY, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started TEXT NOT NULL, meter_start INTEGER NOT NULL, seen TEXT NOT NULL, meter_seen INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS registers (connector INTEGER PRIMARY KEY, energy REAL NOT NULL);
CREATE TABLE IF NOT EXISTS availability (connector INTEGER PRIMARY KEY, operative INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tags (id_tag TEXT PRIMARY KEY, status TEXT NOT NULL, expires TEXT);
CREATE TABLE IF NOT EXISTS configuration (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE owner (identity TEXT NOT NULL)
"""
"""Version 1. Files without a version have some of these tables, but for the last."""
_CLOCK = """
-- The newest timestamp that any event got, and what is added to our clock (s). One row.
CREATE TABLE clock (newest TEXT, "offset" REAL NOT NULL DEFAULT 0);
INSERT INTO clock (newest) SELECT max(seen) FROM transactions
"""
"""Version 2."""
_SESSIONS = """
-- What would go on at a connector without its transaction. 0 is the one reader of them all.
CREATE TABLE sessions (
    connector INTEGER PRIMARY KEY, phase TEXT NOT NULL, end_in INTEGER NOT NULL, car INTEGER NOT NULL,
    locked INTEGER NOT NULL, tag TEXT, parent TEXT, denied TEXT
);
ALTER TABLE tags ADD COLUMN parent TEXT
"""
"""Sessions that wait or are over, and the groups of known tags."""
_TRANSACTION_DATA = """
-- Readings for the stop of a transaction that runs. They go with it.
CREATE TABLE transaction_data (
    number INTEGER PRIMARY KEY AUTOINCREMENT, "transaction" TEXT NOT NULL, context TEXT NOT NULL, at TEXT NOT NULL,
    reading TEXT NOT NULL
);
CREATE INDEX readings_of_a_transaction ON transaction_data ("transaction")
"""
"""The next version."""


class Store(Database):
    """The file of one charge point: outbox, transactions, their ids, meter registers, tags, changed keys, the clock.

    ``owner`` is the charge point's identity: it is written into a new file, compared in one that has an owner, and
    alone in the file while it is open. Two owners of one file would stop each other's transactions, so the second gets
    `StoreFailed`, as it does for whatever `Database` refuses. Without an owner, several may use the file, until a
    charge point moves in. ``":memory:"`` keeps nothing.
    """

    def __init__(self, path: str = ":memory:", owner: str = "") -> None:
        super().__init__(path, [_TABLES, _CLOCK, _SESSIONS, _TRANSACTION_DATA], alone=bool(owner))
        self._inhabited = False  # from `move_in` on
        if owner:
            try:
                self._belong_to(owner)
            except StoreFailed:
                self.close()
                raise

    def move_in(self, identity: str) -> None:
        """A charge point keeps everything here from now on: it is the owner, and alone, until the file is closed.

        Raises `StoreFailed` if the file is another's, is open elsewhere, or if somebody has moved in already.
        """
        if self._inhabited:
            raise StoreFailed(
                f"{self.path}: expected a store for one charge point, came one that has its charge point; open a file"
                " for each"
            )
        self.be_alone()
        self._belong_to(identity)
        self._inhabited = True

    def _belong_to(self, owner: str) -> None:
        rows = self.execute("SELECT identity FROM owner")
        if not rows:
            self.execute("INSERT INTO owner VALUES (?)", (owner,))
        elif rows != [(owner,)]:
            raise StoreFailed(
                f"{self.path}: expected the file of {owner!r}, came that of {rows[0][0]!r}; give each charge point"
                " a file of its own"
            )


def store_at(where: Store | str) -> Store:
    """The store itself, or a new one on that path: what keeps something takes either."""
    return Store(where) if isinstance(where, str) else where
