"""The bare WebSocket at both ends, with the options that all contenders share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from websockets.asyncio import client, server
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

# Compression off, and pings as seldom as ours: at 20 s, the library's default, a run would see some.
OPTIONS: dict[str, Any] = {"compression": None, "ping_interval": 60, "ping_timeout": 60}
SUBPROTOCOLS = [Subprotocol("ocpp1.6")]

READ_SIZE: int | None = None
"""Bytes asked of the operating system at a time; None: asyncio's 262,144. See `ocpp_lab.pipe.READ_SIZE`."""


async def listen(handler: Callable[[server.ServerConnection], Awaitable[None]]) -> int:
    """Serve on a free port of the loopback interface, until this process ends; returns the port."""

    async def quietly(websocket: server.ServerConnection) -> None:
        _set_read_size(websocket)
        with suppress(ConnectionClosed):  # the end of a connection is no news
            await handler(websocket)

    listening = await server.serve(quietly, "127.0.0.1", 0, subprotocols=SUBPROTOCOLS, **OPTIONS)
    return int(listening.sockets[0].getsockname()[1])


async def connect(port: int, number: int, open_timeout: float = 10.0) -> client.ClientConnection:
    """Dial as charge point CP_<number>; give up after ``open_timeout`` (s)."""
    url = f"ws://127.0.0.1:{port}/CP_{number}"
    websocket = await client.connect(url, subprotocols=SUBPROTOCOLS, proxy=None, open_timeout=open_timeout, **OPTIONS)
    _set_read_size(websocket)
    return websocket


def _set_read_size(websocket: Connection) -> None:
    if READ_SIZE:
        websocket.transport.max_size = READ_SIZE  # type: ignore[attr-defined]
