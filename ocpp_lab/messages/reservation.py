"""The Reservation profile: keep a connector free for somebody (core 3.11)."""

from __future__ import annotations

from typing import Literal

from .base import ConnectorIdOrZero, IdToken, Request, Response, Timestamp

CancelReservationStatus = Literal["Accepted", "Rejected"]
ReservationStatus = Literal["Accepted", "Faulted", "Occupied", "Rejected", "Unavailable"]


class CancelReservationResponse(Response, kw_only=True):
    """Says whether there was such a reservation to cancel (core 6.6, 5.1)."""

    status: CancelReservationStatus


class CancelReservationRequest(Request[CancelReservationResponse], kw_only=True):
    """Cancel this reservation (core 6.5, 5.1)."""

    reservation_id: int


class ReserveNowResponse(Response, kw_only=True):
    """Says whether the reservation is made, and if not, why (core 6.38, 5.13)."""

    status: ReservationStatus


class ReserveNowRequest(Request[ReserveNowResponse], kw_only=True):
    """Keep a connector, or with 0 any, for this idTag until expiry_date (core 6.37, 5.13)."""

    connector_id: ConnectorIdOrZero
    expiry_date: Timestamp
    id_tag: IdToken
    parent_id_tag: IdToken | None = None
    reservation_id: int
