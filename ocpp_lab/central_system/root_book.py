"""`RootBook`: root certificates that charge points were sent to trust (whitepaper 5.11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .ledger_values import instant
from .order_end import OrderEnd
from .record_book import RecordBook


class RootBook(RecordBook):
    """The table ``root_certificates``: ``kind``, ``pem``, and ``state``: asked, held, refused, unknown."""

    table = "root_certificates"
    over = "state <> 'held'"
    size = "length(pem)"

    def ask(self, identity: str, kind: str, pem: str, at: datetime) -> int:
        """It is about to be sent."""
        return self._add(len(pem), identity=identity, kind=kind, pem=pem, at=instant(at), state="asked")

    def settle(self, number: int, outcome: OrderEnd) -> None:
        """The answer is there."""
        self._set("state = ?", "number = ?", outcome.state, number)

    def doubt(self, identity: str) -> None:
        """One was deleted, named by its hashes: which it was cannot be told here, so none is certain."""
        self._set("state = 'unknown'", "identity = ? AND state = 'held'", identity)

    def held(self, identity: str, kind: str) -> list[dict[str, Any]]:
        """Those of one kind that this charge point has, as far as we know."""
        return self._rows("identity = ? AND kind = ? AND state = 'held'", identity, kind)
