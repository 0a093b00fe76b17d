"""`Records`: the operator's books in a ledger: what was asked of charge points, and what they told beside transactions.

Transactions are not here: a ledger keeps those by itself, for nobody may lose one.
"""

from __future__ import annotations

from datetime import datetime

from ..database import Database
from .certificate_book import CertificateBook
from .event_book import EventBook
from .job_book import JobBook
from .ledger_tables import RECORDS
from .ledger_values import instant
from .list_book import ListBook
from .order_book import OrderBook
from .profile_book import ProfileBook
from .reservation_book import ReservationBook
from .transfer_book import TransferBook


class Records:
    """One book for each noun. Without a ``database`` they are in memory, for a ledger that has none."""

    def __init__(self, database: Database | None = None) -> None:
        self._db = Database(":memory:", (RECORDS,)) if database is None else database
        self.orders = OrderBook(self._db)
        """Everything that the operator asked, with its outcome."""
        self.reservations = ReservationBook(self._db)
        self.lists = ListBook(self._db)
        self.profiles = ProfileBook(self._db)
        self.jobs = JobBook(self._db)
        """Firmware, diagnostics and logs; ``jobs.statuses`` has all that was told of them."""
        self.events = EventBook(self._db)
        self.transfers = TransferBook(self._db)
        self.certificates = CertificateBook(self._db)

    def security_profile(self, identity: str) -> int:
        """The highest security profile that this charge point has accepted; 0 if none."""
        rows = self._db.execute("SELECT profile FROM security_profiles WHERE identity = ?", (identity,))
        return int(rows[0][0]) if rows else 0

    def keep_security_profile(self, identity: str, profile: int, at: datetime) -> None:
        """It accepted this one; it never goes down (whitepaper A05.FR.09)."""
        row = (identity, profile, instant(at))
        self._db.execute("INSERT OR REPLACE INTO security_profiles (identity, profile, at) VALUES (?,?,?)", row)
