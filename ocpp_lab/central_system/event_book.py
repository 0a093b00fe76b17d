"""`EventBook`: the security events that charge points told (whitepaper 5.15), each once."""

from __future__ import annotations

from ..messages import SecurityEventNotificationRequest
from .ledger_values import digest, instant
from .record_book import RecordBook


class EventBook(RecordBook):
    """The table ``events``: ``type``, ``at`` as the charge point told it, ``info``. Twice heard it is one event."""

    table = "events"
    size = "200 + length(coalesce(info, ''))"

    def told(self, identity: str, event: SecurityEventNotificationRequest) -> None:
        """One came."""
        hashed, payload = digest(event)
        if self._db.execute("SELECT 1 FROM events WHERE identity = ? AND hash = ?", (identity, hashed)):
            return
        row = {"identity": identity, "at": instant(event.timestamp), "type": event.type, "info": event.tech_info}
        self._add(len(payload), **row, hash=hashed)
