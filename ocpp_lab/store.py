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
_CHARGING_PROFILES = """
-- A TxProfile has the name of its transaction in "owner", one that waits for its transaction a tag. The id is text:
-- the specification bounds no integer, sqlite does.
CREATE TABLE charging_profiles (
    id TEXT NOT NULL, connector INTEGER NOT NULL, owner TEXT, id_tag TEXT, profile TEXT NOT NULL
)
"""
_FILE_JOBS = """
-- The newest job of each lane, as it was asked for. "told": whether the central system has answered the status.
CREATE TABLE file_jobs (
    lane TEXT PRIMARY KEY, action TEXT NOT NULL, payload TEXT NOT NULL, status TEXT, told INTEGER NOT NULL,
    name TEXT NOT NULL
);
CREATE TABLE firmware (version TEXT NOT NULL)  -- one row, none while there is only that of the factory
"""
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
_SECURITY = """
CREATE TABLE security_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, at TEXT NOT NULL, info TEXT,
    critical INTEGER NOT NULL, waits INTEGER NOT NULL  -- waits: to be told to the central system
);
CREATE INDEX security_rings ON security_events (critical, waits);
-- The newest instant that an authenticated central system told. One row, or none.
CREATE TABLE trusted_time (newest TEXT NOT NULL);
-- Where an upgrade of the security profile stands. No row: it was never changed.
CREATE TABLE security_profile (current INTEGER NOT NULL, wanted INTEGER, trying INTEGER NOT NULL);
-- Roots that we trust. A fallback is kept until its successor was used.
CREATE TABLE roots (
    number INTEGER PRIMARY KEY AUTOINCREMENT, use TEXT NOT NULL, pem TEXT NOT NULL,
    signer TEXT,  -- who has signed it, if that was another one: its name by hashes needs that one's key
    fallback INTEGER NOT NULL DEFAULT 0
);
-- Private keys of our own, and the chain of each. None yet: it was asked for, and the answer has not come.
CREATE TABLE own_certificates (
    number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, chain TEXT, renewal INTEGER NOT NULL DEFAULT 0
);
-- What was put in by the manufacturer is put in once. One row, or none.
CREATE TABLE provisioned (once INTEGER NOT NULL)
"""
"""Keys, certificates, and what happened to them."""
_LOCAL_LIST = """
CREATE TABLE local_list (id_tag TEXT PRIMARY KEY, status TEXT NOT NULL, expires TEXT, parent TEXT);
CREATE TABLE local_list_version (version INTEGER NOT NULL)  -- one row, none before the first update
"""
_RESERVATIONS = """
-- The id is text: the specification bounds no integer, sqlite does. A parent is a group, "until" an instant.
CREATE TABLE reservations (
    id TEXT PRIMARY KEY, connector INTEGER NOT NULL, tag TEXT NOT NULL, parent TEXT, until TEXT NOT NULL
)
"""
_STEPS = [
    _TABLES,
    _CLOCK,
    _SESSIONS,
    _TRANSACTION_DATA,
    _SECURITY,
    _CHARGING_PROFILES,
    _FILE_JOBS,
    _LOCAL_LIST,
    _RESERVATIONS,
]
"""In the order in which they came: the version of a file is how many of these it has seen."""


class Store(Database):
    """The file of one charge point: outbox, transactions, their ids, meter registers, tags, changed keys, the clock,
    certificates with their private keys, security events.

    ``owner`` is the charge point's identity: it is written into a new file, compared in one that has an owner, and
    alone in the file while it is open. Two owners of one file would stop each other's transactions, so the second gets
    `StoreFailed`, as it does for whatever `Database` refuses. Without an owner, several may use the file, until a
    charge point moves in. ``":memory:"`` keeps nothing.
    """

    def __init__(self, path: str = ":memory:", owner: str = "") -> None:
        super().__init__(path, _STEPS, alone=bool(owner))
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
