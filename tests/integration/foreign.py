"""The PyPI package ``ocpp`` as a peer: its payloads from ours, its two ends as context managers.

It renames keys by regex, which spoils some (``socketId``); no key of 1.6 is among them, and a test says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import fields
from typing import Any

from ocpp.charge_point import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ForeignPeer
from ocpp.v16 import call_result
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ocpp_lab import CentralSystem, ChargePoint, Event
from tests.integration.wire import ACCEPTED, AT_ONCE, DEADLINE, SUBPROTOCOL, plain_client, until
from tests.schemas import Schema, full_payload, official

# Payloads -------------------------------------------------------------------------------------------------------------


def payloads(name: str) -> list[Any]:
    """Three valid ones: every field; the required fields alone; other values, not ASCII, as long as they may be."""
    return [full_payload(name), _least(official(name)), _other(official(name))]


def _least(schema: Schema) -> Any:
    required = schema.get("required", [])
    match schema:
        case {"type": "object"}:
            return {key: _least(value) for key, value in schema.get("properties", {}).items() if key in required}
        case {"type": "array", "items": items}:
            return [_least(items)]
    return _other(schema)


def _other(schema: Schema) -> Any:
    match schema:
        case {"enum": values}:
            return values[-1]
        case {"format": "date-time"}:
            return "1999-01-01T00:00:00.001Z"
        case {"type": "object"}:
            return {key: _other(value) for key, value in schema.get("properties", {}).items()}
        case {"type": "array", "items": items}:
            return [_other(items)]
        case {"type": "string"}:
            return ('Ł"\\é漢😀' * 1000)[: min(schema.get("maxLength", 1000), 1000)]
    return {"integer": 2**31 - 1, "number": 0.3, "boolean": True}[schema["type"]]


# Their side -----------------------------------------------------------------------------------------------------------


def theirs(module: Any, action: str, payload: Any) -> Any:
    """A payload as their dataclass, whose optional fields are not all optional."""
    kind = getattr(module, action)
    return kind(**dict.fromkeys(field.name for field in fields(kind)) | camel_to_snake_case(payload))


def as_json(thing: Any) -> Any:
    """What their dataclass, or the arguments of their handler, would be on the wire. They make decimals of numbers."""
    plain = thing if isinstance(thing, dict) else serialize_as_dict(thing)
    return json.loads(json.dumps(snake_to_camel_case(remove_nones(plain)), default=float))


class Quiet(ForeignPeer):  # type: ignore[misc]
    """One of theirs that handles nothing."""

    async def live(self) -> None:
        """Their reader; it knows no end but an exception."""
        with suppress(ConnectionClosed):
            await self.start()


def handling(answers: dict[str, list[Any]], heard: list[Any], base: type[Quiet] = Quiet) -> type[Quiet]:
    """One of theirs that answers these actions with these payloads, one after the other, and writes down what came."""

    def handler(action: str) -> Callable[..., Any]:
        async def answer(self: Quiet, **payload: Any) -> Any:
            heard.append(as_json(payload))
            return theirs(call_result, action, answers[action].pop(0))

        answer.__name__ = f"on_{action}"  # their registry is one list of names for all classes
        return on(action)(answer)  # type: ignore[no-any-return]

    return type("Handling", (base,), {f"on_{action}": handler(action) for action in answers})


@asynccontextmanager
async def foreign_charge_point(central_system: CentralSystem, kind: type[Quiet] = Quiet) -> AsyncIterator[Quiet]:
    """Theirs, connected to ours."""
    async with plain_client(central_system.url) as websocket, _living(kind("CP_1", websocket)) as peer:
        await central_system.connected("CP_1")
        yield peer


@asynccontextmanager
async def foreign_central_system(kind: type[Quiet], port: int = 0) -> AsyncIterator[tuple[str, asyncio.Future[Quiet]]]:
    """Theirs, as a server: its URL, and the one that meets the first connection."""
    met: asyncio.Future[Quiet] = asyncio.get_running_loop().create_future()

    async def meet(websocket: ServerConnection) -> None:
        async with _living(kind("CP_1", websocket)) as peer:
            if not met.done():
                met.set_result(peer)
            await websocket.wait_closed()

    async with serve(meet, "127.0.0.1", port, subprotocols=[SUBPROTOCOL], close_timeout=1) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}", met


@asynccontextmanager
async def _living(peer: Quiet) -> AsyncIterator[Quiet]:
    reader = asyncio.create_task(peer.live(), name="their reader")
    try:
        yield peer
    finally:
        connection: Connection = peer._connection
        await connection.close()
        await reader


class Accepting(Quiet):
    """Their central system, as far as a charge point of ours needs one to be online."""

    @on("BootNotification")  # type: ignore[untyped-decorator]
    async def on_BootNotification(self, **payload: Any) -> Any:
        return theirs(call_result, "BootNotification", ACCEPTED)

    @on("StatusNotification")  # type: ignore[untyped-decorator]
    async def on_StatusNotification(self, **payload: Any) -> Any:
        return call_result.StatusNotification()


@asynccontextmanager
async def facing_theirs(kind: type[Quiet] = Accepting) -> AsyncIterator[tuple[ChargePoint, Quiet]]:
    """Our charge point, which has said all it wants to, and their central system."""
    async with foreign_central_system(kind) as (url, met):
        async with ChargePoint(url, "CP_1", delays=AT_ONCE) as charge_point:
            async with asyncio.timeout(DEADLINE):
                peer = await met
                await charge_point.wait_for("online")
            await until(lambda: len(replies(charge_point)) == 3, "the boot and both statuses are answered")
            yield charge_point, peer


def replies(charge_point: ChargePoint) -> list[Event]:
    return [event for event in charge_point.trace if event.mark == "<"]
