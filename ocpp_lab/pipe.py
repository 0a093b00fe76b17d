"""`Pipe`: a connection as a `Transport` sees it, over a WebSocket or in memory: send, iterate, close, cut.

Nothing above this room knows what a WebSocket is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Protocol

from websockets.asyncio.connection import Connection
from websockets.asyncio.server import broadcast
from websockets.exceptions import ConcurrencyError, ConnectionClosed
from websockets.frames import Close
from websockets.protocol import State
from websockets.typing import Subprotocol

from .errors import ConnectionLost

WIRE_LOG = logging.getLogger("ocpp_lab.websockets")
"""Where `websockets` logs. At DEBUG it would write down every header and frame, passwords included (whitepaper
A01.FR.12), so a level of its own keeps it from following its parents there. To see them all the same, set this logger's
level."""
WIRE_LOG.setLevel(logging.INFO)

SUBPROTOCOL = Subprotocol("ocpp1.6")
"""What both ends agree on in the handshake (J-spec 3.1.2)."""

READ_SIZE = 4_096
"""Bytes asked of the operating system at a time. asyncio asks for 262,144; from 128 KiB on malloc may map fresh pages
for each read and unmap them after it, which takes as long as all that we do with a frame. And `websockets` splits all
that was read into its frames at once, while everybody waits: 4 KiB are some 100 Heartbeats of a peer that floods."""

MAX_SIZE = 1_048_576
"""Bytes of the largest frame that either end reads, unless told otherwise. OCPP 1.6 names no limit. libocpp keeps its
own frames under 65,000; a StopTransaction with the readings of twelve hours has 363,000."""

FRAMES_A_TURN = 2
"""Of what one peer has sent ahead, so many come out in each turn of the event loop. One costs a peer that floods a
quarter of what the machine could answer, for every turn asks the operating system for news; with four, the others wait
more than twice as long. `make bench` measures both (fairness)."""

OPEN_TIMEOUT = 10.0
"""Seconds to connect and shake hands, at either end; for TLS as many again at the door."""

PING_INTERVAL = 60.0
"""Seconds after which either end looks whether a silent connection lives, unless told otherwise (J-spec 5.3)."""

CLOSE_TIMEOUT = 5.0
"""Seconds to say goodbye and to hear the peer's, at either end; then the connection is cut."""

Note = Callable[[str, str], None]
"""Told of every text at the instant it passes: ``note(">", text)`` when sent, ``note("<", text)`` when received."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address of an endpoint is this machine itself: localhost, ::1, 127.0.0.0/8."""
    return host in ("localhost", "::1") or host.startswith("127.")


class Pipe(Protocol):
    """Something that carries texts both ways, in order, until either end closes it."""

    @property
    def close_code(self) -> int | None:
        """With what it was closed, by either end. None: it is open, or nobody knows; 1006: without a close frame."""

    @property
    def close_reason(self) -> str:
        """What was said about it, "" if nothing."""

    @property
    def given_up(self) -> bool:
        """Whether this end closed it and nobody had asked for that: the peer broke a rule, or was silent."""

    def offer(self, text: str) -> bool:
        """Send a text at once. False: it was not sent, because something waits already or the pipe cannot tell."""

    async def send(self, text: str) -> None:
        """Send a text; returns when the pipe has taken it. Raises `ConnectionLost` after the end, and nothing else."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The texts that come in. Ends, without an error, at any close."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, and wait for the peer's. The first code stays; a second close does nothing."""

    def abort(self) -> None:
        """Cut it now, without a word: whoever sends, iterates or closes is done at once. Fine after the end too."""


def _ignore(mark: str, text: str) -> None:
    """Nobody wants to know."""


async def others_first() -> None:
    """Give the event loop its turn."""
    await asyncio.sleep(0)


class WebSocketPipe:
    """A `websockets` connection as a `Pipe`. Binary frames come out as `bytes`; OCPP-J does not use them.

    Of what a peer has sent ahead, `FRAMES_A_TURN` come out in each turn of the event loop: no flood delays others more.
    """

    __slots__ = ("_closing", "_gate", "_given_up", "_timer", "note", "websocket")

    def __init__(self, websocket: Connection, note: Note = _ignore) -> None:
        self.websocket = websocket
        self.note = note
        # Whoever iterates waits here while nothing shall be read: from `stop_reading` to `resume_reading`.
        self._gate: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None  # opens the gate
        self._closing = False  # `close` was called
        self._given_up: Close | None = None  # see `given_up`
        if hasattr(websocket.transport, "max_size"):  # only asyncio's own transports have it
            websocket.transport.max_size = READ_SIZE

    @property
    def close_code(self) -> int | None:
        """The code of the WebSocket close; None while it is open."""
        return self._given_up.code if self._given_up else self.websocket.close_code

    @property
    def close_reason(self) -> str:
        """What the close frame said; "" if nothing."""
        return (self._given_up.reason if self._given_up else self.websocket.close_reason) or ""

    @property
    def given_up(self) -> bool:
        """This end closed, and nobody asked it to: the peer broke the rules of WebSocket, or is silent."""
        return self._given_up is not None

    def offer(self, text: str) -> bool:
        """Send a text at once if nothing is waiting to be sent. False: not sent; `send` it, which can wait.

        Nearly every text of OCPP goes this way. It leaves out what `websocket.send` has for a connection that is full
        or closing.
        """
        websocket = self.websocket
        wire = websocket.transport
        if websocket.state is not State.OPEN or wire.is_closing() or wire.get_write_buffer_size():
            return False
        self.note(">", text)
        broadcast((websocket,), text)
        return True

    async def send(self, text: str) -> None:
        """Returns when the text is in the operating system's hands or in a buffer below its high-water mark."""
        self.note(">", text)
        try:
            await self.websocket.send(text)
        except (ConnectionClosed, AttributeError):
            self._ended()
            raise how_it_ended(self) from None

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        recv, waiting = self.websocket.recv, self.websocket.recv_messages.frames
        taken = 0  # in this turn
        try:
            while True:
                if not waiting:  # `recv` will wait
                    taken = 0
                elif taken >= FRAMES_A_TURN:  # nobody else would be heard meanwhile
                    await others_first()
                    taken = 0
                taken += 1
                text = await recv()
                while gate := self._gate:
                    await self._wait_at(gate)
                self.note("<", text if isinstance(text, str) else f"a binary frame of {len(text)} bytes")
                yield text
        except ConnectionClosed:
            self._ended()
        except ConcurrencyError:  # `close` reads in our place
            return

    def _ended(self) -> None:
        """Called while an exception says that the connection has ended; raises it if it has not.

        After a violation the peer's close frame, if it sends one, is no longer read: ours says what happened. The
        exception may be an AttributeError: `websockets` aborts asyncio's transport once more after its end, and asyncio
        forgets to look whether it still has a loop.
        """
        if self.websocket.state is not State.CLOSED:
            raise
        closed = self.websocket.protocol.close_exc
        if closed.rcvd is None and not self._closing:
            self._given_up = closed.sent

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Shake hands on the end; what still arrives meanwhile is thrown away."""
        self._closing = True
        emptying = asyncio.create_task(self._empty(), name="closing: empty the connection")
        try:
            await self.websocket.close(code, reason)
        except AttributeError:
            self._ended()
        finally:
            emptying.cancel()

    async def _empty(self) -> None:
        """Throw away what nobody reads any more: behind it lies the peer's close frame."""
        with suppress(ConnectionClosed, ConcurrencyError):  # the latter: somebody still reads
            while True:
                await self.websocket.recv()

    async def _wait_at(self, gate: asyncio.Future[None]) -> None:
        """Until `resume_reading`, or the end of the connection: a dead one holds nobody up."""
        dead = asyncio.create_task(self.websocket.wait_closed(), name="not reading: is the connection dead?")
        try:
            await asyncio.wait([gate, dead], return_when=asyncio.FIRST_COMPLETED)
        finally:
            dead.cancel()
        if dead.done():
            self.resume_reading()

    def test_silence(self, ping_interval: float | None, ping_timeout: float | None) -> None:
        """From now on, ask a silent peer every so many seconds whether it lives, and give it so many to say so; None:
        never. Fine after the end too."""
        websocket = self.websocket
        if websocket.keepalive_task:
            websocket.keepalive_task.cancel()
        websocket.ping_interval, websocket.ping_timeout = ping_interval, ping_timeout
        if websocket.state is State.OPEN:
            websocket.start_keepalive()

    def stop_reading(self, seconds: float | None = None) -> None:
        """Take no more texts, for so many seconds or until `resume_reading`; the peer's writes back up."""
        loop = asyncio.get_running_loop()
        if self._gate is None:
            self._gate = loop.create_future()
        if self._timer:
            self._timer.cancel()
        self._timer = None if seconds is None else loop.call_later(seconds, self.resume_reading)

    @property
    def not_reading(self) -> bool:
        """Between `stop_reading` and `resume_reading`."""
        return self._gate is not None

    def resume_reading(self) -> None:
        """Take texts again."""
        if self._timer:
            self._timer.cancel()
        if self._gate and not self._gate.done():
            self._gate.set_result(None)
        self._gate = None

    def abort(self) -> None:
        """Cut the TCP connection without a word."""
        self.resume_reading()
        self.websocket.transport.abort()


class MemoryPipe:
    """One end of a `pipe_pair`. What one end sends, the other receives, in order; only closing loses anything."""

    given_up = False
    """There is nothing here that could."""

    def __init__(self, note: Note = _ignore) -> None:
        self.note = note
        self.close_code: int | None = None
        """Of the first close, by whichever end; set at both."""
        self.close_reason = ""
        """Said with it."""
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()  # what the peer has sent; None: the end
        self.peer: MemoryPipe
        """The other end; set by `pipe_pair`."""

    def offer(self, text: str) -> bool:
        """Nothing goes at once: each text takes a turn of the loop, as on a wire."""
        return False

    async def send(self, text: str) -> None:
        """Hand a text to the other end. Raises `ConnectionLost` once either end has closed."""
        if self.close_code is not None:
            raise _lost(self.close_code, self.close_reason)
        self.note(">", text)
        self.peer._inbox.put_nowait(text)
        await asyncio.sleep(0)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (text := await self._inbox.get()) is not None:
            self.note("<", text)
            yield text
        self._inbox.put_nowait(None)  # whoever iterates again finds the end again

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Both ends end; what was sent before still arrives."""
        for end in (self, self.peer):
            if end.close_code is None:
                end.close_code, end.close_reason = code, reason
                end._inbox.put_nowait(None)

    def abort(self) -> None:
        """Both ends end as if the cable had been cut."""
        for end in (self, self.peer):
            if end.close_code is None:
                end.close_code = 1006
                end._inbox.put_nowait(None)


def pipe_pair(left: Note = _ignore, right: Note = _ignore) -> tuple[MemoryPipe, MemoryPipe]:
    """Two ends of a pipe in memory."""
    a, b = MemoryPipe(left), MemoryPipe(right)
    a.peer, b.peer = b, a
    return a, b


def how_it_ended(pipe: Pipe) -> ConnectionLost:
    """The ConnectionLost that tells how this pipe was closed, as far as it knows."""
    return _lost(pipe.close_code, pipe.close_reason, given_up=pipe.given_up)


def _lost(code: int | None, reason: str, *, given_up: bool = False) -> ConnectionLost:
    if code is None or code == 1006:
        return ConnectionLost("the connection was lost without a close frame", code=code)
    what = "this end closed" if given_up else "the connection was closed"
    said = f" {reason!r}" if reason else ""
    if code == 1009:  # a frame was too big (RFC 6455 7.4); the reason says how big
        said += "; raise it with " if given_up else "; that limit is the other end's, ours is "
        said += "--max-size (max_size=)"
    return ConnectionLost(f"{what} with {code}{said}", code=code, reason=reason)
