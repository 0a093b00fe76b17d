"""Our stack at one end of a loopback socket, a plain WebSocket in the test's hands at the other.

Nothing of `ocpp_lab` lies between the test and the wire: frames are written and read with `json`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import repeat
from typing import Any, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from ocpp_lab import CentralSystem, ChargePoint, Session

DEADLINE = 10.0
"""Seconds until a wait is given up. No test passes or fails by how long something takes below it."""

SUBPROTOCOL = Subprotocol("ocpp1.6")
BOOT = {"chargePointVendor": "Plain", "chargePointModel": "Client"}
ACCEPTED = {"status": "Accepted", "currentTime": "2030-12-31T23:59:59Z", "interval": 86_400}

AT_ONCE = partial(repeat, 0.0)
"""For a charge point's ``delays``: dial again without waiting."""


async def until(condition: Callable[[], object], what: str = "", deadline: float = DEADLINE) -> None:
    """Wait for a condition that no event tells of."""
    try:
        async with asyncio.timeout(deadline):
            while not condition():  # noqa: ASYNC110 (there is no event for it)
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"did not happen within {deadline:g} s: {what or condition}") from None


class Peer:
    """The plain end. ``ours`` is what it is connected to, ``session`` the session there, ``valid`` what it answers."""

    def __init__(self, websocket: Connection, ours: CentralSystem | ChargePoint, session: Session) -> None:
        self.websocket = websocket
        self.ours: Any = ours
        self.session = session
        self.valid = "Heartbeat" if isinstance(ours, CentralSystem) else "ClearCache"

    async def raw(self, data: str | bytes) -> None:
        """A text frame, or a binary frame."""
        await self.websocket.send(data)

    async def say(self, *elements: Any) -> None:
        """A frame; with nobody to stop us from sending NaN or half a surrogate pair."""
        await self.raw(json.dumps(elements))

    async def hear(self) -> Any:
        """The next frame that comes."""
        async with asyncio.timeout(DEADLINE):
            return json.loads(await self.websocket.recv())

    async def ask(self, unique_id: str, action: str, payload: Any) -> Any:
        """Send a call and return the next frame, which should be its reply."""
        await self.say(2, unique_id, action, payload)
        return await self.hear()

    async def is_served(self) -> None:
        """Send a valid call: the next frame that comes is its answer, so nothing else was sent before it."""
        reply = await self.ask("the next valid call", self.valid, {})
        assert reply[:2] == [3, "the next valid call"], f"expected the answer to a valid call, came {reply}"


@asynccontextmanager
async def plain_client(url: str, identity: str = "CP_1", **options: Any) -> AsyncIterator[ClientConnection]:
    """A charge point without a stack."""
    options = {"compression": None, "proxy": None, "ping_interval": None, "close_timeout": 1} | options
    async with connect(f"{url}/{identity}", subprotocols=[SUBPROTOCOL], **options) as websocket:
        yield websocket


@asynccontextmanager
async def facing(
    central_system: CentralSystem, identity: str = "CP_1", *, boots: bool = True, **options: Any
) -> AsyncIterator[Peer]:
    """A plain client of a central system, accepted unless told otherwise."""
    async with plain_client(central_system.url, identity, **options) as websocket:
        session = await central_system.connected(identity)
        peer = Peer(websocket, central_system, session)
        if boots:
            reply = await peer.ask("boot", "BootNotification", BOOT)
            assert reply[2]["status"] == "Accepted"
        yield peer


@asynccontextmanager
async def facing_central_system(**options: Any) -> AsyncIterator[Peer]:
    """A central system, and an accepted plain client."""
    async with CentralSystem(**options) as central_system, facing(central_system) as peer:
        yield peer


class PlainServer:
    """A central system without a stack. Its connections come out of ``arrivals``."""

    def __init__(self) -> None:
        self.arrivals: asyncio.Queue[ServerConnection] = asyncio.Queue()
        self.url = ""

    async def _keep(self, websocket: ServerConnection) -> None:
        self.arrivals.put_nowait(websocket)
        await websocket.wait_closed()

    @asynccontextmanager
    async def listening(self, **options: Any) -> AsyncIterator[PlainServer]:
        options = {"compression": None, "ping_interval": None, "close_timeout": 1} | options
        async with serve(self._keep, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL], **options) as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def meets(self, charge_point: ChargePoint) -> Peer:
        """The next connection, its boot not answered yet."""
        async with asyncio.timeout(DEADLINE):
            websocket = await self.arrivals.get()
        await until(lambda: charge_point.session, "the charge point has a session")
        return Peer(websocket, charge_point, cast(Session, charge_point.session))


async def accept(peer: Peer, connectors: int = 1) -> None:
    """Answer BootNotification and the statuses that follow it; then the charge point is quiet for a day."""
    boot = await peer.hear()
    assert boot[2] == "BootNotification"
    await peer.say(3, boot[1], ACCEPTED)
    for _ in range(connectors + 1):
        status = await peer.hear()
        assert status[2] == "StatusNotification"
        await peer.say(3, status[1], {})


@asynccontextmanager
async def facing_charge_point(**options: Any) -> AsyncIterator[Peer]:
    """A charge point that is online, and the plain server it is connected to."""
    async with PlainServer().listening() as server:
        async with ChargePoint(server.url, "CP_1", delays=AT_ONCE, ping_interval=None, **options) as charge_point:
            peer = await server.meets(charge_point)
            await accept(peer)
            yield peer


ENDS = {"central system": facing_central_system, "charge point": facing_charge_point}
"""Both ends run the same `Session`; what concerns it is tried at both."""
