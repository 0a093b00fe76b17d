"""`Violation`: an invariant that did not hold: which, where, when."""

from __future__ import annotations


class Violation(AssertionError):
    """``invariant`` is its name, ``identity`` the charge point it concerns, ``at`` the simulated second."""

    def __init__(self, invariant: str, message: str, *, identity: str = "", at: float = 0.0) -> None:
        super().__init__(invariant, message, identity, at)
        self.invariant = invariant
        self.message = message
        self.identity = identity
        self.at = at

    def __str__(self) -> str:
        where = f" ({self.identity})" if self.identity else ""
        return f"{self.invariant}{where}, at {self.at:.3f} s: {self.message}"
