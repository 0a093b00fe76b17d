"""`leased`, `Lease`, `moves`: limits with an end, so that a site stays under its fuse when lines are cut.

A limit cannot be taken back while its charge point is offline: it keeps the TxProfile for the whole transaction (core
3.13.6). So every raise gets an end, and the profile itself says what holds afterwards: a *fallback* so low that all
connectors together fit under the site's smallest limit. These are the central system's half of the room.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from ..messages import ChargingProfile, ChargingSchedule, ChargingSchedulePeriod
from .composing import down


def leased(
    transaction_id: int, limit: float, fallback: float, seconds: int, at: datetime, *, profile_id: int
) -> ChargingProfile:
    """A TxProfile: ``limit`` (A) for so many seconds from ``at`` on, then ``fallback`` (A) without end.

    It counts from an instant and not from the start of charging, so that it ends when we think that it does. There is
    no duration: who limits after it is read in two ways, and a fallback that has no end leaves nothing to read.
    """
    return ChargingProfile(
        charging_profile_id=profile_id,
        transaction_id=transaction_id,
        stack_level=0,
        charging_profile_purpose="TxProfile",
        charging_profile_kind="Absolute",
        charging_schedule=ChargingSchedule(
            start_schedule=at.replace(microsecond=0),
            charging_rate_unit="A",
            charging_schedule_period=[
                ChargingSchedulePeriod(start_period=0, limit=limit),
                ChargingSchedulePeriod(start_period=seconds, limit=fallback),
            ],
        ),
    )


class _Sent(NamedTuple):
    limit: float
    until: float


class Lease:
    """What one connector may draw at most, as far as its central system can know. ``fallback`` is in A; instants are
    the loop's seconds.

    One call is on its way at a time (J-spec 4.1.1), so an answer is that of the newest. A call without an answer may
    have arrived: then more than one limit may be in force, and the largest counts.
    """

    def __init__(self, fallback: float) -> None:
        self.fallback = fallback
        self._possible: list[_Sent] = []  # what may be in force, oldest first; those that have run out are dropped
        self._newest: _Sent | None = None  # the one whose answer is due; set by `sent`, cleared by the answer
        self._accepted: _Sent | None = None  # the newest that was

    def sent(self, limit: float, until: float) -> None:
        """A lease is on its way."""
        self._newest = _Sent(limit, until)
        self._possible.append(self._newest)

    def accepted(self) -> None:
        """The newest one is in force, and no other."""
        self._accepted, self._newest = self._newest, None
        self._possible = [] if self._accepted is None else [self._accepted]

    def refused(self) -> None:
        """The newest one is not in force; what was before it still is."""
        self._possible = [each for each in self._possible if each is not self._newest]
        self._newest = None

    def ended(self) -> None:
        """The transaction is over, and its profiles with it."""
        self._possible, self._newest, self._accepted = [], None, None

    def most(self, at: float) -> float:
        """What the connector may draw at most at this instant: at least the fallback."""
        self._possible = [each for each in self._possible if at < each.until]
        return max([self.fallback, *(each.limit for each in self._possible)])

    def limit(self, at: float) -> float | None:
        """The limit that is in force; None if it has run out, or if nobody knows."""
        sure = self._accepted is not None and all(each is self._accepted for each in self._possible)
        if self._accepted is None or not sure or at >= self._accepted.until:
            return None
        return self._accepted.limit


def moves(
    room: float, at: float, leases: Mapping[str, Lease], targets: Mapping[str, float], renew: Collection[str] = ()
) -> dict[str, float]:
    """The limits (A) that may be sent now, so that ``room`` is kept whatever becomes of them on their way.

    ``leases`` are those of all connectors, idle and dark ones too, for they draw as well; ``targets`` is what each that
    can be reached should get. Free is what the room is more than the largest possible draw of all. A raise uses it up,
    in the order of the targets; a lowering frees nothing yet, for it may not arrive. What is not in force already is
    sent, and what is in ``renew``.
    """
    free = max(0.0, room - sum(lease.most(at) for lease in leases.values()))
    send: dict[str, float] = {}
    for name, target in targets.items():
        most = leases[name].most(at)
        limit = down(min(target, most + free))
        free -= max(0.0, limit - most)
        if name in renew or limit != leases[name].limit(at):
            send[name] = limit
    return send
