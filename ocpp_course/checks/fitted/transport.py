"""`FittedTransport`: a transport of the exercises as a session needs it (`session.Carrying`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from ocpp_lab.errors import ConnectionLost
from ocpp_lab.pipe import CLOSE_TIMEOUT, Pipe, how_it_ended
from ocpp_lab.transport import utf8_length

from .pipe import SeenPipe, Text


class FittedTransport:
    """``make(pipe)`` gives the learner's ``piece``, which carries the texts: steps 1.3 and 1.4.

    Texts, bytes and writes in flight are counted at the pipe below it. How deep the queue is, its own probes say. How
    it ended is known from its iteration, from a send that failed, or from our own close. A text that it was given
    cannot be taken back: no step asks for that, so a call that times out may still be sent.
    """

    has_room = False
    """A learner's `send` may wait for many reasons, so this is not known. A session then limits each wait to send."""

    def __init__(self, make: Callable[..., Any], pipe: Pipe, *, name: str = "transport", **options: Any) -> None:
        self.pipe = pipe
        self.name = name
        self.frames_sent = self.frames_received = self.bytes_sent = self.bytes_received = 0
        self._seen = SeenPipe(pipe, self._sent, self._received)
        self.piece = make(self._seen, **options)
        self._lost: ConnectionLost | None = None  # by the end of the iteration, a send, or our close: the first
        self._closing: asyncio.Task[None] | None = None  # the learner's `close`, once somebody asked for it

    # -- the texts

    def start(self) -> None:
        self.piece.start()

    async def send(self, text: str) -> None:
        if lost := self.lost:
            raise lost.again()
        try:
            await self.piece.send(text)
        except ConnectionLost as lost:
            self._lost = self._lost or lost
            raise

    def withdraw(self, text: str) -> bool:
        """It may be in a queue of the piece, or on its way; nobody can tell."""
        return False

    async def __aiter__(self) -> AsyncIterator[Text]:
        async for text in self.piece:
            yield text
        self._lost = self.lost or how_it_ended(self.pipe)

    async def close(
        self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = CLOSE_TIMEOUT
    ) -> None:
        """Shielded: what becomes of a close whose caller is cancelled, no exercise asks."""
        if self._closing is None:
            said = f" {reason!r}" if reason else ""
            self._lost = self.lost or ConnectionLost(f"this end closed with {code}{said}", code=code, reason=reason)
            work = self.piece.close(code, reason, flush=flush, timeout=timeout)
            self._closing = asyncio.create_task(work, name=f"{self.name} close")
        await asyncio.shield(self._closing)

    # -- what is known of it

    @property
    def lost(self) -> ConnectionLost | None:
        return self._lost or self._seen.lost

    @property
    def closed(self) -> bool:
        return self.lost is not None

    @property
    def queue_depth(self) -> int:
        return int(self.piece.queue_depth)

    @property
    def max_queue_depth(self) -> int:
        return int(self.piece.max_queue_depth)

    @property
    def writes_in_flight(self) -> int:
        return self._seen.writes_in_flight

    @property
    def max_writes_in_flight(self) -> int:
        return self._seen.max_writes_in_flight

    def _sent(self, text: str) -> None:
        self.frames_sent += 1
        self.bytes_sent += utf8_length(text)

    def _received(self, text: Text) -> None:
        self.frames_received += 1
        self.bytes_received += utf8_length(text)
