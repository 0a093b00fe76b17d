"""`Witness`: another program that reads the ledger's file. It sees what is committed, and nothing else."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import msgspec

_STOPPED = """
SELECT 1 FROM transactions WHERE identity = :identity AND id = :id AND stopped IS NOT NULL
UNION ALL SELECT 1 FROM orphans WHERE identity = :identity AND id = :id AND action = 'StopTransaction'
"""
_READ = """
SELECT 1 FROM meter_values WHERE identity = :identity AND id = :id AND at = :at
UNION ALL SELECT 1 FROM orphans WHERE identity = :identity AND id = :id AND at = :at AND action = 'MeterValues'
"""
_STARTED = "SELECT 1 FROM transactions WHERE identity = :identity AND id = :id"


class Witness:
    """``path`` is the file of a `Ledger`. Raises `sqlite3.Error` if it cannot be read."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)

    def kept(self, identity: str, action: str, payload: Any, answer: Any) -> bool:
        """Whether a transaction message that got this answer is on the disk."""
        values = {"identity": identity}
        match action:
            case "StartTransaction":
                return self._finds(_STARTED, values | {"id": answer["transactionId"]})
            case "StopTransaction":
                return self._finds(_STOPPED, values | {"id": payload["transactionId"]})
            case _:
                at = _instant(payload["meterValue"][0]["timestamp"])
                return self._finds(_READ, values | {"id": payload.get("transactionId", 0), "at": at})

    def registration(self, identity: str) -> str | None:
        """What the newest boot got, as far as it is on the disk."""
        row = self._db.execute("SELECT status FROM registrations WHERE identity = ?", (identity,)).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _finds(self, sql: str, values: dict[str, Any]) -> bool:
        return self._db.execute(sql, values).fetchone() is not None


def _instant(text: str) -> str:
    return msgspec.convert(text, datetime, strict=False).astimezone(UTC).isoformat(timespec="milliseconds")
