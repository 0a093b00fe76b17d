"""What a charge point that takes reservations knows of them, as the bays need it (core 5.13)."""

from __future__ import annotations

from typing import Literal, Protocol

from ..station.rights import Reservation


class Reservations(Protocol):
    """Who keeps the reservations. What writes raises `StoreFailed` if it cannot."""

    def reservations(self) -> list[Reservation]:
        """Those that live."""

    def used(self, reservation_id: int) -> None:
        """A transaction begins with this one, which ends it; written down together with the start."""

    def ends(self, connector: int, why: Literal["Faulted", "Unavailable"]) -> None:
        """A connector can keep no reservation any more (core 5.13)."""


class NoReservations:
    """For a charge point that takes none."""

    def reservations(self) -> list[Reservation]:
        """None."""
        return []

    def used(self, reservation_id: int) -> None:
        """Never called: there is none to be used."""

    def ends(self, connector: int, why: Literal["Faulted", "Unavailable"]) -> None:
        """There is none."""
