"""`TransferBook`: what charge points sent as DataTransfer, as it came (core 4.3)."""

from __future__ import annotations

from datetime import datetime

from ..messages import DataTransferRequest
from .ledger_values import digest, instant
from .record_book import RecordBook


class TransferBook(RecordBook):
    """The table ``transfers``: ``vendor``, ``message``, and the whole ``payload`` as JSON."""

    table = "transfers"
    size = "length(payload)"

    def told(self, identity: str, request: DataTransferRequest, at: datetime) -> None:
        """One came."""
        payload = digest(request)[1]
        row = {"identity": identity, "at": instant(at), "vendor": request.vendor_id, "message": request.message_id}
        self._add(len(payload), **row, payload=payload)
