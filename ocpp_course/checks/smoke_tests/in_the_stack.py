"""`InTheStack`: a learner's transport, `decode` and `encode` in the place of a charge point's transport, and watched.

The stack has no seam for `decode` and `encode`: here each text that comes or goes is read by the one and written again
by the other, beside the transport.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ocpp_lab.errors import ConnectionLost, FrameError
from ocpp_lab.frames import decode
from ocpp_lab.simulation import World

from ..kit import short

Text = str | bytes


class WatchedPipe:
    """The pipe under the learner's transport: it may be slow or stalled, and counts what is written at a time."""

    def __init__(self, pipe: Any, world: World) -> None:
        self.pipe = pipe
        self.world = world
        self.delay = 0.0
        """Seconds that each text takes."""
        self.writes = 0
        self._open = asyncio.Event()
        self._open.set()

    def __getattr__(self, name: str) -> Any:
        """All else is the pipe's own."""
        return getattr(self.pipe, name)

    def offer(self, text: str) -> bool:
        """Nothing goes at once: it could not be delayed."""
        return False

    async def send(self, text: str) -> None:
        self.writes += 1
        if self.writes > 1:
            self.world.broken("one write in flight", f"{self.writes} sends were on the pipe at once", "CP_1")
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            if not self._open.is_set():
                await self._stalled()
            await self.pipe.send(text)
        finally:
            self.writes -= 1

    def __aiter__(self) -> AsyncIterator[Text]:
        return aiter(self.pipe)

    def stall(self) -> None:
        """The peer takes nothing more."""
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    async def _stalled(self) -> None:
        """Until `resume`, or the end of the connection."""
        waits = [asyncio.ensure_future(self._open.wait()), asyncio.ensure_future(self.pipe.websocket.wait_closed())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        if not self._open.is_set():
            raise ConnectionLost


class InTheStack:
    """What `fit(transport=…)` gets. A disagreement with the package's `decode` is a violation."""

    def __init__(self, my: Any, world: World, pipe: Any, **options: Any) -> None:
        self.my = my
        self.world = world
        self.pipe = pipe
        self.watched = WatchedPipe(pipe, world)
        self.transport = my.Transport(self.watched, **options)
        self.transport.start()  # here: in a simulation the boot may be sent before the reader runs

    def start(self) -> None:
        """It runs already."""

    async def send(self, text: str) -> None:
        await self.transport.send(self._again(text))

    async def __aiter__(self) -> AsyncIterator[Text]:
        async for text in self.transport:
            yield text if isinstance(text, bytes) else self._again(text)

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = 5.0) -> None:
        await self.transport.close(code, reason, flush=flush, timeout=timeout)

    @property
    def queue_depth(self) -> int:
        return int(self.transport.queue_depth)

    @property
    def max_queue_depth(self) -> int:
        return int(self.transport.max_queue_depth)

    def _again(self, text: str) -> str:
        """The text, read by the learner's `decode` and written by the learner's `encode`."""
        frame, expected = _read(self.my.decode, text), _read(decode, text)
        if frame != expected:
            self._broken(f"`decode` made {short(frame)} of {short(text)}, expected {short(expected)}")
            return text
        if frame is None:
            return text
        try:
            again: str = self.my.encode(frame)
        except Exception as error:
            self._broken(f"`encode` raised {type(error).__name__} for {short(frame)}")
            return text
        if _read(decode, again) != frame:
            self._broken(f"`encode` made {short(again)} of {short(frame)}")
            return text
        return again

    def _broken(self, message: str) -> None:
        self.world.broken("every frame is understood", message, "CP_1")


def _read(read: Any, text: str) -> Any:
    """The frame, None if it is none, or the name of an exception that nobody expects."""
    try:
        return read(text)
    except FrameError:
        return None
    except Exception as error:
        return type(error).__name__
