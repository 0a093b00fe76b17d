"""`DecisionBook`: what an operator decided while the central system ran: about tags (core 7.2) and boots (core 4.2)."""

from __future__ import annotations

from ..database import Database


class DecisionBook:
    """The table ``tags`` or ``boots``, a row for each ``name``. Raises `StoreFailed`.

    A `Policy` does not read it: whoever makes one says what it begins with.
    """

    def __init__(self, database: Database, table: str) -> None:
        self._db = database
        self._table = table

    def keep(self, name: str, status: str) -> None:
        """From now on it gets this."""
        self._db.execute(f"INSERT OR REPLACE INTO {self._table} (name, status) VALUES (?,?)", (name, status))

    def all(self) -> dict[str, str]:
        """Status by name; a tag as it was spelt last."""
        rows = self._db.records(f"SELECT name, status FROM {self._table} ORDER BY rowid")
        return {row["name"]: row["status"] for row in rows}
