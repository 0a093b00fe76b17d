"""`AlarmWatch`: a security event that was noted arrives in the end, at least once (whitepaper A04.FR.02)."""

from __future__ import annotations

import asyncio
from datetime import datetime

from ..central_system.event_book import EventBook
from ..central_system.ledger_values import instant
from ..charge_point import ChargePoint
from .site import ChargePointSite

ARRIVES = "a security event that was noted arrives"


class AlarmWatch:
    """Of one charge point, over all lives."""

    def __init__(self, site: ChargePointSite) -> None:
        self.site = site
        self.noted: dict[tuple[str, str, str | None], float] = {}
        """What has to be told: type, instant and info; and when it was noted (s)."""
        site.on_life.append(self.begin)

    def begin(self, charge_point: ChargePoint) -> None:
        """A life begins."""
        events = charge_point.guard.events
        note = events.note

        def noted(type: str, at: datetime, info: str | None = None) -> None:
            note(type, at, info)
            if type in events.push and self.site.up:
                self.noted[type, instant(at), info] = asyncio.get_running_loop().time()

        events.note = noted  # type: ignore[method-assign]

    def compare(self, book: EventBook) -> None:
        """In the end: everything is in the central system's book."""
        came = {(row["type"], row["at"], row["info"]) for row in book.rows(self.site.name)}
        lost = [f"{event}, noted at {at:.3f} s" for event, at in self.noted.items() if event not in came]
        self.site.ground.invariants.expect(not lost, ARRIVES, "; ".join(lost), self.site.name)
