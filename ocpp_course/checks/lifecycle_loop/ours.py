"""The package's pieces in the shapes of the exercise: `watch`, `online`, and a `ChargePoint` that only lives.

The package pings inside its WebSocket library, and its `ChargePoint` and `Uplink` do what `online` does and more. These
are the same ideas behind the signatures that the steps ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NoReturn

from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected
from ocpp_lab.messages import (
    TRANSACTION_ACTIONS,
    BootNotificationResponse,
    HeartbeatRequest,
    Request,
    StopTransactionRequest,
)
from ocpp_lab.outbox import Entry
from ocpp_lab.transaction_ids import NO_ID

Calling = Callable[[Any], Awaitable[Any]]


async def watch(ping: Callable[[], Awaitable[None]], *, interval: float, timeout: float = 5.0) -> NoReturn:
    """Ping every ``interval`` s; no pong within ``timeout`` s is a lost connection. Interval 0: off."""
    if interval <= 0:
        await asyncio.get_running_loop().create_future()
    while True:
        await asyncio.sleep(interval)
        try:
            async with asyncio.timeout(timeout):
                await ping()
        except TimeoutError:
            raise ConnectionLost(f"no pong within {timeout:g} s") from None


async def online(
    session: Any,
    *,
    registration: str | None,
    boot: Callable[..., Awaitable[BootNotificationResponse]],
    statuses: Callable[[], list[Request[Any]]],
    heartbeat: Callable[[Calling], Awaitable[object]],
    drain: Callable[[Calling], Awaitable[object]],
    watch: Callable[[], Awaitable[object]],
    proved: Callable[[], None],
    on_registration: Callable[[BootNotificationResponse], None],
) -> None:
    """One connection's life; ends with `ConnectionLost`."""
    unproved = [proved]

    def proof() -> None:
        if unproved:
            unproved.pop()()

    def answered(response: BootNotificationResponse) -> None:
        if response.status == "Accepted":
            proof()
        on_registration(response)

    async def call(request: Request[Any]) -> Any:
        response = await session.call(request)
        proof()
        return response

    async def read() -> NoReturn:
        await session.run()
        raise ConnectionLost

    async def live() -> None:
        if registration != "Accepted":
            await boot(session.call, on_answer=answered)
        for request in statuses():
            with suppress(CallFailed, CallTimeout, MalformedReply):
                await call(request)
        for work in (heartbeat(call), drain(call)):
            group.create_task(_run(work), name="online")

    lost: ConnectionLost | None = None
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(read(), name="reader")
            group.create_task(_run(watch()), name="watch")
            group.create_task(live(), name="online")
    except* (ConnectionLost, NotConnected) as errors:
        first = errors.exceptions[0]
        lost = first if isinstance(first, ConnectionLost) else ConnectionLost(str(first))
    raise lost or ConnectionLost()


async def _run(work: Awaitable[object]) -> None:
    await work


class ChargePoint:
    """A charge point's whole life, made of the pieces that it is given."""

    def __init__(
        self,
        dial: Callable[[str | None], Awaitable[Any]],
        *,
        keep_connected: Callable[..., Awaitable[object]],
        online: Callable[..., Awaitable[None]],
        machine: Any,
        outbox: Any,
        ids: Any,
        now: Callable[[], datetime],
        password: str | None = None,
        found: Mapping[str, int] | None = None,
    ) -> None:
        self.password = password
        self.registration: str | None = None
        self.machine, self.outbox, self.ids, self.now = machine, outbox, ids, now
        self._dial_line, self._keep_connected, self._online = dial, keep_connected, online
        self._found = dict(found or {})
        self._session: Any = None
        self._life: asyncio.Future[object] | None = None
        self._stopping = False
        self._unsent = asyncio.Event()

    @property
    def state(self) -> str:
        return str(self.machine.state)

    async def run(self) -> None:
        """Live until `stop`. Raises what is a bug."""
        if self._stopping:
            return
        self._close_found()
        self.machine.fire("connect")
        self._life = asyncio.ensure_future(self._keep_connected(self._dial, self._serve))
        try:
            await self._life
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            if self.state != "stopped":
                self.machine.fire("stop")

    async def stop(self) -> None:
        """End, at once."""
        self._stopping = True
        if self._life and not self._life.done():
            self._life.cancel()
            await asyncio.wait([self._life])
        if self.state != "stopped":
            self.machine.fire("stop")

    async def submit(self, request: Request[Any], transaction: str | None = None) -> Any:
        """A transaction message is kept; any other is called, or refused."""
        if request.action in TRANSACTION_ACTIONS:
            key = self.outbox.put(request, transaction)
            self._unsent.set()
            return key
        if self.state != "online" or self._session is None:
            raise NotConnected(f"{request.action} was not sent: the charge point is {self.state}")
        return await self._session.call(request)

    def _close_found(self) -> None:
        stopped = {each.transaction for each in self.outbox.entries() if each.request.action == "StopTransaction"}
        for name, meter in self._found.items():
            if name not in stopped:
                stop = StopTransactionRequest(
                    transaction_id=NO_ID, meter_stop=meter, timestamp=self.now(), reason="PowerLoss"
                )
                self.outbox.put(stop, name)

    async def _dial(self) -> Any:
        if self.state == "waiting":
            self.machine.fire("wait_over")
        try:
            return await self._dial_line(self.password)
        except (OSError, ConnectionLost, NotConnected):
            self.machine.fire("lost")
            raise

    async def _serve(self, session: Any, proved: Callable[[], None]) -> None:
        self.machine.fire("resumed" if self.registration == "Accepted" else "opened")
        self._session = session
        try:
            await self._online(
                session,
                registration=self.registration,
                drain=self._drain,
                proved=proved,
                on_registration=self._registered,
            )
        except ConnectionLost:
            self.machine.fire("lost")
            raise
        finally:
            self._session = None

    def _registered(self, response: BootNotificationResponse) -> None:
        self.registration = response.status
        if self.state in ("pending", "rejected"):
            self.machine.fire("interval_over")
        self.machine.fire(response.status.lower())

    async def _drain(self, call: Calling) -> NoReturn:
        async def probe() -> bool:
            try:
                await call(HeartbeatRequest())
            except CallTimeout:
                return False
            except (CallFailed, MalformedReply):
                pass
            return True

        self._unsent.set()
        while True:
            await self._unsent.wait()
            self._unsent.clear()
            try:
                await self.outbox.drain(
                    call, probe, attempts=3, retry_interval=60.0,
                    prepare=self.ids.prepare, on_result=self._answered, on_drop=self._given_up,
                )  # fmt: skip
            except CallTimeout as error:
                raise ConnectionLost("not even a Heartbeat is answered") from error
            except CallFailed as error:  # SecurityError: perhaps it has forgotten us; we choose to boot
                self.registration = None
                raise ConnectionLost(str(error)) from error

    def _answered(self, entry: Entry, response: Any) -> None:
        if entry.request.action == "StartTransaction" and entry.transaction:
            self.ids.learn(entry.transaction, response.transaction_id)

    def _given_up(self, entry: Entry) -> None:
        if entry.request.action == "StartTransaction" and entry.transaction:
            self.ids.give_up(entry.transaction)
