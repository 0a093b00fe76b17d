"""`KeptReservations`: who has a connector kept until when; and what may be reserved, a pure decision (core 5.13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from ..messages import ReservationStatus, ReserveNowRequest
from ..station.rights import Reservation
from ..store import Store, store_at

Place = Literal["free", "occupied", "faulted", "unavailable"]
"""What a connector is to somebody who wants to reserve it. Occupied: a cable, a driver or a session is there."""


class KeptReservations:
    """The reservations of a charge point, in the store: they hold offline, and after a power cut.

    Those that expired are there until somebody removes them; who asks compares `Reservation.until` with his clock.
    Everything raises `StoreFailed` if the file cannot be read or written; then nothing has changed.
    """

    def __init__(self, store: Store | str = ":memory:") -> None:
        self._store = store_at(store)

    def put(self, reservation: Reservation) -> None:
        """Keep it; one with the same id is replaced (core 5.13)."""
        self._store.execute(
            "INSERT OR REPLACE INTO reservations VALUES (?,?,?,?,?)",
            (
                str(reservation.id),
                reservation.connector,
                reservation.tag,
                reservation.parent,
                reservation.until.isoformat(),
            ),
        )

    def remove(self, reservation_id: int) -> Reservation | None:
        """Forget the reservation with this id; returns it, None if there is none."""
        found = next((each for each in self.all() if each.id == reservation_id), None)
        if found is not None:
            self._store.execute("DELETE FROM reservations WHERE id = ?", (str(reservation_id),))
        return found

    def all(self) -> list[Reservation]:
        """All that are kept, the one that ends first in front."""
        rows = self._store.execute("SELECT id, connector, tag, parent, until FROM reservations")
        kept = [
            Reservation(int(number), connector, tag, parent, datetime.fromisoformat(until))
            for number, connector, tag, parent, until in rows
        ]
        return sorted(kept, key=lambda each: (each.until, each.id))

    def living(self, now: datetime) -> list[Reservation]:
        """Those that hold at this instant."""
        return [each for each in self.all() if now < each.until]

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()


def may_reserve(
    request: ReserveNowRequest, places: Mapping[int, Place], living: Sequence[Reservation], now: datetime
) -> ReservationStatus:
    """The answer to a ReserveNow (core 5.13). ``places`` are all connectors; 0 is the charge point as a whole.

    A living reservation with the same id is replaced, so it stands in nobody's way. Any other does, even one for the
    same tag. For each reservation of connector 0 one connector must remain that is free and reserved for nobody. What
    has expired already, or names no connector of ours, is Rejected.
    """
    wanted = request.connector_id
    others = [each for each in living if each.id != request.reservation_id]
    if wanted not in places or request.expiry_date <= now:
        return "Rejected"
    if said := _BROKEN.get(places[0]) or (wanted and _BROKEN.get(places[wanted])):
        return said
    kept = {each.connector for each in others}
    unreserved = {number for number, place in places.items() if number and place == "free" and number not in kept}
    anywhere = sum(each.connector == 0 for each in others)
    if wanted:
        remains = len(unreserved - {wanted}) >= anywhere
        return "Accepted" if wanted in unreserved and remains else "Occupied"
    if len(unreserved) > anywhere:
        return "Accepted"
    return _common(places)


_BROKEN: dict[Place, ReservationStatus] = {"faulted": "Faulted", "unavailable": "Unavailable"}


def _common(places: Mapping[int, Place]) -> ReservationStatus:
    """Why no connector is left: somebody has one of them, or they are all broken."""
    kinds = {place for number, place in places.items() if number}
    if not kinds <= set(_BROKEN):
        return "Occupied"
    return "Faulted" if "faulted" in kinds else "Unavailable"
