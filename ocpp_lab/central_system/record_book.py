"""`RecordBook`: one table of the operator's records, by charge point; of what is over only the newest is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..database import Database
from .newest import Most, Newest

MOST_RECORDS = Most(of_one=1000, of_all=20_000, characters=16_000_000)
"""Of each book. A peer may invent as many events, and an operator's program as many orders, as it likes."""


class RecordBook:
    """Its ``table`` has a ``number`` that counts up. Everything raises `StoreFailed` if the file cannot be read or
    written; what is written is durable as the `Ledger` says."""

    table: ClassVar[str]
    over: ClassVar[str] = "1"
    """Which rows may go, as SQL; the others stay, however many they are."""
    size: ClassVar[str] = "200"
    """Characters of a row, as SQL; about."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._newest = Newest(database, self.table, MOST_RECORDS, self.over, size=self.size)

    def rows(self, identity: str | None = None) -> list[dict[str, Any]]:
        """The records of one charge point, or of all, oldest first."""
        return self._rows("1" if identity is None else "identity = ?", *([] if identity is None else [identity]))

    def _rows(self, which: str, *values: Any) -> list[dict[str, Any]]:
        return self._db.records(f"SELECT * FROM {self.table} WHERE {which} ORDER BY number", values)

    def _add(self, size: int = 200, **columns: Any) -> int:
        """Write a row, whose identity is one of its columns; returns its number."""
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        with self._db.transaction():
            row = self._db.insert(f"INSERT INTO {self.table} ({names}) VALUES ({marks})", tuple(columns.values()))
            self._newest.trim(columns["identity"], size)
        return row

    def _set(self, change: str, which: str, *values: Any) -> None:
        self._db.execute(f"UPDATE {self.table} SET {change} WHERE {which}", values)

    def _set_any(self, change: str, news: Sequence[Any], which: str, *values: Any) -> None:
        """The same where there hardly ever is such a row: then nothing is written, and a full disk is none of ours."""
        for (number,) in self._db.execute(f"SELECT number FROM {self.table} WHERE {which}", values):
            self._set(change, "number = ?", *news, number)
