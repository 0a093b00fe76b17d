"""4.7: the reader reads, and nothing else; whoever must wait does so beside it."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from ocpp_lab.errors import CallFailed, ConnectionLost, FrameError, NotConnected, OcppError
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.messages import HeartbeatResponse
from ocpp_lab.session import Session

from ..kit import Kit
from ..step import Step
from . import calling
from .bench import HEARTBEAT, Bench, Clerk, Desk, Nobody, after, answer_to, authorize
from .not_taken import closing, full
from .patience import outcome
from .pending_ids import fresh_ids
from .replied import ANOTHER_ID, error_of, lives_on, settled, what_fail_all_gets

step = Step(
    "4.7", "`Session.run`: the reader never waits", ("Session",), points=3, minutes=25, reference=lambda: Session
)

GARBAGE = (
    "no JSON at all",
    "[2",
    "{}",
    "[]",
    "null",
    "[2]",
    "[9, \"x\", {}]",
    "[3]",
    "[2, 7, \"Heartbeat\", {}]",
)  # fmt: skip
"""Texts that are no frame, and that name no call of the peer."""


@step.check("calls of both ends cross, and a handler may call back")
async def crossing(my: Any, kit: Kit) -> str:
    """Each end serves the other's calls while its own is under way (J-spec 4.1.1); answers wait for nobody."""
    ids = fresh_ids(kit, 2)
    async with Bench(my, kit, after(10.0), run=True) as bench:
        said = "`transport.start()` comes first; a transport with a writer of its own sends nothing before it."
        kit.require(bench.transport.started, "not started", said)
        own = bench.call(HEARTBEAT)
        await asyncio.sleep(1.0)
        await bench.says(Call(ids[0], "ClearCache", {}))
        await asyncio.sleep(1.0)
        if not bench.replies_to(ids[0]):
            kit.require(not bench.strangers(), "another id", ANOTHER_ID)
            await asyncio.sleep(20.0)
            said = "your answer queued behind your own call; answers bypass the queue of calls."
            never = "a call of the peer came while your own was under way, and got no answer."
            kit.require(False, "the answer waits", said if bench.replies_to(ids[0]) else never)
        mine = bench.calls[0].unique_id
        await bench.says(Call(mine, "ClearCache", {}))
        said = "ids are unique per sender: a call of the peer may carry the id of yours."
        answer = await settled(kit, bench, mine, 1.0, "no answer", said)
        kit.require(isinstance(answer, CallResult), f"a {type(answer).__name__}", said)
        ended = await kit.within(30, outcome(own), "the own call waits", "its reply came; it was not read.")
        kit.require(isinstance(ended, HeartbeatResponse), f"a {type(ended).__name__}", "its reply came.")
    await _calls_back(my, kit, ids[1])
    return "both served"


async def _calls_back(my: Any, kit: Kit, unique_id: str) -> None:
    """A handler calls the peer: only the reader can read that reply."""

    async def call_back(call: Call) -> None:
        await bench.session.call(authorize("TAG_A"), timeout=20.0)

    async with Bench(my, kit, after(1.0), router=Desk(call_back), run=True) as bench:
        await bench.says(Call(unique_id, "RemoteStartTransaction", {"idTag": "TAG_A"}))
        await asyncio.sleep(100.0)
        said = "the handler's own call was not sent; it waits for nothing but its turn."
        kit.require(bench.calls, "not sent", said)
        said = "the handler waits for a reply that only the waiting reader could read."
        answer = await settled(kit, bench, unique_id, 0.0, "the handler waits", said)
        kit.require(isinstance(answer, CallResult), f"a {type(answer).__name__}", said)


@step.check("replies are read while handlers are slow")
async def slow_handler(my: Any, kit: Kit) -> str:
    """A handler may take long; meanwhile replies come in, and they are for others (J-spec 4.1.1)."""
    unique_id = fresh_ids(kit, 1)[0]
    async with Bench(my, kit, router=Desk(lambda call: asyncio.sleep(60.0)), run=True) as bench:
        await bench.says(Call(unique_id, "GetDiagnostics", {}))
        await asyncio.sleep(1.0)
        said = "the reader waits for a handler, and the replies behind it wait with it."
        for _ in range(3):
            ended = await kit.within(5.0, outcome(bench.call(HEARTBEAT)), "the reply waits", said)
            kit.require(isinstance(ended, HeartbeatResponse), f"a {type(ended).__name__}", said)
        bench.script = lambda call: (0.1, CallError(call.unique_id, "InternalError"))
        ended = await kit.within(50.0, outcome(bench.call(HEARTBEAT)), "the CallError waits", said)
        kit.require(isinstance(ended, CallFailed), f"a {type(ended).__name__}", "a CallError is a reply too.")
        said = "a slow handler answers in the end, too."
        answer = await settled(kit, bench, unique_id, 100.0, "no answer", said)
        kit.require(isinstance(answer, CallResult), f"a {type(answer).__name__}", said)
    return "read at once"


@step.check("20 calls at once, 20 answers")
async def pipelined(my: Any, kit: Kit) -> str:
    """A peer SHOULD wait for its turn (J-spec 4.1.1); if it does not, its calls are answered all the same."""
    ids = fresh_ids(kit, 20)
    seconds = {unique_id: kit.rng.uniform(0.0, 2.0) for unique_id in ids}
    desk = Clerk(lambda call: asyncio.sleep(seconds[call.unique_id]))
    async with Bench(my, kit, router=desk, run=True) as bench:
        for unique_id in ids:
            await bench.says(Call(unique_id, "ClearCache", {}))
        await asyncio.sleep(60.0)
        answered = [reply.unique_id for reply in bench.replies]
        said = "each call of the peer gets one answer, under its own id."
        kit.require(sorted(answered) == sorted(ids), f"{len(set(answered) & set(ids))} of 20 answered", said)
        right = sum(desk.said.get(reply.unique_id) == reply for reply in bench.replies)
        said = "the peer gets the very reply that `router.answer` returned, be it a result or an error."
        kit.require(right == len(ids), f"{right} of 20 as returned", said)
    return "20 of 20"


@step.check("a quick call is answered before a slow one that came first")
async def side_by_side(my: Any, kit: Kit) -> str:
    """Handlers run beside each other, and each answer leaves when it is ready: one slow handler holds up no other."""
    slow, quick = fresh_ids(kit, 2)
    desk = Desk(lambda call: asyncio.sleep(60.0 if call.unique_id == slow else 0.5))
    async with Bench(my, kit, router=desk, run=True) as bench:
        for unique_id in (slow, quick):
            await bench.says(Call(unique_id, "ClearCache", {}))
        await asyncio.sleep(2.0)
        said = "a handler began only when the one before it had ended; each is a task of its own."
        kit.require(quick in desk.began, "the quick one waits", said)
        said = "a quick answer waited for a slow one; each leaves when it is ready."
        kit.require(bench.replies_to(quick), "the quick answer waits", said)
        await settled(kit, bench, slow, 100.0, "no answer", "a slow handler answers in the end, too.")
    return "the quick one first"


@step.check("CallError for the copy, the answer for the first")
async def duplicate_id(my: Any, kit: Kit) -> str:
    """Two calls under one id cannot both be answered: the copy is refused while the first is handled (J-spec 4.1.4)."""
    unique_id = fresh_ids(kit, 1)[0]
    desk = Desk(lambda call: asyncio.sleep(5.0))
    async with Bench(my, kit, router=desk, run=True) as bench:
        for _ in range(3):
            await bench.says(Call(unique_id, "RemoteStartTransaction", {"idTag": "TAG_A"}))
            await asyncio.sleep(1.0)
        async with Bench(my, kit, run=True) as other:
            await other.says(Call(unique_id, "ClearCache", {}))
            said = "two sessions share what they handle; ids are unique on one connection: make it in `__init__`."
            reply = await settled(kit, other, unique_id, 1.0, "no answer on another connection", said)
            kit.require(isinstance(reply, CallResult), "refused on another connection", said)
        await asyncio.sleep(20.0)
        kit.require(len(desk.began) == 1, f"handled {len(desk.began)} times", "one id, two effects.")
        kinds = [type(reply) for reply in bench.replies_to(unique_id)]
        said = "the first is answered as ever; the copy gets a CallError."
        kit.require(CallResult in kinds, "the first unanswered", "the first call is innocent; it gets its answer.")
        kit.require(kinds.count(CallError) == 2, f"{kinds.count(CallError)} CallErrors for 2 copies", said)
        kit.require(kinds.count(CallResult) == 1, f"{kinds.count(CallResult)} results", said)
        await bench.says(Call(unique_id, "RemoteStartTransaction", {"idTag": "TAG_A"}))
        await asyncio.sleep(20.0)
        said = "the id may be used again once it was answered."
        kit.require(len(desk.began) == 2, "refused for ever", said)
        kinds = [type(reply) for reply in bench.replies_to(unique_id)]
        kit.require(kinds.count(CallResult) == 2, "no second answer", said)
    return "one effect"


@step.check("CallError for a spoilt Call; nothing for other garbage")
async def bad_frame_lives(my: Any, kit: Kit) -> str:
    """A peer may send anything. Only a Call whose id can be told is answered, and the session lives (J-spec 4.2.3)."""
    spoilt, good = fresh_ids(kit, 2)
    async with Bench(my, kit, run=True) as bench:
        texts = [*GARBAGE, f"drawn {kit.rng.random()}", f'[2, "{spoilt}", "ClearCache"]', '[2, "", "ClearCache"]']
        for text in kit.rng.sample(texts, len(texts)):
            await bench.says(text)
        await bench.says(Call(good, "ClearCache", {}))
        await asyncio.sleep(1.0)
        lives_on(kit, bench, FrameError, "one bad text ended the session.")
        said = "a call came after texts that are no frames, and got no answer."
        await settled(kit, bench, good, 5.0, "no answer after it", said)
        kinds = [type(reply) for reply in bench.replies_to(spoilt)]
        said = "it was a Call, and its id can be told: somebody waits for the CallError."
        kit.require(kinds == [CallError], "no CallError for it", said)
        said = "the CallError carries the `code` of the FrameError; it tells the peer what was wrong."
        wanted = error_of(f'[2, "{spoilt}", "ClearCache"]')
        reply: Any = bench.replies_to(spoilt)[0]
        kit.equal(reply.code, wanted.code, said)
        said = "the CallError lacks the `description` of the FrameError; it tells the peer what was wrong."
        kit.require(reply.description == wanted.description, f"description {reply.description!r:.40}", said)
        to_nobody = bench.replies_to("")
        said = 'a spoilt Call with the id "" got no CallError; only None means that there is no id.'
        kit.require(to_nobody, 'no CallError for ""', said)
        others = [reply for reply in bench.replies if reply.unique_id not in (spoilt, good, "")]
        others += to_nobody[1:]
        silent = "nobody waits for an answer to that; be silent."
        kit.require(not others and not bench.spoilt, f"{len(others) + bench.spoilt} replies to garbage", silent)
    return "it lives"


@step.check("no reply to a reply, however bad")
async def never_answers_replies(my: Any, kit: Kit) -> str:
    """CallResult and CallError are never answered: who sent them waits for nothing (J-spec 4.1.3, 4.2.3)."""
    ids = fresh_ids(kit, 4)
    async with Bench(my, kit, lambda call: (1.0, CallResult(call.unique_id, {"surprise": True})), run=True) as bench:
        own = bench.call(HEARTBEAT, timeout=10.0)
        for text in (
            CallResult(ids[0], {"nobody": "asked"}),
            CallError(ids[1], "InternalError"),
            f'[3, "{ids[2]}"]',
            f'[4, "{ids[3]}", "InternalError"]',
        ):
            await bench.says(text)
        ended = await kit.within(30.0, outcome(own), "its caller waits", "a bad reply ends its call: settle it.")
        kit.require(isinstance(ended, OcppError), f"a {type(ended).__name__}", "a bad reply ends its call.")
        await asyncio.sleep(5.0)
        said = "you answered a CallResult with a CallError."
        kit.require(not bench.replies, f"{len(bench.replies)} sent", said)
        bench.script = after(0.1)
        ended = await kit.within(30.0, outcome(bench.call(HEARTBEAT)), "it waits", "the reader lives on.")
        kit.require(isinstance(ended, HeartbeatResponse), f"a {type(ended).__name__}", "the reader lives on.")
    return "silence"


@step.check("callers get `ConnectionLost`, handlers end, `run` returns")
async def end_fails_all(my: Any, kit: Kit) -> str:
    """When the connection ends nobody can be answered any more, neither our callers nor the peer (J-spec 4.1.4)."""
    acted: list[str] = []

    async def work(call: Call) -> None:
        await asyncio.sleep(50.0)
        acted.append(call.unique_id)

    async with Bench(my, kit, lambda call: (100.0, answer_to(call)), router=Desk(work), run=True) as bench:
        own, queued = bench.call(HEARTBEAT), bench.call(HEARTBEAT)
        for unique_id in fresh_ids(kit, 3):
            await bench.says(Call(unique_id, "ClearCache", {}))
        await asyncio.sleep(1.0)
        kit.require(len(bench.calls) == 1, f"{len(bench.calls)} on the wire", "one own call is in flight: 4.6.")
        given = what_fail_all_gets(bench)
        await bench.cut()
        for error in given:
            name = getattr(error, "__name__", type(error).__name__)
            said = f"`fail_all` got {name}; the step asks for `ConnectionLost()`."
            lost = isinstance(error, ConnectionLost) or name == "ConnectionLost"
            kit.require(lost, f"`fail_all` got {name}", said)
        said = "the connection is gone; `pending.fail_all(ConnectionLost())` tells whoever waits."
        ended = await kit.within(1.0, outcome(own), "a caller waits", said)
        kit.require(isinstance(ended, ConnectionLost), f"a {type(ended).__name__}", said)
        ended = await kit.within(1.0, outcome(queued), "a queued caller waits", said)
        said = "nothing of the second call left this machine: NotConnected, as in 4.6."
        kit.require(isinstance(ended, NotConnected), f"a {type(ended).__name__}", said)
        said = "the connection is gone and `run` goes on; if it waits for its handlers, cancel them."
        over = await kit.within(1.0, outcome(bench.reading), "`run` goes on", said)
        said = "`run` returns when the connection ends; that is no error of its own."
        kit.require(not isinstance(over, BaseException), f"a {type(over).__name__}", said)
        await asyncio.sleep(100.0)
        kit.require(not acted, f"{len(acted)} acted later", "a handler went on after its session had ended.")
    return "all told"


@step.check("where `router.answer` gives None, nothing is sent")
async def silence(my: Any, kit: Kit) -> str:
    """A charge point whose boot is not accepted may have to say nothing at all (core 4.2)."""
    async with Bench(my, kit, router=Nobody(), run=True) as bench:
        await bench.says(Call("asked", "GetConfiguration", {}))
        await asyncio.sleep(5.0)
        kit.require(not bench.heard and not bench.spoilt, "a text was sent", "None stands for silence; send nothing.")
    return "nothing"


@step.check("when `run` is cancelled, its handlers end and its callers are told")
async def stops(my: Any, kit: Kit) -> str:
    """A charge point that is stopped cancels `run`; nobody may act for it afterwards, and nobody may wait for it."""
    acted: list[str] = []

    async def work(call: Call) -> None:
        await asyncio.sleep(50.0)
        acted.append(call.unique_id)

    async with Bench(my, kit, lambda call: (100.0, answer_to(call)), router=Desk(work), run=True) as bench:
        own = bench.call(HEARTBEAT, timeout=1000.0)
        await bench.says(Call("asked", "ClearCache", {}))
        await asyncio.sleep(1.0)
        bench.reading.cancel()
        await kit.within(5.0, outcome(bench.reading), "`run` goes on", "who is cancelled ends.")
        await asyncio.sleep(1.0)
        told = own.done()
        await asyncio.sleep(99.0)
        kit.require(not acted, "a handler acted", "a handler went on after `run` was cancelled; clean up in `finally`.")
        said = (
            "`run` was cancelled, and a caller still waits; `pending.fail_all(ConnectionLost())` belongs in `finally`."
        )
        kit.require(told, "a caller waits", said)
        ended = await outcome(own)
        kit.require(isinstance(ended, ConnectionLost), f"a {type(ended).__name__}", said)
        said = "`run` was cancelled, and ended without CancelledError; let that go on."
        kit.require(bench.reading.cancelled(), "no CancelledError", said)
    return "they end"


@step.check("an answer that the transport does not take is dropped")
async def answer_lost(my: Any, kit: Kit) -> str:
    """The connection may close while a handler works: its answer is lost, and the reader reads on (RFC 6455 7)."""
    await closing(my, kit)
    gc.collect()
    unheard = [said for said in kit.loop.unheard if said.startswith("ConnectionLost")] if kit.loop else []
    said = (
        "an answer could not be sent, and asyncio warns that nobody retrieved the ConnectionLost; suppress it around "
    )
    said += "that send."
    kit.require(not unheard, f"{len(unheard)} warnings", said)
    return "dropped"


@step.check("a full transport holds up answers, and not the reader")
async def full_transport(my: Any, kit: Kit) -> str:
    """`send` waits while the peer takes nothing; replies come in all the same, and are for others (J-spec 4.1.1)."""
    await full(my, kit)
    return "it reads"


@step.check("what 4.6 promised holds still")
async def as_before(my: Any, kit: Kit) -> str:
    """The class grows by its reader; how it calls stays as it was."""
    for rule in (calling.one_in_flight, calling.timeout_from_send, calling.frees, calling.after_end):
        await rule(my, kit)
    return "it holds"
