"""The bare `websockets` library: (a) an echo, (b) with json and no validation, (b′) with a reader task and futures."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from .payloads import fresh_id, meter_values, now_text
from .wire import connect, listen


async def serve_echo() -> int:
    """Whatever comes goes back."""

    async def echo(websocket: ServerConnection) -> None:
        async for text in websocket:
            await websocket.send(text)

    return await listen(echo)


async def serve_json() -> int:
    """Just enough to answer: no validation, no router, no error."""

    async def answer(websocket: ServerConnection) -> None:
        async for text in websocket:
            _, unique_id, action, _ = json.loads(text)
            payload = {"currentTime": now_text()} if action == "Heartbeat" else {}
            await websocket.send(json.dumps([3, unique_id, payload]))

    return await listen(answer)


class EchoCaller:
    """(a) The texts of the calls are made by hand; the answer is not looked at."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket
        self.tail = json.dumps(meter_values(), separators=(",", ":"))

    @classmethod
    async def dial(cls, port: int, number: int) -> EchoCaller:
        return cls(await connect(port, number))

    async def heartbeat(self) -> None:
        await self.websocket.send(f'[2,"{fresh_id()}","Heartbeat",{{}}]')
        await self.websocket.recv()

    async def meter_values(self) -> None:
        await self.websocket.send(f'[2,"{fresh_id()}","MeterValues",{self.tail}]')
        await self.websocket.recv()

    async def close(self) -> None:
        await self.websocket.close()


class JsonCaller:
    """(b) Send, then receive: whoever calls reads the answer."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket

    @classmethod
    async def dial(cls, port: int, number: int) -> JsonCaller:
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


class ReaderCaller(JsonCaller):
    """(b′) A reader task gives each answer to the future of its call: what any stack must do to serve crossing calls."""

    def __init__(self, websocket: ClientConnection) -> None:
        super().__init__(websocket)
        self.pending: dict[str, asyncio.Future[Any]] = {}
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                _, unique_id, response = json.loads(await self.websocket.recv())
                self.pending.pop(unique_id).set_result(response)

    async def _call(self, action: str, payload: Any) -> Any:
        unique_id = fresh_id()
        future = self.pending[unique_id] = asyncio.get_running_loop().create_future()
        await self.websocket.send(json.dumps([2, unique_id, action, payload]))
        return await future

    async def close(self) -> None:
        await super().close()
        await self.reader
