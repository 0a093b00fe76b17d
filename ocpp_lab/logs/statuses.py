"""`statuses`: the history of every connector, from its StatusNotifications (core 4.9)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from .log import Log
from .seen import Seen


class LoggedStatus(NamedTuple):
    """A connector has this status from ``at`` on: the time in the payload, or that of the log."""

    identity: str | None
    connector: int
    status: str
    error_code: str
    at: datetime | None
    seen: Seen


def statuses(log: Log) -> list[LoggedStatus]:
    """In the order of the log. NotImplementedError so far."""
    raise NotImplementedError("not built yet")
