"""`DoorClosed`: nobody begins to charge while the firmware is changed (core errata 3.49, whitepaper L01.FR.06)."""

from __future__ import annotations

import asyncio

from .transactions import Transactions


class DoorClosed:
    """``changed`` is set whenever a transaction begins or ends."""

    def __init__(self, transactions: Transactions, changed: asyncio.Event) -> None:
        self.transactions = transactions
        self.changed = changed

    async def empty(self) -> None:
        """Wait until no transaction runs. Raises `StoreFailed` if the file cannot be read."""
        while list(self.transactions):
            self.changed.clear()
            await self.changed.wait()

    def reopen(self) -> None:
        """Everybody may begin again."""
