"""`Play`: scripted connections under the loop that keeps a charge point connected, and what it noted of them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any

from ocpp_lab.errors import ConnectionLost

from ..kit import Kit

STORM = 20
"""More dials than a check needs: a loop that does not wait is held there, for no time would ever pass."""
GOES_ON = "it was cancelled and goes on; let CancelledError through."
Proved = Callable[[], None]


class EmptyPipe:
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


class Dialling(Coroutine[Any, Any, EmptyPipe]):
    """The coroutine of a dial. Whoever takes it for a pipe may close it as one: serving it tells what is missing."""

    def __init__(self, work: Coroutine[Any, Any, EmptyPipe]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, EmptyPipe]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        return self._work.throw(*error)

    def close(self, code: int = 1000, reason: str = "") -> Any:
        self._work.close()
        return asyncio.sleep(0) if asyncio.current_task() else None


Scene = BaseException | Callable[[EmptyPipe, Proved], Awaitable[None]]
"""What one dial comes to: an error, or what happens on the connection."""


class Play:
    """Plays its scenes in order, the last one for ever, and notes when each dial came and each connection was over."""

    def __init__(self, kit: Kit, *scenes: Scene, closing: float = 0.0) -> None:
        self.kit = kit
        self.scenes = scenes
        self.closing = closing
        self.dials: list[float] = []
        self.over: list[float] = []
        self.pipes: list[EmptyPipe] = []
        self._open: list[EmptyPipe] = []
        """Those that may be open still: an answer that never waits dials thousands of times."""
        self.overlaps = 0
        self.depths: list[int] = []
        self.wanted = 0
        self.whole = True
        """Whether no scene was cut short."""
        self.served = 0
        self.unawaited = False
        """`serve` got the coroutine of `dial`, and no pipe."""
        self.reached = asyncio.Event()

    def dial(self) -> Dialling:
        return Dialling(self._dial())

    async def _dial(self) -> EmptyPipe:
        if len(self.dials) >= max(self.wanted, STORM) + STORM:
            await asyncio.Event().wait()
        self._open = [pipe for pipe in self._open if not pipe.closed]
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
        self.pipes.append(EmptyPipe(self.closing))
        self._open.append(self.pipes[-1])
        return self.pipes[-1]

    async def serve(self, pipe: EmptyPipe, proved: Proved) -> None:
        if isinstance(pipe, Dialling):
            self.unawaited = True
            self.reached.set()
            await asyncio.Event().wait()
        scene = self._scene()
        self.served += 1
        assert not isinstance(scene, BaseException)
        try:
            await scene(pipe, proved)
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

    def was_awaited(self) -> None:
        """Refuse the answer if it took the coroutine of `dial` for a pipe."""
        said = "`serve` got a coroutine and no pipe: `dial()` was not awaited. Write `pipe = await dial()`."
        self.kit.require(not self.unawaited, "a coroutine", said)

    async def until(self, my: Any, dials: int, seconds: float = 10_000.0) -> list[float]:
        """Let it run until it has dialled so often, then cancel it. The waits: from each end to the next dial."""
        self.wanted = dials
        task, reached = self.begin(my), asyncio.create_task(self.reached.wait())
        await asyncio.wait([task, reached], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        self.was_awaited()
        await asyncio.sleep(0.25)  # the last dial succeeds
        await stopped(reached)
        self.kit.require(await stopped(task), "cancelled, it goes on", GOES_ON)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        never = "`serve` never ran; it is a coroutine function: `await serve(pipe, proved)`."
        self.kit.require(self.served or not self.pipes, "not served", never)
        ended = None if task.cancelled() else "it returned; a charge point dials again, for ever."
        self.kit.require(len(self.dials) >= dials, f"{len(self.dials)} dials, then no more", ended)
        return self._waits(dials)

    def _waits(self, dials: int) -> list[float]:
        """From each end to the next dial; refused if there was none at all."""
        ends = zip(self.over[: dials - 1], self.dials[1:dials], strict=True)
        waits = [round(dial - over, 3) for over, dial in ends]
        said = f"it dialled {dials} times without a wait between; after each loss it awaits the next of `delays()`."
        self.kit.require(any(waits) or len(waits) < 2, "no wait", said)
        return waits


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


async def lose(pipe: EmptyPipe, proved: Proved) -> None:
    """The connection dies at once."""
    raise ConnectionLost


async def end(pipe: EmptyPipe, proved: Proved) -> None:
    """The peer closes politely."""
    await asyncio.sleep(0.5)


async def last_long(pipe: EmptyPipe, proved: Proved) -> None:
    """A connection that is up for a while, and never shows that it is good."""
    await asyncio.sleep(900)
    raise ConnectionLost


async def prove_and_lose(pipe: EmptyPipe, proved: Proved) -> None:
    """A good connection, for a while."""
    for _ in range(3):
        await asyncio.sleep(2.0)
        proved()
    await asyncio.sleep(2.0)
    raise ConnectionLost


async def prove_and_end(pipe: EmptyPipe, proved: Proved) -> None:
    proved()
    await asyncio.sleep(7.0)


async def stay(pipe: EmptyPipe, proved: Proved) -> None:
    """The connection stays good."""
    proved()
    await asyncio.Event().wait()
