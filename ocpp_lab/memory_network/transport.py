"""`MemoryTransport`: one end of a connection in memory, as asyncio's own transports are towards their protocol."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterable
from typing import Any, Literal

from .channel import Channel
from .endpoint import Address, Endpoint

HIGH = 65_536
"""Bytes in our own buffer from which on a protocol should pause writing; asyncio's value."""


class MemoryTransport(asyncio.Transport):
    """Writes into one `Channel` and reads from another. Its protocol is told in turns of the loop, never inside a call.

    *open* becomes *closing* by `close`, `abort`, the peer's end or a failure, and *over* once the protocol was told
    ``connection_lost``. While it closes, what is in our buffer still goes out, and nothing is read.
    """

    max_size = 262_144
    """Bytes that a protocol gets at a time. As with asyncio's transports it may be set."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        incoming: Channel,
        outgoing: Channel,
        name: Address,
        peer: Address,
        over: Callable[[MemoryTransport], None] = lambda transport: None,
    ) -> None:
        self.endpoint = Endpoint(name, self._resize)
        super().__init__({"socket": self.endpoint, "sockname": name, "peername": peer})
        self._loop = loop
        self._in = incoming
        self._out = outgoing
        self._over = over  # told at the end
        self._state: Literal["open", "closing", "over"] = "open"  # see above; over is set by `_end` only
        self._protocol: Any = None  # from `begin` on
        self._buffer = bytearray()  # what there was no room for in the channel
        self._low, self._high = HIGH // 4, HIGH
        self._full = False  # the protocol was told to pause writing
        self._paused = False  # the protocol has told us to pause reading
        self._said_all = False  # write_eof
        self._heard_all = False  # eof_received was called
        self._reading: asyncio.Handle | None = None  # the turn in which something is read

    def begin(self, protocol: Any) -> None:
        """Tell the protocol that it is connected; from now on it hears what comes."""
        self._protocol = protocol
        self._in.on_news, self._out.on_room = self._look, self._push
        protocol.connection_made(self)
        self._look()

    def _resize(self, receive: bool, size: int) -> None:
        if receive:
            self._in.reader_room = size
        else:
            self._out.writer_room = size

    # -- writing

    def write(self, data: Any) -> None:
        """Never waits. Raises RuntimeError after `write_eof`; after the end it does nothing."""
        if self._said_all:
            raise RuntimeError("expected no more bytes after write_eof")
        if self._state == "open" and data:
            self._buffer += data
            self._push()
            if len(self._buffer) > self._high and not self._full and self._state == "open":
                self._full = True
                self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """All of them as one."""
        self.write(b"".join(list_of_data))

    def _push(self) -> None:
        """As much as there is room for; called whenever there may be more."""
        if self._state == "over":
            return
        if self._out.abandoned and self._buffer:
            self._fail(_reset())
            return
        self._out.put(self._buffer)
        if self._full and len(self._buffer) <= self._low:
            self._full = False
            self._protocol.resume_writing()
        if not self._buffer:
            self._all_is_out()

    def _all_is_out(self) -> None:
        if self._said_all:
            self._out.finish()
        if self._state == "closing":
            self._loop.call_soon(self._end, None)

    def can_write_eof(self) -> bool:
        """A connection can be closed in one direction."""
        return True

    def write_eof(self) -> None:
        """No more from this end, once all is out; reading goes on."""
        if self._state == "open" and not self._said_all:
            self._said_all = True
            self._push()

    def get_write_buffer_size(self) -> int:
        """Bytes that there was no room for."""
        return len(self._buffer)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Low and high, in bytes."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As asyncio has it. Raises ValueError unless 0 <= low <= high."""
        self._high = (HIGH if low is None else 4 * low) if high is None else high
        self._low = self._high // 4 if low is None else low
        if not 0 <= self._low <= self._high:
            raise ValueError(f"expected 0 <= low <= high, came low={self._low}, high={self._high}")

    # -- reading

    def _look(self) -> None:
        """There may be something to read: in the next turn."""
        if self._reading is None and self.is_reading() and (self._in.waiting or self._in.end != "open"):
            self._reading = self._loop.call_soon(self._read)

    def _read(self) -> None:
        self._reading = None
        if not self.is_reading():
            return
        if self._in.waiting:
            self._tell(self._protocol.data_received, self._in.take(self.max_size))
            self._look()
        elif self._in.end == "reset":
            self._fail(_reset())
        elif not self._heard_all:
            self._heard_all = True
            if not self._tell(self._protocol.eof_received):
                self.close()

    def _tell(self, what: Callable[..., Any], *arguments: Any) -> Any:
        """A protocol that raises has a bug: its connection ends, and the loop hears of it."""
        try:
            return what(*arguments)
        except Exception as error:
            self._loop.call_exception_handler(
                {
                    "message": "a protocol failed",
                    "exception": error,
                    "transport": self,
                    "protocol": self._protocol,
                }
            )
            self._fail(error)

    def is_reading(self) -> bool:
        """Neither paused nor closing."""
        return self._state == "open" and not self._paused

    def pause_reading(self) -> None:
        """What comes stays where it is."""
        self._paused = True

    def resume_reading(self) -> None:
        """And is read again."""
        self._paused = False
        self._look()

    # -- the end

    def is_closing(self) -> bool:
        """Nothing can be written any more."""
        return self._state != "open"

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another one hears what comes from now on."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who hears what comes."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def close(self) -> None:
        """What is in the buffer still goes out."""
        if self._state == "open":
            self._state = "closing"
            self._push()

    def abort(self) -> None:
        """What is in the buffer is lost."""
        self._fail(None)

    def _fail(self, error: Exception | None) -> None:
        if self._state != "over":
            self._state = "closing"
            self._buffer.clear()
            self._loop.call_soon(self._end, error)

    def _end(self, error: Exception | None) -> None:
        """Tell both sides. Whoever closes with bytes unread breaks the connection off, as TCP does."""
        if self._state == "over":
            return
        self._state = "over"
        if self._in.waiting or self.endpoint.rude:
            self._out.reset()
        else:
            self._out.finish()
        self._in.abandon()
        self._over(self)
        self._protocol.connection_lost(error)


def _reset() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
