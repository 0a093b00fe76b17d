"""Meter values: what was measured, where, when and in which unit (core 3.16, 7.33, 7.43).

Part of the Core profile; shared by MeterValues and StopTransaction.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import Payload, Timestamp

Location = Literal["Body", "Cable", "EV", "Inlet", "Outlet"]
Measurand = Literal[
    "Current.Export",
    "Current.Import",
    "Current.Offered",
    "Energy.Active.Export.Register",
    "Energy.Active.Import.Register",
    "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register",
    "Energy.Active.Export.Interval",
    "Energy.Active.Import.Interval",
    "Energy.Reactive.Export.Interval",
    "Energy.Reactive.Import.Interval",
    "Frequency",
    "Power.Active.Export",
    "Power.Active.Import",
    "Power.Factor",
    "Power.Offered",
    "Power.Reactive.Export",
    "Power.Reactive.Import",
    "RPM",
    "SoC",
    "Temperature",
    "Voltage",
]
Phase = Literal["L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"]
ReadingContext = Literal[
    "Interruption.Begin",
    "Interruption.End",
    "Other",
    "Sample.Clock",
    "Sample.Periodic",
    "Transaction.Begin",
    "Transaction.End",
    "Trigger",
]
UnitOfMeasure = Literal[
    "Wh",
    "kWh",
    "varh",
    "kvarh",
    "W",
    "kW",
    "VA",
    "kVA",
    "var",
    "kvar",
    "A",
    "V",
    "Celsius",
    "Celcius",  # The first schemas misspelt it; both must be understood (J-errata 2.1).
    "Fahrenheit",
    "K",
    "Percent",
    "Hertz",  # Not in the table of core 7.45, but core 7.31 gives it to the measurand Frequency.
]
ValueFormat = Literal["Raw", "SignedData"]


class SampledValue(Payload, kw_only=True):
    """One reading. Absent fields mean: a periodic raw reading of Wh imported, at the outlet (core 7.43).

    ``value`` is text of any length: a decimal number, or signed data in hexadecimal.
    """

    value: str
    context: ReadingContext | None = None
    format: ValueFormat | None = None
    measurand: Measurand | None = None
    phase: Phase | None = None
    location: Location | None = None
    unit: UnitOfMeasure | None = None


class MeterValue(Payload, kw_only=True):
    """Readings that were taken at the same instant (core 7.33)."""

    timestamp: Timestamp
    sampled_value: Annotated[list[SampledValue], Meta(min_length=1)]
