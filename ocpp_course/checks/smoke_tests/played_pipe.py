"""`PlayedPipe`: a pipe whose other end a check plays: slow, stalled, closed by the peer, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ocpp_lab.errors import ConnectionLost
from ocpp_lab.trace import Event

from ..kit import Kit


class PlayedPipe:
    """A `Pipe`. ``taken`` are the texts whose sending began, ``sent`` those whose sending ended."""

    def __init__(self, kit: Kit, *, delay: float = 0.0) -> None:
        self.delay = delay
        """Seconds that each text takes."""
        self.turns = 0
        """Turns of the event loop that each takes at least."""
        self.taken: list[str] = []
        self.sent: list[str] = []
        self.closes: list[tuple[int, str]] = []
        """What `close` was called with; 1006 stands for `abort`, which ends it too."""
        self.sent_at_close: int | None = None
        self.writes_in_flight = self.max_writes_in_flight = 0
        self.close_code: int | None = None
        self.close_reason = ""
        self.odd = ""
        """The type of what was sent and is no text."""
        self.given_up = False
        """A `send` that waited for the peer was cancelled."""
        self._kit = kit
        self._ended = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()

    # -- the pipe

    def offer(self, text: str) -> bool:
        """Nothing goes at once."""
        return False

    async def send(self, text: Any) -> None:
        if not isinstance(text, str):
            self.odd = self.odd or type(text).__name__
            raise TypeError(f"expected a text to send, came a {type(text).__name__}")
        self._still_there()
        self.taken.append(text)
        self._note(self._kit.left, ">", text)
        self.writes_in_flight += 1
        self.max_writes_in_flight = max(self.max_writes_in_flight, self.writes_in_flight)
        try:
            await asyncio.sleep(self.delay)
            for _ in range(self.turns):
                await asyncio.sleep(0)
            await self._room()
            self._still_there()
        except asyncio.CancelledError:
            self.given_up = True
            raise
        finally:
            self.writes_in_flight -= 1
        self.sent.append(text)
        self._note(self._kit.right, "<", text)

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        if (text := await self._inbox.get()) is None:
            self._inbox.put_nowait(None)
            raise StopAsyncIteration
        return text

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closes.append((code, reason))
        if self.sent_at_close is None:
            self.sent_at_close = len(self.sent)
        await asyncio.sleep(0)
        self.end(code, reason)

    def abort(self) -> None:
        self.closes.append((1006, ""))
        self.end(1006)

    # -- what the other end does

    def stall(self) -> None:
        """The peer reads no more: what is sent from now on waits."""
        self._open.clear()

    def resume(self) -> None:
        """The peer reads again."""
        self._open.set()

    def feed(self, text: str) -> None:
        """The peer sends something."""
        self._note(self._kit.right, ">", text)
        self._note(self._kit.left, "<", text)
        self._inbox.put_nowait(text)

    def end(self, code: int = 1001, reason: str = "") -> None:
        """The connection is closed: iteration ends, and whoever sends or waits is told."""
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason
            self._inbox.put_nowait(None)
            self._ended.set()

    def _still_there(self) -> None:
        if self.close_code is not None:
            raise ConnectionLost(f"the connection was closed with {self.close_code}", code=self.close_code)

    async def _room(self) -> None:
        if self._open.is_set():
            return
        waits = [asyncio.ensure_future(each.wait()) for each in (self._open, self._ended)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _note(self, story: list[Event], mark: Any, text: str) -> None:
        if len(story) < 40:
            story.append(Event(asyncio.get_running_loop().time(), "you", mark, text))


class Held:
    """A learner's transport over a `PlayedPipe`, started, with somebody who reads it, as a session would."""

    def __init__(self, my: Any, kit: Kit, *, delay: float = 0.0, **options: Any) -> None:
        self.pipe = PlayedPipe(kit, delay=delay)
        self.read: list[str] = []
        self.transport = my.Transport(self.pipe, **options)
        self.transport.start()
        self.reader = asyncio.create_task(self._read(), name="the check's reader")
        self.senders: list[asyncio.Task[None]] = []

    async def _read(self) -> None:
        async for text in self.transport:
            self.read.append(text)

    def send(self, *texts: str) -> list[asyncio.Task[None]]:
        """Each text from a task of its own."""
        made = [asyncio.create_task(self.transport.send(text), name="a check's sender") for text in texts]
        self.senders += made
        return made

    def chatter(self, number: int, every: float) -> None:
        """The peer talks meanwhile: so many texts, one after so many seconds."""

        async def talk() -> None:
            for n in range(number):
                self.pipe.feed(f"chatter {n}")
                await asyncio.sleep(every)

        self.talker = asyncio.create_task(talk(), name="the check's peer")

    def own_tasks(self) -> list[asyncio.Task[Any]]:
        """What runs and is no sender, no reader and not the check itself: the transport's own, and its closers."""
        checks = {asyncio.current_task(), self.reader, *self.senders}
        return [task for task in asyncio.all_tasks() if task not in checks]

    def own_wait_in(self, name: str) -> bool:
        """Whether one of them waits in this coroutine."""
        return any(name in waits_in(task) for task in self.own_tasks())

    async def end(self) -> None:
        """Cut the connection, and end what is left: in 1.3 nobody has promised to."""
        self.pipe.resume()
        self.pipe.end()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for _ in range(2):
            for task in left:
                task.cancel()
            if left:
                await asyncio.gather(*left, return_exceptions=True)
            left = asyncio.all_tasks() - {asyncio.current_task()}


def done(senders: list[asyncio.Task[None]]) -> int:
    """How many have returned without an error. Another exception than ConnectionLost is raised: it is a slip."""
    for each in senders:
        error = each.exception() if each.done() and not each.cancelled() else None
        if error is not None and not isinstance(error, ConnectionLost):
            raise error
    return sum(each.done() and not each.cancelled() and each.exception() is None for each in senders)


def no_error(held: Held, kit: Kit) -> None:
    """The iteration has ended, and not by an exception."""
    error = held.reader.exception()
    said = f"the peer has closed, and your iteration raised {type(error).__name__}; it ends without an error."
    kit.require(not isinstance(error, ConnectionLost), f"{type(error).__name__} left it", said)
    done([held.reader])


def waits_in(task: asyncio.Task[Any]) -> set[str]:
    """The coroutines that a task is inside of, by their full names: ``Queue.put`` if it waits for room in a queue."""
    found: set[str] = set()
    awaited: Any = task.get_coro()
    while awaited is not None:
        code = getattr(awaited, "cr_code", None) or getattr(awaited, "ag_code", None)
        found |= {code.co_qualname} if code else set()
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
    return found
