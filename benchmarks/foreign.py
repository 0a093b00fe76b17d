"""(c) The PyPI package `ocpp`, as its documentation shows it: default validation, at both ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from .payloads import meter_values, now_text
from .wire import connect, listen


class Answering(ChargePoint):
    """The central system's end of one connection."""

    @on(Action.heartbeat)
    def on_heartbeat(self) -> call_result.Heartbeat:
        return call_result.Heartbeat(current_time=now_text())

    @on(Action.meter_values)
    def on_meter_values(self, **request: Any) -> call_result.MeterValues:
        return call_result.MeterValues()


async def serve() -> int:
    """One `Answering` for each connection."""

    async def answer(websocket: ServerConnection) -> None:
        assert websocket.request is not None
        await Answering(websocket.request.path.strip("/"), websocket).start()

    return await listen(answer)


class Caller:
    """The charge point's end of one connection, and its reader."""

    def __init__(self, websocket: ClientConnection, number: int) -> None:
        self.websocket = websocket
        self.end = ChargePoint(f"CP_{number}", websocket)
        self.reader = asyncio.create_task(self._read())

    @classmethod
    async def dial(cls, port: int, number: int) -> Caller:
        return cls(await connect(port, number), number)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            await self.end.start()

    async def heartbeat(self) -> Any:
        return self._checked(await self.end.call(call.Heartbeat()))

    async def meter_values(self) -> Any:
        wire = meter_values()
        request = call.MeterValues(
            connector_id=wire["connectorId"], transaction_id=wire["transactionId"], meter_value=wire["meterValue"]
        )
        return self._checked(await self.end.call(request))

    def _checked(self, response: Any) -> Any:
        assert response is not None, "the package answers None for a CallError"
        return response

    async def close(self) -> None:
        await self.websocket.close()
        await self.reader
