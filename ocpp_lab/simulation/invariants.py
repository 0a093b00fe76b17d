"""`Invariants`: what must hold in a world, and did not: who watches something tells it here."""

from __future__ import annotations

from collections.abc import Callable

from .violation import Violation

ONE_IN_FLIGHT = "one own call in flight"
"""Of either end (J-spec 4.1.1)."""


class Invariants:
    """``time`` tells the simulated second."""

    def __init__(self, time: Callable[[], float]) -> None:
        self.violations: list[Violation] = []
        """What broke so far, in this order; `broken` adds."""
        self._time = time

    def broken(self, invariant: str, message: str, identity: str = "") -> None:
        """An invariant does not hold. The first is what counts; what follows may be its consequence."""
        self.violations.append(Violation(invariant, message, identity=identity, at=self._time()))

    def expect(self, holds: object, invariant: str, message: str, identity: str = "") -> None:
        """It is broken unless it ``holds``."""
        if not holds:
            self.broken(invariant, message, identity)
