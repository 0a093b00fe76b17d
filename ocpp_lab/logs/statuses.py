"""`statuses`: the history of every connector, from its StatusNotifications (core 4.9)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from .log import Log
from .seen import Seen
from .transactions import instant


class LoggedStatus(NamedTuple):
    """A connector has this status from ``at`` on: the time in the payload, or that of the log."""

    identity: str | None
    connector: int
    status: str
    error_code: str
    at: datetime | None
    seen: Seen


def statuses(log: Log) -> list[LoggedStatus]:
    """In the order of the log."""
    found = []
    for seen in log.seen:
        payload = seen.payload if seen.kind == 2 and seen.action == "StatusNotification" else {}
        connector, status = payload.get("connectorId"), payload.get("status")
        if type(connector) is int and isinstance(status, str):
            at = instant(payload.get("timestamp")) or seen.at
            found.append(LoggedStatus(seen.identity, connector, status, str(payload.get("errorCode")), at, seen))
    return found
