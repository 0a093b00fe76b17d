"""3.3: dial, serve, wait, again: scripted lines under the loop that keeps a charge point connected."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from ocpp_lab.connection import keep_connected
from ocpp_lab.errors import CallTimeout, ConnectionLost, HandshakeRefused, IllegalTransition

from ..kit import Kit
from ..step import Step

step = Step(
    "3.3",
    "`keep_connected`: the loop",
    ("keep_connected",),
    points=3,
    minutes=10,
    reference=lambda: keep_connected,
)

MANY = 300
"""Cuts in a row. A loop that calls itself is 300 calls deep by then, and at 1,000 Python gives up."""
MOMENT = 0.001
SWALLOWED = "cancellation was swallowed; raise it again."
NO_PROOF = "{} is no proof; only `proved()` starts the waits afresh."
Proved = Callable[[], None]


class Line:
    """A pipe that carries nothing, and knows whether it is closed."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.closed = False

    async def send(self, text: str) -> None:
        if self.closed:
            raise ConnectionLost

    async def __aiter__(self) -> AsyncIterator[str]:
        texts: list[str] = []
        for text in texts:
            yield text

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self.seconds and not self.closed:
            await asyncio.sleep(self.seconds)
        self.closed = True


Scene = BaseException | Callable[[Line, Proved], Awaitable[None]]
"""What one dial comes to: an error, or what happens on the line."""


class Play:
    """Plays its scenes in order, the last one for ever, and notes when each dial came and each line was over."""

    def __init__(self, kit: Kit, *scenes: Scene, closing: float = 0.0) -> None:
        self.kit = kit
        self.scenes = scenes
        self.closing = closing
        self.dials: list[float] = []
        self.over: list[float] = []
        self.lines: list[Line] = []
        self._open: list[Line] = []
        """Those that may be open still: an answer that never waits dials thousands of times."""
        self.overlaps = 0
        self.depths: list[int] = []
        self.wanted = 0
        self.whole = True
        """Whether no scene was cut short."""
        self.reached = asyncio.Event()

    async def dial(self) -> Line:
        self._open = [line for line in self._open if not line.closed]
        self.overlaps += bool(self._open)
        self.depths.append(_depth())
        self.dials.append(self.kit.time)
        if len(self.dials) == self.wanted:
            self.reached.set()
        scene = self._scene()
        await asyncio.sleep(0)
        if isinstance(scene, BaseException):
            self.over.append(self.kit.time)
            raise scene
        self.lines.append(Line(self.closing))
        self._open.append(self.lines[-1])
        return self.lines[-1]

    async def serve(self, line: Line, proved: Proved) -> None:
        scene = self._scene()
        assert not isinstance(scene, BaseException)
        try:
            await scene(line, proved)
        except asyncio.CancelledError:
            self.whole = False
            raise
        finally:
            self.over.append(self.kit.time)

    def delays(self) -> Iterator[float]:
        wait = 1.0
        while True:
            yield wait
            wait = min(2 * wait, 64.0)

    def _scene(self) -> Scene:
        return self.scenes[min(len(self.dials), len(self.scenes)) - 1]

    def begin(self, my: Any) -> asyncio.Task[Any]:
        return asyncio.create_task(my.keep_connected(self.dial, self.serve, self.delays), name="keep_connected")

    async def until(self, my: Any, dials: int, seconds: float = 10_000.0) -> list[float]:
        """Let it run until it has dialled so often, then cancel it. The waits: from each end to the next dial."""
        self.wanted = dials
        task, reached = self.begin(my), asyncio.create_task(self.reached.wait())
        await asyncio.wait([task, reached], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.25)  # the last dial succeeds
        await stopped(reached)
        self.kit.require(await stopped(task), "cancelled, it goes on", SWALLOWED)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        said = None if task.cancelled() else "it returned; a charge point dials again, for ever."
        self.kit.require(len(self.dials) >= dials, f"{len(self.dials)} dials, then no more", said)
        return [round(dial - over, 3) for over, dial in zip(self.over[: dials - 1], self.dials[1:dials], strict=True)]


def _depth() -> int:
    """How many calls deep we are."""
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


async def stopped(task: asyncio.Task[Any]) -> bool:
    """Cancel a task, and wait for its end as long as that takes. Whether one cancellation was enough."""
    task.cancel()
    await asyncio.wait([task], timeout=10_000)
    obeyed = task.done()
    for _ in range(20):  # who swallows one may heed the next: a task left behind complains when it is collected
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=1)
    return obeyed


async def lose(line: Line, proved: Proved) -> None:
    """The line dies at once."""
    raise ConnectionLost


async def end(line: Line, proved: Proved) -> None:
    """The peer closes politely."""
    await asyncio.sleep(0.5)


async def last_long(line: Line, proved: Proved) -> None:
    """A line that is up for a while, and never shows that it is good."""
    await asyncio.sleep(900)
    raise ConnectionLost


async def prove_and_lose(line: Line, proved: Proved) -> None:
    """A good line, for a while."""
    for _ in range(3):
        await asyncio.sleep(2.0)
        proved()
    await asyncio.sleep(2.0)
    raise ConnectionLost


async def prove_and_end(line: Line, proved: Proved) -> None:
    proved()
    await asyncio.sleep(7.0)


async def stay(line: Line, proved: Proved) -> None:
    """The line stays good."""
    proved()
    await asyncio.Event().wait()


def told(waits: list[float]) -> str:
    return ", ".join(f"{wait:g}" for wait in waits) + " s"


@step.check("1, 2, 4, 8 s; a wait after a polite close too; 300 cuts are no problem")
async def waits_as_told(my: Any, kit: Kit) -> str:
    """A charge point that lost its line dials again, after a wait (RFC 6455 7.2.3), and for ever."""
    play = Play(kit, OSError("no route"), OSError("no route"), ConnectionLost(), OSError("no route"), end, lose)
    waits = await play.until(my, 6)
    said = "a peer that closes politely is still gone; wait."
    kit.require(waits[4] >= 1 - MOMENT, f"{waits[4]:g} s after a polite close", said)
    kit.require(
        near(waits[:4], [1, 2, 4, 8]), told(waits[:4]), "the waits are those of `delays()`, one after the other."
    )
    play = Play(kit, OSError("no route"))
    await play.until(my, MANY, seconds=10**6)
    grown = play.depths[-1] - play.depths[1]
    kit.require(grown < MANY // 3, f"{grown} calls deeper", "after 1,000 cuts the stack overflows.")
    return told(waits[:4])


def near(waits: list[float], wanted: list[float]) -> bool:
    return len(waits) == len(wanted) and all(abs(a - b) <= MOMENT for a, b in zip(waits, wanted, strict=True))


@step.check("after a proof the next waits are 1, 2, 4 s again")
async def resets_on_proof(my: Any, kit: Kit) -> str:
    """A line that proved itself is no part of the trouble before it; the next waits start afresh."""
    for good in (prove_and_lose, prove_and_end):
        play = Play(kit, OSError(), OSError(), OSError(), good, OSError())
        waits = await play.until(my, 8)
        said = "`proved()` was called; the next waits start afresh, once."
        kit.require(near(waits, [1, 2, 4, 1, 2, 4, 8]), told(waits), said)
    return "1, 2, 4, 1, 2, 4 s"


@step.check("opened and lost at once, six times: 1, 2, 4, 8, 16 s")
async def no_reset_on_open(my: Any, kit: Kit) -> str:
    """A line that opens has proved nothing yet: the central system may accept and drop all night."""
    waits = await Play(kit, lose).until(my, 6)
    said = "a central system that accepts and drops gets hammered every 3 s; reset when the connection proved itself."
    kit.require(near(waits, [1, 2, 4, 8, 16]), told(waits), said)
    for scene, what in ((end, "a polite close"), (last_long, "a long life")):
        play = Play(kit, scene, scene, scene, lose)
        other = await play.until(my, 4)
        kit.require(near(other, [1, 2, 4]), told(other), NO_PROOF.format(what))
        kit.require(play.whole, f"{what} came early", "`serve` ends when the line does; nobody cuts it short.")
    return told(waits)


@step.check("cancelled while it dials, serves or waits: over within 0 s")
async def stops_now(my: Any, kit: Kit) -> str:
    """Whoever stops a charge point does not wait out its back-off; and cancellation goes through."""

    async def never(line: Line, proved: Proved) -> None:
        await asyncio.Event().wait()

    moments = {"serving": Play(kit, never), "waiting": Play(kit, *[OSError()] * 5), "dialling": Play(kit, never)}
    moments["dialling"].dial = _for_ever  # type: ignore[method-assign]
    for moment, play in moments.items():
        task = play.begin(my)
        await asyncio.sleep(8.5)  # the fourth wait is from 7 to 15 s
        begun = kit.time
        task.cancel()
        await asyncio.wait([task], timeout=1000)
        if not task.done():
            await stopped(task)
            kit.require(False, f"{moment}: it goes on", SWALLOWED)
        kit.require(kit.time - begun < MOMENT, f"{moment}: {kit.time - begun:g} s", "stopping waited out the back-off.")
        kit.require(task.cancelled(), f"{moment}: no CancelledError", SWALLOWED)
    return "0 s, three times"


@step.check("HTTP 401, 404, 503 and others: dialled again after a wait")
async def retries_404(my: Any, kit: Kit) -> str:
    """After HTTP 404 a charge point SHALL try again with back-off (J-errata 3.3); ours does after any refusal."""
    for status in (404, 401, 503, kit.rng.choice([400, 403, 429, 500, 502]), 101):
        try:
            waits = await Play(kit, HandshakeRefused(status), stay).until(my, 2)
        except HandshakeRefused:
            kit.require(False, f"HTTP {status} ended it", "unknown today, provisioned tomorrow; retry with back-off.")
        kit.require(near(waits, [1]), f"HTTP {status}: {told(waits)}")
    waits = await Play(kit, *[HandshakeRefused(503)] * 4, stay).until(my, 5)
    kit.require(near(waits, [1, 2, 4, 8]), told(waits), NO_PROOF.format("a refusal"))
    return "all tried again"


@step.check("TypeError from `serve`, ValueError from `dial`, and others: raised")
async def bugs_escape(my: Any, kit: Kit) -> str:
    """Only the line's own troubles are survived; a bug has to be seen."""
    bugs = (TypeError("a bug"), IllegalTransition("online", "opened", ["lost"]), CallTimeout("a bug"))
    said = "a programming error became an endless reconnect loop."
    for scene, kind in [(_raises(bug), type(bug)) for bug in bugs] + [(ValueError("a bug"), ValueError)]:
        task = Play(kit, scene, stay).begin(my)
        await asyncio.wait([task], timeout=100)
        if not task.done():
            await stopped(task)
            kit.require(False, f"{kind.__name__}: it goes on", said)
        error = None if task.cancelled() else task.exception()
        another = "raise the bug itself, not another error."
        kit.require(isinstance(error, kind), f"{kind.__name__} became {type(error).__name__}", another)
    return "raised"


def _raises(error: Exception) -> Scene:
    async def scene(line: Line, proved: Proved) -> None:
        raise error

    return scene


@step.check("each line is closed before the next dial, and at the end")
async def one_pipe(my: Any, kit: Kit) -> str:
    """A charge point has one connection. Which of two counts OCPP 1.6 does not say; here it is the newest."""
    said = (
        "two connections of one identity; the central system keeps the newest, and which one that is was left to "
        "chance."
    )
    play = Play(kit, lose, end, prove_and_lose, OSError(), stay, closing=0.5)
    await play.until(my, 5)
    kit.require(not play.overlaps, f"{play.overlaps} dials beside an open line", said)
    kit.require(all(line.closed for line in play.lines), "the last line is open", "cancelled, it left its line open.")
    task = (play := Play(kit, lose, stay)).begin(my)
    await asyncio.sleep(0.5)
    kit.require(all(line.closed for line in play.lines), "open in the wait", "close the dead line first, then wait.")
    await stopped(task)
    play = Play(kit, _raises(TypeError("a bug")))
    task = play.begin(my)
    await asyncio.wait([task], timeout=100)
    await stopped(task)
    kit.require(all(line.closed for line in play.lines), "open after a bug", "a bug ended it, and its line is open.")
    return "one at a time"


async def _for_ever() -> Line:
    await asyncio.Event().wait()
    return Line()
