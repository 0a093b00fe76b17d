"""`Link`: one connection as two flows of bytes, under `Conditions`; and how to close a socket politely or rudely."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

Direction = Literal["to_central_system", "to_charge_point"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

TAKEN_AT_ONCE = 16_384  # bytes taken at a time
SLICE = 0.05  # seconds that a slow connection takes for one piece; so a changed bandwidth is felt soon
_NO_LINGERING = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # on, for 0 s


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What the network does to bytes. A flow asks for each piece, because the answers may change meanwhile."""

    delay: Callable[[], float]
    """How long (s) the next bytes are on the way."""
    bandwidth: Callable[[], float | None]
    """Bytes/s now; None: as fast as it goes."""
    buffer: Callable[[], int]
    """Bytes of one direction that may be on the way now."""
    dark: Callable[[], frozenset[Direction]]
    """The directions in which bytes are swallowed now."""
    carried: Counter[Direction]
    """Bytes given on so far; the flows count."""
    swallowed: Counter[Direction]
    """Bytes lost so far; the flows count."""
    heard: Callable[[Direction, bytes], object]
    """Told of every piece that is given on."""


class Link:
    """Two flows, one for each direction."""

    def __init__(
        self,
        conditions: Conditions,
        charge_point: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        central_system: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.writers = (charge_point[1], central_system[1])
        self.flows = (
            Flow(conditions, "to_central_system", charge_point[0], central_system[1], hang_up=self.reset),
            Flow(conditions, "to_charge_point", central_system[0], charge_point[1], hang_up=self.reset),
        )

    async def carry(self) -> None:
        """Until both ends have closed."""
        try:
            async with asyncio.TaskGroup() as group:
                for flow in self.flows:
                    group.create_task(flow.take(), name=f"chaos {flow.direction} takes")
                    group.create_task(flow.give(), name=f"chaos {flow.direction} gives")
            for writer in self.writers:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()  # what is still in our buffer arrives
        finally:
            self.writers[1].transport.abort()

    def cut(self) -> None:
        """Close both sides politely: what is on its way still arrives."""
        # A close with unread bytes would be an RST. So: FIN first, and read on until the end closes too.
        for flow in self.flows:
            flow.dead = True
            finish(flow.writer)

    def reset(self) -> None:
        """Reset both sides: what is on its way is lost."""
        for flow in self.flows:
            flow.dead = True
        for writer in self.writers:
            reset(writer)


class Flow:
    """One direction of one connection: take bytes, hold them as long as the network would, give them on.

    ``hang_up()`` ends both directions, when an RST is due at the other end.
    """

    def __init__(
        self,
        conditions: Conditions,
        direction: Direction,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        hang_up: Callable[[], None],
    ) -> None:
        self.conditions = conditions
        self.direction = direction
        self.reader = reader
        self.writer = writer
        self.hang_up = hang_up
        self.dead = False
        """Nothing is given on any more, not even the end. Set by the link, or by the first byte that is lost."""
        self._held = 0  # bytes on the way: `take` adds, `give` subtracts
        self._on_the_way: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue()  # bounded by `_held`
        self._room = asyncio.Event()  # set by `give` when bytes have left; `take` waits for it

    async def take(self) -> None:
        """Read until the end, which is b"" for FIN and None for RST."""
        data: bytes | None = b"-"
        due = 0.0
        while data:
            try:
                data = await self.reader.read(TAKEN_AT_ONCE)
            except OSError:
                data = None
            due = max(due, asyncio.get_running_loop().time() + self.conditions.delay())
            self._held += len(data or b"")
            self._on_the_way.put_nowait((due, data))
            while self._held >= self.conditions.buffer():
                self._room.clear()
                await self._room.wait()

    async def give(self) -> None:
        """Pass on what was taken, when it is due."""
        while True:
            due, data = await self._on_the_way.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if data:
                await self._pass_on(data)
                self._held -= len(data)
                self._room.set()
                continue
            if not self._swallows():
                finish(self.writer) if data == b"" else self.hang_up()
            return

    async def _pass_on(self, data: bytes) -> None:
        while data:
            rate = self.conditions.bandwidth()
            size = max(1, min(len(data), int(rate * SLICE))) if rate else len(data)
            if rate and not self.dead:
                await asyncio.sleep(size / rate)
            if self._swallows():
                self.conditions.swallowed[self.direction] += len(data)
                return
            self.conditions.heard(self.direction, data[:size])
            self.writer.write(data[:size])
            self.conditions.carried[self.direction] += size
            with suppress(OSError):  # the other flow sees that end break
                await self.writer.drain()
            data = data[size:]

    def _swallows(self) -> bool:
        """Whether what comes next gets lost; what follows a lost byte is worth nothing either."""
        self.dead = self.dead or self.direction in self.conditions.dark() or self.writer.is_closing()
        return self.dead


def finish(writer: asyncio.StreamWriter) -> None:
    """FIN, once all is sent; fine if the other end is gone already."""
    if not writer.is_closing():
        with suppress(OSError):
            writer.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: without lingering, the operating system throws away what is unsent and says so."""
    if not writer.is_closing() and (raw := writer.get_extra_info("socket")):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    writer.transport.abort()
