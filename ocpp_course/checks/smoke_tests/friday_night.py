"""The capstone: the learner's transport and frames in a real charge point, in fifty floods and fifty bad nights."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from itertools import pairwise, repeat
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.central_system import Policy
from ocpp_lab.errors import CallTimeout, ConnectionLost, NotConnected, OcppError
from ocpp_lab.frames import CallResult, decode, encode
from ocpp_lab.simulation import Profile, World, chaos
from ocpp_lab.transport import Transport

from ..capstone import survives
from ..fitted import fit
from ..kit import Kit
from ..step import Step
from .in_the_stack import InTheStack

step = Step(
    "1.capstone",
    "your `Transport` in a charge point",
    ("decode", "encode", "Transport"),
    points=4,
    minutes=20,
    reference=lambda: (decode, encode, Transport),
    capstone=True,
)

SENDERS, TEXTS, LIMIT = 3, 40, 20
CUTS = ("FIN", "RST", "close 1001", "stall, then RST")
EVENTS = ("nothing", "latency", "stop reading", *CUTS)
SOON = 10.0
"""Seconds after a cut in which whoever waited must be told: closing politely takes up to five."""


@step.check("the charge point boots, beats, answers, and boots again")
def in_the_stack(my: Any, kit: Kit) -> str:
    """A charge point with your transport does what every charge point does (core 4.2, 4.6, 5.14)."""
    survives(kit, calm, seeds=1, my=my)
    return "as it should"


@step.check("floods with faults in their midst are survived", seconds=20)
def flood(my: Any, kit: Kit) -> str:
    """Texts arrive in order, one at a time; when the connection is cut, every sender and every call is told at once."""
    return survives(kit, flooded, my=my)


@step.check("nights of faults, cuts and crashes are survived", seconds=40)
def chaos_nights(my: Any, kit: Kit) -> str:
    """Nothing is lost, nothing comes twice without need, and no call waits for ever, whatever breaks (core 3.7)."""
    return survives(kit, bad_night, my=my)


async def bad_night(world: World, profile: Profile, *, my: Any) -> Counter[str]:
    """`chaos`, with the learner's pieces."""
    return await chaos(world, profile, **fit(transport=partial(InTheStack, my, world)))


async def calm(world: World, profile: Profile, *, my: Any) -> None:
    """Nothing goes wrong."""
    system = await world.start_central_system(policy=Policy(interval=20))
    pieces = fit(transport=partial(InTheStack, my, world))
    point = await world.start_charge_point("CP_1", **pieces, delays=lambda: repeat(1.0))
    if not await _online(world, 30.0):
        return
    await asyncio.sleep(70.0)
    gaps = [round(later - earlier, 3) for earlier, later in pairwise(system.heartbeats)]
    world.expect(gaps == [20.0, 20.0], "heartbeats keep their cadence", f"seconds between them: {gaps}", "CP_1")
    session = system.sessions["CP_1"]
    asked = world.central_system_site.do(session.call(m.GetConfigurationRequest(key=["NumberOfConnectors"])))
    answer = await asked
    world.expect(answer and answer.configuration_key, "calls cross", f"GetConfiguration: {answer!r}", "CP_1")
    boot = system.last_boot_id
    await world.central_system_site.do(session.call(m.ResetRequest(type="Soft")))
    await asyncio.sleep(15.0)
    await _online(world, 30.0)
    world.expect(system.last_boot_id != boot, "it boots after a reset", f"state {point.state}", "CP_1")


async def _online(world: World, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await world.charge_point("CP_1").wait_for("online")
    except (TimeoutError, OcppError):
        state = world.charge_point("CP_1").state
        world.broken("it comes online", f"{state} after {seconds:g} s", "CP_1")
        return False
    return True


async def flooded(world: World, profile: Profile, *, my: Any) -> Counter[str]:
    """Three senders flood the connection, three calls wait, and in their midst something happens."""
    rng = world.rng("flood")
    event = rng.choice(EVENTS)
    world.net.set_defaults(latency=(0.001, rng.choice([0.01, 0.2])))
    system = await world.start_central_system(policy=Policy(interval=1000))
    pieces = fit(transport=partial(InTheStack, my, world, limit=LIMIT))
    await world.start_charge_point("CP_1", **pieces, delays=lambda: repeat(1.0), ping_interval=None)
    if not await _online(world, 30.0):
        return Counter({event: 1})
    await asyncio.sleep(5.0)
    system.faults.ignore("Authorize")
    host, point = world.sites["CP_1"].host, world.charge_point("CP_1")
    fitted: Any = point.uplink.transport if point.uplink else None
    transport: InTheStack = fitted.piece
    transport.watched.delay = rng.uniform(0.005, 0.05)
    calls = [host.create_task(_call(point)) for _ in range(3)]
    senders = [host.create_task(_send(transport, number)) for number in range(SENDERS)]
    await asyncio.sleep(rng.uniform(0.1, 0.5))
    await _happen(world, transport, event, rng.uniform(1.0, 20.0))
    _, late = await asyncio.wait([*senders, *calls], timeout=SOON if event in CUTS else 200.0)
    for task in late:
        who = "a call" if task in calls else "a sender"
        world.broken("nobody waits for ever", f"{who} still waits {SOON:g} s after {event!r}", "CP_1")
        task.cancel()
    await asyncio.sleep(60.0)
    if event in CUTS:
        await _told(world, transport, event)
    _arrived(world, event)
    await _online(world, 30.0)
    return Counter({event: 1})


async def _call(point: Any) -> None:
    try:
        await point.call(m.AuthorizeRequest(id_tag="TAG_A"))
    except (CallTimeout, ConnectionLost, NotConnected):
        return


async def _send(transport: Any, number: int) -> None:
    """Replies to calls that nobody made: they hurt nobody, and may be as many as one likes."""
    try:
        for n in range(TEXTS):
            await transport.send(encode(CallResult(f"flood/{number}/{n}", {})))
    except ConnectionLost:
        return


async def _told(world: World, transport: InTheStack, event: str) -> None:
    """Who sends on a connection that was cut is told so."""
    try:
        async with asyncio.timeout(1.0):
            await transport.send(encode(CallResult("too late", {})))
        said = "returned"
    except TimeoutError:
        said = "waits"
    except ConnectionLost:
        return
    except Exception as error:
        said = f"raised {type(error).__name__}"
    world.broken("a connection that was cut takes nothing more", f"`send` {said}, long after {event!r}", "CP_1")


async def _happen(world: World, transport: InTheStack, event: str, seconds: float) -> None:
    session = world.central_system.sessions["CP_1"]
    match event:
        case "latency":
            transport.watched.delay *= 10
        case "stop reading":
            transport.watched.stall()
            await asyncio.sleep(seconds)
            transport.watched.resume()
        case "stall, then RST":
            transport.watched.stall()
            await asyncio.sleep(seconds)
            transport.pipe.abort()
        case "RST":
            transport.pipe.abort()
        case "FIN" | "close 1001":
            code = 1000 if event == "FIN" else 1001
            await world.central_system_site.do(session.close(code, "on purpose", timeout=2.0))


def _arrived(world: World, event: str) -> None:
    """What came of each sender is what it sent, in order, without a gap; without a cut it is everything."""
    came: dict[int, list[int]] = {number: [] for number in range(SENDERS)}
    for each in world.central_system.received:
        if isinstance(each.frame, CallResult) and each.frame.unique_id.startswith("flood/"):
            _, sender, n = each.frame.unique_id.split("/")
            came[int(sender)].append(int(n))
    for number, seen in came.items():
        in_order = seen == list(range(len(seen)))
        world.expect(in_order, "texts arrive in order", f"sender {number}: {seen}", "CP_1")
        if event not in CUTS:
            got = f"{len(seen)} of {TEXTS} texts of sender {number}, although the connection lives ({event})"
            world.expect(len(seen) == TEXTS, "no text is lost", got, "CP_1")
