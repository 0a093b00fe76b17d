"""`Line`: one connection of a charge point, from the handshake to the loss.

Everything that needs the connection is a child of one TaskGroup: the reader, the boot, the heartbeat, what was
triggered. One dies, all die, and `live` raises the plain `ConnectionLost`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ConnectionLost, NotAccepted, NotConnected, OcppError
from ..heartbeat import Heartbeat
from ..messages import BootNotificationResponse
from ..session import Session
from ..transport import Transport
from .registration import boot

if TYPE_CHECKING:
    from .charge_point import ChargePoint


class Line:
    """What lives on one connection. ``proved()`` is called once the connection showed that it is good."""

    def __init__(
        self, charge_point: ChargePoint, session: Session, transport: Transport, proved: Callable[[], None]
    ) -> None:
        self.charge_point = charge_point
        self.session = session
        self.transport = transport
        self.proved = proved
        self.heartbeat: Heartbeat | None = None
        """None until the boot is accepted."""
        self._group = asyncio.TaskGroup()
        self._boot_now = asyncio.Event()
        self._forgotten = asyncio.Event()

    async def live(self) -> None:
        """Read, boot unless accepted before, beat. Ends with `ConnectionLost`; anything else is a bug."""
        lost: ConnectionLost | None = None
        try:
            async with self._group as group:
                group.create_task(self._read(), name=f"{self.charge_point.identity} reader")
                group.create_task(self._be_online(), name=f"{self.charge_point.identity} online")
        except* (ConnectionLost, NotConnected) as errors:
            first = errors.exceptions[0]
            lost = first if isinstance(first, ConnectionLost) else ConnectionLost(str(first))
        raise lost or ConnectionLost()

    def spawn(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Do something beside the reader, once the running handler has answered. An `OcppError` of it is only noted."""
        self._group.create_task(self._quietly(work, what), name=f"{self.charge_point.identity} {what}")

    async def close(self, code: int, why: str) -> None:
        """Say goodbye; the charge point dials again."""
        await self.transport.close(code, why)

    def boot_now(self) -> None:
        """Do not wait out the interval before the next BootNotification."""
        self._boot_now.set()

    def forget(self) -> None:
        """The central system does not know us any more: boot again, on this connection."""
        self._forgotten.set()

    async def _read(self) -> None:
        await self.session.run()
        raise getattr(self.transport, "lost", None) or ConnectionLost()

    async def _be_online(self) -> None:
        machine = self.charge_point.machine
        if self.charge_point.registration == "Accepted":
            machine.fire("resumed")  # accepted before and unchanged: no BootNotification (J-spec 5.4)
        else:
            machine.fire("opened")
            await self._boot()
        while True:
            await self._until_forgotten()
            machine.fire("forgotten")
            await self._boot()

    async def _boot(self) -> None:
        self._forgotten.clear()
        await boot(
            self.session.call,
            self.charge_point.boot_request,
            retry_interval=self.charge_point.retry_interval,
            on_answer=self._boot_answered,
            wait=self._wait_to_boot,
        )

    def _boot_answered(self, response: BootNotificationResponse) -> None:
        if response.status == "Accepted":
            self.proved()
        self.charge_point.registered(response)

    async def _wait_to_boot(self, seconds: float) -> None:
        """Wait, or less if BootNotification is triggered meanwhile."""
        self._boot_now.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._boot_now.wait()
        if self.charge_point.state in ("pending", "rejected"):
            self.charge_point.machine.fire("interval_over")

    async def _until_forgotten(self) -> None:
        """Statuses and heartbeats, until the central system says that it does not know us."""
        charge_point = self.charge_point
        self.heartbeat = charge_point.make_heartbeat(
            charge_point.call, charge_point.configuration.seconds("HeartbeatInterval")
        )
        beating = asyncio.create_task(self.heartbeat.run(), name=f"{charge_point.identity} heartbeat")
        forgotten = asyncio.create_task(self._forgotten.wait(), name=f"{charge_point.identity} forgotten")
        try:
            await charge_point.report_changes()
            await asyncio.wait([beating, forgotten], return_when=asyncio.FIRST_COMPLETED)
            if beating.done():
                with suppress(NotAccepted):  # forgotten, and due at the same instant
                    beating.result()  # the line is lost, or the heartbeat has a bug
        finally:
            for task in (beating, forgotten):
                task.cancel()
            await asyncio.gather(beating, forgotten, return_exceptions=True)

    async def _quietly(self, work: Coroutine[Any, Any, object], what: str) -> None:
        try:
            await work
        except OcppError as error:
            self.charge_point.note("!", f"{what}: {error}")
