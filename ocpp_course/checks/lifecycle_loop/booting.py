"""5.2: BootNotification until it is accepted, by a script of answers."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.charge_point.registration import boot
from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected
from ocpp_lab.messages import BootNotificationRequest, BootNotificationResponse

from ..kit import Kit
from ..step import Step, Wrong

step = Step("5.2", "`boot`: until accepted", ("boot",), points=2, minutes=20, reference=lambda: boot)

REQUEST = BootNotificationRequest(charge_point_vendor="Lab", charge_point_model="One")
MOST = 20
"""A script goes on with Accepted; who asks more often than that will never stop."""
LONG = 1200
"""Boots: more than the levels by which an answer may call itself."""
MOMENT = 0.001
SWALLOWED = "cancellation was swallowed; let it through."
SLIPS = (NameError, AttributeError, TypeError, LookupError, ImportError, AssertionError)
"""What nobody raises on purpose: its own line says more than any sentence here."""
LATER = "cancelled, it ended later; end at once."
PATIENT = "`call` ends by itself, with an answer or an error, and may take longer than `retry_interval`."


class Desk:
    """Answers each boot as the script says: an exception is raised, a response returned; then Accepted."""

    def __init__(self, kit: Kit, *script: Any, seconds: float = 0.0, most: int = MOST) -> None:
        self.kit = kit
        self.script = script
        self.seconds = seconds
        self.most = most
        self.given_up = 0
        """How many calls were cancelled."""
        self.times: list[float] = []
        self.requests: list[Any] = []
        self.answers: list[Any] = []

    async def call(self, request: Any) -> Any:
        self.times.append(self.kit.time)
        self.requests.append(request)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if len(self.times) > self.most:
            await asyncio.Event().wait()
        number = len(self.times) - 1
        reply = self.script[number] if number < len(self.script) else answer(self.kit, "Accepted", 300)
        if isinstance(reply, BaseException):
            raise reply
        self.answers.append(reply)
        return reply


def answer(kit: Kit, status: Any, interval: int) -> BootNotificationResponse:
    return BootNotificationResponse(status=status, interval=interval, current_time=kit.now())


async def booted(my: Any, kit: Kit, desk: Desk, **options: Any) -> Any:
    """What `boot` returns; refused if that takes for ever."""
    work = asyncio.ensure_future(my.boot(desk.call, REQUEST, **options))
    await asyncio.wait([work], timeout=10**5)
    if not work.done():
        accepted = any(each.status == "Accepted" for each in desk.answers)
        await over_at_once(kit, work, LONG)
        said = "Accepted came, and `boot` did not return." if accepted else None
        kit.require(False, f"{len(desk.times)} boots, and no end", PATIENT if desk.given_up else said)
    return work.result()


async def over_at_once(kit: Kit, work: asyncio.Future[Any], seconds: float = 1000.0) -> None:
    """Cancel it; refused if it does not end so, or not now. Raises what had ended it before."""
    if work.done():
        work.result()
        kit.require(False, "it had ended", "it ended by itself, and there was no reason to.")
    begun = kit.time
    work.cancel()
    await asyncio.wait([work], timeout=seconds)
    how = "it goes on" if not work.done() else "no CancelledError" if not work.cancelled() else "later"
    kit.require(work.cancelled() and kit.time - begun < MOMENT, how, SWALLOWED if how != "later" else LATER)


def near(times: list[float], wanted: list[float]) -> bool:
    return len(times) == len(wanted) and all(abs(a - b) <= MOMENT for a, b in zip(times, wanted, strict=True))


def told(times: list[float]) -> str:
    return "at " + ", ".join(f"{time:g}" for time in times[:6]) + " s" if times else "never"


@step.check("returns the answer that says Accepted")
async def accepted(my: Any, kit: Kit) -> str:
    """A charge point boots until its BootNotification is accepted (core 4.2)."""
    told_of: list[Any] = []
    desk = Desk(kit, answer(kit, "Pending", 7))
    got = await booted(my, kit, desk, on_answer=told_of.append)
    kit.require(getattr(got, "status", None) != "Pending", "returned at Pending", "returned at Pending.")
    kit.require(got is desk.answers[-1] and got.status == "Accepted", repr(got), "return the answer with Accepted.")
    kit.require(told_of == desk.answers, f"on_answer: {len(told_of)} of 2", "`on_answer` is told of each answer.")
    kit.require(all(each == REQUEST for each in desk.requests), "another request", "send the request that came in.")
    desk = Desk(kit)
    kit.equal((await booted(my, kit, desk)).status, "Accepted")
    kit.equal(len(desk.times), 1, "accepted at once; no second boot.")
    return "Accepted"


@step.check("Pending or Rejected: again after `interval` s")
async def waits_interval(my: Any, kit: Kit) -> str:
    """The interval of an answer that is not Accepted is the least wait before the next boot (core 4.2)."""
    first, second = kit.rng.randrange(50, 500), kit.rng.randrange(50, 500)
    for retry, seconds in ((1000.0, 0.0), (20.0, 0.0), (60.0, 15.0)):
        told_at: list[float] = []
        desk = Desk(kit, answer(kit, "Rejected", first), answer(kit, "Pending", second), seconds=seconds)
        begun = kit.time
        try:
            await booted(my, kit, desk, retry_interval=retry, on_answer=lambda _: told_at.append(kit.time))  # noqa: B023
        except Wrong:
            raise
        except Exception as error:
            if isinstance(error, SLIPS) or [each.status for each in desk.answers] != ["Rejected"]:
                raise
            said = "Rejected today may be Accepted later."
            kit.require(False, f"Rejected: {type(error).__name__}", said)
        wanted = [begun, begun + first + seconds, begun + first + second + 2 * seconds]
        sends = near(desk.times[:2], [begun, begun + max(first, seconds)]) and seconds
        said = "a wait begins when the answer came." if sends else "wait `interval` seconds after such an answer."
        if near(desk.times, wanted[: len(desk.times)]):
            said = "only Accepted ends `boot`; it ended before."
        kit.require(near(desk.times, wanted), told([time - begun for time in desk.times]), said)
        told_all = len(told_at) == len(desk.answers)
        said = "`on_answer` is told when the answer comes, and not after the wait."
        said = said if told_all else "`on_answer` is told of each answer."
        kit.require(near(told_at, [time + seconds for time in wanted]), told(told_at), said)
    hours, begun = kit.rng.randrange(10_000, 86_000), kit.time
    desk = Desk(kit, answer(kit, "Rejected", hours))
    await booted(my, kit, desk)
    said = "`interval` may be hours: wait all of it."
    kit.require(near(desk.times, [begun, begun + hours]), f"{hours} s: {told([t - begun for t in desk.times])}", said)
    return "interval"


@step.check("interval 0: again after `retry_interval` s")
async def zero_no_flood(my: Any, kit: Kit) -> str:
    """An interval of 0 leaves the wait to the charge point, which must not flood the central system (core 4.2)."""
    retry = kit.rng.uniform(20, 90)
    desk = Desk(kit, answer(kit, "Pending", 0), answer(kit, "Rejected", 0))
    await booted(my, kit, desk, retry_interval=retry)
    flood = "interval 0 means your own choice, not a flood (core 4.2)."
    floods = len(desk.times) > 1 and desk.times[1] - desk.times[0] < 1.0
    said = flood if floods else "interval 0: the wait is `retry_interval` seconds."
    kit.require(near(desk.times, [0.0, retry, 2 * retry]), told(desk.times[:2]), said)
    desk, begun = Desk(kit, answer(kit, "Rejected", 0)), kit.time
    await booted(my, kit, desk)
    kit.require(near(desk.times, [begun, begun + 60.0]), "another default", "`retry_interval` is 60 s if nobody says.")
    return "retry_interval"


@step.check("no answer, or a CallError: again after `retry_interval` s")
async def retries_timeout(my: Any, kit: Kit) -> str:
    """An unanswered BootNotification is repeated (core 4.2)."""
    for error in (CallTimeout(), CallFailed("InternalError", "database")):
        begun, desk = kit.time, Desk(kit, error, error)
        said = "one lost answer and the charge point is dead until somebody visits."
        if isinstance(error, CallFailed):
            said = "a CallError is no end: wait `retry_interval` seconds, and boot again."
        try:
            await booted(my, kit, desk, retry_interval=40.0)
        except (CallTimeout, CallFailed):
            kit.require(False, f"{type(error).__name__} ended it", said)
        kit.require(near(desk.times, [begun, begun + 40, begun + 80]), told(desk.times), "wait `retry_interval` s.")
    desk = Desk(kit, *[CallTimeout()] * (MOST - 5), seconds=90.0)
    said = "it gave up; a charge point boots until it is accepted, however long that takes."
    try:
        got = await booted(my, kit, desk, retry_interval=40.0)
    except CallTimeout:
        got = None
    kit.require(not desk.given_up, "a call was cancelled", PATIENT)
    early = len(desk.times) < MOST - 4
    kit.require(not early, f"over after {len(desk.times)} boots", said)
    kit.require(getattr(got, "status", None) == "Accepted", repr(got), "return the answer with Accepted.")
    begun = desk.times[0]
    known = "a wait begins when the error came." if near(desk.times[1:2], [begun + 90]) else "wait `retry_interval` s."
    kit.require(near(desk.times[1:3], [begun + 130, begun + 260]), told([at - begun for at in desk.times]), known)
    await _each_its_own_wait(my, kit)
    await _for_weeks(my, kit)
    return "retry_interval"


async def _each_its_own_wait(my: Any, kit: Kit) -> None:
    begun = kit.time
    desk = Desk(kit, answer(kit, "Pending", 7), CallTimeout(), answer(kit, "Pending", 9), answer(kit, "Rejected", 0))
    await booted(my, kit, desk, retry_interval=40.0)
    said = "what came last says how long to wait, and not what came before it."
    came = [at - begun for at in desk.times]
    kit.require(near(came, [0, 7, 47, 56, 96]), told(came), said if near(came[:3], [0, 7, 14]) else None)


async def _for_weeks(my: Any, kit: Kit) -> None:
    desk = Desk(kit, *[CallTimeout()] * LONG, most=2 * LONG)
    gave_up = "it gave up; a charge point boots until it is accepted, however long that takes."
    got: Any = None
    try:
        got = await booted(my, kit, desk, retry_interval=40.0)
    except RecursionError:
        said = "each boot is one level deeper than the one before, and the levels run out; a loop has no end."
        kit.require(False, "RecursionError", said)
    except CallTimeout:
        pass
    kit.require(getattr(got, "status", None) == "Accepted", f"over after {len(desk.times)} boots", gave_up)


@step.check("an unreadable answer: again after `retry_interval` s")
async def retries_malformed(my: Any, kit: Kit) -> str:
    """An answer of the wrong shape tells nothing, and another one may be better."""
    desk = Desk(kit, MalformedReply("no status"), MalformedReply("no status"))
    try:
        await booted(my, kit, desk, retry_interval=40.0)
    except MalformedReply:
        said = "an unreadable answer is no end (libocpp stops here until a restart): wait, and boot again."
        kit.require(False, "MalformedReply ended it", said)
    kit.require(near(desk.times, [0, 40, 80]), told(desk.times), "wait `retry_interval` s after an unreadable answer.")
    return "retry_interval"


@step.check("ConnectionLost: leaves, after one boot")
async def loss_leaves(my: Any, kit: Kit) -> str:
    """On a dead connection no boot is answered: a new connection has to come first."""
    desk = Desk(kit, answer(kit, "Pending", 5), ConnectionLost("cut"))
    said = "retried on a dead connection; only a new one can help."
    try:
        got = await booted(my, kit, desk, retry_interval=5.0)
    except ConnectionLost:
        await _bugs_leave(my, kit)
        return "ConnectionLost"
    kit.require(len(desk.times) <= 2, f"{len(desk.times)} boots", said)
    kit.require(len(desk.times) == 2, f"{len(desk.times)} boots", "the answer was Pending: wait, and boot again.")
    kit.require(False, f"returned {got!r}", "the line is gone and nothing was accepted; let ConnectionLost leave.")
    return ""


async def _bugs_leave(my: Any, kit: Kit) -> None:
    for error in (NotConnected("closed"), LookupError("a bug")):
        desk = Desk(kit, error)
        try:
            await booted(my, kit, desk, retry_interval=5.0)
        except type(error):
            continue
        said = "an error that the table does not name was kept; let it leave."
        kit.require(False, f"{type(error).__name__} is kept", said)


@step.check("cancelled, in any moment: over at once")
async def cancel(my: Any, kit: Kit) -> str:
    """Whoever stops a charge point does not wait out its interval."""
    for script, seconds in (([answer(kit, "Rejected", 600)], 0.0), ([CallTimeout()], 0.0), ([CallTimeout()], 30.0)):
        desk = Desk(kit, *script, seconds=seconds)
        work = asyncio.ensure_future(my.boot(desk.call, REQUEST))
        await asyncio.sleep(10.0)
        await over_at_once(kit, work)
        await asyncio.sleep(1000.0)
        kit.equal(len(desk.times), 1, "it boots after its end.")
    return "over"
