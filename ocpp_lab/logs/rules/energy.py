"""Rules about what the meter says: a register that only grows, readings that belong to somebody (core 4.7, 4.10)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from ..case import Case
from ..rule import Hit, RuleSet, named
from ..seen import Seen, objects
from ..transactions import NO_IDS, LoggedTransaction, registers

ENERGY_RULES = RuleSet()
_ACROSS = ("05_lifecycle_loop", "7. A transaction across a cut")
_LEDGER = ("03_session_reconnect", "10. The ledger")


@ENERGY_RULES.rule("register", "core 4.10", _LEDGER, 70)
def register(case: Case) -> Iterator[Hit]:
    """The register falls within a transaction, or its two ends do not fit what was read in between."""
    for each in case.transactions:
        yield from () if each.guessed else _ends(each)
        yield from _readings(each)


def _ends(each: LoggedTransaction) -> Iterator[Hit]:
    start, stop = each.meter_start, each.meter_stop
    if start is not None and stop is not None and stop < start and each.start and each.stop:
        yield Hit(
            [each.start, each.stop],
            f"meterStop is {stop} Wh (line {each.stop.line}) and meterStart {start} Wh (line {each.start.line}): the"
            f" register fell by {start - stop} Wh." + (" They fit if one is in kWh." if _thousand(start, stop) else ""),
            "charge point",
            "Both are readings of the register in Wh, as whole numbers: not the energy of the session, not kWh.",
        )
    newest = max((reading.wh for reading in each.readings if reading.at and _before(reading.at, each)), default=None)
    if stop is not None and newest is not None and stop < newest - 1 and each.stop and not _thousand(newest, stop):
        yield Hit(
            [each.stop],
            f"meterStop is {stop} Wh (line {each.stop.line}), and a reading before it had {newest:g} Wh.",
            "charge point",
            "Read the meter at the end of the transaction; do not round down, and do not use an older value.",
        )


def _before(at: Any, each: LoggedTransaction) -> bool:
    return each.stopped is None or at <= each.stopped


def _thousand(one: float, other: float) -> bool:
    low, high = sorted((abs(one), abs(other)))
    return low > 0 and 700 < high / low < 1400


def _readings(each: LoggedTransaction) -> Iterator[Hit]:
    for one, two in pairwise(each.readings):
        if one.at and two.at and two.at > one.at and two.wh < one.wh - 1:
            yield Hit(
                [one.seen, two.seen],
                f"The register fell from {one.wh:g} Wh (line {one.seen.line}) to {two.wh:g} Wh (line {two.seen.line})"
                f" within a transaction.",
                "charge point",
                "Energy.Active.Import.Register only ever grows: look for a value in another unit or of another meter.",
                group="falls",
            )
    start = each.meter_start
    low = [reading for reading in each.readings if start is not None and reading.wh < start - 1]
    if low and len(low) == len(each.readings) and each.start is not None and start is not None:
        in_kwh = _thousand(start, low[-1].wh) and start > 2000
        yield Hit(
            [each.start, low[0].seen],
            f"meterStart is {start} Wh (line {each.start.line}), and all readings of that transaction are below it, as"
            f" {low[0].wh:g} Wh in line {low[0].seen.line}."
            + (" They fit if the readings are in kWh: a value without a unit is in Wh." if in_kwh else ""),
            "charge point",
            "Send the register itself, in Wh or with its unit, not the energy of this session.",
            group="below",
        )


@ENERGY_RULES.rule("readings-outside", "core errata 3.16", _ACROSS, 45)
def readings_outside(case: Case) -> Iterator[Hit]:
    """Readings of a transaction after its end, or during one without its id."""
    stops = {each.stop_id: each for each in case.transactions if each.stop and each.stop_id not in (None, *NO_IDS)}
    for each in case.calls("MeterValues"):
        payload, call = each.call.payload, each.call
        number = payload.get("transactionId")
        ended = stops.get(number) if type(number) is int else None
        times = [at for at, _ in registers(payload.get("meterValue")) if at]
        if ended is not None and ended.stop is not None and ended.stopped and ended.stop.index < call.index:
            if times and min(times) > ended.stopped and ended.transaction_id == number:
                yield Hit(
                    [ended.stop, call],
                    f"{named(call)} has a reading of transaction {number} from after its stop (line"
                    f" {ended.stop.line}).",
                    "charge point",
                    "Stop sampling when the transaction ends; the last values belong into the StopTransaction.",
                    group="after",
                )
        elif number is None and call.frame is not None:
            yield from _without_id(case, call, payload, times)


def _without_id(case: Case, call: Seen, payload: dict[str, Any], times: list[Any]) -> Iterator[Hit]:
    for running in case.open_at(call.index):
        known = running.start_reply is not None and running.start_reply.index < call.index and running.ids[0] > 0
        if not known or running.connector != payload.get("connectorId") or running.started is None or not times:
            continue
        contexts = {
            str(sampled.get("context", "Sample.Periodic"))
            for value in objects(payload.get("meterValue"))
            for sampled in objects(value.get("sampledValue"))
        }
        if contexts <= {"Sample.Periodic"} and min(times) > running.started:
            yield Hit(
                [call],
                f"{named(call)} has a periodic reading of connector {running.connector} without a transaction id, while"
                f" transaction {running.ids[0]} runs there.",
                "charge point",
                "Readings that are taken during a transaction carry its id: without it, nobody can bill them.",
                group="without",
            )
