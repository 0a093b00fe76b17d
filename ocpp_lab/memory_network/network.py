"""`MemoryNetwork`: who listens on which port of one event loop, and how to reach them."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from itertools import count
from typing import Any

from .channel import Channel
from .endpoint import Address
from .server import MemoryServer
from .transport import MemoryTransport

FIRST_PORT = 49_152
"""The first of those that are free for everybody."""

HOSTS = ("127.0.0.1", "localhost", "::1")


class MemoryNetwork:
    """Servers and connections of one event loop. Nothing else is in it: no other process or host, no TLS."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._listening: dict[int, MemoryServer] = {}  # by port, from `create_server` to their `close`
        self._ports = count(FIRST_PORT)

    def install(self) -> None:
        """From now on the loop's servers and connections are in memory."""
        self._loop.create_server = self.create_server  # type: ignore[method-assign, assignment]
        self._loop.create_connection = self.create_connection  # type: ignore[method-assign]

    async def create_server(
        self,
        protocol_factory: Callable[[], Any],
        host: str | None = None,
        port: int | None = None,
        *,
        start_serving: bool = True,
        **options: Any,
    ) -> MemoryServer:
        """As that of an event loop; ``port`` 0 is a free one. Raises OSError if it is taken, or for TLS."""
        _refuse(options)
        port = port or self._free_port()
        if port in self._listening:
            raise OSError(errno.EADDRINUSE, f"expected a free port, came {port}, on which somebody listens")
        server = MemoryServer(self._loop, protocol_factory, (_name(host), port), self._forget)
        self._listening[port] = server
        if start_serving:
            await server.start_serving()
        return server

    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: str | None = None, port: int | None = None, **options: Any
    ) -> tuple[MemoryTransport, Any]:
        """As that of an event loop. Raises ConnectionRefusedError if nobody listens there, OSError for TLS."""
        _refuse(options)
        await asyncio.sleep(0)  # elsewhere it takes a turn too
        server = self._listening.get(port or 0)
        if server is None or not server.is_serving() or host not in HOSTS:
            raise ConnectionRefusedError(
                errno.ECONNREFUSED,
                f"nobody listens on {host}:{port}; this network is in memory and reaches nobody outside this program",
            )
        here: Address = ("127.0.0.1", self._free_port())
        there, back = Channel(), Channel()
        near = MemoryTransport(self._loop, back, there, here, (_name(host), port or 0))
        server.accept(there, back, here)
        protocol = protocol_factory()
        near.begin(protocol)
        return near, protocol

    def _free_port(self) -> int:
        return next(port for port in self._ports if port not in self._listening)

    def _forget(self, port: int) -> None:
        self._listening.pop(port, None)


def _name(host: str | None) -> str:
    return "127.0.0.1" if host in (None, "", "localhost", "0.0.0.0") else str(host)


def _refuse(options: dict[str, Any]) -> None:
    """What only a socket can do."""
    for option in ("ssl", "sock", "local_addr"):
        if options.get(option):
            raise OSError(errno.EPROTONOSUPPORT, f"expected no {option}=: this network is in memory")
