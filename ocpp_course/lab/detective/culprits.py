"""`CULPRITS`: what may be wrong in an evening: the fault in a learner's words, whose it is, and how it is planted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, NamedTuple

from ocpp_lab import messages as m
from ocpp_lab.frames import Call, CallResult
from ocpp_lab.logs.seen import Side

from .evening import Evening, Reply

CHARGE_POINT: Side = "charge point"
CENTRAL_SYSTEM: Side = "central system"
READINGS = ("MeterValues", "StopTransaction")


class Culprit(NamedTuple):
    """One fault. ``rules``: the findings that prove it, by name. ``level``: 1 shows in one frame, 2 in two that have to
    be compared, 3 in what does not come, or comes in the wrong order."""

    name: str
    side: Side
    level: int
    rules: tuple[str, ...]
    plant: Callable[[Evening], object]


def changed(call: Call, **fields: Any) -> Call:
    """The same call with other values in its payload; None takes a field out."""
    payload = {name: value for name, value in _payload(call).items() if fields.get(name, "") is not None}
    return Call(call.unique_id, call.action, payload | {n: v for n, v in fields.items() if v is not None})


def _payload(call: Call) -> dict[str, Any]:
    """A copy of what a call says, all the way down."""
    return deepcopy(dict(call.payload))


def _on(*actions: str) -> Callable[[Callable[[Evening, Call], Iterator[Call]]], Callable[[Evening], None]]:
    """Plant something in the calls of these actions; all others go out as they are."""

    def decorated(spoil: Callable[[Evening, Call], Iterator[Call]]) -> Callable[[Evening], None]:
        @wraps(spoil)
        def plant(evening: Evening) -> None:
            evening.spoil = lambda call: spoil(evening, call) if call.action in actions else [call]

        return plant

    return decorated


# --- the charge point sends it wrong ------------------------------------------------------------------------------


@_on(*READINGS)
def no_transaction(evening: Evening, call: Call) -> Iterator[Call]:
    """The id that the answer to the start has given is never used."""
    yield changed(call, transactionId=-1)


@_on("StatusNotification")
def no_such_status(evening: Evening, call: Call) -> Iterator[Call]:
    """A word of OCPP 1.5: Occupied."""
    busy = _payload(call)["status"] in ("Charging", "Preparing", "Finishing")
    yield changed(call, status="Occupied") if busy else call


@_on("StatusNotification", "StartTransaction", "StopTransaction", "MeterValues")
def clock_never_set(evening: Evening, call: Call) -> Iterator[Call]:
    """The clock began in 1970, and nobody has set it."""
    since = timedelta(seconds=evening.world.time)
    yield dated(call, lambda told: datetime(1970, 1, 1, tzinfo=told.tzinfo) + since)


@_on("StatusNotification", "StartTransaction", "StopTransaction", "MeterValues")
def local_time(evening: Evening, call: Call) -> Iterator[Call]:
    """The time of the wall, and a Z behind it."""
    yield dated(call, lambda told: told + timedelta(hours=2))


def dated(call: Call, move: Callable[[datetime], datetime]) -> Call:
    """The same call with other timestamps."""

    def moved(text: str) -> str:
        at = move(datetime.fromisoformat(text))
        return f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"

    payload = _payload(call)
    if "timestamp" in payload:
        payload["timestamp"] = moved(payload["timestamp"])
    for value in [*payload.get("meterValue", ()), *payload.get("transactionData", ())]:
        value["timestamp"] = moved(value["timestamp"])
    return Call(call.unique_id, call.action, payload)


@_on("StopTransaction")
def stop_in_kwh(evening: Evening, call: Call) -> Iterator[Call]:
    """The meter values are in Wh, the stop is in kWh."""
    yield changed(call, meterStop=_payload(call)["meterStop"] // 1000)


def register_falls(evening: Evening) -> None:
    """After the second reading the register begins anew."""
    seen: dict[int, list[int]] = {}

    def spoil(call: Call) -> list[Call]:
        if call.action != "MeterValues":
            return [call]
        payload = _payload(call)
        sampled = payload["meterValue"][0]["sampledValue"][0]
        before = seen.setdefault(payload["connectorId"], [])
        before.append(int(sampled["value"]))
        if len(before) == 2:
            sampled["value"] = str(before[0] // 3)
        return [Call(call.unique_id, call.action, payload)]

    evening.spoil = spoil


def starts_again(evening: Evening) -> None:
    """The start is sent once more after it was answered."""

    async def work() -> None:
        while True:
            before = len(evening.sent)
            await asyncio.sleep(30)
            for call in evening.sent[before:]:
                if call.action == "StartTransaction":
                    await evening.send(call.action, _payload(call))

    evening.works.append(work)


def id_twice(evening: Evening) -> None:
    """Every third call has the unique id of the one before it."""
    last: list[str] = []

    def spoil(call: Call) -> list[Call]:
        if call.action != "MeterValues":
            return [call]
        last.append(call.unique_id)
        return [Call(last[0], call.action, call.payload)]

    evening.spoil = spoil


def two_at_once(evening: Evening) -> None:
    """A Heartbeat right behind an Authorize, whose answer takes two seconds."""
    evening.with_app = False
    evening.faults.delay("Authorize", seconds=2)

    def spoil(call: Call) -> list[Call]:
        beat = Call(evening.spare_id(), "Heartbeat", {})
        return [call, beat] if call.action == "Authorize" else [call]

    evening.spoil = spoil


def reads_on(evening: Evening) -> None:
    """Meter values of a transaction that is over."""

    async def work() -> None:
        done = 0
        while True:
            await asyncio.sleep(25)
            stops = [call for call in evening.sent if call.action == "StopTransaction"]
            readings = [call for call in evening.sent if call.action == "MeterValues"]
            if len(stops) > done and readings:
                done = len(stops)
                last = readings[-1]
                late = dated(last, lambda told: evening.world.now())
                await evening.send(late.action, late.payload)

    evening.works.append(work)


@_on("StatusNotification")
def finishing_is_preparing(evening: Evening, call: Call) -> Iterator[Call]:
    """From Charging to Preparing no way leads (core 4.9)."""
    yield changed(call, status="Preparing") if _payload(call)["status"] == "Finishing" else call


@_on("StopTransaction")
def never_stops(evening: Evening, call: Call) -> Iterator[Call]:
    """The stop is forgotten; something else goes out in its place."""
    yield Call(call.unique_id, "Heartbeat", {})


def reboots(evening: Evening) -> None:
    """It boots again every few seconds, as after each crash of its own software."""

    async def work() -> None:
        await asyncio.sleep(evening.chance.uniform(60, 120))
        for _ in range(8):
            boot = {"chargePointVendor": "OCPP Lab", "chargePointModel": "One"}
            await evening.send("BootNotification", boot)
            await asyncio.sleep(evening.chance.uniform(6, 11))

    evening.works.append(work)


# --- the charge point answers it wrong ----------------------------------------------------------------------------


def hears_nothing(evening: Evening) -> None:
    """What the central system asks has no answer: one direction only is alive."""
    evening.with_app = True
    evening.deaf = lambda call: True


def promises_to_start(evening: Evening) -> None:
    """RemoteStartTransaction is Accepted, and then nothing happens."""
    evening.with_app = evening.patient = True
    evening.answer = lambda call: _says(call, "RemoteStartTransaction", status="Accepted")


def promises_a_message(evening: Evening) -> None:
    """TriggerMessage is Accepted, and what it asks for never comes."""
    evening.answer = lambda call: _says(call, "TriggerMessage", status="Accepted")

    async def work() -> None:
        while True:
            await asyncio.sleep(evening.chance.uniform(60, 100))
            await evening.ask(m.TriggerMessageRequest(requested_message="FirmwareStatusNotification"))

    evening.works.append(work)


def answers_twice(evening: Evening) -> None:
    """Every call of the central system gets its answer, and three seconds later the same again."""
    evening.twice = True


def _says(call: Call, action: str, **payload: Any) -> Reply:
    return CallResult(call.unique_id, payload) if call.action == action else None


# --- the central system -------------------------------------------------------------------------------------------


def gives_no_id(evening: Evening) -> None:
    """Every start gets the transaction id -1."""
    answer = {"idTagInfo": {"status": "Accepted"}, "transactionId": -1}
    evening.faults.wrong_payload("StartTransaction", payload=answer)


def knows_no_status(evening: Evening) -> None:
    """Authorize is answered with a status that does not exist."""
    evening.with_app = False
    evening.faults.wrong_payload("Authorize", payload={"idTagInfo": {"status": "OK"}})


def silent_on_readings(evening: Evening) -> None:
    """MeterValues have no answer."""
    evening.faults.ignore("MeterValues")


def refuses_the_stop(evening: Evening) -> None:
    """Every StopTransaction gets InternalError, so it is sent again and again."""
    evening.faults.call_error("StopTransaction", code="InternalError", description="NullPointerException")


def answers_under_another_id(evening: Evening) -> None:
    """Authorize is answered under an id that nobody sent."""
    evening.with_app = False
    evening.faults.wrong_id("Authorize")


def stops_another(evening: Evening) -> None:
    """The operator stops transactions that are not open."""
    evening.stop_wrong_transaction = True


def does_not_know(evening: Evening) -> None:
    """StatusNotification is refused with NotImplemented."""
    evening.faults.call_error("StatusNotification", code="NotImplemented")


CULPRITS = (
    Culprit(
        "the transaction is not named in what follows its start",
        CHARGE_POINT,
        1,
        ("stop-without-its-id",),
        no_transaction,
    ),
    Culprit("a status that OCPP 1.6 does not have", CHARGE_POINT, 1, ("payload",), no_such_status),
    Culprit("the clock was never set", CHARGE_POINT, 1, ("clock-never-set",), clock_never_set),
    Culprit("a start gets no real transaction id", CENTRAL_SYSTEM, 1, ("no-transaction-id",), gives_no_id),
    Culprit("a tag gets a status that does not exist", CENTRAL_SYSTEM, 1, ("payload",), knows_no_status),
    Culprit("a core operation is not implemented", CENTRAL_SYSTEM, 1, ("core-not-supported",), does_not_know),
    Culprit("readings are never answered", CENTRAL_SYSTEM, 1, ("never-answered",), silent_on_readings),
    Culprit("the register of energy falls", CHARGE_POINT, 2, ("register",), register_falls),
    Culprit("the meter counts in Wh, and stops in kWh", CHARGE_POINT, 2, ("register",), stop_in_kwh),
    Culprit("a start that was answered is sent again", CHARGE_POINT, 2, ("sent-again-after-its-answer",), starts_again),
    Culprit("one unique id for several calls", CHARGE_POINT, 2, ("id-used-again",), id_twice),
    Culprit("a second call before the first was answered", CHARGE_POINT, 2, ("second-call-too-early",), two_at_once),
    Culprit("every call is answered twice", CHARGE_POINT, 2, ("answered-twice",), answers_twice),
    Culprit(
        "answers come under another id",
        CENTRAL_SYSTEM,
        2,
        ("reply-to-nothing", "never-answered"),
        answers_under_another_id,
    ),
    Culprit("a stop is refused whenever it comes", CENTRAL_SYSTEM, 2, ("refused-again-and-again",), refuses_the_stop),
    Culprit("readings go on after the end of the transaction", CHARGE_POINT, 3, ("readings-outside",), reads_on),
    Culprit("a status follows that may not follow", CHARGE_POINT, 3, ("order-of-statuses",), finishing_is_preparing),
    Culprit("a transaction is left open", CHARGE_POINT, 3, ("left-open",), never_stops),
    Culprit(
        "a remote start is accepted, and nothing starts",
        CHARGE_POINT,
        3,
        ("remote-start-and-nothing",),
        promises_to_start,
    ),
    Culprit(
        "a trigger is accepted, and nothing follows", CHARGE_POINT, 3, ("trigger-and-nothing",), promises_a_message
    ),
    Culprit("a boot every few seconds", CHARGE_POINT, 3, ("boot-storm",), reboots),
    Culprit("local time with a Z behind it", CHARGE_POINT, 3, ("clock-off",), local_time),
    Culprit("one end answers nothing", CHARGE_POINT, 3, ("one-direction-only", "never-answered"), hears_nothing),
    Culprit(
        "a remote stop for a transaction that is not open", CENTRAL_SYSTEM, 3, ("remote-stop-rejected",), stops_another
    ),
)
"""All of them. Every rule that is named here finds its culprit in every evening; a test says so."""
