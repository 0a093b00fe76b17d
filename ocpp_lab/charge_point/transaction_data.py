"""`TransactionData`: readings that its stop will tell of a transaction, written down as they are taken (core 3.16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from ..codec import decode_payload, encode_payload
from ..messages import MeterValue, ReadingContext
from ..store import Store, store_at


def least_missed(instants: Sequence[datetime]) -> int:
    """Which of these, in order, may go: the one whose loss leaves the shortest gap; the oldest of several.

    Of an even curve these are the first, the third, the fifth of what is between, as is recommended (core errata 3.89),
    and a curve stays even however often something goes. The ends go last.
    """

    def gap(place: int) -> timedelta:
        inside = 0 < place < len(instants) - 1
        return instants[place + 1] - instants[place - 1] if inside else timedelta.max

    return min(range(len(instants)), key=gap)


class TransactionData:
    """By our name of the transaction, in sqlite; they go with the transaction, when that is struck out.

    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)

    def keep(self, transaction: str, context: ReadingContext, reading: MeterValue, most: int) -> None:
        """Write a reading down. Of those after the start ``most`` are kept: a coarser curve beats one that ends early.

        That of the start never goes.
        """
        with self._store.transaction():
            self._store.execute(
                'INSERT INTO transaction_data ("transaction", context, at, reading) VALUES (?,?,?,?)',
                (transaction, context, reading.timestamp.isoformat(), bytes(encode_payload(reading)).decode()),
            )
            self._thin_out(transaction, most)

    def of(self, transaction: str) -> list[MeterValue]:
        """Its readings, oldest first."""
        rows = self._store.execute(
            'SELECT reading FROM transaction_data WHERE "transaction" = ? ORDER BY number', (transaction,)
        )
        return [decode_payload(MeterValue, msgspec.json.decode(text)) for (text,) in rows]

    def _thin_out(self, transaction: str, most: int) -> None:
        rows = self._store.execute(
            'SELECT number, at, context FROM transaction_data WHERE "transaction" = ? ORDER BY number', (transaction,)
        )
        instants = [datetime.fromisoformat(at) for _, at, _ in rows]
        first = 1 if rows[0][2] == "Transaction.Begin" else 0
        while len(rows) - first > most:
            place = max(least_missed(instants), first)
            self._store.execute("DELETE FROM transaction_data WHERE number = ?", rows.pop(place)[:1])
            del instants[place]
