"""`Line`: one connection of a charge point, from the handshake to the loss.

Everything that needs the connection is a child of one TaskGroup: the reader, the boot, the heartbeat, what was
triggered, the outbox. One dies, all die, and `live` raises the plain `ConnectionLost`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotAccepted, NotConnected, OcppError
from ..heartbeat import Heartbeat
from ..messages import BootNotificationResponse, HeartbeatRequest, Request
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
        self.lane = asyncio.Lock()
        """Held by whoever has a call on the wire; but for the boot, for which all others have to wait anyway."""
        self.over = False
        """We gave it up: nothing is sent any more, not even by those who do not know yet."""
        self._closing: asyncio.Task[None] | None = None
        self._reading = asyncio.Event()
        self._boot_now = asyncio.Event()
        self._forgotten = asyncio.Event()
        self._delivering = asyncio.Lock()  # held while a message of the outbox is on the wire

    @property
    def dead(self) -> bool:
        """No call can go out on it any more, although the state may not say so yet."""
        return self.over or (isinstance(self.transport, Transport) and self.transport.closed)

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
        quietly = self._quietly(work, what)
        try:
            task = self._group.create_task(quietly, name=f"{self.charge_point.identity} {what}")
        except RuntimeError:  # the line is ending in this instant, and with it what would have been done
            quietly.close()
            work.close()
            return
        task.add_done_callback(lambda ended: work.close())  # cancelled before it began, it would complain

    async def close(self, code: int, why: str) -> None:
        """Say goodbye; the charge point dials again. The line's end cancels whoever said so, but not the closing."""
        if self._closing is None:
            work = self.transport.close(code, why)
            self._closing = asyncio.create_task(work, name=f"{self.charge_point.identity} closing")
        await asyncio.shield(self._closing)

    async def shut(self) -> None:
        """After `live`: leave nothing of the transport behind; its writer may be a task of its own."""
        if self._closing:
            await asyncio.wait([self._closing])
        await self.transport.close()

    def boot_now(self) -> None:
        """Do not wait out the interval before the next BootNotification."""
        self._boot_now.set()

    def forget(self) -> None:
        """The central system does not know us any more: boot again, on this connection."""
        self._forgotten.set()

    async def _read(self) -> None:
        self._reading.set()  # whoever waits for it goes on after `run` has started the transport
        await self.session.run()
        async with self._delivering:
            pass  # an answer that came with the last breath counts: its message is struck out before all is cancelled
        lost = self.transport.lost if isinstance(self.transport, Transport) else None
        raise lost or ConnectionLost()

    async def _be_online(self) -> None:
        await self._reading.wait()
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
        """Statuses, heartbeats and the outbox, until the central system says that it does not know us."""
        charge_point = self.charge_point
        interval = charge_point.configuration.seconds("HeartbeatInterval")
        self.heartbeat = charge_point.make_heartbeat(charge_point.call, interval)
        works = {"heartbeat": self.heartbeat.run, "statuses": charge_point.statuses.run, "outbox": self._drain}
        tasks = [
            asyncio.create_task(self._while_accepted(work), name=f"{charge_point.identity} {what}")
            for what, work in works.items()
        ]
        forgotten = asyncio.create_task(self._forgotten.wait(), name=f"{charge_point.identity} forgotten")
        try:
            done, _ = await asyncio.wait([forgotten, *tasks], return_when=asyncio.FIRST_COMPLETED)
            # An answer may be on the way: to send that message again would be a second copy for no reason. Nor may
            # anything else be left alone on the wire, for the boot comes next (J-spec 4.1.1).
            async with self._delivering, self.lane:
                await _end(tasks)
            for task in done:
                task.result()  # the line is lost, or there is a bug
        finally:
            await _end([forgotten, *tasks])

    async def _while_accepted(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        with suppress(NotAccepted):
            await work()
            return
        await self._forgotten.wait()

    async def _drain(self) -> None:
        """Keep the outbox empty. Silence of a dead line ends the line and costs no attempt."""
        charge_point = self.charge_point
        while True:
            await charge_point.unsent.wait()
            try:
                await charge_point.outbox.drain(
                    self._deliver,
                    self._is_alive,
                    attempts=charge_point.configuration.number("TransactionMessageAttempts"),
                    retry_interval=charge_point.configuration.seconds("TransactionMessageRetryInterval"),
                    prepare=charge_point.ids.prepare,
                    on_result=charge_point.charging.answered,
                    on_drop=charge_point.charging.given_up,
                )
            except CallTimeout:
                self.over = True
                raise ConnectionLost("the central system answers nothing, not even a Heartbeat") from None
            except CallFailed as refused:  # SecurityError: `call` has seen it, and we shall boot again
                raise NotAccepted(str(refused)) from None
            if not len(charge_point.outbox):
                charge_point.unsent.clear()

    async def _deliver(self, request: Request[Any]) -> Any:
        async with self._delivering:
            return await self.charge_point.call(request)

    async def _is_alive(self) -> bool:
        """Ask a peer that left a message unanswered: only silence to this too means a dead line.

        NotAccepted leaves: we are about to boot again, nobody was asked, and nothing is consumed.
        """
        try:
            await self.charge_point.call(HeartbeatRequest())
        except CallTimeout:
            return False
        except (CallFailed, MalformedReply):
            pass
        return True

    async def _quietly(self, work: Coroutine[Any, Any, object], what: str) -> None:
        try:
            await work
        except OcppError as error:
            self.charge_point.note("!", f"{what}: {error}")


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
