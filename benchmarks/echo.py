"""(a) Bare `websockets`, an echo: the texts of the calls are made by hand, the answer is not looked at."""

from __future__ import annotations

import json

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection

from .payloads import fresh_id, meter_values
from .wire import connect, listen


async def serve() -> int:
    """Whatever comes goes back."""

    async def echo(websocket: ServerConnection) -> None:
        async for text in websocket:
            await websocket.send(text)

    return await listen(echo)


class Caller:
    """Sends a text and waits for one."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.payload = json.dumps(meter_values(), separators=(",", ":"))

    @classmethod
    async def dial(cls, port: int, number: int) -> Caller:
        return cls(await connect(port, number))

    async def heartbeat(self) -> None:
        await self.websocket.send(f'[2,"{fresh_id()}","Heartbeat",{{}}]')
        await self.websocket.recv()

    async def meter_values(self) -> None:
        await self.websocket.send(f'[2,"{fresh_id()}","MeterValues",{self.payload}]')
        await self.websocket.recv()

    async def close(self) -> None:
        await self.websocket.close()
