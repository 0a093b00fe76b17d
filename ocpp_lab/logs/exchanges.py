"""`exchanges`: every call of a log with its reply, and what became of it. Paired by unique id, never by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .log import Log
from .seen import Seen

LoggedFate = Literal["answered", "error", "unreadable", "timed out", "lost with the connection", "the log ends"]
"""*unreadable*: something with its id is there and cannot be read. *timed out*: others of the same direction were
answered, and the log and the connection go on for long enough. Where that cannot be told, *the log ends*."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call, and the reply to it."""

    call: Seen
    reply: Seen | None
    fate: LoggedFate
    seconds: float | None = None
    """From the call to the reply; None without a reply or without times."""

    @property
    def action(self) -> str:
        """Of the call; "" if it could not be read."""
        return self.call.action or ""


def exchanges(log: Log) -> list[Exchange]:
    """In the order of their calls. NotImplementedError so far."""
    raise NotImplementedError("not built yet")
