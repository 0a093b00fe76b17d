"""`TransactionIds`: the real transaction id, once it is known, put into what was queued before (core 4.8, 4.10).

The central system gives the id in its answer to StartTransaction. Offline, meter values and even the stop are written
down before that. They carry our own name for the transaction, and get the id at the instant of sending.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .messages import MeterValuesRequest, Request, StopTransactionRequest
from .outbox import Entry
from .store import Store, store_at

NO_ID = -1
"""For a transaction whose start was given up (core errata 3.18); the central system answers it as if it were valid."""

MOST_IDS = 1000
"""Ids of transactions that are over. As many as an outbox has room for, so that also one that keeps its messages
elsewhere has none that still needs another."""

_FORGET = """
DELETE FROM transaction_ids WHERE rowid IN (SELECT rowid FROM transaction_ids ORDER BY rowid DESC LIMIT -1 OFFSET ?)
    AND "transaction" NOT IN (SELECT name FROM transactions)
    AND "transaction" NOT IN (SELECT "transaction" FROM outbox WHERE "transaction" IS NOT NULL)
"""


class TransactionIds:
    """Our names of transactions to the central system's ids, in sqlite. ``store`` is the charge point's, or a path.

    Of the newest 1,000 transactions, and of every one that runs or has a message in the store's outbox.

    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)

    def learn(self, transaction: str, transaction_id: int) -> None:
        """The central system answered StartTransaction. The first id stays; it may come after we gave up, too."""
        self._write(
            'INSERT INTO transaction_ids VALUES (?,?) ON CONFLICT ("transaction")'
            f" DO UPDATE SET id = excluded.id WHERE id = '{NO_ID}'",
            transaction,
            transaction_id,
        )

    def give_up(self, transaction: str) -> None:
        """There will never be an id: StartTransaction was given up."""
        self._write("INSERT OR IGNORE INTO transaction_ids VALUES (?,?)", transaction, NO_ID)

    def _write(self, sql: str, transaction: str, transaction_id: int) -> None:
        with self._store.transaction():
            self._store.execute(sql, (transaction, str(transaction_id)))
            self._store.execute(_FORGET, (MOST_IDS,))

    def get(self, transaction: str) -> int | None:
        """The id, -1 if given up, None if it is not known yet."""
        rows = self._store.execute('SELECT id FROM transaction_ids WHERE "transaction" = ?', (transaction,))
        return int(rows[0][0]) if rows else None

    def prepare(self, entry: Entry) -> Request[Any]:
        """The request of an entry as it may be sent now: a copy with the real id; others unchanged."""
        if entry.transaction is None or not isinstance(entry.request, StopTransactionRequest | MeterValuesRequest):
            return entry.request
        known = self.get(entry.transaction)
        # Strict order means the start was answered or given up before; without a trace of either there is no id.
        return msgspec.structs.replace(entry.request, transaction_id=NO_ID if known is None else known)

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()
