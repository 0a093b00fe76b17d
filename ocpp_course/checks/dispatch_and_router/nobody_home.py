"""2.5: what OCPP does not know, and what it knows and nobody serves."""

from __future__ import annotations

from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.frames import ERROR_CODES
from ocpp_lab.router import Router

from ..kit import Kit
from ..step import Step
from .payloads import spoilt, text
from .witnesses import ROLES, Witness, answered, call_for, received_by, refused

step = Step("2.5", "Nobody home", ("Router",), points=2, minutes=15, reference=lambda: Router)


def half_served(my: Any, kit: Kit, role: Any) -> tuple[Any, Witness, list[m.Action]]:
    """A router that serves half of what may reach it, and the other half."""
    actions = received_by(role)
    kit.rng.shuffle(actions)
    router, witness = my.Router(role), Witness(kit)
    witness.register(router, *actions[::2])
    return router, witness, actions[1::2]


@step.check("NotImplemented for an action that OCPP does not know")
async def unknown(my: Any, kit: Kit) -> str:
    """NotImplemented: the requested action is not known by the receiver (J-spec 4.2.3)."""
    for role in ROLES:
        router, _, _ = half_served(my, kit, role)
        invented = kit.rng.choice(["Make", "Brew", "Get"]) + kit.rng.choice(["Coffee", "Tea", "Cake"])
        for action in (invented, "HeartbeatRequest", "Resets", "", text(kit.rng, 30), *_parts_of_names(kit)):
            frame = await refused(kit, router, call_for(kit, action, {}))
            said = "NotImplemented is for what OCPP does not know."
            if frame.code not in ERROR_CODES:
                said = f"{frame.code!r:.40} is none of the ten error codes (J-spec 4.2.3); mind the spelling."
            elif action and any(action in name for name in m.ACTIONS):
                said = f"{action} is only a part of names that OCPP knows; compare whole names."
            kit.require(frame.code == "NotImplemented", f"{action}: {frame.code}", said)
    return "NotImplemented"


def _parts_of_names(kit: Kit) -> list[str]:
    """Beginnings, middles and endings of real names that are no names themselves."""
    name = kit.rng.choice(sorted(m.ACTIONS))
    found = ["Notification", "Status", "Transaction", "Boot", name[1:], name[:-1], name[1:-1]]
    return [each for each in found if each not in m.ACTIONS]


@step.check("NotSupported for an action that OCPP knows and nobody handles here")
async def unhandled(my: Any, kit: Kit) -> str:
    """NotSupported: the action is recognised, and the receiver does not support it (J-spec 4.2.3)."""
    for role in ROLES:
        for router, unserved in (half_served(my, kit, role)[::2], (my.Router(role), received_by(role))):
            for action in unserved:
                frame = await refused(kit, router, call_for(kit, action.name))
                said = "OCPP knows this action, we do not serve it: NotSupported."
                kit.require(frame.code == "NotSupported", f"{action.name}: {frame.code}", said)
    return "NotSupported"


@step.check("NotSupported for what our own side sends: Heartbeat at a charge point")
async def wrong_direction(my: Any, kit: Kit) -> str:
    """An action that comes from the wrong side is known, and not supported here (J-spec 4.2.3, core 4, 5)."""
    for role in ROLES:
        router, _, _ = half_served(my, kit, role)
        for action in m.ACTIONS.values():
            if action.sender == role:
                frame = await refused(kit, router, call_for(kit, action.name))
                said = "OCPP knows this action, and it never arrives here: NotSupported."
                kit.require(frame.code == "NotSupported", f"{action.name}: {frame.code}", said)
    return "NotSupported"


@step.check("`heartbeat` is not Heartbeat: NotImplemented")
async def case_matters(my: Any, kit: Kit) -> str:
    """Actions are case-sensitive (J-spec 4.2.1)."""
    for role in ROLES:
        router, witness = my.Router(role), Witness(kit)
        actions = received_by(role)
        witness.register(router, *actions)
        other = kit.rng.choice(actions).name
        for name in ("heartbeat", "RESET", other.swapcase(), other.lower(), f" {other}", f"{other} "):
            said = "actions are case-sensitive."
            if name != name.strip():
                said = "a name with a space at its end is another name; compare it as it came."
            frame = await refused(kit, router, call_for(kit, name, {}), result=said)
            kit.require(frame.code == "NotImplemented", f"{name.strip()}: {frame.code}", said)
            kit.require(not witness.visits, "a handler ran", said)
    return "NotImplemented"


@step.check("the action is looked at before the payload")
async def order(my: Any, kit: Kit) -> str:
    """What is not served has no rules for a payload: NotImplemented or NotSupported, whatever it carries."""
    said = "complained about the payload of an action that is not served; look at the action first."
    raises = "an exception left `answer`; it looked at the payload of an action that is not served."
    for role in ROLES:
        router, _, unserved = half_served(my, kit, role)
        broken: tuple[Any, ...] = ({"pin": 1}, [], "x", 17, {"idTag": 4711})
        for payload in broken:
            frame = await refused(kit, router, call_for(kit, "MakeCoffee", payload), raises, said)
            kit.require(frame.code == "NotImplemented", frame.code, said)
        for action in (*unserved, m.ACTIONS["Heartbeat" if role == "ChargePoint" else "Reset"]):
            for each in spoilt(action.request, kit.rng):
                frame = await refused(kit, router, call_for(kit, action.name, each.payload), raises, said)
                kit.require(frame.code == "NotSupported", frame.code, said)
    return "the action first"


@step.check("what is served is still answered")
async def still_served(my: Any, kit: Kit) -> str:
    """A call that has a handler gets its result (J-spec 4.2.2)."""
    for role in ROLES:
        router, witness, _ = half_served(my, kit, role)
        for name in witness.responses:
            frame = await answered(kit, router, call_for(kit, name))
            kit.require(
                not hasattr(frame, "code"), f"{name}: {getattr(frame, 'code', '')}", "this action has a handler."
            )
    return "CallResult"
