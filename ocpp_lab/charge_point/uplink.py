"""`Uplink`: one connection of a charge point, from the handshake to the loss.

Everything that needs the connection is a child of one TaskGroup: the reader, the boot, the heartbeat, what was
triggered, the outbox. One dies, all die, and `live` raises the plain `ConnectionLost`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from ..connection import ConnectionEvent, ConnectionState
from ..errors import ConnectionLost, NotAccepted, NotConnected, OcppError, StoreFailed
from ..messages import BootNotificationRequest, BootNotificationResponse, RegistrationStatus
from ..session import Carrying
from .amnesia import Amnesia
from .boot_interval import BootInterval
from .errands import Errands, Work
from .gate import Beats, Speaks
from .registration import boot

PARTING = 1.0
"""Seconds that a goodbye waits for the answer to a transaction message that is under way."""

Asks = Callable[..., Coroutine[Any, Any, Any]]


class States(Protocol):
    """What says where the connection is, and whether that may happen: a `Machine` over `CONNECTION`."""

    state: ConnectionState

    def fire(self, event: ConnectionEvent) -> ConnectionState: ...


class Speaking(Speaks, Protocol):
    """What talks over one connection: a `Session`. It counts itself in the `Tally` that it is given."""

    @property
    def ended_at(self) -> float | None:
        """Loop time (s) at which the last was read and every pending call was told; None before."""

    async def run(self) -> None:
        """Until the connection has ended; then every pending call has its end."""


class Beating(Beats, Protocol):
    """A heartbeat that can be run."""

    clock_offset: float | None
    """Seconds: the central system's clock minus ours; None if it is not known."""

    async def run(self) -> None: ...


@dataclass(frozen=True)
class Duties:
    """What there is to do on every connection.

    ``registration()`` is what the newest boot got; ``boot`` is what the charge point says of itself,
    ``boot_interval`` how long it may not, ``retry_interval`` (s) how long a boot waits when nobody says, and ``booted``
    is told of every answer to it.
    ``amnesia`` says how long a boot waits that a SecurityError brings about.
    ``listening`` makes of a call one that hears the central system's time in the answers. ``wait_for(state)`` is over
    when that state comes.
    ``heartbeat`` makes one for this connection, ``works`` are what runs beside it while the boot is accepted,
    ``delivering`` is held while a message is on the wire, ``note`` is told of trouble, ``failed`` of our own failures.
    """

    identity: str
    registration: Callable[[], RegistrationStatus | None]
    boot: BootNotificationRequest
    boot_interval: BootInterval
    retry_interval: float
    booted: Callable[[BootNotificationResponse], None]
    amnesia: Amnesia
    listening: Callable[[Asks], Asks]
    wait_for: Callable[[ConnectionState], Coroutine[Any, Any, ConnectionState]]
    heartbeat: Callable[[], Beating]
    works: Mapping[str, Work]
    delivering: asyncio.Lock
    note: Callable[[str, str], None]
    failed: Callable[[str, BaseException], None]


class Uplink:
    """What lives on one connection. ``proved()`` is called once the connection showed that it is good."""

    def __init__(
        self, session: Speaking, transport: Carrying, machine: States, proved: Callable[[], None], duties: Duties
    ) -> None:
        self.session = session
        self.call = duties.listening(session.call)
        """The session's; everything that this end asks goes through it."""
        self.transport = transport
        self.machine = machine
        self.proved = proved
        self.duties = duties
        self.heartbeat: Beating | None = None
        """None until the boot is accepted."""
        self.lane = asyncio.Lock()
        """Held by whoever has a call on the wire; but for the boot, for which all others have to wait anyway."""
        self.booting = asyncio.Lock()
        """Held by the boot until its answer counts. What is triggered right behind that answer waits here."""
        self._group = asyncio.TaskGroup()  # the parent of all that needs this connection
        self._closing: asyncio.Task[None] | None = None  # begun by the first `close`; never cancelled
        self._reading = asyncio.Event()  # set once the reader runs
        self._errands = Errands(lambda work: self.spawn(work, "errands"), self._quietly)
        self._boot_now = asyncio.Event()  # set by `boot_now`, cleared when a boot is sent

    async def live(self) -> None:
        """Read, boot unless accepted before, beat. Ends with `ConnectionLost`; anything else is a bug."""
        lost: ConnectionLost | None = None
        try:
            async with self._group as group:
                group.create_task(self._read(), name=f"{self.duties.identity} reader")
                group.create_task(self._be_online(), name=f"{self.duties.identity} online")
        except* (ConnectionLost, NotConnected) as errors:
            first = errors.exceptions[0]
            lost = first if isinstance(first, ConnectionLost) else ConnectionLost(str(first))
        raise lost or ConnectionLost()

    def spawn(self, work: Coroutine[Any, Any, object], what: str) -> None:
        """Do something beside the reader, once the running handler has answered. An `OcppError` of it ends nothing.

        Once this end closes, nothing is begun any more: a peer may ask for a reset as often as it likes.
        """
        if self._closing:
            work.close()
            return
        quietly = self._quietly(work, what)
        try:
            task = self._group.create_task(quietly, name=f"{self.duties.identity} {what}")
        except RuntimeError:  # the connection is ending in this instant, and with it what would have been done
            quietly.close()
            work.close()
            return
        task.add_done_callback(lambda ended: work.close())  # cancelled before it began, it would complain

    def once(self, what: str, work: Work) -> bool:
        """The same, one after the other, and not if it still waits to be begun: then False."""
        return self._errands.add(what, work)

    async def close(self, code: int, why: str) -> None:
        """Say goodbye; the charge point dials again. The end of the connection cancels whoever said so, but not the
        closing."""
        if self._closing is None:
            self.give_up()
            self._closing = asyncio.create_task(self._part(code, why), name=f"{self.duties.identity} closing")
        await asyncio.shield(self._closing)

    async def _part(self, code: int, why: str) -> None:
        """An answer may be on the way: to send that message again would be a second copy for no reason."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING), self.duties.delivering:
                pass
        await self.transport.close(code, why)

    async def shut(self) -> None:
        """After `live`: leave nothing of the transport behind; its writer may be a task of its own."""
        if self._closing:
            await asyncio.wait([self._closing])
        await self.transport.close()

    def give_up(self) -> None:
        """From now on nothing is sent on this connection, not even by those who do not know yet."""
        if self.machine.state in ("booting", "pending", "rejected", "online", "forgotten"):
            self.machine.fire("closed")

    def boot_now(self) -> None:
        """Do not wait out the interval before the next BootNotification."""
        self._boot_now.set()

    def forget(self) -> None:
        """The central system does not know us any more: say no more, and boot again, on this connection."""
        self.machine.fire("forgotten")

    async def _read(self) -> None:
        self._reading.set()  # whoever waits for it goes on after `run` has started the transport
        await self.session.run()
        self.give_up()
        async with self.duties.delivering:
            pass  # an answer that came with the last breath counts: its message is struck out before all is cancelled
        raise self.transport.lost or ConnectionLost()

    async def _be_online(self) -> None:
        await self._reading.wait()
        if self.duties.registration() == "Accepted":
            self.machine.fire("resumed")
        elif left := self.duties.amnesia.left:
            self.machine.fire("forgotten")
            await self._wait_to_boot(left)
            await self._boot()
        else:
            self.machine.fire("opened")
            await self._boot()
        while True:
            self._boot_now.clear()  # what was triggered before the boot was accepted has been done
            await self._until_forgotten()
            await self._wait_to_boot(self.duties.amnesia.begin())
            await self._boot()

    async def _boot(self) -> None:
        if left := self.duties.boot_interval.left:  # of an answer on an earlier connection (core 4.2)
            self.machine.fire("rejected" if self.duties.registration() == "Rejected" else "pending")
            await self._wait_to_boot(left)
        await boot(
            self._call_to_boot,
            self.duties.boot,
            retry_interval=self.duties.retry_interval,
            on_answer=self._boot_answered,
            wait=self._wait_to_boot,
        )

    async def _call_to_boot(self, request: BootNotificationRequest) -> BootNotificationResponse:
        self._boot_now.clear()  # now: a trigger that comes right behind the answer, or before it, wants another boot
        self.duties.boot_interval.end()
        self.duties.amnesia.end()
        async with self.booting:
            response: BootNotificationResponse = await self.call(request)
        return response

    def _boot_answered(self, response: BootNotificationResponse) -> None:
        if self.machine.state != "booting":
            raise ConnectionLost("the boot was answered after this end had given up the connection")
        if response.status == "Accepted":
            self.proved()
        self.duties.booted(response)

    async def _wait_to_boot(self, seconds: float) -> None:
        """Wait, or less if BootNotification is triggered meanwhile."""
        if self.machine.state in ("pending", "rejected"):
            self.duties.boot_interval.begin(seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._boot_now.wait()
        if self.machine.state in ("pending", "rejected", "forgotten"):
            self.machine.fire("interval_over")

    async def _until_forgotten(self) -> None:
        """Statuses, heartbeats and the outbox, until the central system says that it does not know us."""
        self.heartbeat = self.duties.heartbeat()
        works = {"heartbeat": self.heartbeat.run, **self.duties.works}
        tasks = [
            asyncio.create_task(self._while_accepted(work), name=f"{self.duties.identity} {what}")
            for what, work in works.items()
        ]
        forgotten = asyncio.create_task(self._forgotten(), name=f"{self.duties.identity} forgotten")
        try:
            await asyncio.wait([forgotten, *tasks], return_when=asyncio.FIRST_COMPLETED)
            # An answer may be on the way: to send that message again would be a second copy for no reason. Nor may
            # anything else be left alone on the wire, for the boot comes next (J-spec 4.1.1).
            async with self.duties.delivering, self.lane:
                await _end(tasks)
            if why := _worst(tasks):
                raise why
        finally:
            await _end([forgotten, *tasks])

    async def _while_accepted(self, work: Work) -> None:
        with suppress(NotAccepted):
            try:
                await work()
            except NotAccepted:
                raise
            except Exception:  # the connection is lost, or there is a bug: either way nobody is online
                self.give_up()
                raise
            return
        await self._forgotten()

    async def _forgotten(self) -> None:
        """Wait until the central system has forgotten us. Over at once if it has."""
        if self.machine.state != "forgotten":
            await self.duties.wait_for("forgotten")

    async def _quietly(self, work: Coroutine[Any, Any, object], what: str) -> None:
        try:
            await work
        except StoreFailed as error:
            self.duties.failed(what, error)
        except OcppError as error:
            self.duties.note("!", f"{what}: {error}")
        except Exception:
            self.give_up()
            raise


def _worst(tasks: list[asyncio.Task[Any]]) -> BaseException | None:
    """What the connection ended by: a bug, or else the loss; who meets the end that a bug made calls it a loss."""
    errors = [error for task in tasks if not task.cancelled() and (error := task.exception())]
    return min(errors, key=lambda error: isinstance(error, ConnectionLost | NotConnected), default=None)


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
