"""`SecurityEvents`: the security log of a charge point, and what of it is still to be told (whitepaper A04, 8).

Log and queue are two questions about one row. An event that must be told waits until it was answered, over power cuts
and refusals: that is guaranteed delivery (A04.FR.02). Of the rest the newest stay; critical events and others have a
ring each, so that a thousand knocks at the door do not wash the alarm out of the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple

from ..errors import ConnectionLost, NotAccepted, NotConnected, OcppError
from ..messages import SecurityEventNotificationRequest
from ..store import Store, store_at

log = logging.getLogger(__name__)

CRITICAL = frozenset(
    {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
    }
)
"""What section 8 of the whitepaper calls critical."""

ORDERED = frozenset(
    {
        "InvalidCentralSystemCertificate",
        "InvalidChargePointCertificate",
        "InvalidFirmwareSigningCertificate",
        "InvalidFirmwareSignature",
        "InvalidTLSVersion",
        "InvalidTLSCipherSuite",
    }
)
"""What the text wants to be told although section 8 does not call it critical (whitepaper A00.FR.309, A00.FR.315,
A00.FR.322, A02.FR.07, L01.FR.02, L01.FR.03)."""

PUSHED = CRITICAL | ORDERED
"""What is told to the central system, unless told otherwise."""

MOST_INFO = 255  # characters (whitepaper 5.15)
MOST_WAITING = 10_000
"""Events that wait to be told. A central system that resets us as often as it likes and answers none makes no more."""
RETRY = 60.0
LONGEST_RETRY = 3600.0
"""Seconds after a refusal, on the same connection: the first wait, and the longest. Ours."""


class SecurityEvent(NamedTuple):
    """One line of the log."""

    type: str
    at: datetime
    info: str | None


class SecurityEvents:
    """``store`` is the charge point's, or the path of a file. ``keep`` is how many of either ring stay; ``push`` are
    the types that are told. Everything that reads or writes the file raises `StoreFailed` if it cannot."""

    def __init__(self, store: Store | str = ":memory:", *, keep: int = 1000, push: frozenset[str] = PUSHED) -> None:
        self.keep = keep
        self.push = push
        """Of what is noted from now on."""
        self._store = store_at(store)
        self._lane = asyncio.Lock()  # held by the `drain` that sends
        self._news = asyncio.Event()  # set while something may wait
        self._news.set()

    def note(self, type: str, at: datetime, info: str | None = None) -> None:
        """Something happened, at that time; durable on return. ``info`` is cut to 255 characters."""
        row = (type[:50], at.isoformat(), info[:MOST_INFO] if info else None, type in CRITICAL, type in self.push)
        with self._store.transaction():
            self._store.execute("INSERT INTO security_events (type, at, info, critical, waits) VALUES (?,?,?,?,?)", row)
            self._trim(type in CRITICAL, 0, self.keep)
            self._trim(type in CRITICAL, 1, MOST_WAITING)
        self._news.set()
        log.debug("= security event: %s %s", type, info or "")

    def log(self) -> list[SecurityEvent]:
        """The newest critical ones, the newest others, and all that wait; oldest first."""
        rows = self._store.execute("SELECT type, at, info FROM security_events ORDER BY number")
        return [SecurityEvent(type, datetime.fromisoformat(at), info) for type, at, info in rows]

    def waiting(self) -> int:
        """How many are still to be told."""
        [(count,)] = self._store.execute("SELECT count(*) FROM security_events WHERE waits")
        return int(count)

    async def drain(self, call: Callable[[SecurityEventNotificationRequest], Awaitable[Any]]) -> None:
        """Tell what waits, oldest first, one at a time; a second drain waits for the first. What ``call`` raises
        leaves, and the event stays."""
        async with self._lane:
            while rows := self._store.execute(
                "SELECT number, type, at, info FROM security_events WHERE waits ORDER BY number LIMIT 1"
            ):
                number, type, at, info = rows[0]
                when = datetime.fromisoformat(at)
                await call(SecurityEventNotificationRequest(type=type, timestamp=when, tech_info=info))
                # Killed before this line, it is told twice; killed after it, it was told.
                self._store.execute("UPDATE security_events SET waits = 0 WHERE number = ?", (number,))

    async def run(self, call: Callable[[SecurityEventNotificationRequest], Awaitable[Any]]) -> None:
        """While online: tell whatever comes. A refusal or silence is no delivery: again after a minute, and later each
        time. Raises what ends a connection."""
        wait = RETRY
        while True:
            await self._news.wait()
            try:
                await self.drain(call)
                if not self.waiting():  # not before: the end of a connection cancels us anywhere above
                    self._news.clear()
                wait = RETRY
            except (ConnectionLost, NotConnected, NotAccepted):
                raise
            except OcppError as error:
                log.warning("! a security event waits for another %.0f s: %s", wait, error)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_RETRY)

    def _trim(self, critical: bool, waits: int, most: int) -> None:
        self._store.execute(
            "DELETE FROM security_events WHERE number IN (SELECT number FROM security_events"
            " WHERE critical = ? AND waits = ? ORDER BY number DESC LIMIT -1 OFFSET ?)",
            (critical, waits, most),
        )
