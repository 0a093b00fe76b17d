"""`MemoryServer`: what `create_server` gives, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .channel import ROOM, Channel
from .endpoint import Address, Endpoint
from .transport import MemoryTransport


class MemoryServer(asyncio.AbstractServer):
    """Accepts whoever dials, until `close`; ``forget(port)`` is told then. `wait_closed` waits for its connections."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: Callable[[], Any],
        address: Address,
        forget: Callable[[int], None],
    ) -> None:
        self.sockets: tuple[Endpoint, ...] = (Endpoint(address, self._resize),)
        self.room = ROOM
        """Bytes that a connection keeps while nobody reads: SO_RCVBUF of the listening socket."""
        self._loop = loop
        self._protocol = protocol
        self._address = address
        self._forget = forget
        self._accepting = False  # from `start_serving` to `close`
        self._open: dict[MemoryTransport, None] = {}  # our ends, from `accept` to the end of each
        self._closed = asyncio.Event()  # closed, and the last connection is gone

    def _resize(self, receive: bool, size: int) -> None:
        if receive:
            self.room = size

    def accept(self, incoming: Channel, outgoing: Channel, peer: Address) -> None:
        """A connection of its own for whoever dialled; its protocol is told in the next turn."""
        incoming.reader_room = self.room
        far = MemoryTransport(self._loop, incoming, outgoing, self._address, peer, self._gone)
        self._open[far] = None
        self._loop.call_soon(far.begin, self._protocol())

    def _gone(self, transport: MemoryTransport) -> None:
        self._open.pop(transport, None)
        self._see()

    def _see(self) -> None:
        if not self.sockets and not self._open:
            self._closed.set()

    def close(self) -> None:
        """Accept nobody any more; connections go on."""
        if self.sockets:
            self.sockets = ()
            self._accepting = False
            self._forget(self._address[1])
            self._see()

    def close_clients(self) -> None:
        """Close every connection."""
        for transport in list(self._open):
            transport.close()

    def abort_clients(self) -> None:
        """Cut every connection."""
        for transport in list(self._open):
            transport.abort()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Its event loop."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether it accepts."""
        return self._accepting

    async def start_serving(self) -> None:
        """Accept from now on."""
        self._accepting = bool(self.sockets)

    async def serve_forever(self) -> None:
        """Until cancelled, then close."""
        await self.start_serving()
        try:
            await self._loop.create_future()
        finally:
            self.close()
            await self.wait_closed()

    async def wait_closed(self) -> None:
        """Until it is closed and its last connection is gone."""
        await self._closed.wait()

    async def __aenter__(self) -> MemoryServer:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()
        await self.wait_closed()
