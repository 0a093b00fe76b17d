"""`Ledger`: twice heard, once done. Transactions, meter values and registrations in sqlite.

A charge point that lost our reply sends its message again, under a new unique id. What is the same about both copies is
the event itself: a UNIQUE constraint over it makes the repeat harmless, and the repeat gets the same answer.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from ..codec import encode_payload
from ..database import Database
from ..errors import PayloadError
from ..messages import (
    MeterValuesRequest,
    RegistrationStatus,
    Request,
    StartTransactionRequest,
    StopTransactionRequest,
)

_TABLES = """
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- positive, never given twice (core errata 3.54)
    identity TEXT NOT NULL, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started TEXT NOT NULL, meter_start INTEGER NOT NULL,
    stopped TEXT, meter_stop INTEGER, reason TEXT,
    UNIQUE (identity, connector, id_tag, started, meter_start)
);
CREATE TABLE IF NOT EXISTS meter_values (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they came
    identity TEXT NOT NULL, id INTEGER NOT NULL, connector INTEGER NOT NULL, at TEXT NOT NULL,
    hash TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (identity, id, at, hash)
);
CREATE TABLE IF NOT EXISTS orphans (
    identity TEXT NOT NULL, action TEXT NOT NULL, id INTEGER NOT NULL, at TEXT NOT NULL,
    hash TEXT NOT NULL, payload TEXT NOT NULL,
    UNIQUE (identity, action, id, at, hash)
);
CREATE TABLE IF NOT EXISTS registrations (identity TEXT PRIMARY KEY, status TEXT NOT NULL)
"""
"""Version 1. Files without a version have these tables too."""

OUTSIDE = 0
"""The id of meter values that belong to no transaction."""


class Ledger:
    """What happened, by charge point. ``path`` is a file, or ``":memory:"``.

    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, path: str = ":memory:") -> None:
        """Raises `StoreFailed` if the file is no ledger, or newer than this edition."""
        self._db = Database(path, [_TABLES])

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        """The transaction id for this start; the same one again for a repeat."""
        connector = _number("connectorId", request.connector_id)
        meter_start = _number("meterStart", request.meter_start)
        event = (identity, connector, request.id_tag, _instant(request.timestamp), meter_start)
        self._db.execute(
            "INSERT OR IGNORE INTO transactions (identity, connector, id_tag, started, meter_start) VALUES (?,?,?,?,?)",
            event,
        )
        (row,) = self.query(
            "SELECT id FROM transactions WHERE (identity, connector, id_tag, started, meter_start) = (?,?,?,?,?)",
            *event,
        )
        return int(row["id"])

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        """End a transaction. The first stop wins; one of no transaction is kept apart (core errata 3.18)."""
        transaction_id = _number("transactionId", request.transaction_id)
        meter_stop = _number("meterStop", request.meter_stop)
        if not self._knows(identity, transaction_id):
            self._keep_orphan(identity, request, transaction_id, request.timestamp)
            return
        self._db.execute(
            "UPDATE transactions SET stopped = ?, meter_stop = ?, reason = ?"
            " WHERE identity = ? AND id = ? AND stopped IS NULL",
            (
                _instant(request.timestamp),
                meter_stop,
                request.reason or "Local",  # the default (J-errata 2.5)
                identity,
                transaction_id,
            ),
        )

    def meter_values(self, identity: str, request: MeterValuesRequest) -> None:
        """Keep a reading; a repeat changes nothing."""
        transaction_id = OUTSIDE if request.transaction_id is None else _number("transactionId", request.transaction_id)
        connector = _number("connectorId", request.connector_id)
        at = request.meter_value[0].timestamp
        if transaction_id != OUTSIDE and not self._knows(identity, transaction_id):
            self._keep_orphan(identity, request, transaction_id, at)
            return
        digest, payload = _digest(request)
        self._db.execute(
            "INSERT OR IGNORE INTO meter_values (identity, id, connector, at, hash, payload) VALUES (?,?,?,?,?,?)",
            (identity, transaction_id, connector, _instant(at), digest, payload),
        )

    def register(self, identity: str, status: RegistrationStatus) -> None:
        """What the newest BootNotification of this identity got."""
        self._db.execute("INSERT OR REPLACE INTO registrations VALUES (?,?)", (identity, status))

    def registrations(self) -> dict[str, RegistrationStatus]:
        """What the newest BootNotification of each identity got."""
        return {row["identity"]: row["status"] for row in self.query("SELECT * FROM registrations")}

    # -- reading

    def query(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Any SELECT over the tables above, as a list of records; ``pandas.DataFrame`` takes it as it is."""
        return self._db.records(sql, values)

    def rows(self) -> list[dict[str, Any]]:
        """All transactions in the order of their ids."""
        return self.query("SELECT * FROM transactions ORDER BY id")

    def readings(self, transaction_id: int) -> list[dict[str, Any]]:
        """The meter values of a transaction in the order in which they came."""
        return self.query("SELECT * FROM meter_values WHERE id = ? ORDER BY number", transaction_id)

    def orphans(self) -> list[dict[str, Any]]:
        """Stops and meter values that belong to no transaction."""
        return self.query("SELECT * FROM orphans")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _knows(self, identity: str, transaction_id: int) -> bool:
        return bool(self.query("SELECT 1 FROM transactions WHERE identity = ? AND id = ?", identity, transaction_id))

    def _keep_orphan(self, identity: str, request: Request[Any], transaction_id: int, at: datetime) -> None:
        row = (identity, request.action, transaction_id, _instant(at), *_digest(request))
        self._db.execute("INSERT OR IGNORE INTO orphans VALUES (?,?,?,?,?,?)", row)


def _number(field: str, value: int) -> int:
    """The specification bounds no integer; sqlite keeps 64 bits."""
    if not -(2**63) <= value < 2**63:
        raise PayloadError("PropertyConstraintViolation", f"{field}: expected an integer of 64 bits, came a larger one")
    return value


def _instant(timestamp: datetime) -> str:
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds")


def _digest(request: Request[Any]) -> tuple[str, str]:
    payload = bytes(encode_payload(request))
    return hashlib.sha256(payload).hexdigest(), payload.decode()
