"""A plain WebSocket client on the simulated network, facing a central system of ours: `tests.pair` with one stack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.connection import Connection

from ocpp_lab import CentralSystem
from tests.integration.wire import BOOT, Peer, plain_client
from tests.pair import URL, on


@asynccontextmanager
async def dialled(identity: str = "CP_1", **options: Any) -> AsyncIterator[ClientConnection]:
    """A connection from the charge points' machine, whatever becomes of it."""
    client = plain_client(URL, identity, **options)
    websocket = await on("cp", client.__aenter__())
    try:
        yield websocket
    finally:
        await on("cp", client.__aexit__(None, None, None))


@asynccontextmanager
async def facing(
    central_system: CentralSystem, identity: str = "CP_1", *, boots: bool = True, **options: Any
) -> AsyncIterator[Peer]:
    """It is connected, and accepted unless told otherwise. Frames are said and heard as lists."""
    async with dialled(identity, **options) as websocket:
        peer = Peer(websocket, central_system, await central_system.connected(identity))
        if boots:
            assert await boot(peer) == "Accepted"
        yield peer


async def boot(peer: Peer) -> str:
    """What its BootNotification gets: a registration, or the code of a CallError."""
    reply = await peer.ask("boot", "BootNotification", BOOT)
    return str(reply[2]["status"] if reply[0] == 3 else reply[2])


async def closed_with(websocket: Connection) -> int | None:
    """Wait until the connection is closed, and say with which code."""
    await websocket.wait_closed()
    return websocket.close_code
