"""`ReservationWatch`: a reserved connector serves its owner, or the owner's group, and nobody else (core 5.13)."""

from __future__ import annotations

from typing import Any

import msgspec

from .. import messages as m
from ..charge_point import ChargePoint
from ..codec import decode_payload
from ..frames import Call, CallResult
from ..station.rights import Reservation, same
from ..trace import Event
from .book import Record
from .business import group_of
from .site import ChargePointSite

KEPT_FREE = "a reserved connector serves its owner"


class ReservationWatch:
    """Of one charge point, over all lives. It knows what was answered, and nothing of what is in the file.

    An order that was not answered may have been obeyed, or not: then it is no reason for anything.
    """

    def __init__(self, site: ChargePointSite) -> None:
        self.site = site
        self.held: dict[int, Reservation] = {}
        """What was Accepted, and is not over, by id."""
        self.maybe: dict[int, Reservation] = {}
        """What may be held, or be over."""
        self._asked: dict[str, tuple[Call, Reservation | None]] = {}  # by unique id, with what was held under its id
        site.ears.append(self.hear)
        site.on_life.append(self.begin)
        site.book.listeners.append(self.written)

    def begin(self, charge_point: ChargePoint) -> None:
        """A life begins: listen to what ends a reservation without a word."""
        bays, kept, now = charge_point.charging.bays, charge_point.memory.reservations, charge_point.clock.now
        end, remove = bays.end_reservations, kept.remove

        def ends(connector: int, why: Any) -> None:
            end(connector, why)
            for each in [each for each in self.held.values() if each.connector == connector]:
                self._doubt(each.id)

        def removed(reservation_id: int) -> Reservation | None:
            gone = remove(reservation_id)
            if gone and gone.until <= now():
                self.held.pop(reservation_id, None)  # its time was up; and the clock may be set back
            return gone

        bays.end_reservations = ends  # type: ignore[method-assign]
        kept.remove = removed  # type: ignore[method-assign]

    def hear(self, event: Event) -> None:
        """One event of the charge point's trace."""
        match event.mark, event.frame:
            case "<", Call(action="ReserveNow" | "CancelReservation") as call:
                payload: Any = call.payload
                if isinstance(number := payload.get("reservationId"), int):
                    self._asked[call.unique_id] = call, self.held.get(number)
                    self._doubt(number)
            case ">", CallResult() as result:
                if asked := self._asked.pop(result.unique_id, None):
                    self._answered(*asked, result.payload)

    def _doubt(self, number: int) -> None:
        if reservation := self.held.pop(number, None):
            self.maybe[number] = reservation

    def _answered(self, call: Call, before: Reservation | None, payload: Any) -> None:
        asked: Any = call.payload
        number = asked["reservationId"]
        if payload["status"] == "Accepted":
            self.maybe.pop(number, None)
            if call.action == "ReserveNow":
                self.held[number] = _reservation(call)
        elif before and self.maybe.get(number) == before:
            self.held[number] = self.maybe.pop(number)

    def written(self, record: Record) -> None:
        """A transaction message was written down; perhaps a start."""
        request = record.request
        if not isinstance(request, m.StartTransactionRequest) or not self.site.up:
            return
        now, number = self.site.charge_point.clock.now(), request.reservation_id
        here = [each for each in self.held.values() if each.connector == request.connector_id and now < each.until]
        strangers = [each for each in here if not _fits(each, request.id_tag)]
        self._expect(not strangers or len(strangers) < len(here), f"{request} began, but {strangers}")
        if number is None:
            self._expect(not here, f"{request} uses up nothing of {here}")
        else:
            pending = [_reservation(call) for call, _ in self._asked.values() if call.action == "ReserveNow"]
            known = [each for each in (*self.held.values(), *self.maybe.values(), *pending) if each.id == number]
            fits = any(_fits(each, request.id_tag) and each.connector in (0, request.connector_id) for each in known)
            self._expect(fits, f"{request} uses up {known}")
            self.held.pop(number, None)
            self.maybe.pop(number, None)

    def _expect(self, holds: object, message: str) -> None:
        self.site.ground.invariants.expect(holds, KEPT_FREE, message, self.site.name)


def _reservation(call: Call) -> Reservation:
    asked = decode_payload(m.ReserveNowRequest, msgspec.json.decode(msgspec.json.encode(call.payload)))
    return Reservation(asked.reservation_id, asked.connector_id, asked.id_tag, asked.parent_id_tag, asked.expiry_date)


def _fits(reservation: Reservation, id_tag: str) -> bool:
    return same(reservation.tag, id_tag) or same(reservation.parent, group_of(id_tag))
