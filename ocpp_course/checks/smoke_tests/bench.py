"""`Bench`: a central system and a charge point on a simulated network, for a test that does not know which they are.

Both are real ones of the package. A broken stack is a subclass of them, and carries the same name.
"""

from __future__ import annotations

import asyncio
import linecache
import math
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn

from ocpp_lab.central_system import CentralSystem, Policy
from ocpp_lab.frames import Call, CallError, CallResult, encode
from ocpp_lab.simulation.story import ladder_text

from ..answer import files
from ..kit import Kit, short
from ..step import Wrong
from . import stacks
from .stacks import Stack

PATIENCE = 600.0
"""Seconds that a test may take."""
UNTIL_ONLINE, UNTIL_REPORTED = 5.0, 1.0
LAST_PACKETS = 1.0
"""Seconds in which what is still in the air arrives, or is lost."""
FEW = 60
"""Events of which a ladder can be read."""

Test = Callable[["Bench"], Awaitable[None]]

NAMES = "it looks at the stack's name; the check hides it."
DESCRIPTION = (
    "the description of an error is for people and may be any text; compare the code and the id (J-spec 4.2.3)."
)
DETAILS = "the details of an error may be any object; compare the code and the id (J-spec 4.2.3)."
END = 'after the close "within a second" is right: on that stack the calls end 0.4 s after it; your test does not wait.'
TIMES = "no stack is exact to the millisecond: a Heartbeat or a CallTimeout may come 0.2 s late. Allow it."
GUISES: list[tuple[Callable[[], Stack], str]] = [
    (stacks.renamed, NAMES),
    (stacks.usual, "StatusNotifications after boot are right (CE3.22); look for what must be there."),
    (stacks.with_short_ids, "an id need not be a UUID: any string of at most 36 characters will do (J-spec 4.1.4)."),
    (stacks.quick, TIMES),
    (stacks.late, TIMES),
    (stacks.slow, "latency is not a fault."),
    (stacks.uneven, TIMES),
]
"""What a right stack may be like, and what is said to a test that cannot bear it.

All but the last four are exact: what takes 10 s takes 10 s there. So what fails on them does not fail for its times.
"""

ANSWERS: list[tuple[Callable[[], Stack], str]] = [
    (stacks.terse, DESCRIPTION),
    (stacks.wordy, DESCRIPTION),
    (stacks.detailed, DETAILS),
]
"""What its errors may be like."""


class Bench:
    """What a test gets: ``await bench.start(interval=…, timeout=…)``, then ``central_system`` and ``charge_point``."""

    def __init__(self, kit: Kit, stack: Stack) -> None:
        self._now = kit.now
        self._latency = (stack.latency / (4 if stack.uneven else 2), stack.latency / 2)
        # Not the stack itself: a test must not be able to ask which one it has.
        self._make_central_system: Any = lambda **options: stack.make_central_system(**options)
        self._make_charge_point: Any = lambda *where, **options: stack.make_charge_point(*where, **options)
        self._central_system: Any = None
        self._charge_point: Any = None

    async def start(self, interval: int = 60, timeout: float = 30.0) -> None:
        """Start both ends and wait until the charge point is online, or 5 s if it never is, and 1 s for its statuses.

        ``interval`` (s) is what a BootNotification is answered; ``timeout`` (s) is how long a call waits.
        """
        if self._central_system is not None:
            raise RuntimeError("expected one `bench.start(…)` in a test, came a second")
        loop: Any = asyncio.get_running_loop()
        loop.net.set_defaults(latency=self._latency)
        if not any(self._latency):
            await _full_second()
        policy = Policy(interval=interval)
        system = self._make_central_system(host="cs", port=9000, policy=policy, now=self._now)
        self._central_system = await _on("cs", system.start())
        self._charge_point = await _on("cp", self._dial("ws://cs:9000", timeout))
        await asyncio.wait(
            [watch := asyncio.ensure_future(self._charge_point.wait_for("online"))], timeout=UNTIL_ONLINE
        )
        watch.cancel()
        await asyncio.wait([watch])
        await asyncio.sleep(
            UNTIL_REPORTED
        )  # or a status that waits for its turn would be pending after the test's call

    async def _dial(self, url: str, timeout: float) -> Any:
        return await self._make_charge_point(url, "CP_1", timeout=timeout, now=self._now).start()

    @property
    def central_system(self) -> CentralSystem:
        """The server: ``received``, ``heartbeats``, ``last_boot_id``, ``faults``, and ``central_system["CP_1"]``."""
        return self._started(self._central_system)  # type: ignore[no-any-return]

    @property
    def charge_point(self) -> Any:
        """The client: ``call``, ``send``, and its probes."""
        return self._started(self._charge_point)

    def _started(self, end: Any) -> Any:
        if end is None:
            raise RuntimeError("expected `await bench.start(…)` first: nothing is running yet")
        return end

    async def ask(self, call: Call | str, *, timeout: float = 5.0) -> CallResult | CallError:
        """Send this frame from the charge point's end, below its session; the reply that comes, whatever its id.

        TimeoutError if none comes in time.
        """
        text = call if isinstance(call, str) else encode(call)
        seen = len(self.charge_point.trace)
        own = {frame.unique_id for event in self.charge_point.trace if isinstance(frame := event.frame, Call)}
        await self.charge_point.uplink.transport.send(text)
        async with asyncio.timeout(timeout):
            while True:
                events = list(self.charge_point.trace)
                for event in events[seen:]:
                    frame = event.frame
                    if event.mark == ">" and isinstance(frame, Call) and event.text != text:
                        own.add(frame.unique_id)
                    if event.mark == "<" and isinstance(frame, CallResult | CallError) and frame.unique_id not in own:
                        return frame
                seen = len(events)
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """End both, and what the test has left."""
        if self._charge_point is not None:
            await _on("cp", self._charge_point.stop())
        if self._central_system is not None:
            await _on("cs", self._central_system.stop())

    def story(self) -> str:
        """The last frames as a ladder, unless there are too many to read."""
        if self._charge_point is None or len(self._charge_point.trace) > FEW:
            return ""
        newest = max((event.at for event in self._charge_point.trace), default=0.0)
        return ladder_text(
            self._charge_point.trace, self._central_system.trace, "CP_1", around=newest, before=40, after=1
        )


async def _full_second() -> None:
    """Wait for it, so that no digit is lost: on an exact stack, 10 s are 10.0."""
    loop = asyncio.get_running_loop()
    there = loop.create_future()
    loop.call_at(math.floor(loop.time()) + 1.0, there.set_result, None)
    await there


async def _on[T](host: str, work: Coroutine[Any, Any, T]) -> T:
    """Do something on that machine."""
    loop: Any = asyncio.get_running_loop()
    done: T = await loop.net.host(host).create_task(work)
    return done


@dataclass(frozen=True)
class Failure:
    """Why a test failed: ``what`` was raised, ``where`` in the test, and the frames of the stack that it failed on."""

    what: str
    where: str
    code: str
    """The text of the line."""
    story: str

    def __str__(self) -> str:
        return f"{self.what}; {self.where}" if self.where else self.what


async def failure(test: Test, kit: Kit, stack: Stack) -> str:
    """Why the test fails on this stack, "" if it passes."""
    said = await tried(test, kit, stack)
    return str(said) if said else ""


async def tried(test: Test, kit: Kit, stack: Stack) -> Failure | None:
    """How the test fails on this stack, None if it passes. One that is not done in time fails too."""
    before = asyncio.all_tasks()
    said = await _said(test, kit, stack)
    await asyncio.sleep(LAST_PACKETS)
    for _ in range(3):
        if left := asyncio.all_tasks() - before:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
    if kit.loop:
        kit.loop.unheard.clear()  # a test that fails half way need not tidy up
    return said


async def _run(test: Test, bench: Bench) -> None:
    await test(bench)


async def _said(test: Test, kit: Kit, stack: Stack) -> Failure | None:
    bench = Bench(kit, stack)
    try:
        async with asyncio.timeout(PATIENCE) as patience:
            await asyncio.create_task(_run(test, bench))  # of its own: who called it is none of its business
        return None
    except BaseException as error:
        if isinstance(error, TimeoutError) and patience.expired():
            # What it was waiting for is in the traceback of the cancellation.
            return Failure(f"not done after {PATIENCE:g} s", *_where(test, error.__cause__ or error), bench.story())
        pytests = any("pytest" in kind.__module__ for kind in type(error).__mro__)  # what `pytest.raises` raises
        if isinstance(error, Exception) or pytests:
            what = f"{type(error).__name__}: {error}".removesuffix(": ")
            return Failure(short(stacks.told(what), 90), *_where(test, error), bench.story())
        raise
    finally:
        await bench.stop()
        kit.story = bench.story()


def _where(test: Test, error: BaseException) -> tuple[str, str]:
    """The innermost line of the learner's in a traceback, with the line of the test that led there; and its text."""
    own = files((test,))
    lines = [
        (number, linecache.getline(frame.f_code.co_filename, number).strip())
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename in own
    ]
    if not lines:
        return "", ""
    number, code = lines[-1]
    called = f", from line {lines[0][0]}: `{short(lines[0][1])}`" if len(lines) > 1 else ""
    return f"line {number}: `{short(code, 80)}`{called}", code  # counted in the cell, as Jupyter counts


def _refuse(kit: Kit, said: Failure, diagnosis: str, got: str = "") -> NoReturn:
    """Refuse the answer with the frames of the stack that the diagnosis speaks of, whatever was tried since."""
    kit.story = said.story
    raise Wrong(got or str(said), diagnosis)


async def must_catch(test: Test, kit: Kit, stack: Stack, diagnosis: str) -> None:
    """Refuse a test that passes on this broken stack."""
    name = getattr(test, "__name__", "the test")
    kit.require(await tried(test, kit, stack), f"{name} passes on it", diagnosis)


async def must_pass(test: Test, kit: Kit, *, errors: bool = False, late: str = TIMES) -> None:
    """Refuse a test that fails on a right stack, and find out which right thing it cannot bear.

    ``errors``: the test sees errors of the stack. ``late`` is said to a test that cannot bear a busy stack.
    """
    said = await tried(test, kit, stacks.slow_but_right())
    for guise, diagnosis in ANSWERS if errors and not said else []:
        if again := await tried(test, kit, guise()):
            _refuse(kit, again, diagnosis)
    if not said:
        return
    if exact := await tried(test, kit, stacks.exact()):
        if not await tried(test, kit, stacks.plain()):
            _refuse(kit, exact, NAMES, "it passes on one class only")
        if errors and not await tried(test, kit, stacks.terse()):
            _refuse(kit, exact, DESCRIPTION)
    else:
        for guise, diagnosis in GUISES:
            if again := await tried(test, kit, guise()):
                _refuse(kit, again, late if diagnosis == TIMES else diagnosis)
    name = getattr(test, "__name__", "the test")
    at = f" at `{short(said.code)}`" if said.code else ""
    _refuse(kit, said, f"`{name}` fails on a stack that is right{at}: {said.what}")
