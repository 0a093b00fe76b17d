"""`Connector`: what a driver plugs into: a status from the specification's table, a car, and an energy meter."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..messages import ChargePointStatus
from ..states import Machine, Table
from .car import Car as Car
from .meter import Meter

log = logging.getLogger(__name__)

# Core 4.9: from each status, the statuses that may follow. The event is the new status itself.
_FOLLOWS: dict[ChargePointStatus, str] = {
    "Available": "Preparing Charging SuspendedEV SuspendedEVSE Reserved Unavailable Faulted",
    "Preparing": "Available Charging SuspendedEV SuspendedEVSE Finishing Faulted",  # Finishing: B6 (core errata 3.20)
    "Charging": "Available SuspendedEV SuspendedEVSE Finishing Unavailable Faulted",
    "SuspendedEV": "Available Charging SuspendedEVSE Finishing Unavailable Faulted",
    "SuspendedEVSE": "Available Charging SuspendedEV Finishing Unavailable Faulted",
    "Finishing": "Available Preparing Unavailable Faulted",
    "Reserved": "Available Preparing Unavailable Faulted",
    "Unavailable": "Available Preparing Charging SuspendedEV SuspendedEVSE Faulted",
    "Faulted": "Available Preparing Charging SuspendedEV SuspendedEVSE Finishing Reserved Unavailable",
}
CONNECTOR: Table[ChargePointStatus, ChargePointStatus] = {
    status: {new: new for new in _FOLLOWS if new in follows.split()} for status, follows in _FOLLOWS.items()
}

_MAIN: tuple[ChargePointStatus, ...] = ("Available", "Unavailable", "Faulted")
CHARGE_POINT: Table[ChargePointStatus, ChargePointStatus] = {
    status: {new: new for new in _MAIN if new != status} for status in _MAIN
}
"""Connector 0 is the charge point as a whole, and knows these three only (core 4.9)."""


class Connector:
    """One connector. ``time()`` gives seconds; ``register`` (Wh) is the meter's reading when it starts.

    ``on_change(old, event, new)`` is told of every new status, after it; what it raises is logged and counted.
    """

    def __init__(
        self,
        number: int,
        time: Callable[[], float],
        *,
        register: float = 0.0,
        on_change: Callable[[ChargePointStatus, ChargePointStatus, ChargePointStatus], None] | None = None,
    ) -> None:
        self.number = number
        self.on_change = on_change
        self.machine: Machine[ChargePointStatus, ChargePointStatus] = Machine(
            CONNECTOR if number else CHARGE_POINT, "Available", self._changed
        )
        self.listener_failures = 0
        """How often ``on_change`` raised; the log has each."""
        self.operative = True
        """Availability as it was last commanded (core 5.2); set once it is written down."""
        self.car: Car | None = None
        """What the cable is plugged into; None while the cable is out."""
        self.meter = Meter(time, register)
        """What has flown here, and what flows now."""
        self.offered: float | None = None
        """A per phase that a car may take; None: as much as the connector carries. Set by `offer`."""
        self.on_offer: Callable[[], object] = lambda: None
        """Told after every `offer`: the car will be full at another time."""

    @property
    def status(self) -> ChargePointStatus:
        """The status as it is told to the central system (core 4.9)."""
        return self.machine.state

    @property
    def in_use(self) -> bool:
        """Whether a transaction runs here, as the status tells; no file is asked."""
        return self.status in ("Charging", "SuspendedEV", "SuspendedEVSE")

    @property
    def ready(self) -> bool:
        """Whether there is a car that only waits for a tag, whether or not our patience has run out."""
        return self.status == "Preparing" or (self.status == "Available" and self.car is not None)

    def become(self, status: ChargePointStatus) -> bool:
        """Change the status; False if it is that already. Raises `IllegalTransition` if the table has no such edge."""
        if status == self.status:
            return False
        self.machine.fire(status)
        return True

    def _changed(self, old: ChargePointStatus, event: ChargePointStatus, new: ChargePointStatus) -> None:
        if self.on_change is None:
            return
        try:
            self.on_change(old, event, new)
        except Exception:  # whoever listens keeps no driver from charging, and no cable in
            self.listener_failures += 1
            log.exception("! connector %d: a listener to its status failed", self.number)

    @property
    def energy(self) -> float:
        """The meter's register in Wh."""
        return self.meter.energy

    @property
    def power(self) -> float:
        """What flows now, in W."""
        return self.meter.power

    @property
    def full(self) -> bool:
        """Whether there is a car that takes no more."""
        self.meter.count()
        return self.car is not None and self.car.full

    @property
    def seconds_to_full(self) -> float | None:
        """How long until the car takes no more, None if nothing flows."""
        return self.meter.seconds_to_full

    def offer(self, amperes: float | None) -> None:
        """From now on a car may take so much (A per phase); None: as much as the connector carries."""
        self.offered = amperes
        self.meter.offer(amperes)
        self.on_offer()

    def close_contactor(self) -> None:
        """Let energy flow."""
        if self.car:
            self.meter.flow(self.car, self.offered)

    def open_contactor(self) -> None:
        """Stop the energy; the meter keeps what has flown."""
        self.meter.cut()
