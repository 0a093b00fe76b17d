"""`ReservationOrders`: keep a connector free for somebody, and give it up again (core 5.1, 5.13)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from .. import messages as m
from ..errors import Forbidden
from .ledger_values import fits
from .order_end import OrderEnd
from .ordering import Ordering
from .orders import Settle


class Reserved(NamedTuple):
    """What came of `ReservationOrders.reserve`; the id is what cancels it."""

    reservation_id: int
    status: m.ReservationStatus


class ReservationOrders(Ordering):
    """What was reserved is in the book of `Records.reservations`."""

    async def reserve(
        self,
        identity: str,
        connector_id: int,
        id_tag: str,
        until: datetime,
        *,
        parent: str | None = None,
        reservation_id: int | None = None,
    ) -> Reserved:
        """Keep a connector, or with 0 any, for this tag (core 5.13).

        Without a ``reservation_id`` it gets a new one; that of a reservation which is there replaces it. Raises
        `Forbidden` for an end in the past.
        """
        if until.tzinfo is None or until <= self._now():
            raise Forbidden(f"expected an end that is to come, with its offset, came {until} (core 5.13)")
        number = self._records.reservations.next_id() if reservation_id is None else reservation_id
        if not fits(number, connector_id):
            raise Forbidden("expected numbers of 64 bits, which is what can be recorded (core 6.37)")
        request = m.ReserveNowRequest(
            connector_id=connector_id, expiry_date=until, id_tag=id_tag, parent_id_tag=parent, reservation_id=number
        )

        def ask() -> Settle:
            row = self._records.reservations.ask(identity, request, self._now())
            return lambda outcome: self._records.reservations.settle(row, outcome)

        answer = await self._orders.send(identity, request, ask)
        return Reserved(number, answer.status)

    async def cancel_reservation(self, identity: str, reservation_id: int) -> m.CancelReservationResponse:
        """Give it up (core 5.1). Rejected means that the charge point has none of this id: it is gone as well."""

        def settle(outcome: OrderEnd) -> None:
            if outcome.said in ("Accepted", "Rejected"):
                self._records.reservations.cancelled(identity, reservation_id)

        request = m.CancelReservationRequest(reservation_id=reservation_id)
        return await self._orders.send(identity, request, lambda: settle)
