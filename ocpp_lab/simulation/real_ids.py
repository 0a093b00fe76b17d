"""`RealIds`: a start that was answered has its real id in its stop (core 4.8, 4.10)."""

from __future__ import annotations

from .invariants import Invariants

REAL_ID = "a start that was answered has its real id in its stop"


class RealIds:
    """The ids that one charge point must know by now, by its own name for the transaction."""

    def __init__(self, identity: str, invariants: Invariants) -> None:
        self.identity = identity
        self.invariants = invariants
        self._known: dict[str, tuple[int, float]] = {}  # the first id that came, and when

    def came(self, name: str, transaction_id: int, at: float) -> None:
        """An answer to a start came to a machine that could write it down. The first one wins."""
        self._known.setdefault(name, (transaction_id, at))

    def stop_left(self, name: str, transaction_id: int) -> None:
        """A stop is sent."""
        known = self._known.get(name)
        if known and known[0] != transaction_id:
            why = f"the stop of {name} says {transaction_id}; its start got {known[0]} at {known[1]:.3f} s"
            self.invariants.broken(REAL_ID, why, self.identity)

    def power_went(self, at: float) -> None:
        """What came in this very instant nobody had the time to write down."""
        self._known = {name: known for name, known in self._known.items() if known[1] != at}
