"""5.6: one connection's life: what begins when, and that all of it ends with the first that ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected
from ocpp_lab.messages import BootNotificationResponse, HeartbeatResponse

from ..kit import Kit
from ..step import Step
from .booting import MOMENT
from .ours import online
from .stage import REFUSALS, PlayedSession, Stage, slip

PARTS = ("heartbeat", "drain", "watch")
step = Step("5.6", "`online`: one connection's life", ("online",), points=2, minutes=25, reference=lambda: online)


@step.check("nothing but BootNotification before Accepted")
async def boots_first(my: Any, kit: Kit) -> str:
    """A charge point that is not accepted yet sends nothing but its boot (core 4.2)."""
    for registration in (None, kit.rng.choice(["Pending", "Rejected"])):
        stage = Stage(my, kit, PlayedSession(kit, "Pending", "Rejected"), registration)
        await stage.until(40.05)  # boots at 0, 20.1 and 40.2 s
        early = [action for action in stage.session.actions() if action != "BootNotification"]
        await stage.until(45.0)
        sent = stage.session.actions()
        told = [str(getattr(each, "status", each)) for each in stage.told]
        whole = all(isinstance(each, BootNotificationResponse) for each in stage.told)
        await stage.end()
        kit.require(sent, "nothing was sent", "not accepted yet: boot (core 4.2).")
        unread = "boot waits for a reply that nobody reads."
        kit.require(stage.session.answered, "no answer", None if stage.session.read else unread)
        kit.require(
            not early, f"{early[:1]} before Accepted", "before Accepted nothing but the boot goes out (core 4.2)."
        )
        kit.require(sent[:3] == ["BootNotification"] * 3, f"{sent[:3]}", "it boots until it is accepted (core 4.2).")
        said = "`on_registration(response)` is told of each answer."
        kit.require(told == ["Pending", "Rejected", "Accepted"], f"told: {', '.join(told)}", said)
        kit.require(whole, f"{stage.told[0]!r}", "`on_registration(response)` is told of the response, whole.")
    return "boots first"


@step.check('"Accepted" before: no BootNotification')
async def resumes(my: Any, kit: Kit) -> str:
    """A charge point that was accepted and did not restart need not boot on a new connection (J-spec 5.4)."""
    stage = Stage(my, kit, PlayedSession(kit), "Accepted")
    await stage.until(15.0)
    await stage.end()
    said = "accepted before and unchanged: no BootNotification (J-spec 5.4)."
    kit.require("BootNotification" not in stage.session.actions(), "it boots again", said)
    kit.require(stage.session.sent, "nothing was sent", "accepted before: go on with the statuses.")
    return "none"


@step.check("the statuses of now, on each connection, even if one is refused")
async def statuses_each_time(my: Any, kit: Kit) -> str:
    """What changed while the connection was down is told when it is back (core 4.9)."""
    for registration, refused in ((None, None), ("Accepted", None), *(("Accepted", each) for each in REFUSALS)):
        session = PlayedSession(kit, refuses=refused)
        stage = Stage(my, kit, session, registration)
        with suppress(*REFUSALS):  # told below
            await stage.until(15.0)
        ended = stage.task.done()
        await stage.end()
        said = "after Accepted, and after each reconnect, `statuses()` are sent (core 4.9)."
        one = f"a status that ends with {refused.__name__} does not matter; go on." if refused else None
        kit.require(not ended, f"{refused.__name__ if refused else 'nothing'} ended it", one)
        sent = session.actions().count("StatusNotification")
        booting = registration == "Accepted" and "BootNotification" in session.actions()
        kit.require(sent, "none", None if booting else said)
        kit.require(sent == 2, f"{sent}, not 2", "send each of `statuses()`, and each once.")
        first, second = session.times("StatusNotification")
        kit.require(second > first + MOMENT, "both at once", "one after the other: await each before the next.")
        early = [part for part in ("heartbeat", "drain") if stage.began.get(part, 1e9) < second + MOMENT]
        kit.require(not early, f"{early[:1]} before the end", "the statuses first, then heartbeat and drain.")
    stage = Stage(my, kit, PlayedSession(kit, "Pending"))
    await stage.until(30.0)
    await stage.end()
    kit.require(stage.asked, "never asked", "after Accepted ask for `statuses()`, and send them (core 4.9).")
    said = "the statuses of now are asked for after Accepted; what was asked before is old."
    kit.require(min(stage.asked) - stage.begun > 20.0, "asked before Accepted", said)
    return "2 each time"


@step.check("`proved()` once, at the first answer that counts")
async def proved_once(my: Any, kit: Kit) -> str:
    """An open connection has proved nothing: only an accepted boot or an answered call does."""
    for registration in (None, "Accepted"):
        stage = Stage(my, kit, PlayedSession(kit), registration)
        await stage.until(45.0)
        await stage.end()
        kit.require(stage.proofs, "never", "an accepted boot, or an answered call, is the proof.")
        kit.require(stage.proved_before, "before any answer", "open is no proof.")
        late = stage.proofs[0] - stage.begun > 0.1 + MOMENT
        kit.require(not late, "late", "the first Accepted or answered call is the proof.")
        kit.equal(len(stage.proofs), 1, "once is enough for a connection.")
    session = PlayedSession(kit, refuses=REFUSALS[1])  # no status is answered; a Heartbeat is
    stage = Stage(my, kit, session, "Accepted")
    await stage.until(5.0)
    booted = "BootNotification" in session.actions()
    said = "a status that got no answer proves nothing."
    kit.require(not stage.proofs, "before any answer", None if booted else said)
    await stage.until(15.0)
    await stage.end()
    beats = len(session.times("Heartbeat"))
    said = "the first answered call is the proof, a heartbeat too."
    kit.require(len(stage.proofs) == 1 or not beats, f"{len(stage.proofs)} times", said)
    await _proved_by_drain(my, kit)
    stage = Stage(my, kit, PlayedSession(kit, "Pending", "Rejected"))
    await stage.until(45.0)
    await stage.end()
    kit.require(stage.proofs, "never", "an accepted boot, or an answered call, is the proof.")
    said = "Pending and Rejected prove nothing; Accepted does."
    kit.require(stage.proofs[0] - stage.begun > 40.0, "before Accepted", said)
    kit.equal(len(stage.proofs), 1, "once is enough for a connection.")
    return "once"


async def _proved_by_drain(my: Any, kit: Kit) -> None:
    stage = Stage(my, kit, PlayedSession(kit), "Accepted")
    stage.statuses, stage.drains = [], True
    await stage.until(5.0)
    await stage.end()
    said = "the first answered call is the proof, one of the drain too."
    kit.require(len(stage.proofs) == 1 or "drain" not in stage.began, f"{len(stage.proofs)} times", said)


@step.check("heartbeats at 10, 20, 30 s while the outbox waits 60 s")
async def together(my: Any, kit: Kit) -> str:
    """The outbox may wait minutes for its next attempt; life goes on meanwhile (core 3.7)."""
    stage = Stage(my, kit, PlayedSession(kit), "Accepted")
    await stage.until(45.0)
    alive, beats, readers = set(stage.alive), stage.session.times("Heartbeat"), stage.session.readers
    await stage.end()
    none = "no heartbeat while the outbox waits 60 s."
    fewer = "in 45 s the heartbeat sends four times, whatever the other parts do."
    kit.require(len(beats) >= 4, f"{len(beats)} heartbeats", fewer if beats or "drain" not in stage.began else none)
    kit.require(len(beats) == 4, f"{len(beats)} heartbeats", "more than one heartbeat runs on this connection.")
    whole = all(isinstance(each, HeartbeatResponse) for each in stage.beats)
    said = "the `call` that heartbeat and drain get from you has to return the response."
    kit.require(whole, f"{stage.beats[:1]}"[:40], said)
    kit.require(readers == 1, f"{readers} readers", "one reader reads the connection.")
    missing = {"drain", "watch"} - alive
    kit.require(not missing, f"no {', '.join(sorted(missing))}", "heartbeat, drain and watch run at the same time.")
    return "together"


@step.check("reader, watch, heartbeat or drain ends: all end at once")
async def one_dies_all_die(my: Any, kit: Kit) -> str:
    """What lives on a connection dies with it; else the old heartbeat beats beside the new one."""
    stage = Stage(my, kit, PlayedSession(kit, *["Pending"] * 9))
    await stage.until(15.0)
    watched = "watch" in stage.alive
    await stage.end()
    said = "a connection that dies before Accepted is never noticed; watch it too."
    kit.require(watched, "no watch while it boots", said)
    for part, booting in (*((each, False) for each in ("reader", *PARTS)), ("reader", True), ("watch", True)):
        stage = Stage(my, kit, PlayedSession(kit, *["Pending"] * 9), None if booting else "Accepted")
        await stage.until(kit.rng.uniform(11.0, 19.0))
        at = kit.time
        _kill(stage, part)
        await asyncio.wait([stage.task], timeout=200.0)
        over, took = stage.task.done(), kit.time - at
        if over and (bug := slip(stage.task)) is not None:
            await stage.end()
            raise bug
        await asyncio.sleep(0.01)
        left, readers = list(stage.alive), stage.session.readers
        await asyncio.sleep(30.0)
        sent = [action for moment, action in stage.session.sent if moment > at + MOMENT]
        await stage.end()
        kit.require(over, f"{part}: `online` goes on", f"the {part} has lost the connection, and `online` goes on.")
        said = f"the old {left[0]} lives on." if left else "the reader lives on."
        kit.require(not left and not readers, f"{part}: {len(left) + readers} left", said)
        kit.require(took < MOMENT, f"{part}: after {took:g} s", "the connection is gone now; end all parts now.")
        kit.require(not sent, f"{part}: {sent[:1]} was sent", "it goes on to send on a dead connection.")
    return "all end"


@step.check("`ConnectionLost` itself, and no group of it")
async def plain_loss(my: Any, kit: Kit) -> str:
    """The loop above catches ConnectionLost; whatever else comes out is a bug to it."""
    for part, error in (
        ("reader", None), ("boot", None), ("heartbeat", None), ("drain", None), ("watch", None),
        ("heartbeat", NotConnected("over")), ("drain", NotConnected("over")), ("call", None),
    ):  # fmt: skip
        stage = Stage(my, kit, PlayedSession(kit, *["Pending"] * 9), None if part == "boot" else "Accepted")
        await stage.until(10.05 if part == "call" else 15.0)  # a heartbeat is on its way
        _kill(stage, part, error)
        await asyncio.wait([stage.task], timeout=200.0)
        came, bug = await _came(stage)
        if bug is not None:
            raise bug
        told = {
            "nothing": "the connection is lost, and `online` goes on.",
            "ExceptionGroup": "an ExceptionGroup left; the loop above looks for ConnectionLost.",
            "a return": "it returned; raise ConnectionLost, whichever part ended.",
        }
        other = "it ends with ConnectionLost, however the connection was lost."
        if isinstance(error, NotConnected):
            other = "it ends with ConnectionLost, also if a part says NotConnected."
        kit.require(came == "ConnectionLost", f"{part}: {came}", told.get(came, other))
    await _call_lost(my, kit)
    await _bug_leaves(my, kit)
    stage = Stage(my, kit, PlayedSession(kit), "Accepted")
    await stage.until(15.0)
    stage.task.cancel()
    await asyncio.wait([stage.task], timeout=200.0)
    cancelled, left = stage.task.cancelled(), list(stage.alive)
    await stage.end()
    kit.require(cancelled, _ended(stage.task), "cancelled, `online` ends, with CancelledError.")
    kit.require(not left, f"{len(left)} left", "cancelled, all its parts end with it.")
    return "ConnectionLost"


async def _call_lost(my: Any, kit: Kit) -> None:
    """A call finds the connection lost before the reader does."""
    for error in (ConnectionLost, NotConnected):
        for action, registration in (("StatusNotification", "Accepted"), ("BootNotification", None)):
            session = PlayedSession(kit, refuses=error)
            session.refused = action
            stage = Stage(my, kit, session, registration)
            await asyncio.wait([stage.task], timeout=5.0)
            came, bug = await _came(stage)
            if bug is not None:
                raise bug
            said = "a boot or a status that ends with ConnectionLost or NotConnected has found the connection lost."
            heard = session.read and action in session.actions()
            kit.require(came == "ConnectionLost", f"{action}, {error.__name__}: {came}", said if heard else None)


async def _bug_leaves(my: Any, kit: Kit) -> None:
    failed = (CallTimeout(), CallFailed("InternalError"), MalformedReply("no such answer"))
    for part, raised in (
        *((part, LookupError("a bug")) for part in PARTS),
        *((part, error) for part in ("heartbeat", "drain") for error in failed),
    ):
        stage = Stage(my, kit, PlayedSession(kit), "Accepted")
        await asyncio.wait([stage.task], timeout=15.0)
        _kill(stage, part, raised)
        await asyncio.wait([stage.task], timeout=200.0)
        error = stage.task.exception() if stage.task.done() and not stage.task.cancelled() else None
        left = list(stage.alive)
        await stage.end()
        kind = type(raised)
        bug = error.subgroup(kind) if isinstance(error, BaseExceptionGroup) else error
        said = "a bug of a part comes out, alone or in a group; it is not a lost connection."
        if not isinstance(raised, LookupError):
            said = f"the {part} raised {kind.__name__}: only a status may end so; let it come out."
        came = type(error).__name__ if error else "it goes on"
        kit.require(isinstance(bug, kind | BaseExceptionGroup), f"{part}: {came}", said)
        kit.require(not left, f"{len(left)} left", "however it ends, all its parts have ended then.")


def _kill(stage: Stage, part: str, error: Exception | None = None) -> None:
    if part in stage.fails:
        stage.fails[part].set_exception(error or ConnectionLost("silence"))
    else:
        stage.session.cut()


async def _came(stage: Stage) -> tuple[str, BaseException | None]:
    """How `online` ended, and the slip if there was one."""
    done = stage.task.done()
    came, bug = (_ending(stage.task), slip(stage.task)) if done else ("nothing", None)
    await stage.end()
    return came, bug


def _ended(task: asyncio.Future[Any]) -> str:
    return _ending(task) if task.done() else "it goes on"


def _ending(task: asyncio.Future[Any]) -> str:
    if task.cancelled():
        return "CancelledError"
    error = task.exception()
    return "a return" if error is None else type(error).__name__
