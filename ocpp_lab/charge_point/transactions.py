"""`Transactions`: the ones that run, written down so that a power cut does not forget them (core 4.8, 4.10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ..store import open_store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
    name TEXT PRIMARY KEY, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started TEXT NOT NULL, meter_start INTEGER NOT NULL, seen TEXT NOT NULL, meter_seen INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS registers (connector INTEGER PRIMARY KEY, energy REAL NOT NULL);
CREATE TABLE IF NOT EXISTS availability (connector INTEGER PRIMARY KEY, operative INTEGER NOT NULL);
"""


class Transaction(NamedTuple):
    """One that runs. ``name`` is ours; ``seen`` and ``meter_seen`` (Wh) are from the newest reading of its meter."""

    name: str
    connector: int
    id_tag: str
    started: datetime
    meter_start: int
    seen: datetime
    meter_seen: int


class Transactions:
    """The running transactions, meter registers and availability of a charge point, in sqlite."""

    def __init__(self, path: str = ":memory:") -> None:
        self._db = open_store(self, path, _SCHEMA)

    def open(self, name: str, connector: int, id_tag: str, started: datetime, meter_start: int) -> None:
        """A transaction begins. Written before its StartTransaction, so that no start lacks an owner."""
        instant = started.isoformat()
        self._db.execute(
            "INSERT INTO transactions VALUES (?,?,?,?,?,?,?)",
            (name, connector, id_tag, instant, meter_start, instant, meter_start),
        )

    def read(self, name: str, at: datetime, meter: int) -> None:
        """The meter was read: what a power cut would leave us with."""
        self._db.execute(
            "UPDATE transactions SET seen = ?, meter_seen = ? WHERE name = ?", (at.isoformat(), meter, name)
        )

    def strike_out(self, name: str) -> None:
        """A transaction ends. Struck out after its StopTransaction was written down."""
        self._db.execute("DELETE FROM transactions WHERE name = ?", (name,))

    def on(self, connector: int) -> Transaction | None:
        """The one that runs on this connector."""
        return next((transaction for transaction in self if transaction.connector == connector), None)

    def __iter__(self) -> Iterator[Transaction]:
        for name, connector, id_tag, started, meter_start, seen, meter_seen in self._db.execute(
            "SELECT * FROM transactions ORDER BY started"
        ).fetchall():
            instants = datetime.fromisoformat(started), datetime.fromisoformat(seen)
            yield Transaction(name, connector, id_tag, instants[0], meter_start, instants[1], meter_seen)

    def save_register(self, connector: int, energy: float) -> None:
        """The meter's register in Wh; a meter does not start from zero after a power cut."""
        self._db.execute("INSERT OR REPLACE INTO registers VALUES (?,?)", (connector, energy))

    def register(self, connector: int) -> float:
        row = self._db.execute("SELECT energy FROM registers WHERE connector = ?", (connector,)).fetchone()
        return float(row[0]) if row else 0.0

    def save_operative(self, connector: int, operative: bool) -> None:
        """Availability set by command persists across reboots (core 5.2)."""
        self._db.execute("INSERT OR REPLACE INTO availability VALUES (?,?)", (connector, operative))

    def operative(self, connector: int) -> bool:
        row = self._db.execute("SELECT operative FROM availability WHERE connector = ?", (connector,)).fetchone()
        return bool(row[0]) if row else True

    def close(self) -> None:
        """Close the file."""
        self._db.close()
