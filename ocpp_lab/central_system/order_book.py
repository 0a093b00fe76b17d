"""`OrderBook`: everything that the operator asked of a charge point, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from ..codec import to_object
from ..credentials import AUTHORIZATION_KEY
from ..messages import Request
from .ledger_values import instant
from .record_book import RecordBook

HIDDEN = "***"


class OrderBook(RecordBook):
    """The table ``orders``: ``action``, ``payload`` as JSON, ``outcome``. No key is in it (whitepaper A01.FR.09)."""

    table = "orders"
    size = "length(payload)"

    def ask(self, identity: str, request: Request[Any], at: datetime) -> int:
        """It is about to be sent; its outcome is None until `settle`, and for ever if we end before."""
        payload = msgspec.json.encode(_shown(to_object(request))).decode()
        row = {"identity": identity, "at": instant(at), "action": request.action, "payload": payload}
        return self._add(len(payload), **row)

    def settle(self, number: int, said: str) -> None:
        """How it ended."""
        self._set("outcome = ?", "number = ?", said, number)


def _shown(payload: Any) -> Any:
    if str(payload.get("key", "")).lower() == AUTHORIZATION_KEY.lower():
        return payload | {"value": HIDDEN}
    return payload
