"""The capstone: a learner's router in a real session, and in a real central system."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from random import Random
from typing import Any, get_type_hints

import msgspec

from ocpp_lab import messages as m
from ocpp_lab.central_system import CentralSystem, Policy
from ocpp_lab.central_system.answers import Answers
from ocpp_lab.codec import to_object
from ocpp_lab.frames import ERROR_CODES, Call, CallError, CallResult, decode, encode
from ocpp_lab.pipe import MemoryPipe
from ocpp_lab.router import Router
from ocpp_lab.session import Session
from ocpp_lab.simulation import World, chaos
from ocpp_lab.transport import Transport

from .. import capstone
from ..kit import Kit
from ..step import Step
from .mutations import answers, answers_due, mutated
from .payloads import drawn, typed
from .witnesses import ROLES, on, received_by

step = Step(
    "2.capstone",
    "`Router` in a central system",
    ("Router",),
    points=4,
    minutes=15,
    reference=lambda: Router,
    capstone=True,
)

FRAMES, BATCH = 2000, 50
SLOW, QUICK = 2.0, 0.02


class Talk:
    """A session with the learner's router, and the peer that writes what it likes."""

    def __init__(self, kit: Kit, router: Any) -> None:
        left, right = kit.pipe_pair()
        self.pipe: MemoryPipe = left
        self.heard: list[tuple[float, str]] = []
        self.session = Session(Transport(right), router)
        self._tasks = [asyncio.create_task(self.session.run()), asyncio.create_task(self._listen())]

    async def _listen(self) -> None:
        async for text in self.pipe:
            self.heard.append((asyncio.get_running_loop().time(), str(text)))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.heard]

    async def ask(self, kit: Kit, call: Call) -> Any:
        """The frame that answers a call; the answer is refused if none comes in a minute."""
        await self.pipe.send(encode(call))
        await asyncio.sleep(60.0)
        frames = [decode(text) for text in self.texts if msgspec.json.decode(text)[1] == call.unique_id]
        said = f"a valid {call.action} got {len(frames) or 'no'} answers; every Call gets exactly one."
        kit.require(len(frames) == 1, f"{len(frames)} answers", said)
        return frames[0]

    async def end(self) -> None:
        await self.pipe.close()
        await asyncio.gather(*self._tasks)


def served(my: Any, kit: Kit, role: Any) -> Any:
    """A router whose handlers answer at once, answer late, or fail."""
    router = my.Router(role)
    for action in received_by(role):
        response = typed(action.response, drawn(action.response, kit.rng))
        router.on(action.request)(on(action, _mood(kit, response)))
    return router


def _mood(kit: Kit, response: m.Response) -> Any:
    async def work(request: Any) -> Any:
        mood = kit.rng.random()
        if mood < 0.1:
            await asyncio.sleep(kit.rng.uniform(0.1, 5.0))
        elif mood < 0.2:
            raise KeyError("db-3")
        return response

    return work


@step.check("2,000 spoilt frames: every Call whose id can be told gets exactly one answer", seconds=10)
async def fuzzed(my: Any, kit: Kit) -> str:
    """Each Call is answered once, with a CallResult or a CallError, whatever it carries (J-spec 4.1, 4.2)."""
    for role in ROLES:
        talk = Talk(kit, served(my, kit, role))
        texts = list(mutated(kit.rng, FRAMES // 2))
        for start in range(0, len(texts), BATCH):
            for text in texts[start : start + BATCH]:
                await talk.pipe.send(text)
            await asyncio.sleep(10.0)
        due, got = answers_due(texts), answers(talk.texts)
        raised = talk.session.counts["answer failed"]  # the session had to answer in the router's place
        missing, surplus = (due - got).total() + raised, (got - due).total()
        said = "Calls stay without an answer; whatever comes, `answer` returns a frame."
        kit.require(not missing, f"{missing} without an answer", said)
        kit.require(not surplus, f"{surplus} too many", "a Call gets one answer, and a reply gets none.")
        frames = [msgspec.json.decode(text) for text in talk.texts]  # an id that is too long comes back as it was
        strange = sorted({frame[2] for frame in frames if frame[0] == 4} - ERROR_CODES)
        kit.require(not strange, ", ".join(strange), "an error code is one of the ten of the specification.")
        await talk.end()
    return "none is missing"


@step.check("after that, the next valid call is answered")
async def next_call_lives(my: Any, kit: Kit) -> str:
    """What one call carries must not hurt the next one (J-spec 4.1)."""
    for role in ROLES:
        router, wanted = my.Router(role), {}
        for action in received_by(role):
            wanted[action.name] = response = typed(action.response, drawn(action.response, kit.rng))
            router.on(action.request)(on(action, _always(response)))
        talk = Talk(kit, router)
        for text in mutated(kit.rng, 100):
            await talk.pipe.send(text)
        for action in kit.rng.sample(received_by(role), 5):
            call = Call(f"valid-{action.name}"[:36], action.name, drawn(action.request, kit.rng))
            frame = await talk.ask(kit, call)
            kit.require(isinstance(frame, CallResult), f"{action.name}: a CallError", "this call is valid.")
            kit.equal(frame.payload, to_object(wanted[action.name]))
        code = getattr(await talk.ask(kit, Call("unknown", "MakeCoffee", {})), "code", "a CallResult")
        said = f"MakeCoffee got {code}: OCPP does not know it, so the answer is NotImplemented, as in 2.5."
        kit.require(code == "NotImplemented", f"MakeCoffee: {code}", said)
        await talk.end()
    return "answered"


def _always(response: Any) -> Any:
    async def work(request: Any) -> Any:
        return response

    return work


@step.check("a slow handler delays itself, not the calls behind it")
async def slow_handlers(my: Any, kit: Kit) -> str:
    """The peer's calls are served beside each other: one that takes long must not hold up the rest (J-spec 4.1.1)."""

    async def slow(request: Any) -> Any:
        await asyncio.sleep(SLOW)
        return m.GetDiagnosticsResponse(file_name="log.zip")

    async def quick(request: Any) -> Any:
        await asyncio.sleep(QUICK)
        return m.ResetResponse(status="Accepted")

    router = my.Router("ChargePoint")
    for name, work in (("GetDiagnostics", slow), ("Reset", quick)):
        router.on(m.ACTIONS[name].request)(on(m.ACTIONS[name], work))
    talk = Talk(kit, router)
    started = asyncio.get_running_loop().time()
    await talk.pipe.send(encode(Call("slow", "GetDiagnostics", {"location": "ftp://logs"})))
    for number in range(20):
        await talk.pipe.send(encode(Call(f"quick-{number}", "Reset", {"type": "Soft"})))
    await asyncio.sleep(10 * SLOW)
    waited = {decode(text).unique_id: at - started for at, text in talk.heard}
    kit.require(len(waited) == 21, f"{len(waited)} of 21 answered", "every Call gets an answer.")
    behind = sum(waited[f"quick-{number}"] > SLOW / 2 for number in range(20))
    said = "quick calls waited for the slow one; `answer` must not wait for another `answer`."
    kit.require(not behind, f"{behind} of 20 waited", said)
    errors = sum(isinstance(decode(text), CallError) for text in talk.texts)
    said = "a valid call got an error; each is handled, however many are at work."
    kit.require(not errors, f"{errors} of 21 got an error", said)
    await talk.end()
    return "20 of 20 at once"


@step.check("a night of faults, cuts and crashes is survived", seconds=40)
def survives(my: Any, kit: Kit) -> str:
    """A central system with this router keeps its charge points and their transactions, whatever breaks (core 3.7)."""
    return capstone.survives(kit, night, router=my.Router)


async def night(world: World, profile: Any, *, router: Any = Router) -> Counter[str]:
    """Chaos with a central system whose router is the learner's, and whose handlers take their time."""
    rng = world.rng("handlers")
    return await chaos(world, profile, central_system=partial(central_system, router, rng))


def central_system(
    router: Any, rng: Random, *, policy: Policy, ledger: Any, now: Callable[[], datetime], **options: Any
) -> CentralSystem:
    """A central system with a router of this kind, and the usual handlers in it."""
    desk, mine = Answers(policy, ledger, now), router("CentralSystem")
    for name, handler in inspect.getmembers(desk, inspect.iscoroutinefunction):
        if name.startswith("on_"):
            request_type = get_type_hints(handler)["request"]
            mine.on(request_type)(on(m.ACTIONS[request_type.action], partial(_unhurried, rng, handler)))
    return CentralSystem(router=mine, policy=policy, ledger=ledger, now=now, **options)


async def _unhurried(rng: Random, handler: Any, request: Any) -> Any:
    if rng.random() < 0.2:
        await asyncio.sleep(rng.uniform(0.0, 1.0))
    return await handler(request)
