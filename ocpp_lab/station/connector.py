"""`Connector`: what a driver plugs into: a cable with two ends, a lock that can jam, a contactor, and a meter."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, NamedTuple

from ..messages import ChargePointErrorCode, ChargePointStatus
from ..states import Machine
from .car import Car
from .meter import Meter
from .status import CHARGE_POINT, CONNECTOR

log = logging.getLogger(__name__)

Cable = Literal["socket", "fixed"]
"""Whose the cable is: the driver brings one with two ends, or it is fixed to the charge point and has no lock."""


class Shown(NamedTuple):
    """What is told of a connector (core 4.9)."""

    status: ChargePointStatus
    error_code: ChargePointErrorCode = "NoError"
    info: str | None = None


class Connector:
    """One connector. ``time()`` gives seconds; ``register`` (Wh) is the meter's reading when it starts.

    ``on_change(old, event, new)`` is told of every new status, and of a new error or info with the same one, after it;
    what it raises is logged and counted.
    """

    def __init__(
        self,
        number: int,
        time: Callable[[], float],
        *,
        register: float = 0.0,
        cable: Cable = "socket",
        on_change: Callable[[ChargePointStatus, ChargePointStatus, ChargePointStatus], None] | None = None,
    ) -> None:
        self.number = number
        self.cable = cable
        self.on_change = on_change
        self.machine: Machine[ChargePointStatus, ChargePointStatus] = Machine(
            CONNECTOR if number else CHARGE_POINT, "Available"
        )
        self.shown = Shown("Available")
        """What is told of it; `become` sets it."""
        self.listener_failures = 0
        """How often ``on_change`` raised; the log has each."""
        self.operative = True
        """Availability as it was last commanded (core 5.2); set once it is written down."""
        self.car: Car | None = None
        """At the far end of the cable; None while it is out there."""
        self.end_in = False
        """Whether the near end of a driver's cable is in our socket; set by `plug`, cleared by `pull`."""
        self.locked = False
        """Whether the near end is held; set and cleared by `lock` and `unlock`."""
        self.jammed = False
        """Whether the lock stays as it is, whatever it is told; set by whoever breaks or mends it."""
        self.offered: float | None = None
        """A per phase that a car may take; None: as much as the connector carries. Set by `offer`."""
        self.meter = Meter(time, register)
        """What has flown here, and what flows now."""
        self.phases = 3
        """Phases that are switched on; set by `offer`."""
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

    def become(
        self, status: ChargePointStatus, *, error_code: ChargePointErrorCode = "NoError", info: str | None = None
    ) -> bool:
        """Change what is told; False if it is that already. Raises `IllegalTransition` if there is no such edge."""
        old, shown = self.status, Shown(status, error_code, info)
        if shown == self.shown:
            return False
        if status != old:
            self.machine.fire(status)
        self.shown = shown
        self._changed(old, status)
        return True

    def restore(self, status: ChargePointStatus) -> None:
        """It is as a power cut left it, whatever the table says of the way there."""
        if status != (old := self.status):
            self.machine = Machine(self.machine.table, status)
            self.shown = Shown(status)
            self._changed(old, status)

    def _changed(self, old: ChargePointStatus, new: ChargePointStatus) -> None:
        if self.on_change is None:
            return
        try:
            self.on_change(old, new, new)
        except Exception:  # whoever listens keeps no driver from charging, and no cable in
            self.listener_failures += 1
            log.exception("! connector %d: a listener to its status failed", self.number)

    # -- the cable and its lock

    @property
    def cable_in(self) -> bool:
        """Whether there is an end that a driver has to pull."""
        return self.end_in or self.car is not None

    def plug(self, car: Car) -> None:
        """Both ends go in."""
        self.car = car
        car.connected = self.phases
        self.end_in = self.cable == "socket"

    def pull(self) -> None:
        """The far end is pulled, and the near one with it unless it is held."""
        self.open_contactor()
        self.car = None
        self.end_in = self.end_in and self.locked

    def lock(self) -> bool:
        """Hold the cable; False if the lock does not move. A fixed cable needs none."""
        return self._move(held=True)

    def unlock(self) -> bool:
        """Let the cable go; False if the lock does not move."""
        return self._move(held=False)

    def _move(self, *, held: bool) -> bool:
        if self.cable == "socket" and not self.jammed:
            self.locked = held
        return self.cable == "fixed" or self.locked == held

    # -- energy

    @property
    def closed(self) -> bool:
        """Whether the contactor is closed."""
        return self.meter.car is not None

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
    def starved(self) -> bool:
        """Whether less is offered than a car needs to charge at all."""
        return self.offered is not None and self.offered < (self.car or Car()).minimum

    @property
    def seconds_to_full(self) -> float | None:
        """How long until the car takes no more, None if nothing flows."""
        return self.meter.seconds_to_full

    def offer(self, amperes: float | None, phases: int = 3) -> None:
        """From now on a car may take so much (A per phase) on so many phases; None: as much as the connector carries.
        The other phases are switched off, for a car with three would take three times as much as a car with one."""
        self.meter.count()
        self.offered, self.phases = amperes, phases
        if self.car:
            self.car.connected = phases
        self.meter.offer(amperes)
        self.on_offer()

    def close_contactor(self) -> None:
        """Let energy flow."""
        if self.car:
            self.meter.flow(self.car, self.offered)

    def open_contactor(self) -> None:
        """Stop the energy; the meter keeps what has flown."""
        self.meter.cut()
