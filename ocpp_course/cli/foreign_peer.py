"""`ForeignCentralSystem`: a central system of the PyPI package ``ocpp``, if that is installed.

It is imported only here, and only when it is asked for: the project works without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from ocpp_lab.clock import utc_now


def is_installed() -> bool:
    return find_spec("ocpp") is not None


class ForeignCentralSystem:
    """``async with ForeignCentralSystem() as theirs:`` listens at ``theirs.url`` and answers a charge point."""

    def __init__(self) -> None:
        self.calls = import_module("ocpp.v16.call")
        """Their requests, by name of the action."""
        self._kind = _their_kind()
        self._met: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._server: Server

    async def __aenter__(self) -> Self:
        self._server = await serve(self._meet, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")])
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def call(self, request: Any) -> Any:
        """Their call to the first charge point that came; raises what they raise."""
        peer = await self._met
        return await peer.call(request, suppress=False)

    async def _meet(self, websocket: ServerConnection) -> None:
        peer = self._kind("CP_1", websocket)
        if not self._met.done():
            self._met.set_result(peer)
        reader = asyncio.create_task(peer.start(), name="their reader")
        await websocket.wait_closed()
        await asyncio.wait([reader])
        reader.exception()  # their reader knows no other end


def _their_kind() -> Any:
    """Their charge point class, as their central system has it, with a handler for what ours says."""
    on, results = import_module("ocpp.routing").on, import_module("ocpp.v16.call_result")
    accepted = {"status": "Accepted"}
    answers: dict[str, Callable[[], dict[str, Any]]] = {
        "BootNotification": lambda: {"current_time": utc_now().isoformat(), "interval": 300, **accepted},
        "Heartbeat": lambda: {"current_time": utc_now().isoformat()},
        "Authorize": lambda: {"id_tag_info": accepted},
        "StatusNotification": dict,
        "StartTransaction": lambda: {"transaction_id": 7, "id_tag_info": accepted},
        "MeterValues": dict,
        "StopTransaction": dict,
    }

    def handler(action: str) -> Any:
        def answer(self: Any, **payload: Any) -> Any:
            return getattr(results, action)(**answers[action]())

        answer.__name__ = f"mine_{action}"  # their registry is one list of names for all classes
        return on(action)(answer)

    base = import_module("ocpp.v16").ChargePoint
    return type("Theirs", (base,), {f"mine_{each}": handler(each) for each in answers})
