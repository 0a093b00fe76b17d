"""`Records`: the operator's books in a ledger: what was asked of charge points, and what they told beside transactions.

Transactions are not here: a ledger keeps those by itself, for nobody may lose one.
"""

from __future__ import annotations

from ..database import Database
from .decision_book import DecisionBook
from .event_book import EventBook
from .job_book import JobBook
from .ledger_tables import DECISIONS, RECORDS
from .list_book import ListBook
from .order_book import OrderBook
from .profile_book import ProfileBook
from .reservation_book import ReservationBook
from .root_book import RootBook
from .transfer_book import TransferBook


class Records:
    """One book for each noun. Without a ``database`` they are in memory, for a ledger that has none."""

    def __init__(self, database: Database | None = None) -> None:
        self._db = Database(":memory:", (RECORDS, DECISIONS)) if database is None else database
        self.orders = OrderBook(self._db)
        """Everything that the operator asked, with its outcome."""
        self.reservations = ReservationBook(self._db)
        self.lists = ListBook(self._db)
        self.profiles = ProfileBook(self._db)
        self.jobs = JobBook(self._db)
        """Firmware, diagnostics and logs; ``jobs.statuses`` has all that was told of them."""
        self.events = EventBook(self._db)
        self.transfers = TransferBook(self._db)
        self.roots = RootBook(self._db)
        """Root certificates that were sent to be installed; those that were signed are in `Ledger.certificates`."""
        self.tags = DecisionBook(self._db, "tags")
        """What the operator decided about tags while it ran."""
        self.boots = DecisionBook(self._db, "boots")
        """And about the next boot of charge points, by identity."""
