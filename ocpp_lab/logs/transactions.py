"""`transactions`: who charged how much, as far as the log shows it (core 4.7, 4.8, 4.10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, NamedTuple

from ..messages.base import read_timestamp_as_utc
from .log import Log
from .pairing import pair
from .seen import Seen, objects

NO_IDS = (-1, 0)
"""What stands for a transaction whose id is not known; 0 is none that a central system should give."""


class Reading(NamedTuple):
    """The register of energy: ``wh`` in watt-hours, ``at`` as the payload says (None: nonsense), where it stands."""

    at: datetime | None
    wh: float
    seen: Seen


@dataclass(slots=True)
class LoggedTransaction:
    """One transaction. What the log does not show is None."""

    identity: str | None
    connector: int | None = None
    id_tag: str | None = None
    transaction_id: int | None = None
    """As the central system gave it first; if the start is not in the log, as a later message has it."""
    start: Seen | None = None
    """The first StartTransaction of it."""
    start_reply: Seen | None = None
    """The first answer that is a result."""
    stop: Seen | None = None
    """The first StopTransaction of it."""
    stop_id: int | None = None
    """The transaction id in it."""
    started: datetime | None = None
    """The timestamp in the StartTransaction."""
    stopped: datetime | None = None
    """That in the StopTransaction."""
    meter_start: int | None = None
    """Wh."""
    meter_stop: int | None = None
    """Wh."""
    reason: str | None = None
    """Of the stop; "Local" if it names none (core 4.10)."""
    status: str | None = None
    """What the central system said of the tag, in its answer to the start."""
    readings: list[Reading] = field(default_factory=list)
    """Of the register, from MeterValues and from the stop, in the order of the log."""
    ids: list[int] = field(default_factory=list)
    """All ids that answers to its starts gave: two of them make two transactions of one."""
    guessed: bool = False
    """Whether its stop has no id, and was taken for this one's because no other was waiting for one."""
    repeats: list[Seen] = field(default_factory=list)
    """Its StartTransaction and StopTransaction again, the same but for the unique id."""

    @property
    def energy(self) -> float | None:
        """Wh, from the start to the stop, or to the newest reading if it has none yet."""
        end = self.meter_stop if self.meter_stop is not None else (self.readings[-1].wh if self.readings else None)
        return None if end is None or self.meter_start is None else end - self.meter_start


def transactions(log: Log) -> list[LoggedTransaction]:
    """In the order of their first frames. One whose start is not in the log begins with what is seen of it."""
    ledger = _Accounts(log)
    for seen in log.seen:
        ledger.take(seen)
    return ledger.all


def instant(value: Any) -> datetime | None:
    """A timestamp of a payload, without an offset as UTC; None if it is none."""
    try:
        return read_timestamp_as_utc(datetime, value)
    except ValueError:
        return None


def registers(meter_values: Any) -> Iterator[tuple[datetime | None, float]]:
    """The readings of the whole register of imported energy, in Wh, of a list of meter values."""
    for value in objects(meter_values):
        at = instant(value.get("timestamp"))
        for each in objects(value.get("sampledValue")):
            if (wh := _watt_hours(each)) is not None:
                yield at, wh


def _triggered(meter_values: Any) -> bool:
    """Whether somebody asked for these readings: they may overtake older ones that wait in the queue (core 5.17)."""
    contexts = [each.get("context") for value in objects(meter_values) for each in objects(value.get("sampledValue"))]
    return bool(contexts) and all(context == "Trigger" for context in contexts)


def _watt_hours(sampled: dict[str, Any]) -> float | None:
    if sampled.get("measurand", "Energy.Active.Import.Register") != "Energy.Active.Import.Register":
        return None
    if sampled.get("phase") or sampled.get("format") == "SignedData" or sampled.get("location") in ("Inlet", "EV"):
        return None
    try:
        number = float(sampled.get("value", ""))
    except (TypeError, ValueError):
        return None
    return number * (1000 if sampled.get("unit") == "kWh" else 1) if isfinite(number) else None


class _Accounts:
    """The transactions so far."""

    def __init__(self, log: Log) -> None:
        self.seen = log.seen
        self.pairs = pair(log.seen)
        self.all: list[LoggedTransaction] = []
        """In the order in which `take` met them."""
        self._by_id: dict[tuple[str | None, int], LoggedTransaction] = {}  # the newest with an id
        self._by_start: dict[tuple[str | None, str], LoggedTransaction] = {}  # by what a StartTransaction says
        self._on: dict[tuple[str | None, int], LoggedTransaction] = {}  # the newest of each connector

    def take(self, seen: Seen) -> None:
        """One frame."""
        if seen.frame is None:
            return
        match seen.kind, seen.action:
            case 2, "StartTransaction":
                self._start(seen, seen.payload)
            case 2, "StopTransaction":
                self._stop(seen, seen.payload)
            case 2, "MeterValues":
                self._read(seen, seen.payload)
            case 3, "StartTransaction":
                self._answered(seen, seen.payload)

    def _start(self, seen: Seen, payload: dict[str, Any]) -> None:
        what = repr([payload.get(name) for name in ("connectorId", "idTag", "meterStart", "timestamp")])
        found = self._by_start.get((seen.identity, what))
        if found is not None and found.stop is None:  # else it is another one, of a charge point without a clock
            found.repeats.append(seen)
            return
        fresh = LoggedTransaction(seen.identity, _int(payload.get("connectorId")), payload.get("idTag"), start=seen)
        fresh.started, fresh.meter_start = instant(payload.get("timestamp")), _int(payload.get("meterStart"))
        self._by_start[seen.identity, what] = fresh
        self.all.append(fresh)
        if fresh.connector is not None:
            self._on[seen.identity, fresh.connector] = fresh

    def _answered(self, seen: Seen, payload: dict[str, Any]) -> None:
        call = self.pairs.call_of.get(seen.index)
        if call is None:
            return
        asked = self.seen[call].payload
        what = repr([asked.get(name) for name in ("connectorId", "idTag", "meterStart", "timestamp")])
        found = self._by_start.get((seen.identity, what))
        number = _int(payload.get("transactionId"))
        if found is None or number is None:
            return
        found.ids.append(number)
        info = payload.get("idTagInfo")
        if found.start_reply is None:
            found.start_reply, found.transaction_id = seen, number
            found.status = info.get("status") if isinstance(info, dict) else None
        self._by_id[seen.identity, number] = found

    def _find(self, seen: Seen, number: int | None, connector: int | None) -> LoggedTransaction | None:
        if number is not None and number not in NO_IDS:
            return self._by_id.get((seen.identity, number))
        if connector is not None:
            return self._on.get((seen.identity, connector))
        if number == -1:  # the only one that got no id and has no stop
            waiting = [one for one in self.all if one.identity == seen.identity and one.stop is None and not one.ids]
            return waiting[0] if len(waiting) == 1 else None
        return self._by_id.get((seen.identity, 0)) if number == 0 else None

    def _read(self, seen: Seen, payload: dict[str, Any]) -> None:
        number, connector = _int(payload.get("transactionId")), _int(payload.get("connectorId"))
        if _triggered(payload.get("meterValue")):
            return
        found = self._find(seen, number, connector)
        if found is None and number is not None and number not in NO_IDS:
            found = self._begin(seen, number)
            found.connector = connector
        if found is not None and (number is not None or found.stop is None):
            found.readings += [Reading(at, wh, seen) for at, wh in registers(payload.get("meterValue"))]

    def _begin(self, seen: Seen, number: int) -> LoggedTransaction:
        """One whose start is not in the log."""
        fresh = LoggedTransaction(seen.identity, transaction_id=number)
        self.all.append(fresh)
        self._by_id[seen.identity, number] = fresh
        return fresh

    def _stop(self, seen: Seen, payload: dict[str, Any]) -> None:
        number = _int(payload.get("transactionId"))
        if number is None:
            return
        found = self._find(seen, number, None) or self._begin(seen, number)
        found.guessed = number == -1 and found.start is not None
        if found.stop is not None:
            if found.stop.payload | {"transactionId": 0} == payload | {"transactionId": 0}:
                found.repeats.append(seen)
                return
            found = self._begin(seen, number)
        found.stop, found.stop_id, found.reason = seen, number, payload.get("reason", "Local")
        found.stopped, found.meter_stop = instant(payload.get("timestamp")), _int(payload.get("meterStop"))
        found.id_tag = found.id_tag or payload.get("idTag")
        found.readings += [Reading(at, wh, seen) for at, wh in registers(payload.get("transactionData"))]


def _int(value: Any) -> int | None:
    return value if type(value) is int else None
