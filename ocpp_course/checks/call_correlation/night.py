"""The capstone: a learner's session and pending calls in a real charge point."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.central_system import CentralSystem, Policy
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.errors import CallFailed, CallTimeout, MalformedReply
from ocpp_lab.frames import Call
from ocpp_lab.router import Router
from ocpp_lab.session import Session
from ocpp_lab.simulation import Profile, World

from .. import capstone
from ..fitted import fit
from ..kit import Kit
from ..step import Step
from . import prediction
from .bench import HEARTBEAT, Bench, after
from .ours import OurPending
from .patience import outcome

step = Step(
    "4.capstone",
    "`Session` and `Pending` in a charge point",
    ("Session", "Pending", "PLAN", "PREDICTED"),
    points=4,
    minutes=25,
    reference=lambda: (Session, OurPending, prediction.PLAN, prediction.PREDICTED),
    capstone=True,
)

TIMEOUT = 10.0
CALLS = 40
NIGHTS = 25
ALL_AT_ONCE = 3
"""Late replies are let loose in such groups, in another order than that of their calls."""
FAULTS = ("none", "delay", "late", "answer twice", "wrong id", "wrong payload", "CallError")
ENDS = {"late": CallTimeout, "wrong id": CallTimeout, "wrong payload": MalformedReply, "CallError": CallFailed}
"""What the caller is told; any other gets its answer."""


@step.check("your `Session` and your `Pending` work together")
async def together(my: Any, kit: Kit) -> str:
    """The session uses what `Pending` promises: open, settle, expect, fail_all."""
    its, pending = prediction.fitting(my)
    async with Bench(my, kit, after(1.0), run=True, pending=pending) as bench:
        for _ in range(3):
            said = "the session and the pending calls do not fit together: open, send, expect; settle; fail_all."
            ended = await kit.within(60.0, outcome(bench.call(HEARTBEAT)), "a call waits for ever", said)
            kit.require(isinstance(ended, m.HeartbeatResponse), f"{ended!r:.40}", said)
        kit.equal(its.counts["resolved"], 3, "three calls were answered, and counted.")
    return "3 answers"


@step.check("your `PLAN` has every fault, and your `PREDICTED` is what was counted")
async def predicted(my: Any, kit: Kit) -> str:
    """Who can say beforehand what a fault does to the counts can read a fault from the counts."""
    prediction.acceptable(kit, my.PLAN, my.PREDICTED)
    counted = await prediction.played(my, kit, list(my.PLAN))
    wrong = [word for word in prediction.WORDS if my.PREDICTED[word] != counted[word]]
    said = f"you predicted another number for {', '.join(wrong)}; go through the plan call by call: which replies come?"
    kit.require(not wrong, f"{len(wrong)} of 6 differ", said)
    return f"{len(my.PLAN)} calls, 6 counts right"


@step.check("the counts equal what was injected; own answers only", seconds=20)
def counted(my: Any, kit: Kit) -> str:
    """Every reply has one name: what the faults made late, repeated, orphan or malformed is counted so (J-spec 4.1)."""
    nights = min(NIGHTS, capstone.SEEDS)
    capstone.survives(kit, night, seeds=nights, session=my.Session, pending=my.Pending)
    return f"{nights} nights of {CALLS} calls"


@step.check("a night of faults, cuts and crashes is survived", seconds=40)
def chaos(my: Any, kit: Kit) -> str:
    """Nothing is lost, nothing comes twice without need, and no call waits for ever, whatever breaks (core 3.7)."""
    return capstone.survives(kit, **fit(session=my.Session, pending=my.Pending))


async def night(
    world: World, profile: Profile, *, session: Any = Session, pending: Any = OurPending, calls: int = CALLS
) -> Counter[str]:
    """One charge point calls, the central system answers badly by plan; then the counts are compared."""
    rng = world.rng("night")
    world.net.set_defaults(latency=(0.005, 0.2))
    central_system = await world.start_central_system(policy=Policy(interval=86_400))
    assert isinstance(central_system.router, Router)
    central_system.router.add(m.AuthorizeRequest, _echo, replace=True)
    made: list[Any] = []

    def kept() -> Any:
        made.append(pending())
        return made[-1]

    pieces = fit(session=session, pending=kept)
    charge_point = await world.start_charge_point("CP_1", **pieces, timeout=TIMEOUT, ping_interval=None)
    await charge_point.wait_for("online")
    await asyncio.sleep(5.0)
    plan = _plan(rng, calls)
    for number, fault in enumerate(plan):
        _inject(central_system, fault, number, rng)
        if not await _call(world, charge_point, fault, f"TAG_{rng.getrandbits(32):08X}"):
            return Counter(plan)
    await asyncio.sleep(20 * TIMEOUT)
    _compare(world, Counter(plan), made)
    return Counter(plan)


async def _echo(request: m.AuthorizeRequest) -> m.AuthorizeResponse:
    """The tag comes back, so that a caller can tell its own answer."""
    return m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted", parent_id_tag=request.id_tag))


def _plan(rng: Random, calls: int) -> list[str]:
    """Each fault at least twice, in any order."""
    plan = [*FAULTS, *FAULTS, *rng.choices(FAULTS, k=max(0, calls - 2 * len(FAULTS)))]
    rng.shuffle(plan)
    return plan


def _inject(central_system: CentralSystem, fault: str, number: int, rng: Random) -> None:
    faults = central_system.faults
    match fault:
        case "delay":
            faults.delay("Authorize", times=1, seconds=rng.uniform(0.1, 0.8 * TIMEOUT))
        case "late":  # so late, and so differently, that later calls are answered first
            faults.delay("Authorize", times=1, seconds=rng.uniform(1.5, ALL_AT_ONCE + 1.5) * TIMEOUT)
        case "answer twice":
            faults.answer_twice("Authorize", times=1)
        case "wrong id":
            faults.wrong_id("Authorize", times=1)
        case "wrong payload":
            faults.wrong_payload("Authorize", times=1)
        case "CallError":
            faults.call_error("Authorize", times=1)


async def _call(world: World, charge_point: ChargePoint, fault: str, tag: str) -> bool:
    """Whether the call ended as it must."""
    ended: Any = None
    try:
        async with asyncio.timeout(5 * TIMEOUT):
            ended = await world.sites["CP_1"].do(outcome(charge_point.call(m.AuthorizeRequest(id_tag=tag))))
    except TimeoutError:
        world.broken("every call ends", f"a caller waits for ever (fault: {fault})", "CP_1")
        return False
    wanted = ENDS.get(fault, m.AuthorizeResponse)
    if not isinstance(ended, wanted):
        came = f"{type(ended).__name__}: {ended}" if isinstance(ended, Exception) else type(ended).__name__
        message = f"with the fault {fault!r} a caller is told {wanted.__name__}, not {came}"
        world.broken("each call ends as its reply says", message, "CP_1")
        return False
    if isinstance(ended, m.AuthorizeResponse) and ended.id_tag_info.parent_id_tag != tag:
        world.broken("no caller gets another's answer", f"{tag} got that of {ended.id_tag_info.parent_id_tag}", "CP_1")
        return False
    return True


def _compare(world: World, plan: Counter[str], pendings: list[Any]) -> None:
    """Of all replies: each is counted once, under its name, by the learner's own counters."""
    site = world.sites["CP_1"]
    sent = sum(event.mark == ">" and isinstance(event.frame, Call) for event in site.trace)
    wanted = {
        "late": plan["late"],
        "repeated": plan["answer twice"],
        "orphan": plan["wrong id"],
        "malformed": plan["wrong payload"],
        "failed": plan["CallError"],
    }
    wanted["resolved"] = sent - sum(wanted.values()) + wanted["repeated"]
    counts: Counter[str] = Counter()
    for each in pendings:
        counts.update(each.counts)
    wrong = [f"{word} {counts[word]}, injected {number}" for word, number in wanted.items() if counts[word] != number]
    world.expect(not wrong, "the counts equal what was injected", "; ".join(wrong), "CP_1")
    left = sum(len(each) for each in pendings)
    world.expect(left == 0, "every call ends", f"{left} calls are still pending", "CP_1")
