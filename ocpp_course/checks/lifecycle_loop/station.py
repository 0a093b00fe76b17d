"""`Station`: a charge point made of nothing but the learner's pieces, from the transport to the whole life.

Where the learner has not written a piece yet, the package's is in its place. What is left here is what no exercise asks
for: which piece gets which, the WebSocket below, and the names by which a bench or a notebook looks inside.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any

from websockets.exceptions import ConnectionClosed

from ocpp_lab import messages as m
from ocpp_lab.charge_point.dial import PONG_TIMEOUT, connection_url, dial
from ocpp_lab.charge_point.state_watch import StateWatch
from ocpp_lab.clock import utc_now
from ocpp_lab.credentials import basic_auth
from ocpp_lab.errors import ConnectionLost, NotAccepted, NotConnected
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.session import random_ids
from ocpp_lab.trace import Trace

from ..course import mine
from ..fitted import fit
from ..smoke_tests.in_the_stack import InTheStack

EARLIER = {
    "decode": "1.1",
    "encode": "1.2",
    "Transport": "1.4",
    "Router": "2.6",
    "backoff": "3.1",
    "CONNECTION Machine": "3.2",
    "keep_connected": "3.3",
    "Outbox": "3.6",
    "Ledger": "3.7",
    "Pending": "4.5",
    "Session": "4.7",
}
LATER = {
    "may_send may_serve": "5.1",
    "boot": "5.2",
    "Heartbeat": "5.3",
    "TransactionIds": "5.4",
    "watch": "5.5",
    "online": "5.6",
    "ChargePoint": "5.7",
}
BOOT = m.BootNotificationRequest(charge_point_vendor="Lab", charge_point_model="Mine")
log = logging.getLogger("ocpp_lab")


def pieces(own: Any = None) -> SimpleNamespace:
    """The learner's pieces by name, of this milestone those in ``own`` if given; the package's where there is none."""
    found = dict(vars(own) if own else {})
    for names, number in (EARLIER | LATER).items():
        if not all(name in found for name in names.split()):
            piece = mine(number)
            found |= dict(zip(names.split(), piece if " " in names else (piece,), strict=True))
    return SimpleNamespace(**found)


class _Said:
    """Hears of a frame that is misread, where no world listens."""

    def broken(self, invariant: str, message: str, identity: str = "") -> None:
        log.warning("! %s: %s", invariant, message)


class DialledSession:
    """One connection: what `dial` gives to `ChargePoint`."""

    def __init__(self, station: Station, pipe: Any) -> None:
        self.station = station
        self.pipe = pipe
        my, options = station.my, {"ids": station.ids, "timeout": station.timeout}
        transport = partial(InTheStack, my, station.judge)
        make = SimpleNamespace(**fit(transport=transport, pending=my.Pending, session=my.Session))
        self.transport = make.transport(pipe, name=station.identity)
        self.pending = make.pending()
        self.session = make.session(self.transport, station, self.pending, **options, identity=station.identity)
        self.heartbeat: Any = None

    async def run(self) -> None:
        await self.session.run()

    async def call(self, request: m.Request[Any], **options: Any) -> Any:
        if self.station.my.may_send(request.action, self.station.life.registration) != "send":
            self.station.judge.broken("nothing but the boot before Accepted", f"{request.action} was about to leave")
            raise NotAccepted(f"{request.action} has to wait for the boot")
        if self.heartbeat and request.action != "Heartbeat":
            self.heartbeat.touch()
        return await self.session.call(request, **options)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self.transport.close(code, reason)

    async def ping(self) -> None:
        """Returns when the pong has come."""
        try:
            await (await self.pipe.websocket.ping())
        except ConnectionClosed:
            raise ConnectionLost from None


class Station:
    """``await Station(pieces(), url, "CP_1", path="…").start()``; outbox and ids are in files that begin with ``path``.

    ``found`` is what an earlier life left: see step 5.7. ``judge.broken(…)`` hears of what must not happen. ``faster``
    divides the waits before a dial.
    """

    def __init__(
        self,
        my: Any,
        url: str,
        identity: str,
        *,
        path: str,
        timeout: float = 30.0,
        retry_interval: float = 60.0,
        ping_interval: float = 20.0,
        faster: float = 1.0,
        connectors: int = 1,
        password: str | None = None,
        found: Mapping[str, int] | None = None,
        ids: Iterator[str] | None = None,
        rng: Random | None = None,
        trace: Trace | None = None,
        now: Callable[[], datetime] = utc_now,
        judge: Any = None,
    ) -> None:
        self.my, self.identity, self.timeout = my, identity, timeout
        self.url = connection_url(url, identity)
        self.retry_interval, self.ping_interval = retry_interval, ping_interval
        self.judge: Any = judge or _Said()
        self.ids = ids or random_ids()
        self.trace = Trace() if trace is None else trace
        self.interval = 60.0
        self.now = now
        self.uplink: DialledSession | None = None
        self.connectors = connectors
        self.outbox = fit(outbox=my.Outbox(f"{path}.outbox"))["outbox"]
        self.real_ids = my.TransactionIds(f"{path}.ids")
        self.router = self._make_router()
        self._watch: StateWatch[str] = StateWatch()
        self._task: asyncio.Task[None] | None = None
        chance = rng or Random(identity)
        self.life = my.ChargePoint(
            self._dial,
            keep_connected=partial(
                my.keep_connected, delays=lambda: (wait / faster for wait in my.backoff(chance))
            ),
            online=partial(
                my.online, boot=self._boot, statuses=self._statuses, heartbeat=self._beat, watch=self._look
            ),
            machine=my.Machine(my.CONNECTION, "disconnected", self._changed),
            outbox=self.outbox,
            ids=self.real_ids,
            now=now,
            password=password,
            found=found or {},
        )  # fmt: skip

    # -- life

    async def start(self) -> Station:
        self._task = asyncio.create_task(self.life.run(), name=f"{self.identity} life")
        return self

    async def stop(self) -> None:
        """End it, and close its files. Raises the bug that it died of."""
        await self.life.stop()
        try:
            if self._task is not None:
                await self._task
        finally:
            self.close()

    def close(self) -> None:
        """Close the files."""
        for each in (self.outbox, self.real_ids):
            if close := getattr(each, "close", None):
                close()

    @property
    def state(self) -> str:
        return str(self.life.state)

    @property
    def bug(self) -> BaseException | None:
        """What its life has died of."""
        task = self._task
        return task.exception() if task and task.done() and not task.cancelled() else None

    async def wait_for(self, *states: str) -> str:
        if self.state in states:
            return self.state
        loop = asyncio.get_running_loop()
        arrived = asyncio.Task(self._watch.wait_for(*states), loop=loop, eager_start=True)
        try:
            await asyncio.wait([arrived, *filter(None, [self._task])], return_when=asyncio.FIRST_COMPLETED)
            if arrived.done():
                return arrived.result()
        finally:
            arrived.cancel()
        raise NotConnected(f"{self.identity} has ended and will not be {' or '.join(states)}")

    def _changed(self, old: str, event: str, new: str) -> None:
        self.trace.note(self.identity, "=", f"{old} → {new} ({event})")
        self._watch.changed(new)

    # -- one connection

    async def _dial(self, password: str | None) -> DialledSession:
        authorization = basic_auth(self.identity, password) if password else None
        note = partial(self.trace.note, self.identity)
        goodbye = min(self.ping_interval, 5.0)
        options: dict[str, Any] = {"compression": None, "ping_interval": None, "close_timeout": goodbye}
        pipe = await dial(self.url, authorization=authorization, note=note, **options)
        self.uplink = DialledSession(self, pipe)
        return self.uplink

    async def _boot(self, call: Any, **options: Any) -> Any:
        response = await self.my.boot(call, BOOT, retry_interval=self.retry_interval, **options)
        self.interval = float(response.interval or self.interval)
        return response

    def _statuses(self) -> list[m.Request[Any]]:
        return [
            m.StatusNotificationRequest(connector_id=number, error_code="NoError", status="Available")
            for number in range(self.connectors + 1)
        ]

    async def _beat(self, call: Any) -> None:
        assert self.uplink is not None
        heartbeat = self.uplink.heartbeat = self.my.Heartbeat(call, self.interval)
        await heartbeat.run()

    async def _look(self) -> None:
        assert self.uplink is not None
        await self.my.watch(
            self.uplink.ping, interval=self.ping_interval, timeout=min(self.ping_interval, PONG_TIMEOUT)
        )

    # -- calls

    async def call(self, request: m.Request[Any], *, timeout: float | None = None) -> Any:
        """A call on the connection of now; NotConnected without one."""
        if self.state != "online" or self.uplink is None:
            raise NotConnected(f"{request.action} was not sent: {self.identity} is {self.state}")
        return await self.uplink.call(request, timeout=timeout)

    async def submit(self, request: m.Request[Any], transaction: str | None = None) -> Any:
        return await self.life.submit(request, transaction)

    async def send(self, text: str) -> None:
        """A text as it is, below the session."""
        if self.uplink is None:
            raise NotConnected("there is no connection to send on")
        await self.uplink.transport.send(text)

    async def answer(self, call: Call) -> CallResult | CallError | None:
        """What the session asks for the answer to a call of the central system."""
        match self.my.may_serve(call.action, self.life.registration):
            case "silent":
                return None
            case "refuse":
                return CallResult(call.unique_id, {"status": "Rejected"})
        reply: CallResult | CallError | None = await self.router.answer(call)
        return reply

    def _make_router(self) -> Any:
        router = self.my.Router("ChargePoint")

        async def change(request: m.ChangeConfigurationRequest) -> m.ChangeConfigurationResponse:
            if request.key == "HeartbeatInterval":
                self.interval = float(request.value)
                if self.uplink and self.uplink.heartbeat:
                    self.uplink.heartbeat.interval = self.interval
            elif request.key == "AuthorizationKey":
                self.life.password = request.value
            else:
                return m.ChangeConfigurationResponse(status="NotSupported")
            return m.ChangeConfigurationResponse(status="Accepted")

        async def transfer(request: m.DataTransferRequest) -> m.DataTransferResponse:
            return m.DataTransferResponse(status="Accepted")

        router.on(m.ChangeConfigurationRequest)(change)
        router.on(m.DataTransferRequest)(transfer)
        return router

    # -- what a test may look at

    @property
    def session(self) -> Any:
        return self.uplink.session if self.uplink else None

    @property
    def pending(self) -> int:
        return len(self.uplink.pending) if self.uplink else 0

    @property
    def writes_in_flight(self) -> int:
        return self._probe("writes_in_flight")

    @property
    def max_writes_in_flight(self) -> int:
        return self._probe("max_writes_in_flight")

    @property
    def queue_depth(self) -> int:
        return self._probe("queue_depth")

    @property
    def max_queue_depth(self) -> int:
        return self._probe("max_queue_depth")

    def _probe(self, name: str) -> int:
        return getattr(self.uplink.transport, name) if self.uplink else 0
