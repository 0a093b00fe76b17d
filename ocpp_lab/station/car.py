"""`Car`: a battery that takes what it is offered, less and less when it is nearly full."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log1p

from .mains import VOLTAGE

BEND = 0.8
"""State of charge from which a battery takes less, the fuller it is."""

TRICKLE = 0.1
"""What a battery takes at the very end, as a part of its most; on a straight line down from the bend."""


@dataclass
class Car:
    """Takes up to ``power`` (W) until it has ``taken`` the ``wanted`` energy (Wh), and then nothing.

    It charges on ``phases`` (1 or 3), and not at all if it is offered less than ``minimum`` (A per phase). With a known
    ``capacity`` (Wh) of its battery, what it wants makes that full: it tells its state of charge, and above 80 % takes
    less and less. Raises ValueError for a car that cannot be.
    """

    wanted: float = 20_000.0
    power: float = 11_000.0
    taken: float = 0.0
    phases: int = 3
    minimum: float = 6.0
    capacity: float | None = None
    connected: int = 3
    """Phases that are switched on at its connector, which sets it."""

    def __post_init__(self) -> None:
        if self.phases not in (1, 3):
            raise ValueError(f"expected a car on 1 phase or 3, came {self.phases}")
        if self.capacity is not None and not 0 < self.wanted <= self.capacity:
            raise ValueError(
                f"expected a battery of at least {self.wanted:g} Wh, what is wanted; came {self.capacity:g}"
            )

    @property
    def used(self) -> int:
        """The phases on which it charges: what it has, and is connected."""
        return min(self.phases, self.connected)

    @property
    def left(self) -> float:
        """What it still wants, in Wh."""
        return max(self.wanted - self.taken, 0.0)

    @property
    def full(self) -> bool:
        """Whether it has all the energy that it wants."""
        return self.left <= 1e-6

    @property
    def soc(self) -> float | None:
        """The state of charge in percent; None if the capacity is not known."""
        return None if self.capacity is None else 100 * (1 - self.left / self.capacity)

    def draws(self, offered: float | None = None) -> float:
        """What it takes now, in W, if it is offered so much (A per phase; None: as much as it likes)."""
        return 0.0 if self.full else min(self._most(offered), self._curve(self.left))

    def would_take(self, seconds: float, offered: float | None = None) -> float:
        """The energy (Wh) that it takes in the next seconds, if it is offered so much all the while. Exact."""
        most = self._most(offered)
        flat_energy, flat_seconds = self._flat(most)
        if seconds <= flat_seconds or flat_energy == self.left:
            return min(most * seconds / 3600, flat_energy)
        return self.left - self._after(self.left - flat_energy, seconds - flat_seconds)

    def take(self, seconds: float, offered: float | None = None) -> float:
        """Let it charge for so long; returns what it took (Wh)."""
        energy = self.would_take(seconds, offered)
        self.taken += energy
        return energy

    def seconds_to_full(self, offered: float | None = None) -> float | None:
        """How long until it has what it wants, if it is offered so much all the while; None if nothing flows."""
        if not self.draws(offered):
            return None
        flat_energy, flat_seconds = self._flat(self._most(offered))
        fall, end = self._fall(), self.power * TRICKLE
        tail = log1p((self.left - flat_energy) * fall / end) / fall * 3600 if fall else 0.0
        return flat_seconds + tail

    def _most(self, offered: float | None) -> float:
        """The power (W) that the offer and its own limit allow, whatever the battery says."""
        if offered is None:
            return self.power
        own = self.power * self.used / self.phases
        return 0.0 if offered < self.minimum else min(own, offered * VOLTAGE * self.used)

    def _fall(self) -> float:
        """By how many W its power falls with every Wh, beyond the bend; 0 if there is none."""
        return 0.0 if self.capacity is None else self.power * (1 - TRICKLE) / (self.capacity * (1 - BEND))

    def _curve(self, left: float) -> float:
        """What its battery takes (W) while so much (Wh) is missing."""
        return self.power if self.capacity is None else min(self.power, self.power * TRICKLE + self._fall() * left)

    def _flat(self, most: float) -> tuple[float, float]:
        """How much (Wh), and for how long (s), it takes the most that is allowed, before its curve is lower."""
        if not most:
            return self.left, float("inf")
        fall = self._fall()
        knee = max((most - self.power * TRICKLE) / fall, 0.0) if fall else 0.0
        energy = max(self.left - knee, 0.0)
        return energy, energy / most * 3600

    def _after(self, left: float, seconds: float) -> float:
        """What is still missing (Wh) after so long on the falling line: dE/dt = -(end + fall · E), solved."""
        fall, end = self._fall(), self.power * TRICKLE
        return max((left + end / fall) * exp(-fall * seconds / 3600) - end / fall, 0.0)
