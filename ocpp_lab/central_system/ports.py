"""`Ports`: where a central system listens; one port for each security profile, if it likes (whitepaper A00.FR.006)."""

from __future__ import annotations

import logging
import ssl as tls
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve

from .closing import errors_of
from .guest import Entrance

log = logging.getLogger(__name__)


@dataclass
class Listener:
    """A port. ``port`` 0: a free one, which is written here by `Ports.open`. With an ``ssl`` context it is ``wss://``;
    one that asks for certificates is for security profile 3, or for 2 and 3 if it does not insist on them."""

    port: int = 0
    ssl: tls.SSLContext | None = None

    @property
    def profiles(self) -> tuple[int, ...]:
        """Those with which one can connect here; 0 is where 1 is."""
        if self.ssl is None:
            return (1,)
        by_mode = {tls.CERT_NONE: (2,), tls.CERT_OPTIONAL: (2, 3), tls.CERT_REQUIRED: (3,)}
        return by_mode[self.ssl.verify_mode]

    def url(self, host: str) -> str:
        """The endpoint."""
        host = f"[{host}]" if ":" in host else host  # an IPv6 address
        return f"{'wss' if self.ssl else 'ws'}://{host}:{self.port}"


class Ports:
    """All ports of one central system. ``ring(kind, text)`` hears of those who did not get so far as to knock."""

    def __init__(self, host: str, listeners: Sequence[Listener], ring: Callable[[str, str], None]) -> None:
        self.host = host
        self.listeners = listeners
        self.servers: list[Server] = []
        """While they are open."""
        self._entrances = [Entrance(listener.ssl, ring) for listener in listeners]

    @property
    def endpoints(self) -> dict[int, str]:
        """Where to dial by security profile, as `Security.endpoints` wants it."""
        found: dict[int, str] = {}
        for listener in self.listeners:
            for profile in listener.profiles:
                found.setdefault(profile, listener.url(self.host))
        return found

    async def open(self, handler: Callable[[ServerConnection], Awaitable[None]], **options: Any) -> None:
        """Listen on all of them, or on none: raises OSError if one cannot be had."""
        try:
            for listener, entrance in zip(self.listeners, self._entrances, strict=True):
                server = await serve(
                    handler,
                    self.host,
                    listener.port,
                    create_connection=entrance.guest,  # type: ignore[arg-type]
                    **options,
                )
                self.servers.append(server)
                if server.sockets:  # a simulated network has none, and no port 0 either
                    listener.port = server.sockets[0].getsockname()[1]
        except BaseException:
            self.shut()
            await self.closed()
            raise

    def shut(self) -> None:
        """Nobody comes in any more; connections go on."""
        for server in self.servers:
            server.close(close_connections=False)
        for entrance in self._entrances:
            entrance.shut()

    def connections(self) -> list[ServerConnection]:
        """All that are open."""
        return [connection for server in self.servers for connection in server.connections]

    async def closed(self) -> list[Exception]:
        """Wait until the last connection is gone; returns what went wrong."""
        errors = await errors_of(server.wait_closed() for server in self.servers)
        self.servers = []
        return errors
