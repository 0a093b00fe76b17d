"""(b) Bare `websockets` with `json.loads` and `json.dumps`, and no validation."""

from __future__ import annotations

import json
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection

from .payloads import fresh_id, meter_values, now_text
from .wire import connect, listen


async def serve() -> int:
    """Just enough to answer: no router, no error."""

    async def answer(websocket: ServerConnection) -> None:
        async for text in websocket:
            _, unique_id, action, _ = json.loads(text)
            payload = {"currentTime": now_text()} if action == "Heartbeat" else {}
            await websocket.send(json.dumps([3, unique_id, payload]))

    return await listen(answer)


class Caller:
    """Sends, then receives: whoever calls reads the answer."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket

    @classmethod
    async def dial(cls, port: int, number: int) -> Self:
        return cls(await connect(port, number))

    async def heartbeat(self) -> Any:
        return await self._call("Heartbeat", {})

    async def meter_values(self) -> Any:
        return await self._call("MeterValues", meter_values())

    async def _call(self, action: str, payload: Any) -> Any:
        unique_id = fresh_id()
        await self.websocket.send(json.dumps([2, unique_id, action, payload]))
        _, answered, response = json.loads(await self.websocket.recv())
        assert answered == unique_id
        return response

    async def close(self) -> None:
        await self.websocket.close()
