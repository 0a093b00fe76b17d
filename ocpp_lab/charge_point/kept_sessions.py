"""`KeptSessions`: what goes on at each connector, written down so that a power cut does not forget it.

A transaction has its own row elsewhere. Here is what there would be without it: a session that waits for its cable, or
a cable that is still in after everything is over. So a stop that is written down needs no second writing.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from ..messages import AuthorizationStatus
from ..station.charging_session import ChargingSession, Holder
from ..station.facts import Facts, SessionPhase
from ..store import Store, store_at

STATION = 0
"""The row of a tag that was held to the one reader of all connectors, and waits for a cable in any of them."""


class KeptSession(NamedTuple):
    """``phase`` is never "running"; ``tag`` and ``parent`` are those of the session's holder, if there is one."""

    phase: SessionPhase = "free"
    end_in: bool = False
    car: bool = False
    locked: bool = False
    tag: str | None = None
    parent: str | None = None
    denied: AuthorizationStatus | None = None

    @property
    def holder(self) -> Holder | None:
        """Whose tag waits, or ran last."""
        return None if self.tag is None else Holder(self.tag, self.parent)


def kept(session: ChargingSession, facts: Facts, holder: Holder | None) -> KeptSession:
    """What is to be written down of a session, once its facts are these and its holder is this one."""
    place, owned = session.connector, facts.tag is not None or facts.phase in ("running", "over")
    tag, parent = holder if holder and owned else (None, None)
    phase: SessionPhase = facts.phase
    if phase == "running":
        phase = "over" if place.cable_in else "free"
    held = place.locked and facts.phase == "over"  # that of a transaction is let go when it ends
    return KeptSession(phase, place.end_in, place.car is not None, held, tag, parent, session.denied)


class KeptSessions:
    """One row for each connector, in sqlite. What is as it was is not written again.

    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)
        self._written: dict[int, KeptSession] = {}  # by connector, what the file has for sure

    def save(self, connector: int, row: KeptSession) -> None:
        """Write down what is to be known after a power cut."""
        if self._written.get(connector) != row:
            self._written.pop(connector, None)
            self._store.execute("INSERT OR REPLACE INTO sessions VALUES (?,?,?,?,?,?,?,?)", (connector, *row))
            self._store.afterwards(partial(self._written.__setitem__, connector, row))

    def read(self) -> dict[int, KeptSession]:
        """By connector, what the last life left."""
        found = {
            connector: KeptSession(phase, bool(end_in), bool(car), bool(locked), tag, parent, denied)
            for connector, phase, end_in, car, locked, tag, parent, denied in self._store.execute(
                "SELECT * FROM sessions"
            )
        }
        self._written |= found
        return found

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()
