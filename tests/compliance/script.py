"""The peers of the compliance tests: each frame as the test writes it, none of our stack in it, in simulated time.

`at_charge_point` gives a charge point of ours and a `ScriptedCentralSystem`; `at_central_system` a central system of
ours and a `ScriptedChargePoint`. Every payload that our end sends is held against the official schemas.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Self

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ocpp_lab import CentralSystem, ChargePoint
from tests.pair import URL, central_system_alone, charge_point_alone, on, simulated_now
from tests.schemas import officially_valid
from tests.simulated import clock

PATIENCE = 300.0
"""Simulated seconds that a test waits for what it hears; who comes later never comes."""

Answer = Mapping[str, Any] | Callable[[dict[str, Any]], Any] | None
"""A payload; or what makes one, or a whole frame, of the request; or None: silence."""


class Refused(Exception):
    """Our end answered with a CallError: ``code`` and ``description``."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class Script:
    """One end of a connection, in the words of the test.

    ``answers`` is how calls are answered, by action; it may be changed at any time. What came is taken by `hears`,
    strictly in its order, StatusNotification and Heartbeat apart: they have their own queues.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.story: list[str] = []
        """All frames with their times: shown when a test fails."""
        self.invalid: list[str] = []
        """What the official schemas refuse; `at_charge_point` and `at_central_system` fail with it."""
        self.calls: deque[tuple[str, dict[str, Any]]] = deque()
        """Calls that came and were not taken by `hears`, but for those that are apart."""
        self.apart: dict[str, list[dict[str, Any]]] = {"StatusNotification": [], "Heartbeat": []}
        self.socket: Any = None
        self._ids = itertools.count(1)
        self._replies: dict[str, asyncio.Future[Any]] = {}
        self._actions: dict[str, str] = {}
        self._news = asyncio.Event()

    # -- what the test says

    async def says(self, action: str, **payload: Any) -> dict[str, Any]:
        """Send a Call; returns the payload of its answer. Raises `Refused` for a CallError."""
        unique_id = f"script-{next(self._ids)}"
        self._replies[unique_id] = asyncio.get_running_loop().create_future()
        self._actions[unique_id] = action
        await self.sends([2, unique_id, action, payload])
        async with asyncio.timeout(PATIENCE):
            return await self._replies[unique_id]

    async def sends(self, frame: Any) -> None:
        """Send a frame, or a text, just as it is."""
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self.story.append(f"{clock():9.3f} > {text}")
        await self.socket.send(text)

    # -- what the test hears

    async def hears(self, action: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The payload of the next call, which must be this one."""
        await self._until(lambda: bool(self.calls), f"a {action}", seconds)
        came, payload = self.calls.popleft()
        assert came == action, self._shown(f"expected {action}, came {came} {payload}")
        return payload

    async def hears_status(self, connector: int, status: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The payload of the next StatusNotification of this connector, which must have this status."""
        await self._until(lambda: bool(self.statuses(connector)), f"{status} of connector {connector}", seconds)
        payload = self.statuses(connector)[0]
        self.apart["StatusNotification"].remove(payload)
        assert payload["status"] == status, self._shown(f"expected {status}, came {payload}")
        return payload

    async def hears_no(self, *actions: str, seconds: float = 100.0) -> None:
        """None of these comes for so long; without a name: no call at all, but a Heartbeat."""
        await asyncio.sleep(seconds)
        came = [(name, payload) for name, payload in self.calls if not actions or name in actions]
        if not actions or "StatusNotification" in actions:
            came += [("StatusNotification", payload) for payload in self.apart["StatusNotification"]]
        assert not came, self._shown(f"expected silence, came {came}")

    def statuses(self, connector: int) -> list[dict[str, Any]]:
        """The StatusNotifications of a connector that nobody has taken yet, oldest first."""
        return [each for each in self.apart["StatusNotification"] if each["connectorId"] == connector]

    def forgets(self) -> None:
        """What came so far is taken."""
        self.calls.clear()
        for queue in self.apart.values():
            queue.clear()

    async def _until(self, there: Callable[[], bool], what: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not there():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(self._shown(f"expected {what} within {seconds:g} s")) from None

    def _shown(self, what: str) -> str:
        return "\n".join([what, *self.story[-40:]])

    # -- the connection

    async def _listen(self, socket: Any) -> None:
        self.socket = socket
        self._news.set()
        try:
            async for text in socket:
                self.story.append(f"{clock():9.3f} < {text}")
                await self._take(json.loads(text))
                self._news.set()
        except ConnectionClosed:
            pass
        finally:
            if self.socket is socket:
                self.socket = None
                self._news.set()

    async def _take(self, frame: Any) -> None:
        match frame:
            case [2, str(unique_id), str(action), dict(payload)]:
                self._look_at(action, payload)
                queue = self.apart.get(action)
                if queue is None:
                    self.calls.append((action, payload))
                else:
                    queue.append(payload)
                await self._answer(unique_id, action, payload)
            case [3, str(unique_id), dict(payload)]:
                self._look_at(f"{self._actions.get(unique_id)}Response", payload)
                self._settle(unique_id, payload)
            case [4, str(unique_id), code, description, dict()]:
                self._settle(unique_id, Refused(code, description))
            case _:
                self.invalid.append(f"no frame of OCPP: {frame}")

    def _look_at(self, name: str, payload: dict[str, Any]) -> None:
        if not officially_valid(name, payload):
            self.invalid.append(f"{name} {payload}")

    def _settle(self, unique_id: str, came: Any) -> None:
        future = self._replies.pop(unique_id, None)
        if future is None or future.done():
            return
        if isinstance(came, Exception):
            future.set_exception(came)
        else:
            future.set_result(came)

    async def _answer(self, unique_id: str, action: str, payload: dict[str, Any]) -> None:
        answer = self.answers.get(action, {})
        if callable(answer):
            answer = answer(payload)
            if asyncio.iscoroutine(answer):
                answer = await answer
        if answer is not None:
            await self.sends(answer if isinstance(answer, list) else [3, unique_id, answer])

    def silent(self, *actions: str) -> None:
        """From now on these calls get no answer."""
        for action in actions:
            self.answers[action] = None


def now_text(seconds: float = 0.0) -> str:
    """The time of the simulation and so many seconds, as OCPP writes it."""
    return (simulated_now() + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ScriptedCentralSystem(Script):
    """Listens where our charge point dials. Accepts boots, tags and transactions (1, 2, …) unless told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.transactions = itertools.count(1)
        self.info: dict[str, Any] = {"status": "Accepted"}
        """The idTagInfo of every tag that ``infos`` does not have."""
        self.infos: dict[str, dict[str, Any]] = {}
        """By idTag."""
        self.answers = {
            "BootNotification": lambda _: {"status": "Accepted", "currentTime": now_text(), "interval": 86_400},
            "Heartbeat": lambda _: {"currentTime": now_text()},
            "Authorize": lambda payload: {"idTagInfo": self._info(payload["idTag"])},
            "StartTransaction": lambda payload: {
                "transactionId": next(self.transactions),
                "idTagInfo": self._info(payload["idTag"]),
            },
            "DataTransfer": lambda _: {"status": "Accepted"},
            "SignCertificate": lambda _: {"status": "Accepted"},
        }
        self.connections = 0

    def _info(self, id_tag: str) -> dict[str, Any]:
        return self.infos.get(id_tag, self.info)

    async def __aenter__(self) -> Self:
        self._server = await on("cs", self._serve())
        return self

    async def _serve(self) -> Any:
        return await serve(
            self._met,
            "cs",
            9000,
            subprotocols=["ocpp1.6"],
            compression=None,
            ping_interval=None,  # type: ignore[list-item]
        )

    async def _met(self, socket: ServerConnection) -> None:
        self.connections += 1
        await self._listen(socket)

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def boots(self) -> dict[str, Any]:
        """Hear the BootNotification and the statuses that follow it; they are taken. Returns the former's payload."""
        boot = await self.hears("BootNotification")
        await asyncio.sleep(1)
        self.forgets()
        return boot

    async def hangs_up(self, code: int = 1000) -> None:
        """Close the connection. Ours will dial again."""
        await self.socket.close(code)

    async def starts(self, charge_point: ChargePoint, connector: int = 1, tag: str = "TAG_A") -> int:
        """A driver plugs in and presents a tag; everything is taken up to Charging. Returns the transaction id."""
        charge_point.charging.plug_in(connector)
        await charge_point.charging.present(connector, tag)
        await self._until(lambda: any(name == "StartTransaction" for name, _ in self.calls), "StartTransaction", 60)
        await asyncio.sleep(1)
        self.forgets()
        return self._last_transaction()

    def _last_transaction(self) -> int:
        newest = next(self.transactions)
        self.transactions = itertools.count(newest)
        return newest - 1


class ScriptedChargePoint(Script):
    """Dials our central system as one identity."""

    def __init__(self, identity: str = "CP_1") -> None:
        super().__init__()
        self.identity = identity
        self._task: asyncio.Task[None] | None = None

    async def dials(self, *, boots: bool = True, **options: Any) -> Self:
        """Connect, and boot unless told not to."""
        options = {"subprotocols": ["ocpp1.6"], "compression": None, "proxy": None, "ping_interval": None, **options}
        socket = await connect(f"{URL}/{self.identity}", **options)
        self.socket = socket
        self._task = asyncio.get_running_loop().create_task(self._listen(socket), name=f"script {self.identity}")
        if boots:
            answer = await self.says("BootNotification", chargePointVendor="Script", chargePointModel="One")
            assert answer["status"] == "Accepted", answer
        return self

    async def leaves(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            await self.socket.close()
        if self._task is not None:
            await self._task


@asynccontextmanager
async def at_charge_point(**options: Any) -> AsyncIterator[tuple[ScriptedCentralSystem, ChargePoint]]:
    """A charge point of ours, online and with nothing more to say, and the central system of the test.

    ``options`` are those of a `ChargePoint`; ``keys`` are set before it dials, and it has two connectors unless told
    otherwise; ``booted=False``: it has not been heard yet.
    """
    keys, booted = options.pop("keys", {}), options.pop("booted", True)
    async with ScriptedCentralSystem() as script:
        async with charge_point_alone(**{"connectors": 2, **options}) as charge_point:
            for key, value in keys.items():
                charge_point.configuration[key] = value
            if booted:
                await script.boots()
            yield script, charge_point
    assert not script.invalid, f"the official schemas refuse {script.invalid}"


@asynccontextmanager
async def at_central_system(
    *, boots: bool = True, **options: Any
) -> AsyncIterator[tuple[ScriptedChargePoint, CentralSystem]]:
    """A central system of ours and a charge point of the test that is connected; ``options`` are the former's."""
    async with central_system_alone(**options) as central_system:
        script = ScriptedChargePoint()
        await on("cp", script.dials(boots=boots))
        try:
            yield script, central_system
        finally:
            await on("cp", script.leaves())
    assert not script.invalid, f"the official schemas refuse {script.invalid}"
