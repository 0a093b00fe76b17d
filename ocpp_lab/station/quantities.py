"""What a meter measures, and which of it somebody wants: lists of measurands in configuration keys (core 9.1.17)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, cast

from ..messages import Measurand, Phase, UnitOfMeasure

PHASES: Final[tuple[Phase, ...]] = ("L1", "L2", "L3")
"""The phases of the mains."""

MEASURED: Final[dict[Measurand, tuple[UnitOfMeasure, tuple[Phase, ...]]]] = {
    "Current.Import": ("A", PHASES),
    "Current.Offered": ("A", ()),
    "Energy.Active.Import.Register": ("Wh", ()),
    "Frequency": ("Hertz", ()),  # not in the table of units, but core errata 3.84 says so
    "Power.Active.Import": ("W", ()),
    "Power.Offered": ("W", ()),
    "SoC": ("Percent", ()),
    "Voltage": ("V", PHASES),
}
"""By measurand, its unit, and the phases on which it is measured one by one; none: as a whole."""

MOST_MEASURANDS: Final = sum(1 + len(phases) for _, phases in MEASURED.values())
"""Items of a list in which each stands once, and each of its phases too."""


class Quantity(NamedTuple):
    """One thing that a meter shows: a measurand of core 7.31, its value in the unit of `MEASURED`, perhaps a phase."""

    measurand: Measurand
    value: float
    phase: Phase | None = None

    @property
    def unit(self) -> UnitOfMeasure:
        """The unit of the value (core 7.45)."""
        return MEASURED[self.measurand][0]

    @property
    def text(self) -> str:
        """The value as it is told. A register shows whole Wh: rounded down, what it has not seen is not sold."""
        if self.unit == "Wh":
            return str(int(self.value))
        return f"{self.value:.0f}" if self.unit == "Percent" else f"{self.value:.1f}"


def items(text: str) -> list[str]:
    """The items of a comma separated list; an empty text has none. Spaces around an item do not count."""
    return [item.strip() for item in text.split(",")] if text.strip() else []


def measurable(text: str) -> bool:
    """Whether a list names only what our meters measure, so many items at most (core 3.16.4). None is fine.

    An item is a measurand, or a measurand with one of its phases: ``Current.Import.L1`` (core 9.1.17).
    """
    wanted = items(text)
    return len(wanted) <= MOST_MEASURANDS and all(_is_measured(item) for item in wanted)


def measurable_at_stop(text: str) -> bool:
    """The same of a list for the stop, where no frequency can be told.

    The official schema of StopTransaction has no Hertz: a peer that goes by it refuses the stop, and a stop that is
    refused too often is lost.
    """
    return measurable(text) and "Frequency" not in items(text)


def chosen(quantities: Iterable[Quantity], wanted: str) -> list[Quantity]:
    """Those that a list asks for, each once. A measurand without a phase means all of its phases (core 3.16.3)."""
    asked = set(items(wanted))
    return [each for each in quantities if asked & {each.measurand, f"{each.measurand}.{each.phase}"}]


def _is_measured(item: str) -> bool:
    measurand, _, phase = item.rpartition(".")
    return item in MEASURED or phase in MEASURED.get(cast("Measurand", measurand), ("", ()))[1]
