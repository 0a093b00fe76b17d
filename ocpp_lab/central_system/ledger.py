"""`Ledger`: twice heard, once done. Transactions in sqlite, fed as often as charge points like.

A charge point that lost our reply sends its StartTransaction again, under a new unique id. What is the same about both
is the event itself; a UNIQUE constraint over it makes the repeat harmless.
"""

from __future__ import annotations

import sqlite3
import weakref
from datetime import UTC
from typing import Any

from ..errors import PayloadError
from ..messages import StartTransactionRequest, StopTransactionRequest

_SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- positive, never given twice (core errata 3.54)
    identity TEXT NOT NULL, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started TEXT NOT NULL, meter_start INTEGER NOT NULL,
    stopped TEXT, meter_stop INTEGER, reason TEXT,
    UNIQUE (identity, connector, id_tag, started, meter_start)
);
CREATE TABLE IF NOT EXISTS orphans (
    identity TEXT NOT NULL, id INTEGER NOT NULL, stopped TEXT NOT NULL, meter_stop INTEGER NOT NULL,
    UNIQUE (identity, id, stopped, meter_stop)
);
"""


class Ledger:
    """Transactions by charge point. ``path`` is a file, or ``":memory:"``."""

    def __init__(self, path: str = ":memory:") -> None:
        # Closed when it is forgotten if nobody closed it before; the garbage collector may do so in any thread.
        self._db = sqlite3.connect(path, check_same_thread=False)
        weakref.finalize(self, self._db.close)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(_SCHEMA)

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        """The transaction id for this start; the same one again for a repeat."""
        connector = _number("connectorId", request.connector_id)
        meter_start = _number("meterStart", request.meter_start)
        event = (identity, connector, request.id_tag, _instant(request.timestamp), meter_start)
        with self._db:
            self._db.execute(
                "INSERT OR IGNORE INTO transactions (identity, connector, id_tag, started, meter_start)"
                " VALUES (?,?,?,?,?)",
                event,
            )
            row = self._db.execute(
                "SELECT id FROM transactions WHERE (identity, connector, id_tag, started, meter_start) = (?,?,?,?,?)",
                event,
            ).fetchone()
        return int(row["id"])

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        """End a transaction. The first stop wins; one without a transaction is kept apart (core errata 3.18)."""
        stopped, reason = _instant(request.timestamp), request.reason or "Local"  # J-errata 2.5: Local is the default
        key = (identity, _number("transactionId", request.transaction_id))
        meter_stop = _number("meterStop", request.meter_stop)
        with self._db:
            if self._db.execute("SELECT 1 FROM transactions WHERE identity = ? AND id = ?", key).fetchone():
                self._db.execute(
                    "UPDATE transactions SET stopped = ?, meter_stop = ?, reason = ?"
                    " WHERE identity = ? AND id = ? AND stopped IS NULL",
                    (stopped, meter_stop, reason, *key),
                )
            else:
                self._db.execute("INSERT OR IGNORE INTO orphans VALUES (?,?,?,?)", (*key, stopped, meter_stop))

    def rows(self) -> list[dict[str, Any]]:
        """All transactions in the order of their ids."""
        return [dict(row) for row in self._db.execute("SELECT * FROM transactions ORDER BY id")]

    def orphans(self) -> list[dict[str, Any]]:
        """The stops that belong to no transaction."""
        return [dict(row) for row in self._db.execute("SELECT * FROM orphans")]

    def close(self) -> None:
        self._db.close()


def _number(field: str, value: int) -> int:
    """The specification bounds no integer; sqlite keeps 64 bits."""
    if not -(2**63) <= value < 2**63:
        raise PayloadError("PropertyConstraintViolation", f"{field}: expected an integer of 64 bits, came a larger one")
    return value


def _instant(timestamp: Any) -> str:
    return str(timestamp.astimezone(UTC).isoformat(timespec="milliseconds"))
