"""A central system in a process of its own: ``python -m benchmarks.host memory``, or ``file FOLDER``.

It has its own answers and a ledger, as whoever runs one has: what is measured here is the whole of it.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from ocpp_lab import CentralSystem, Ledger

from .commits import Commits
from .end import Server, obey, run


class Host(Server):
    """Listens, tells what it costs, and what it asked of its disk."""

    def __init__(self, path: str) -> None:
        self.commits = Commits()
        self.ledger = Ledger(path)
        self.ledger.before = self.commits

    async def listen(self) -> int:
        self.central_system = await CentralSystem(ledger=self.ledger).start()
        return self.central_system.port

    async def written(self) -> int:
        """Commits so far."""
        return self.commits.count

    async def slow(self, seconds: float) -> None:
        """From now on each commit takes so much longer."""
        self.commits.delay = seconds


def main(kind: str, folder: str = "") -> None:
    logging.getLogger("ocpp_lab").setLevel(logging.ERROR)  # in a storm there is a warning for every late answer
    run(obey(Host(":memory:" if kind == "memory" else str(Path(folder) / "ledger.db"))))


if __name__ == "__main__":
    main(*sys.argv[1:])
