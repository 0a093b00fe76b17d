"""`MemoryLimits`: what a ledger without a file forgets: its rows are somebody's memory, whatever they tell of."""

from __future__ import annotations

from ..database import Database
from ..errors import PayloadError
from .newest import Most, Newest

MOST_OPEN = 1000
"""Open transactions of one charge point, which has one on each connector."""
MOST_IN_MEMORY = Most(of_one=2000, of_all=50_000, characters=16_000_000)
"""Readings, and transactions that have ended."""
MOST_PAGES = 65_536
"""Of 4 KiB. No more than 256 MiB in all: beyond, sqlite says that its disk is full, and so do we."""

_STARTED = (
    "PRAGMA max_page_count = {pages}",
    "CREATE INDEX ended ON transactions (identity) WHERE stopped IS NOT NULL",
)


class MemoryLimits:
    """Of each charge point the newest 2,000 readings and the newest 2,000 transactions that have ended; of all together
    50,000 of each, and 16 million characters in them. The oldest go, whosever they are. A start that comes again after
    its transaction has gone is a new one.

    A transaction that is open never goes. So the 1,001st of one charge point is refused; and once there are so many of
    all that they fill 256 MiB, the ledger is full as a disk is full: `StoreFailed`, and the charge point keeps its
    message.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        for statement in _STARTED:
            database.execute(statement.format(pages=MOST_PAGES))
        self._readings = Newest(database, "meter_values", MOST_IN_MEMORY)
        size = "length(coalesce(transaction_data, ''))"
        self._ended = Newest(database, "transactions", MOST_IN_MEMORY, "stopped IS NOT NULL", size=size)

    def opens(self, identity: str) -> None:
        """A transaction is about to begin. Raises `PayloadError` if that would be one too many."""
        query = "SELECT count(*) FROM transactions WHERE identity = ? AND stopped IS NULL"
        if self._db.execute(query, (identity,)) >= [(MOST_OPEN,)]:
            raise PayloadError(
                "PropertyConstraintViolation", f"expected at most {MOST_OPEN} open transactions, came one more"
            )

    def ended(self, identity: str, size: int) -> None:
        """A transaction of this identity has ended, with so many characters of data."""
        self._ended.trim(identity, size)

    def read(self, identity: str, size: int) -> None:
        """A reading of so many characters came."""
        self._readings.trim(identity, size)
