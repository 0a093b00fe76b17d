"""5.7, when things go badly: nobody answers, a bug, a central system that has forgotten us, a power loss."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from ocpp_lab.errors import CallFailed, CallTimeout

from ..kit import Kit
from ..session_reconnect.boxes import start, stop
from ..step import Wrong
from .lives import state_is, step
from .stage import FIRST_ID
from .town import WAIT, Town

__all__ = ["step"]


@step.check("no answer: a new connection if a Heartbeat gets none either, else the same message again")
async def silent_peer(my: Any, kit: Kit) -> str:
    """A message without an answer is kept if the peer is dead, and tried three times if it lives: our choice of 3.5."""
    town = Town(my, kit)
    charge_point = await town.begin()
    town.deaf |= {"StartTransaction", "Heartbeat"}
    await charge_point.submit(start(kit), "one")
    try:
        await town.later(15.0)
    except (CallTimeout, ExceptionGroup) as error:
        if isinstance(error, ExceptionGroup) and not error.subgroup(CallTimeout):
            raise
        said = "nobody lives at the other end; raise ConnectionLost, so that another connection comes."
        kit.require(False, "CallTimeout left", said)
    said = "neither the message nor a Heartbeat is answered: the connection is lost."
    waits, forgot = town.states[-1] == "waiting", charge_point.registration is None
    state_is(kit, charge_point, "waiting", "nobody answers", None if waits else said)
    town.deaf.clear()
    await town.later(WAIT + 5.0)
    kit.require(not len(town.files.outbox), "it still waits", "it is kept, and delivered on the next connection.")
    await _lost_while_asking(kit, town)
    boots = len(town.sent("BootNotification"))
    said = "silence is no reason to boot again: the registration stays (J-spec 5.4)."
    kit.require(boots == 1, f"{boots} boots", said if forgot else "accepted, it boots no more (J-spec 5.4).")
    await _dropped(my, kit, town)
    return "a new connection"


async def _lost_while_asking(kit: Kit, town: Town) -> None:
    """The connection dies while the probe waits: nobody has answered, and nobody has kept silent."""
    town.deaf |= {"StartTransaction", "Heartbeat"}
    await town.charge_point.submit(start(kit), "asking")
    await town.later(7.0)  # after 5 s the message has no answer, and the probe is under way
    town.session.cut()
    await town.later(1.0)
    (entry,) = town.files.outbox.entries()
    town.deaf.clear()
    await town.later(WAIT + 5.0)
    said = "the connection was lost while the probe waited: that is no answer; let the error out."
    kit.require(not entry.failures, f"{entry.failures} attempt consumed", said)


async def _dropped(my: Any, kit: Kit, town: Town) -> None:
    """The peer lives, and does not take a message: three tries, then it is dropped."""
    charge_point = town.charge_point
    town.deaf.add("StartTransaction")
    await charge_point.submit(start(kit), "two")
    await town.later(20.0)
    state_is(kit, charge_point, "online", "a Heartbeat is answered", "the peer lives: it stays, and tries again later.")
    await town.later(400.0)
    times = [at for each in town.sessions for at in each.times("StartTransaction")][4:]
    tries, left = len(times), len(town.files.outbox)
    town.deaf.clear()
    town.grumpy |= {"StartTransaction", "StopTransaction"}
    await charge_point.submit(start(kit), "three")
    await charge_point.submit(stop(kit), "one")
    await town.later(800.0)
    refused, kept = len(town.sent("StartTransaction")) - 4 - tries, len(town.files.outbox)
    given_up = town.files.ids.given_up
    town.grumpy.clear()
    town.grumpy.add("Heartbeat")
    town.deaf.add("StopTransaction")
    await charge_point.submit(stop(kit), "one")
    await town.later(20.0)
    state = charge_point.state
    town.grumpy.clear()
    town.muddled.add("Heartbeat")
    await town.later(120.0)  # the stop is tried again, and again a Heartbeat asks whether somebody lives
    after = charge_point.state
    await town.end()
    kit.require((tries, left) == (3, 0), f"{tries} tries, {left} wait", "`attempts=3`, then it is dropped.")
    gap = times[1] - times[0]  # the message and the probe took 5.2 s of it
    said = "`retry_interval=60.0` is the wait between tries."
    kit.require(abs(gap - 65.2) < 0.5, f"again after {gap:.1f} s", said)
    kit.require((refused, kept) == (3, 0), f"{refused} tries, {kept} wait", "a CallError three times: it is dropped.")
    said = "a StartTransaction that is dropped never gets an id: `ids.give_up`."
    named = said if None not in given_up else None
    kit.require({"two", "three"} <= set(given_up), f"given up: {', '.join(map(str, given_up)) or 'none'}", named)
    said = "only a dropped StartTransaction is given up; a dropped stop has its id."
    kit.require("one" not in given_up, f"given up: {', '.join(map(str, given_up))}", said)
    kit.require(state == "online", state, "a CallError is an answer to the probe too: the peer lives.")
    said = "an answer to the probe that nobody can read is an answer too: the peer lives."
    kit.require(after == "online", after, said)


@step.check("a bug, or a cancellation: `run` raises it")
async def bug_leaves(my: Any, kit: Kit) -> str:
    """A bug that nobody hears of is a charge point that is dead and says nothing."""
    for door, said in (
        ("broken", "`keep_connected` has raised a bug, and `run` keeps it to itself."),
        ("haunted", "`online` has raised a bug, and not ConnectionLost; let it leave."),
        ("drain", "`outbox.drain` has raised a bug, and not CallTimeout or CallFailed; let it leave."),
    ):
        town = Town(my, kit)
        town.files.ids.bug = door == "drain"
        town.door = "open" if door == "drain" else door
        charge_point = town.make()
        town.task = asyncio.ensure_future(charge_point.run())
        if door == "drain":
            await charge_point.submit(start(kit), "one")
        await asyncio.wait([town.task], timeout=10 * WAIT)
        done = town.task.done() and not town.task.cancelled()
        error = town.task.exception() if done else None
        state, states = town.charge_point.state, town.states[:]
        await town.end()
        if isinstance(error, Wrong):
            raise error
        if isinstance(error, BaseExceptionGroup):
            error = error.subgroup(LookupError)
        left = isinstance(error, LookupError | BaseExceptionGroup)
        if door == "broken" and len(town.passwords) > 1:
            said = "the dial has raised a bug, and it dials again as after a failed dial; let it leave."
        known = door != "drain" or town.files.ids.raised
        kit.require(left, repr(error) if done else "`run` goes on", said if known else None)
        kit.require(state == "stopped", f"then it is {state}", "`run` has ended by a bug, and did not fire *stop*.")
        said = "a bug of the dial comes out, and *lost* is not fired: nothing was lost."
        kit.require(door != "broken" or "waiting" not in states, ", ".join(states), said)
    await _cancelled(my, kit)
    return "raised"


async def _cancelled(my: Any, kit: Kit) -> None:
    """Who cancels `run` is not `stop`: it has to see that it was heard."""
    town = Town(my, kit)
    await town.begin()
    assert town.task is not None
    town.task.cancel()
    await asyncio.wait([town.task], timeout=100.0)
    done, heard, state = town.task.done(), town.task.cancelled(), town.charge_point.state
    await town.end()
    kit.require(done, "cancelled, `run` goes on", "`run` was cancelled, and goes on; let CancelledError out.")
    kit.require(heard, "cancelled, `run` returned", "`run` swallowed a cancellation; only after `stop` it returns.")
    kit.require(state == "stopped", f"then it is {state}", "`run` was cancelled, and did not fire *stop*.")
    town = Town(my, kit)
    town.door = "struck"
    town.make()
    town.task = asyncio.ensure_future(town.charge_point.run())
    await asyncio.wait([town.task], timeout=100.0)
    done, heard = town.task.done(), town.task.cancelled()
    await town.end()
    said = "`keep_connected` raised CancelledError, and nobody had called `stop`: it has to come out of `run`."
    kit.require(heard, "it returned" if done else "it goes on", said)


@step.check("SecurityError to a transaction message: it boots again")
async def boots_when_forgotten(my: Any, kit: Kit) -> str:
    """SecurityError is recommended before a boot is accepted (J-errata 3.8). To boot again on it is our choice."""
    town = Town(my, kit)
    charge_point = await town.begin()
    town.strangers.add("CP_1")
    await charge_point.submit(start(kit), "one")
    before = charge_point.registration
    try:
        await town.later(5.0)
    except (CallFailed, ExceptionGroup) as error:
        if isinstance(error, ExceptionGroup) and not error.subgroup(CallFailed):
            raise
        kit.require(False, "CallFailed left", "raise ConnectionLost, so that the next connection boots.")
    after, waiting = charge_point.registration, charge_point.state == "waiting"
    await town.later(3 * WAIT)
    boots, left = len(town.sent("BootNotification")), len(town.files.outbox)
    state = charge_point.state
    await town.end()
    said = "the central system does not know us any more, and will not until we boot: forget the registration."
    if after is None and not waiting:
        said = "the registration is None, and the connection lives on: "
        said += "raise ConnectionLost, so that the next connection boots."
    kit.require(boots == 2, f"{boots} boots", said)
    kit.equal(before, "Accepted", "`registration` is the last answer's status.")
    none = after is None or not waiting
    kit.require(none, f"registration {after!r}", "forgotten, the registration is None until the next boot is answered.")
    kit.require(not left, f"{left} still wait", "the message is kept, and delivered after the boot.")
    kit.equal(state, "online", "it does not come back.")
    return "2 boots"


@step.check("found open after a power loss: exactly one stop each")
async def power_loss(my: Any, kit: Kit) -> str:
    """A transaction cut short by a power loss is stopped with reason PowerLoss (core 4.10, 7.36)."""
    town, meter, number = Town(my, kit), kit.rng.randrange(10**6), kit.rng.randrange(1, 10**6)
    town.files.ids.learn("cut short", number)
    town.files.ids.learn("stopped", number + 1)
    town.files.outbox.put(start(kit), "next")
    town.files.outbox.put(stop(kit), "stopped")
    town.files.outbox.put(start(kit), "in the dark")
    town.door = "shut"
    charge_point = town.make(found={"stopped": 5, "cut short": meter, "in the dark": 7})
    early, none = len(town.files.outbox) - 3, charge_point.registration is None
    await asyncio.sleep(60.0)
    born, begun = kit.now() - timedelta(seconds=60), kit.now()
    town.task = asyncio.ensure_future(charge_point.run())
    await town.later(5.0)
    waiting = len(town.files.outbox)
    stopped: list[Any] = [each.request for each in town.files.outbox.entries()]
    kit.require(
        not early,
        f"{early} before `run`",
        "nothing starts in `__init__`: `run` writes the stops, before its first dial.",
    )
    said = "`registration` is None until a boot was answered, whatever was found."
    kit.require(none, repr(charge_point.registration), said)
    kit.require(waiting > 3, "no stop", "a transaction found open is closed with a StopTransaction, before it dials.")
    open_ids = {each.transaction_id for each in stopped if each.action == "StopTransaction"}
    kit.require(open_ids == {-1}, f"{open_ids}", "until `ids.prepare` puts the real id in, `transaction_id` is -1.")
    noon = kit.now()
    town.door = "open"
    await town.later(WAIT + 10.0)
    before = len(town.sent("StopTransaction"))
    await town.charge_point.submit(start(kit), "running")
    for _ in range(2):
        town.session.cut()
        await town.later(WAIT + 10.0)
    after = len(town.sent("StopTransaction"))
    stops: dict[int, list[Any]] = {}
    for each in town.sent("StopTransaction"):
        stops.setdefault(each.transaction_id, []).append(each)
    await town.end()
    given_up = town.files.ids.given_up
    kit.require(not given_up, f"given up: {given_up}", "given up is what was dropped, and not what was found.")
    twice = "a StopTransaction was already queued; the driver pays twice."
    again = "found once, stopped once: `found` is of the power loss, and not of each connection."
    kit.require(before == after, f"{after - before} stops more on the next", again)
    kit.require(len(stops.get(number + 1, [])) == 1, f"{len(stops.get(number + 1, []))} stops", twice)
    named = "put it under the transaction's name, so that `ids.prepare` gives it the id."
    kit.require(-1 not in stops, "a stop with the id -1", named)
    said = "only a StopTransaction in the outbox is a stop; another message of that transaction is none."
    kit.require(len(stops.get(FIRST_ID, [])) == 1, "no stop in the dark", said)
    (found, *more) = stops.get(number, [None])
    kit.require(found is not None, "no stop", "a transaction found open is closed with a StopTransaction.")
    kit.require(not more and len(stops) == 3, f"{sum(map(len, stops.values()))} stops", "one stop for each.")
    kit.equal(found.reason, "PowerLoss", 'the reason is "PowerLoss".')
    kit.equal(found.meter_stop, meter, "`meter_stop` is the last value of the meter.")
    kit.require(found.timestamp.utcoffset() is not None, "naive", "`timestamp` is `now()`, aware.")
    stamp = found.timestamp
    said = "`timestamp` is what `now()` gives: it is the clock of the charge point, and there is no other."
    kit.require(born <= stamp < noon + timedelta(days=1), f"{stamp:%Y-%m-%d}", said)
    kit.require(stamp <= noon, "later", "the stop is written down before the first dial.")
    said = "the `timestamp` is earlier than `run`: ask `now()` when the stop is written."
    kit.require(stamp >= begun, "earlier", said)
    return "one each"
