"""ConnectorPhaseRotation: in which order the phases of the mains are wired to each connector (core 9.1.7)."""

from __future__ import annotations

from ..station.quantities import items

ROTATIONS = frozenset(("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR"))
"""The orders that there are. R, S and T are L1, L2 and L3."""

LONGEST = 500
"""Characters of a value (core 7.29)."""


def as_wired(connectors: int) -> str:
    """How this station is wired: in the standard order, at its meter (0) and at every connector that has room here."""
    whole = ",".join(f"{number}.RST" for number in range(connectors + 1))
    return whole if len(whole) <= LONGEST else whole[:LONGEST].rpartition(",")[0]


def is_rotation(text: str, connectors: int) -> bool:
    """Whether a value names an order for connectors that there are, each once: ``0.RST, 1.RST, 2.RTS``."""
    numbers = []
    for item in items(text):
        number, dot, order = item.partition(".")
        if not (dot and order in ROTATIONS and number.isascii() and number.isdigit() and len(number) <= 4):
            return False
        numbers.append(int(number))
    return bool(numbers) and len(set(numbers)) == len(numbers) and max(numbers) <= connectors
