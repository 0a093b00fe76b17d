"""`Transport`: send text, iterate text, close. One writer, one bounded queue, counters.

On an idle connection a text is on the wire before `send` returns, if the pipe takes what it is offered. What it does
not take at once it gets from the writer, a task that starts eagerly and lives only while there is something to write.
On a stalled connection texts wait in the queue, and once ``limit`` of them wait, senders wait too. That is
back-pressure: a slow peer costs time, not memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress

from .errors import ConnectionLost
from .pipe import CLOSE_TIMEOUT, Pipe, how_it_ended

log = logging.getLogger(__name__)


class Transport:
    """Texts over a `Pipe`, the same at both ends of the connection.

    Probes: ``writes_in_flight`` (0 or 1), ``max_writes_in_flight``, ``queue_depth`` and ``max_queue_depth`` (texts that
    wait for the writer), ``frames_sent``, ``frames_received``, ``bytes_sent``, ``bytes_received`` (UTF-8).

    The queue is full with ``limit`` texts, or with ``max_characters`` in them: a thousand long ones are too many.
    A limit below 1 is a ValueError.
    """

    def __init__(
        self, pipe: Pipe, *, limit: int = 1000, max_characters: int = 4_000_000, name: str = "transport"
    ) -> None:
        if limit < 1:
            raise ValueError(f"expected a limit of at least 1 text, came {limit}")
        self.pipe = pipe
        self.limit = limit
        self.max_characters = max_characters
        self.name = name
        self.writes_in_flight = self.max_writes_in_flight = self.max_queue_depth = 0
        self.frames_sent = self.frames_received = self.bytes_sent = self.bytes_received = 0
        # Texts that wait for the writer, oldest first. Filled by `send` and `_admit`, emptied by the writer, at the end
        # thrown away.
        self._queue: deque[str] = deque()
        self._characters = 0  # in the queue
        # Senders that found it full, in their order, each with its text. Its future is done when the text was queued
        # (`_admit`), or holds the loss (`_end`).
        self._waiting: deque[tuple[asyncio.Future[None], str]] = deque()
        # The newest text that its sender did not queue because it was cancelled; `withdraw` is asked right behind it.
        self._never_queued: str | None = None
        # The task that writes; None before the first text that had to wait, done whenever the queue is empty.
        self._writer: asyncio.Task[None] | None = None
        # The one closing, made by the first `close`. Everybody else who closes waits for it, shielded.
        self._closing: asyncio.Task[None] | None = None
        # How it ended, None while it lives. The first cause stays: our own close, a write that failed, or the end of
        # the iteration.
        self._lost: ConnectionLost | None = None

    @property
    def queue_depth(self) -> int:
        """Texts that wait for the writer."""
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Whether a text can be queued at once."""
        return len(self._queue) < self.limit and self._characters < self.max_characters

    @property
    def closed(self) -> bool:
        """No more texts can be sent: this end closes, or the connection is dead."""
        return self._lost is not None

    @property
    def lost(self) -> ConnectionLost | None:
        """How the connection ended, None while it lives."""
        return self._lost

    def start(self) -> None:
        """Nothing to do here: the writer starts with the first text. A `Transport` with a permanent writer needs it."""

    async def send(self, text: str) -> None:
        """Queue a text; waits while the queue is full. Raises `ConnectionLost` once the connection is closed."""
        if self._lost:
            raise self._lost.again()
        if not self._queue and not self.writes_in_flight and self.pipe.offer(text):
            self.max_writes_in_flight = self.max_writes_in_flight or 1
            self._count_sent(text)
            return
        if self.has_room:
            self._enqueue(text)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, text))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():  # or it was admitted in the same instant, and its text is in the queue, or gone
                self._never_queued = text
                with suppress(ValueError):
                    self._waiting.remove((turn, text))
            raise

    def withdraw(self, text: str) -> bool:
        """Take a text back before it is written. True: it will never be sent; False: it went out, or is about to.

        Whoever was cancelled in `send` learns here, asking at once and with the same string, whether it was queued.
        """
        if text is self._never_queued:
            self._never_queued = None
            return True
        try:
            self._queue.remove(text)
        except ValueError:
            return False
        self._characters -= len(text)
        self._admit()
        return True

    def _put(self, text: str) -> None:
        self._queue.append(text)
        self._characters += len(text)
        self.max_queue_depth = max(self.max_queue_depth, len(self._queue))

    def _enqueue(self, text: str) -> None:
        self._put(text)
        if self._writer is None or self._writer.done():
            loop = asyncio.get_running_loop()
            self._writer = asyncio.Task(self._write(), loop=loop, name=f"{self.name} writer", eager_start=True)

    async def _write(self) -> None:
        """Empty the queue, one text at a time, and let waiting senders in as room appears."""
        while self._queue:
            text = self._queue.popleft()
            self._characters -= len(text)
            self._admit()
            self.writes_in_flight += 1
            self.max_writes_in_flight = max(self.max_writes_in_flight, self.writes_in_flight)
            try:
                await self.pipe.send(text)
            except ConnectionLost as lost:
                self._end(lost)
                return
            except Exception:
                log.exception("! %s: the pipe failed", self.name)
                self._end(ConnectionLost("the pipe failed; see the log"))
                return
            finally:
                self.writes_in_flight -= 1
            self._count_sent(text)

    def _count_sent(self, text: str) -> None:
        self.frames_sent += 1
        self.bytes_sent += utf8_length(text)

    def _admit(self) -> None:
        while self._waiting and self.has_room:
            turn, text = self._waiting.popleft()
            if not turn.done():  # a cancelled sender is about to take its text back
                self._put(text)
                turn.set_result(None)

    def _end(self, lost: ConnectionLost) -> None:
        """From now on nothing can be sent; whoever waits to send is told at once."""
        self._lost = self._lost or lost
        self._queue.clear()
        self._characters = 0
        while self._waiting:
            turn, _ = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(self._lost.again())

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The texts that arrive; ends at any close. Reading never waits for writing."""
        async for text in self.pipe:
            self.frames_received += 1
            self.bytes_received += utf8_length(text)
            yield text
        self._end(how_it_ended(self.pipe))

    async def close(
        self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = CLOSE_TIMEOUT
    ) -> None:
        """Send what is queued if ``flush``, then close the pipe once. Done after about ``timeout`` seconds at most.

        Closing twice is fine; the second call waits for the first.
        """
        if self._closing is None:
            work = self._close(code, reason, flush, timeout)
            self._closing = asyncio.create_task(work, name=f"{self.name} close")
        # Shielded, so that a cancelled caller does not leave the connection half closed.
        await asyncio.shield(self._closing)

    async def _close(self, code: int, reason: str, flush: bool, timeout: float) -> None:
        said = f" {reason!r}" if reason else ""
        closing = ConnectionLost(f"this end closed with {code}{said}", code=code, reason=reason)
        writer = self._writer if self._writer and not self._writer.done() else None
        self._lost = self._lost or closing  # no new texts from here on
        try:
            async with asyncio.timeout(timeout):
                if flush and writer:
                    await asyncio.wait([writer])
                self._end(closing)
                await self.pipe.close(code, reason)
        except TimeoutError:
            self.pipe.abort()
        finally:
            self._end(closing)
            if writer:
                writer.cancel()
                await asyncio.wait([writer])


def utf8_length(text: str | bytes) -> int:
    """Bytes on the wire. ASCII, nearly everything in OCPP, is told by a flag of the string and not encoded again."""
    return len(text) if isinstance(text, bytes) or text.isascii() else len(text.encode())
