"""The statuses of a connector as a table (core 4.9), and the way from one to another along its edges."""

from __future__ import annotations

from ..messages import ChargePointStatus
from ..states import Table

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


def told(old: ChargePointStatus, new: ChargePointStatus) -> list[ChargePointStatus]:
    """The statuses that are told on the way from one to another: nothing, the new one, or Available first.

    Available leads everywhere but to Finishing, and everything leads to it.
    """
    if old == new:
        return []
    return [new] if new in CONNECTOR[old] else ["Available", new]
