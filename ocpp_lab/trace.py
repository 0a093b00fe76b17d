"""`Trace`: what passed, when, in a bounded ring; the same story goes to the log.

Marks: ``>`` sent, ``<`` received, ``=`` state, ``!`` trouble. Times are the event loop's, in seconds. A synthesised
CallError ("Timeout", "ConnectionClosed") is noted as ``!`` with its frame, so that plots and ladders can be drawn from
the trace alone. No AuthorizationKey gets in (whitepaper A01.FR.12).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from .errors import FrameError
from .frames import Frame, decode

log = logging.getLogger("ocpp_lab")

Mark = Literal[">", "<", "=", "!"]

_SECRET = re.compile(
    r'("key"\s*:\s*"AuthorizationKey"[^}]*?"value"\s*:\s*")[^"]*|("value"\s*:\s*")[^"]*("[^}]*?"key"\s*:\s*"AuthorizationKey")',
    re.I,
)


class Event(NamedTuple):
    """One line of the story. ``at`` is loop time in seconds; ``identity`` the charge point at the line's other end or
    at this one."""

    at: float
    identity: str
    mark: str
    text: str

    @property
    def frame(self) -> Frame | None:
        """The text as a frame, or None if it is none."""
        try:
            return decode(self.text)
        except FrameError:
            return None

    def __str__(self) -> str:
        return f"{self.at:10.3f} {self.mark} {self.identity} {self.text}"


class Trace:
    """The newest ``limit`` events. ``listener`` is told of each one at once (live output, tests)."""

    def __init__(self, limit: int = 10_000, listener: Callable[[Event], None] | None = None) -> None:
        self.events: deque[Event] = deque(maxlen=limit)
        self.listener = listener
        self._time = asyncio.get_running_loop().time

    def note(self, identity: str, mark: str, text: str) -> None:
        """Add a line to the story."""
        if "AuthorizationKey" in text:
            text = redact(text)
        event = Event(self._time(), identity, mark, text)
        self.events.append(event)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s %s", mark, identity, text)
        if self.listener:
            self.listener(event)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


def redact(text: str) -> str:
    """The text without the value of an AuthorizationKey, whichever of key and value comes first."""
    return _SECRET.sub(lambda m: f"{m[1]}***" if m[1] else f"{m[2]}***{m[3]}", text)
