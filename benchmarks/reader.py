"""(b′) Like (b), with a reader task and futures at the calling end: without them, crossing calls cannot be served."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from . import plain
from .payloads import fresh_id
from .plain import serve as serve


class Caller(plain.Caller):
    """A task reads, and gives each answer to the future of its call."""

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
