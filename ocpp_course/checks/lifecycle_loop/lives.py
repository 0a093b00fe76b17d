"""5.7: a charge point's whole life: it comes back, remembers what it must, and ends when it is told to."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import IllegalTransition, NotConnected
from ocpp_lab.messages import AuthorizeRequest, AuthorizeResponse, MeterValuesRequest

from ..kit import Kit
from ..session_reconnect.boxes import reading, start, stop
from ..step import Step
from .booting import MOMENT
from .ours import ChargePoint
from .stage import FIRST_ID
from .town import BEAT, NO_LINE, WAIT, Files, Town

step = Step(
    "5.7", "`ChargePoint`: the whole life", ("ChargePoint",), points=3, minutes=25, reference=lambda: ChargePoint
)

AUTHORIZE = AuthorizeRequest(id_tag="TAG_A")


@step.check("cut 5 times, and dials that fail: waiting, and online again")
async def comes_back(my: Any, kit: Kit) -> str:
    """A charge point never gives up; it waits (RFC 6455 7.2.3), and its state is that of its connection."""
    town = Town(my, kit, "Pending", "Rejected")
    charge_point = await town.begin()
    for answer in ("Pending", "Rejected"):
        said = f"the answer was {answer}; `state` is that of the machine."
        state_is(kit, charge_point, answer.lower(), f"while {answer}", said)
        kit.equal(charge_point.registration, answer, "`registration` is the last answer's status.")
        await town.later(20.1)
    state_is(kit, charge_point, "online", "after Accepted", "accepted: the state is online.")
    wanted = ["connecting", "booting", "pending", "booting", "rejected", "booting", "online"]
    kit.require(town.states == wanted, f"{', '.join(town.states)[:40]}", f"it goes through {', '.join(wanted)}.")
    for cut in range(1, 6):
        town.session.cut()
        await town.later(1.0)
        _waits(kit, charge_point, f"after cut {cut}", "the connection is lost: fire *lost*.")
        if cut in FAILS:
            town.door = FAILS[cut]
            await town.later(3 * WAIT)
            raised = type(NO_LINE[town.door]).__name__
            said = f"a dial that raises {raised} has failed: fire *lost*, and let it out."
            _waits(kit, charge_point, f"the dial raises {raised}", said)
            town.door = "open"
        await town.later(WAIT + 1.0)
        said = "it does not come back."
        if town.session.readers:
            said = "the registration is Accepted: a dial that succeeded fires *resumed*, and the state is online."
        state_is(kit, charge_point, "online", f"after cut {cut}", said)
    kit.equal(charge_point.registration, "Accepted", "`registration` is the last answer's status.")
    sessions = len(town.sessions)
    await town.end()
    kit.equal(sessions, 6, "one new connection after each cut.")
    said = "hand `proved` on to `online`; without a proof the waits never begin afresh."
    kit.require(town.afresh == 5, f"{town.afresh} times afresh", said)
    return "5 times"


FAILS = {2: "lost", 3: "shut", 4: "refused"}
"""At which cut the next dials fail, and how."""


def _waits(kit: Kit, charge_point: Any, when: str, said: str) -> None:
    online = "state says online while waiting."
    state_is(kit, charge_point, "waiting", when, online if charge_point.state == "online" else said)


def state_is(kit: Kit, charge_point: Any, wanted: str, when: str, said: str | None) -> None:
    kit.require(charge_point.state == wanted, f"{when}: {charge_point.state}", said)


@step.check("after 5 cuts one heartbeat each interval")
async def one_heartbeat(my: Any, kit: Kit) -> str:
    """What lives on a connection dies with it."""
    town = Town(my, kit)
    await town.begin()
    for _ in range(5):
        town.session.cut()
        await town.later(WAIT + 5.0)
    before = len(town.sent("Heartbeat"))
    await town.later(10 * BEAT)
    beats = len(town.sent("Heartbeat")) - before
    readers = [each.readers for each in town.sessions]
    closed = [each.closed for each in town.sessions[:-1]]
    await town.end()
    fewer = "there is one heartbeat in each interval, on the connection of now."
    said = "each old connection goes on to beat." if beats > 11 else fewer
    kit.require(9 <= beats <= 11, f"{beats} in 10 intervals", said)
    said = "the old readers read on." if any(readers[:-1]) else "one reader reads the connection of now."
    kit.require(readers == [0] * 5 + [1], f"{sum(readers)} readers", said)
    kit.require(all(closed), "one is open", "each connection is closed before the next dial.")
    return "one"


@step.check("once Accepted: no second BootNotification")
async def remembers_accepted(my: Any, kit: Kit) -> str:
    """An accepted charge point that did not restart does not boot on a new connection (J-spec 5.4)."""
    town = Town(my, kit, "Pending")
    charge_point = await town.begin()
    town.session.cut()
    await town.later(WAIT + 5.0)
    boots = len(town.sent("BootNotification"))
    said = "it was Pending when the connection died: it boots once more, and is accepted."
    kit.require(boots == 2, f"{boots} boots", said)
    state_is(kit, charge_point, "online", "after the second boot", "accepted: the state is online.")
    town.session.cut()
    await town.later(WAIT + 5.0)
    boots, statuses = len(town.sent("BootNotification")), len(town.sent("StatusNotification"))
    await town.end()
    kit.equal(boots, 2, "it was accepted, and boots again after a cut; hand the registration on (J-spec 5.4).")
    kit.equal(statuses, 2, "`online` runs on each connection.")
    return "none"


@step.check("a new ChargePoint on the same files boots")
async def boots_after_restart(my: Any, kit: Kit) -> str:
    """After a restart a charge point boots, whatever it was before (core 4.2)."""
    files = Files()
    for life in range(2):
        town = Town(my, kit, files=files)
        charge_point = town.make()
        before = charge_point.registration
        town.task = asyncio.ensure_future(charge_point.run())
        await town.later(5.0)
        boots = len(town.sent("BootNotification"))
        if life == 0:
            registration = charge_point.registration
            other = Town(my, kit)
            other.make()
            other.files.close()
            kit.equal(registration, "Accepted", "`registration` is the last answer's status.")
            said = "another charge point was made, and the registration of this one has changed: "
            kept = charge_point.registration == registration
            kit.require(kept, repr(charge_point.registration), f"{said}keep it on `self`, and not on the class.")
            await charge_point.stop()
            await asyncio.wait([town.task], timeout=100)
        else:
            await town.end()
        said = "a restarted charge point always boots."
        kit.require(before is None, f"before its first dial: {before}", said)
        kit.require(boots, "no boot", said)
        kit.require(boots == 1, f"{boots} boots", "accepted, it boots no more.")
    return "it boots"


@step.check("each dial gets the password of this moment")
async def new_key_used(my: Any, kit: Kit) -> str:
    """A new AuthorizationKey is used from the next connection on (whitepaper A01)."""
    town = Town(my, kit)
    old, new, newest = kit.rng.sample(["winter", "spring", "summer", "autumn"], 3)
    town.door = old
    charge_point = await town.begin(password=old)
    kit.equal(town.passwords, [old], "the first dial gets the password.")
    town.door = charge_point.password = new
    town.session.cut()
    await town.later(WAIT + 5.0)
    said = "dials with the old password for ever; read it at each dial."
    other = "`dial` gets the password of now: `await dial(self.password)`."
    kit.require(town.passwords[-1] == new, "not the new one", said if town.passwords[-1] == old else other)
    town.session.cut()
    await town.later(1.0)
    town.door = charge_point.password = newest
    await town.later(WAIT + 5.0)
    last, state = town.passwords[-1], charge_point.state
    await town.end()
    kit.require(last == newest, "not the newest one", said if last in (old, new) else other)
    kit.equal(state, "online", "it does not come back.")
    return "the new one"


@step.check("offline: kept, or NotConnected at once; delivered later")
async def offline_submit(my: Any, kit: Kit) -> str:
    """Transaction messages wait for a connection (core 3.7); what a driver waits for must fail at once."""
    town = Town(my, kit, "Pending")
    town.door = "shut"
    charge_point = await town.begin()
    begun, ended = start(kit), stop(kit)
    key = await _kept(kit, charge_point.submit(begun, "one"), "offline")
    (kept,) = town.files.outbox.entries()
    kit.equal(key, kept.key, "`submit` returns the key that `outbox.put` gave.")
    said = "the entry in the outbox has no name: `outbox.put(request, transaction)`."
    kit.require(kept.transaction == "one", f"{kept.transaction!r}", said if kept.transaction is None else None)
    await _kept(kit, charge_point.submit(_by_the_clock(kit)), "offline")
    await _refused(kit, charge_point, "offline")
    town.door = "open"
    await town.later(WAIT + 1.0)
    await _kept(kit, charge_point.submit(ended, "one"), "pending")
    await _refused(kit, charge_point, "pending")
    early = [action for action in town.session.actions() if action != "BootNotification"]
    kit.require(not early, f"{early[:1]} before Accepted", "before Accepted nothing but the boot goes out (core 4.2).")
    await town.later(25.0)
    stops = town.sent("StopTransaction")
    kit.require(town.sent("MeterValues"), "no readings", "MeterValues are a transaction message too: they are kept.")
    kit.require(len(town.sent("StartTransaction")) == 1, "not delivered", "online again: the outbox is drained.")
    kit.require(len(stops) == 1, f"{len(stops)} stops", "online again: the outbox is drained.")
    kit.equal(stops[0].transaction_id, FIRST_ID, _why_no_id(town.files.ids.learnt))
    answer = await kit.within(10.0, charge_point.submit(AUTHORIZE), "it waits", "online, a call is sent at once.")
    kit.require(isinstance(answer, AuthorizeResponse), repr(answer), "online: `submit` returns the response.")
    town.session.tag = "Blocked"  # the transaction has an id all the same, and it goes on
    await _kept(kit, charge_point.submit(start(kit), "two"), "online")
    await town.later(0.05)
    prompt = len(town.sent("StartTransaction")) == 2
    await town.later(5.0)
    sent, left = len(town.sent("StartTransaction")), len(town.files.outbox)
    town.session.cut()
    await town.later(1.0)
    await _refused(kit, charge_point, "waiting")
    await town.later(WAIT + 1.0)
    try:
        again = await kit.within(10.0, charge_point.submit(AUTHORIZE), "it waits", "online, a call is sent at once.")
    except NotConnected:
        again = None
    old = "online again: call on the connection of now, not on the one before."
    kit.require(isinstance(again, AuthorizeResponse), "NotConnected", old if charge_point.state == "online" else None)
    await town.end()
    said = "the id is learnt whatever the answer says of the tag: the stop needs it."
    kit.require(("two", FIRST_ID) in town.files.ids.learnt or sent < 2, "Blocked, and no id", said)
    strange = town.files.ids.learnt - {("one", FIRST_ID), ("two", FIRST_ID)}
    kit.require(not strange, f"{len(strange)} more", "only the answer to StartTransaction brings an id to learn.")
    said = "put into the outbox while online: send it now."
    kit.require((sent, left) == (2, 0), f"{left} still wait", said)
    kit.require(prompt, "late", said)
    town = Town(my, kit)
    await _kept(kit, town.make().submit(start(kit), "early"), "before `run`")
    kit.equal(len(town.files.outbox), 1, "a transaction message is kept in any state, also before `run`.")
    await town.end()
    town = Town(my, kit)
    charge_point = await town.begin()
    await kit.within(1000.0, charge_point.stop(), "`stop` never ends")
    await _kept(kit, charge_point.submit(start(kit), "late"), "stopped")
    kit.equal(len(town.files.outbox), 1, "a transaction message is kept in any state, also after `stop`.")
    await _refused(kit, charge_point, "stopped")
    await town.end()
    return "kept, refused"


def _why_no_id(learnt: set[tuple[Any, Any]]) -> str | None:
    """Why a stop went out without the id of its transaction."""
    if ("one", FIRST_ID) in learnt:
        return "the id was learnt, and the stop went out without it: give `prepare=self.ids.prepare` to `outbox.drain`."
    if (FIRST_ID, "one") in learnt:
        return "`ids.learn(name, id)`: the name comes first, the id second."
    return None if learnt else "no id was learnt: `on_result` tells it to `ids`."


async def _kept(kit: Kit, submitted: Any, when: str) -> Any:
    begun, key = kit.time, None
    try:
        key = await kit.within(
            10.0, submitted, f"{when}: it waits", "the outbox keeps it; do not wait for its delivery."
        )
    except NotConnected:
        kit.require(False, f"{when}: NotConnected", "a transaction message is kept whatever the state (core 3.7).")
    kit.require(kit.time - begun < MOMENT, f"{when}: it waits", "the outbox keeps it; do not wait for its delivery.")
    return key


async def _refused(kit: Kit, charge_point: Any, when: str) -> None:
    begun = kit.time
    said = "an Authorize offline must fail at once, the driver stands there."
    try:
        got = await kit.within(10.0, charge_point.submit(AUTHORIZE), f"{when}: it waits", said)
    except NotConnected:
        kit.require(kit.time - begun < MOMENT, f"{when}: it waits", said)
        return
    said = "not online, nothing but a transaction message is taken: raise NotConnected."
    kit.require(False, f"{when}: it returned {got!r:.30}", said)


@step.check("disconnected, connecting, booting … waiting: stopped in 0 s")
async def stop_in_every_state(my: Any, kit: Kit) -> str:
    """Whoever stops a charge point waits for nobody; and nothing remains."""
    for state in ("disconnected", "connecting", "booting", "pending", "rejected", "online", "waiting"):
        town = _in(my, kit, state)
        charge_point = town.make() if state == "disconnected" else await town.begin(7.0)
        state_is(kit, charge_point, state, "before the stop", f"here it is {state}; `state` is that of the machine.")
        begun, said = kit.time, "`stop` ends what the charge point waits for; it does not wait for it."
        if state == "waiting":
            said = "stop waited out the back-off; a stop ends the wait."
        await kit.within(1000.0, charge_point.stop(), f"{state}: it never ends", said)
        kit.require(kit.time - begun < MOMENT, f"{state}: after {kit.time - begun:.0f} s", said)
        state_is(kit, charge_point, "stopped", state, "stopped, the state says so.")
        over = all(each.closed and not each.readers for each in town.sessions)
        kit.require(
            over, f"{state}: a connection lives", "`stop` returned before all had ended; cancel, and wait for it."
        )
        if town.task is not None:
            await asyncio.wait([town.task], timeout=1.0)
            kit.require(town.task.done(), f"{state}: `run` goes on", "`run` ends with `stop`.")
            good = not town.task.cancelled() and town.task.exception() is None
            kit.require(good, f"{state}: `run` raised", "`run` returns after `stop`; it raises bugs only.")
        sent, dials = [len(each.sent) for each in town.sessions], len(town.passwords)
        await asyncio.sleep(5 * WAIT)
        quiet = (sent, dials) == ([len(each.sent) for each in town.sessions], len(town.passwords))
        kit.require(quiet, f"{state}: it goes on", "stopped, it sends and dials no more.")
        try:
            await kit.within(10.0, charge_point.stop(), "it never ends", "a second stop is harmless.")
        except IllegalTransition:
            kit.require(False, f"{state}: stopped twice", "a second stop does nothing; there is no way out of stopped.")
        try:
            await kit.within(10.0, charge_point.run(), f"{state}: it goes on", "after `stop` a `run` returns at once.")
        except IllegalTransition:
            said = "`stop` came before `run`: such a `run` returns at once."
            kit.require(False, f"{state}: IllegalTransition", said)
        kit.require(len(town.passwords) == dials, f"{state}: it dials", "after `stop` a `run` returns at once.")
        town.files.close()
    return "0 s"


def _by_the_clock(kit: Kit) -> MeterValuesRequest:
    return MeterValuesRequest(connector_id=1, meter_value=[reading(kit)])


def _in(my: Any, kit: Kit, state: str) -> Town:
    """A town in which a charge point is in that state after 7 s."""
    boots = [state.capitalize()] * 9 if state in ("pending", "rejected") else []
    town = Town(my, kit, *boots, latency=10_000.0 if state == "booting" else 0.1)
    town.door = {"connecting": "silent", "waiting": "shut"}.get(state, "open")
    return town
