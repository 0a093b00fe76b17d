"""`CertificateBook`: certificates that were sent to charge points, and those they asked for (whitepaper 5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .ledger_values import instant
from .order_end import OrderEnd
from .record_book import RecordBook

SIGNED = "ChargePointCertificate"
"""The kind of what we signed; the others are those of InstallCertificate."""
REQUEST = "request"
"""The kind of a certificate signing request that came."""


class CertificateBook(RecordBook):
    """The table ``certificates``: ``kind``, ``pem``, and ``state``: asked, held, refused, unknown, deleted; of a
    request: asked, signed, refused."""

    table = "certificates"
    over = f"NOT (state = 'held' AND kind <> '{SIGNED}')"  # a peer may ask for as many of those as it likes
    size = "length(pem)"

    def ask(self, identity: str, kind: str, pem: str, at: datetime) -> int:
        """It is about to be sent, or came."""
        return self._add(len(pem), identity=identity, kind=kind, pem=pem, at=instant(at), state="asked")

    def settle(self, number: int, outcome: OrderEnd) -> None:
        """The answer is there."""
        self.mark(number, outcome.state)

    def mark(self, number: int, state: str) -> None:
        """From now on it is in this state."""
        self._set("state = ?", "number = ?", state, number)

    def held(self, identity: str, kind: str) -> list[dict[str, Any]]:
        """The certificates of one kind that this charge point has, as far as we know."""
        return self._rows("identity = ? AND kind = ? AND state = 'held'", identity, kind)
