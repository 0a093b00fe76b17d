"""`Connector`: what a driver plugs into: a status from the specification's table, a car, and an energy meter."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..messages import ChargePointStatus
from ..states import Machine, Table

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


@dataclass
class Car:
    """A battery that takes ``power`` (W) until it has the ``wanted`` energy (Wh), and then nothing."""

    wanted: float = 20_000.0
    power: float = 11_000.0
    taken: float = 0.0

    @property
    def full(self) -> bool:
        """Whether it has all the energy that it wants."""
        return self.taken >= self.wanted - 1e-6


class Connector:
    """One connector. ``time()`` gives seconds; ``register`` (Wh) is the meter's reading when it starts.

    ``on_change(old, event, new)`` is told of every new status, after it; what it raises is logged and counted.

    The meter is arithmetic: energy is the integral of power over time, taken piece by piece whenever power changes or
    somebody reads.
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
        self._time = time
        self._register = register
        self._flows_since: float | None = None  # None: the contactor is open

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
        self._integrate()
        return self._register

    @property
    def power(self) -> float:
        """What flows now, in W."""
        self._integrate()
        return self.car.power if self._flows_since is not None and self.car and not self.car.full else 0.0

    @property
    def full(self) -> bool:
        """Whether there is a car that takes no more."""
        self._integrate()
        return self.car is not None and self.car.full

    @property
    def seconds_to_full(self) -> float | None:
        """How long until the car takes no more, None if nothing flows."""
        if not (power := self.power) or self.car is None:
            return None
        return (self.car.wanted - self.car.taken) / power * 3600

    def close_contactor(self) -> None:
        """Let energy flow."""
        self._integrate()
        self._flows_since = self._time()

    def open_contactor(self) -> None:
        """Stop the energy; the meter keeps what has flown."""
        self._integrate()
        self._flows_since = None

    def _integrate(self) -> None:
        if self._flows_since is None or self.car is None:
            return
        now = self._time()
        taken = min(self.car.power * (now - self._flows_since) / 3600, self.car.wanted - self.car.taken)
        self.car.taken += taken
        self._register += taken
        self._flows_since = now
