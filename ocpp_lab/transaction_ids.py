"""`TransactionIds`: the real transaction id, once it is known, put into what was queued before (core 4.8, 4.10).

The central system gives the id in its answer to StartTransaction. Offline, meter values and even the stop are written
down before that. They carry our own name for the transaction, and get the id at the instant of sending.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .messages import MeterValuesRequest, Request, StopTransactionRequest
from .outbox import Entry
from .store import open_store

NO_ID = -1
"""For a transaction whose start was given up (core errata 3.18); the central system answers it as if it were valid."""

# The id is text: the specification bounds no integer, sqlite does.
_SCHEMA = 'CREATE TABLE IF NOT EXISTS transaction_ids ("transaction" TEXT PRIMARY KEY, id TEXT NOT NULL);'


class TransactionIds:
    """Our names of transactions to the central system's ids, in sqlite; may share a file with the `Outbox`."""

    def __init__(self, path: str = ":memory:") -> None:
        self._db = open_store(self, path, _SCHEMA)

    def learn(self, transaction: str, transaction_id: int) -> None:
        """The central system answered StartTransaction. Learning it twice is harmless."""
        self._db.execute("INSERT OR REPLACE INTO transaction_ids VALUES (?,?)", (transaction, str(transaction_id)))

    def give_up(self, transaction: str) -> None:
        """There will never be an id: StartTransaction was given up."""
        self._db.execute("INSERT OR IGNORE INTO transaction_ids VALUES (?,?)", (transaction, str(NO_ID)))

    def get(self, transaction: str) -> int | None:
        """The id, -1 if given up, None if it is not known yet."""
        row = self._db.execute('SELECT id FROM transaction_ids WHERE "transaction" = ?', (transaction,)).fetchone()
        return int(row[0]) if row else None

    def prepare(self, entry: Entry) -> Request[Any]:
        """The request of an entry as it may be sent now: a copy with the real id; others unchanged."""
        if entry.transaction is None or not isinstance(entry.request, StopTransactionRequest | MeterValuesRequest):
            return entry.request
        known = self.get(entry.transaction)
        # Strict order means the start was answered or given up before; without a trace of either there is no id.
        return msgspec.structs.replace(entry.request, transaction_id=NO_ID if known is None else known)

    def close(self) -> None:
        self._db.close()
