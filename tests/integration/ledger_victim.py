"""A central system process that is going to kill itself: after it has written a transaction message, before the commit.

``python -m tests.integration.ledger_victim FILE TABLE``: the first commit after a row was written into that table of
the ledger is never made. It says its port when it listens.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from ocpp_lab import CentralSystem, Ledger


class Killer:
    """Told of every statement."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.written = False

    def __call__(self, sql: str) -> None:
        self.written |= sql.startswith((f"INSERT INTO {self.table}", f"INSERT OR IGNORE INTO {self.table}"))
        if self.written and sql == "COMMIT":
            os.kill(os.getpid(), signal.SIGKILL)


async def main(path: str, table: str) -> None:
    ledger = Ledger(path)
    ledger.before = Killer(table)
    async with CentralSystem(ledger=ledger) as central_system:
        print(central_system.port, flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
