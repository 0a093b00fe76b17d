"""`Owed`: what has happened and could not be written down then is written as soon as the file can be written.

A driver who is refused can try again; a cable that was pulled is out. Such a deed is done all the same, and its message
is owed: with the instant and the meter of then, before whatever happens later (core 3.7), and without a word to the
driver. Until then the file still has the transaction, so that a power cut loses the reason, and not the transaction:
the next life closes it with PowerLoss (core 4.10).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .chores import Chores
from .transactions import Transactions

log = logging.getLogger(__name__)

RETRY_INTERVAL = 5.0
"""Seconds between two attempts to write. To try costs next to nothing; a driver may be waiting for the connector."""


class Owed:
    """The debts, oldest first; paid by `first` and, beside everything else, by a chore of its own."""

    def __init__(self, transactions: Transactions, chores: Chores) -> None:
        self.transactions = transactions
        self.chores = chores
        self._debts: list[Callable[[], None]] = []  # oldest first: `add` puts them in, `first` writes and empties them
        self._rows: dict[int, Callable[[], None]] = {}  # by connector, what writes its newest row; likewise, by `row`
        self._collector: asyncio.Task[None] | None = None  # runs while there are debts; begun by `add`

    def __len__(self) -> int:
        return len(self._debts)

    def add(self, connector: int, write: Callable[[], None], why: Exception) -> None:
        """``write`` could not be done because of ``why``; from now on nothing runs on this connector."""
        self.transactions.over.add(connector)
        self._debts.append(write)
        self._collect_later(connector, why)

    def row(self, connector: int, write: Callable[[], None], why: Exception) -> None:
        """What is known of this connector could not be written down; nothing is over by that. The newest is enough."""
        self._rows[connector] = write
        self._collect_later(connector, why)

    def _collect_later(self, connector: int, why: Exception) -> None:
        self.chores.failed(f"writing of connector {connector}", why)
        if self._collector is None or self._collector.done():
            self._collector = self.chores.start(self._collect(), "what is owed")

    @contextmanager
    def first(self) -> Iterator[None]:
        """What the block writes comes after all that is owed, or nothing of both is written. Not to be nested.

        In the block nothing is over any more: what begins there on such a connector runs.
        """
        over = set(self.transactions.over)
        try:
            with self.transactions.together():
                for write in (*self._debts, *self._rows.values()):
                    write()
                self.transactions.over.clear()
                yield
        except BaseException:
            self.transactions.over |= over
            raise
        self._debts.clear()
        self._rows.clear()

    def pay(self) -> None:
        """Write what is owed, if anything is; raises what it raises."""
        if self._debts or self._rows:
            with self.first():
                pass

    async def _collect(self) -> None:
        while self._debts or self._rows:
            await asyncio.sleep(RETRY_INTERVAL)
            try:
                self.pay()
            except Exception as error:  # it was told with its traceback when it was new
                log.warning("! %d messages cannot be written yet: %s", len(self), error)
