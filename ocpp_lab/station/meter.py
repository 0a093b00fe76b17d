"""`Meter`: the meter of one connector. Its register is the integral of the power that flows (core 7.31)."""

from __future__ import annotations

from collections.abc import Callable

from .car import Car
from .mains import FREQUENCY, RATED, VOLTAGE
from .quantities import PHASES, Quantity


class Meter:
    """``time()`` gives seconds; ``register`` (Wh) is what it shows at first, for no meter starts from zero (core 7.31).

    It is arithmetic: energy is added piece by piece, whenever somebody reads and before anything changes. Who reads,
    and how often, changes nothing.
    """

    def __init__(self, time: Callable[[], float], register: float = 0.0) -> None:
        self.car: Car | None = None
        """Into which energy flows; None while none can. Set by `flow`, cleared by `cut`."""
        self.offered: float | None = None
        """A per phase that the car may take; None: as much as the connector carries. Set by `flow` and `offer`."""
        self._time = time
        self._register = register
        self._since = time()  # when the register was brought up to date

    def flow(self, car: Car, offered: float | None = None) -> None:
        """From now on energy flows into this car, if it is offered enough (A per phase)."""
        self.count()
        self.car, self.offered = car, offered

    def offer(self, amperes: float | None) -> None:
        """From now on the car is offered so much (A per phase)."""
        self.count()
        self.offered = amperes

    def cut(self) -> None:
        """From now on nothing flows."""
        self.count()
        self.car = None

    def count(self) -> None:
        """Bring the register, and the car's battery, up to this instant."""
        now = self._time()
        if self.car:
            self._register += self.car.take(now - self._since, self._offer)
        self._since = now

    @property
    def energy(self) -> float:
        """The register in Wh; it never goes back."""
        self.count()
        return self._register

    @property
    def power(self) -> float:
        """What flows now, in W."""
        self.count()
        return self.car.draws(self._offer) if self.car else 0.0

    @property
    def currents(self) -> tuple[float, float, float]:
        """What flows now on L1, L2 and L3, in A."""
        power = self.power
        if self.car is None:
            return 0.0, 0.0, 0.0
        used = self.car.used
        first, second, third = (power / VOLTAGE / used if phase < used else 0.0 for phase in range(3))
        return first, second, third

    @property
    def seconds_to_full(self) -> float | None:
        """How long until the car takes no more, None if nothing flows."""
        self.count()
        return self.car.seconds_to_full(self._offer) if self.car else None

    def read(self) -> list[Quantity]:
        """Everything that it can measure, at this instant, in the order of core 7.31."""
        power, soc = self.power, self.car.soc if self.car else None
        offered = self._offer if self.car else 0.0
        values = [Quantity("Current.Import", *each) for each in zip(self.currents, PHASES, strict=True)]
        values += [
            Quantity("Current.Offered", offered),
            Quantity("Energy.Active.Import.Register", self._register),
            Quantity("Frequency", FREQUENCY),
            Quantity("Power.Active.Import", power),
            Quantity("Power.Offered", offered * VOLTAGE * (self.car.used if self.car else 0)),
        ]
        if soc is not None:
            values.append(Quantity("SoC", soc))
        return [*values, *(Quantity("Voltage", VOLTAGE, phase) for phase in PHASES)]

    @property
    def _offer(self) -> float:
        """What the car is offered, as far as the connector can carry it."""
        return RATED if self.offered is None else min(self.offered, RATED)
