"""`Transactions`: the ones that run, written down so that a power cut does not forget them (core 4.8, 4.10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple

from ..store import Store, store_at


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
    """The running transactions, meter registers and availability of a charge point, in sqlite.

    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)
        self.over: set[int] = set()
        """Connectors whose transaction has ended although the file still has it, because it could not be written then;
        set and cleared by `Owed`. Only `left` shows such a transaction."""

    def together(self) -> AbstractContextManager[None]:
        """A block of which all is written down, or nothing; what others keep in the same store too."""
        return self._store.transaction()

    def open(self, name: str, connector: int, id_tag: str, started: datetime, meter_start: int) -> None:
        """A transaction begins. It belongs `together` with its StartTransaction: no start may lack an owner."""
        instant = started.isoformat()
        self._store.execute(
            "INSERT INTO transactions VALUES (?,?,?,?,?,?,?)",
            (name, connector, id_tag, instant, meter_start, instant, meter_start),
        )

    def read(self, name: str, at: datetime, meter: int) -> None:
        """The meter was read: what a power cut would leave us with."""
        self._store.execute(
            "UPDATE transactions SET seen = ?, meter_seen = ? WHERE name = ?", (at.isoformat(), meter, name)
        )

    def strike_out(self, name: str) -> None:
        """A transaction ends. Struck out after its StopTransaction was written down, with the readings for that."""
        with self._store.transaction():
            self._store.execute('DELETE FROM transaction_data WHERE "transaction" = ?', (name,))
            self._store.execute("DELETE FROM transactions WHERE name = ?", (name,))

    def on(self, connector: int) -> Transaction | None:
        """The one that runs on this connector."""
        return None if connector in self.over else self.left(connector)

    def left(self, connector: int) -> Transaction | None:
        """The one that the file has on this connector, whether it runs or is over."""
        return next((transaction for transaction in self._all() if transaction.connector == connector), None)

    def __iter__(self) -> Iterator[Transaction]:
        """Those that run, oldest first."""
        return (transaction for transaction in self._all() if transaction.connector not in self.over)

    def _all(self) -> Iterator[Transaction]:
        for name, connector, id_tag, started, meter_start, seen, meter_seen in self._store.execute(
            "SELECT * FROM transactions ORDER BY started"
        ):
            instants = datetime.fromisoformat(started), datetime.fromisoformat(seen)
            yield Transaction(name, connector, id_tag, instants[0], meter_start, instants[1], meter_seen)

    def save_register(self, connector: int, energy: float) -> None:
        """The meter's register in Wh; a meter does not start from zero after a power cut."""
        self._store.execute("INSERT OR REPLACE INTO registers VALUES (?,?)", (connector, energy))

    def register(self, connector: int) -> float:
        """The meter's register in Wh as it was last saved, 0.0 if never."""
        rows = self._store.execute("SELECT energy FROM registers WHERE connector = ?", (connector,))
        return float(rows[0][0]) if rows else 0.0

    def save_operative(self, connector: int, operative: bool) -> None:
        """Availability set by command persists across reboots (core 5.2)."""
        self._store.execute("INSERT OR REPLACE INTO availability VALUES (?,?)", (connector, operative))

    def operative(self, connector: int) -> bool:
        """Whether this connector may be used; it may unless commanded otherwise."""
        rows = self._store.execute("SELECT operative FROM availability WHERE connector = ?", (connector,))
        return bool(rows[0][0]) if rows else True

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()
