"""5.1: who may say what, before the boot is accepted and after."""

from __future__ import annotations

from itertools import product
from typing import Any

from ocpp_lab.charge_point.registration import may_send, may_serve

from ..kit import Kit
from ..step import Step

step = Step(
    "5.1",
    "the gate: `may_send`, `may_serve`",
    ("may_send", "may_serve"),
    points=2,
    minutes=15,
    reference=lambda: (may_send, may_serve),
)

OWN = (
    "Authorize",
    "BootNotification",
    "DataTransfer",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
)
"""What a charge point sends."""
THEIRS = (
    "CancelReservation",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetLocalListVersion",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "SetChargingProfile",
    "TriggerMessage",
    "UnlockConnector",
    "UpdateFirmware",
)
"""What a central system sends."""
KEPT = ("MeterValues", "StartTransaction", "StopTransaction")
REMOTE = ("RemoteStartTransaction", "RemoteStopTransaction")
SAID = ("send", "queue", "refuse")
ONE_OF = 'return "serve", "refuse" or "silent".'
NOT_YET = (None, "Pending", "Rejected")
SERVED = ("serve", "refuse", "silent")
ONLY_SHOWN = "right for the four rows shown, and not for every action, registration and trigger."


@step.check("BootNotification: send, whatever the registration")
def boot_goes(my: Any, kit: Kit) -> str:
    """The boot is what gets a charge point accepted, so it may always go out (core 4.2)."""
    for registration in (*NOT_YET, "Accepted"):
        got = my.may_send("BootNotification", registration)
        kit.require(got in SAID, f"{registration}: {got!r}", 'return "send", "queue" or "refuse".')
        kit.require(got == "send", f"{registration}: {got!r}", "nothing else can get us accepted; a boot always goes.")
    return "send"


@step.check("StatusNotification, Pending, triggered: send")
def pending_triggered(my: Any, kit: Kit) -> str:
    """Pending sends nothing of its own accord; what the central system triggered goes out (core 4.2)."""
    got = my.may_send("StatusNotification", "Pending", triggered=True)
    kit.require(got == "send", repr(got), "what TriggerMessage asked for must go out.")
    got = my.may_send("StatusNotification", "Pending")
    kit.require(got != "send", repr(got), "not triggered, nothing but the boot goes out while Pending (core 4.2).")
    return "send"


@step.check("StartTransaction before Accepted: queue")
def transactions_wait(my: Any, kit: Kit) -> str:
    """Transaction messages are kept until they can be delivered (core 3.7, 4.2)."""
    got = my.may_send("StartTransaction", "Pending")
    lost = "a StartTransaction before Accepted is kept, not lost."
    kit.require(got == "queue", repr(got), "while Pending it waits; it may not go out." if got == "send" else lost)
    return "queue"


@step.check("in Pending: remote start refused, all else served")
def remote_in_pending(my: Any, kit: Kit) -> str:
    """In Pending the central system may configure the charge point; it may not start or stop anything (core 4.2)."""
    for action in (*THEIRS, *REMOTE):
        got, wanted = my.may_serve(action, "Pending"), "refuse" if action in REMOTE else "serve"
        said = "remote start and stop are refused in Pending, all else is served."
        if got == "silent" and action not in REMOTE:
            said = "in Pending the central system configures us; answer."
        kit.require(got == wanted, f"{action}: {got!r}", said if got in SERVED else ONE_OF)
    return "refuse, serve"


@step.check("Rejected: no answer to anything")
def rejected_silent(my: Any, kit: Kit) -> str:
    """A rejected charge point does not answer the central system (core 4.2)."""
    for action in THEIRS:
        got = my.may_serve(action, "Rejected")
        known = "a rejected charge point SHALL NOT answer."
        kit.require(got == "silent", f"{action}: {got!r}", known if got in SERVED else ONE_OF)
    return "silent"


@step.check("every action, registration and trigger")
def whole_table(my: Any, kit: Kit) -> str:
    """Accepted sends all; Pending what was triggered; else the boot only. Transaction messages wait (core 4.2)."""
    rows = list(product(OWN, (*NOT_YET, "Accepted"), (False, True)))
    kit.rng.shuffle(rows)
    answers = {row: my.may_send(row[0], row[1], triggered=row[2]) for row in rows}
    wrong = sorted((row for row in rows if answers[row] != _may_send(*row)), key=repr)
    if wrong:
        kit.require(False, f"{len(wrong)} of {len(rows)} differ: {_shown(wrong[0])}", _why(wrong, answers))
    served = [action for action in THEIRS if my.may_serve(action, "Accepted") != "serve"]
    kit.require(not served, f"{len(served)} not served", "an accepted charge point serves every call.")
    return f"{len(rows)} rows"


def _why(wrong: list[Row], answers: dict[Row, Any]) -> str:
    """What the rows that differ have in common, as far as they say it."""
    row = wrong[0]
    if all(answers[each] == "send" and each[2] and each[1] in ("Rejected", None) for each in wrong):
        if any(each[1] == "Rejected" for each in wrong):
            return "Rejected sends nothing, triggered or not (core 4.2)."
        return "before the first answer nothing but the boot goes out, triggered or not (core 4.2)."
    if len(wrong) > len(answers) / 4 and not set(wrong) & set(SHOWN):
        return ONLY_SHOWN
    return f"{_shown(row)}: {_may_send(*row)!r} is right, and not {answers[row]!r}."


Row = tuple[str, str | None, bool]
SHOWN: list[Row] = [
    ("BootNotification", None, False),
    ("StatusNotification", "Pending", True),
    ("StartTransaction", "Pending", False),
    ("Heartbeat", "Rejected", False),
]
"""The rows in the text of the step."""


def _may_send(action: str, registration: str | None, triggered: bool) -> str:
    """The specification's table."""
    if action == "BootNotification" or registration == "Accepted":
        return "send"
    if registration == "Pending" and triggered:
        return "send"
    return "queue" if action in KEPT else "refuse"


def _shown(row: Row) -> str:
    return f"{row[0]}, {row[1]}{', triggered' if row[2] else ''}"


@step.check("asked again, in any order: the same answers")
def pure(my: Any, kit: Kit) -> str:
    """A gate remembers nothing: what it says depends on its arguments alone."""
    rows = list(product(OWN, (*NOT_YET, "Accepted"), (False, True)))
    said = "the answer depends on what was asked before; a gate looks at its arguments only."
    first = {row: my.may_send(row[0], row[1], triggered=row[2]) for row in rows}
    served = [my.may_serve(each, "Pending") for each in THEIRS]
    for _ in range(3):
        kit.rng.shuffle(rows)
        again = {row: my.may_send(row[0], row[1], triggered=row[2]) for row in rows}
        kit.require(again == first, "answers differ", said)
        kit.require([my.may_serve(each, "Pending") for each in THEIRS] == served, "answers differ", said)
    return "the same"
