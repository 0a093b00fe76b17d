"""`Stage`: one connection with everything that lives on it, scripted; and what happened, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ocpp_lab.charge_point.registration import boot
from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, NotConnected, OcppError
from ocpp_lab.messages import (
    AuthorizeRequest,
    AuthorizeResponse,
    BootNotificationRequest,
    BootNotificationResponse,
    HeartbeatRequest,
    HeartbeatResponse,
    IdTagInfo,
    StartTransactionResponse,
    StatusNotificationRequest,
)

from ..kit import Kit

BOOT = BootNotificationRequest(charge_point_vendor="Lab", charge_point_model="One")
FIRST_ID = 4711
"""The transaction id in each answer to StartTransaction."""
SILENCE = 5.0
"""Seconds until a call without an answer ends."""
Calling = Callable[[Any], Awaitable[Any]]


class PlayedSession:
    """A session whose replies come only while somebody runs its reader. ``seconds`` is the latency of an answer."""

    def __init__(self, kit: Kit, *boots: str, refuses: type[OcppError] | None = None, seconds: float = 0.1) -> None:
        self.kit = kit
        self.boots = list(boots)
        self.refuses = refuses
        self.refused = "StatusNotification"
        self.seconds = seconds
        self.sent: list[tuple[float, str]] = []
        self.requests: list[Any] = []
        self.answered = 0
        self.readers = 0
        self.read = False
        """Somebody has begun to read."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.strangers: set[str] = set()
        """Holds something while the charge point is not accepted there any more: SecurityError (J-errata 3.8)."""
        self.deaf: set[str] = set()
        self.grumpy: set[str] = set()
        self.muddled: set[str] = set()
        """The actions whose answer nobody can read."""
        self.tag: Any = "Accepted"
        """What the answer to StartTransaction says of the tag."""
        self._reads = asyncio.Event()

    async def run(self) -> None:
        """The reader: returns when the connection ends."""
        self.readers += 1
        self.read = True
        self._reads.set()
        try:
            await asyncio.shield(self.over)
        finally:
            self.readers -= 1

    async def call(self, request: Any, **options: Any) -> Any:
        if self.over.done():
            raise NotConnected("the connection is over")
        self.sent.append((self.kit.time, request.action))
        self.requests.append(request)
        await self._wait_or_lose(self._reads.wait())
        await self._wait_or_lose(asyncio.sleep(self.seconds))
        if self.refuses is not None and request.action == self.refused:
            raise self.refuses("no")
        if request.action in self.deaf:
            await self._wait_or_lose(asyncio.sleep(SILENCE))
            raise CallTimeout
        if request.action in self.grumpy:
            raise CallFailed("InternalError", "no")
        if request.action in self.muddled:
            raise MalformedReply("no such answer")
        if self.strangers and request.action != "BootNotification":
            raise CallFailed("SecurityError", "boot first")
        self.strangers.clear()
        self.answered += 1
        return self._answer(request)

    async def _wait_or_lose(self, waiting: Awaitable[Any]) -> None:
        """A call whose connection ends meanwhile is lost."""
        wait = asyncio.ensure_future(waiting)
        try:
            await asyncio.wait([wait, self.over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            wait.cancel()
        if self.over.done():
            raise ConnectionLost

    def _answer(self, request: Any) -> Any:
        match request.action:
            case "BootNotification":
                status: Any = self.boots.pop(0) if self.boots else "Accepted"
                return BootNotificationResponse(status=status, interval=20, current_time=self.kit.now())
            case "Heartbeat":
                return HeartbeatResponse(current_time=self.kit.now())
            case "Authorize":
                return AuthorizeResponse(id_tag_info=IdTagInfo(status="Accepted"))
            case "StartTransaction":
                return StartTransactionResponse(transaction_id=FIRST_ID, id_tag_info=IdTagInfo(status=self.tag))
        return request.response_type()

    def cut(self) -> None:
        if not self.over.done():
            self.over.set_result(None)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = True
        self.cut()

    def actions(self) -> list[str]:
        return [action for _, action in self.sent]

    def times(self, action: str) -> list[float]:
        return [at for at, each in self.sent if each == action]


class Stage:
    """A session, its parts, and `online` on them. A part ends when ``fails[part]`` is set to an error."""

    def __init__(self, my: Any, kit: Kit, session: PlayedSession, registration: str | None = None) -> None:
        self.my = my
        self.kit = kit
        self.session = session
        self.registration = registration
        self.begun = kit.time
        self.alive: list[str] = []
        self.proofs: list[float] = []
        self.proved_before: int | None = None
        self.told: list[Any] = []
        self.statuses = [status(1), status(2)]
        self.asked: list[float] = []
        """When the statuses were asked for."""
        self.beats: list[Any] = []
        """What the heartbeat got for its calls."""
        self.began: dict[str, float] = {}
        """When each part began."""
        self.drains = False
        """The drain has something to send."""
        loop = asyncio.get_running_loop()
        self.fails: dict[str, asyncio.Future[None]] = {
            part: loop.create_future() for part in ("heartbeat", "drain", "watch")
        }
        self.task: asyncio.Future[Any] = asyncio.ensure_future(self._online())

    async def _online(self) -> None:
        await self.my.online(
            self.session,
            registration=self.registration,
            boot=self._boot,
            statuses=self._statuses,
            heartbeat=self._heartbeat,
            drain=self._drain,
            watch=self._watch,
            proved=self._proved,
            on_registration=self.told.append,
        )

    def _statuses(self) -> list[StatusNotificationRequest]:
        self.asked.append(self.kit.time)
        return self.statuses

    async def _boot(self, call: Calling, **options: Any) -> BootNotificationResponse:
        return await boot(call, BOOT, **options)

    async def _heartbeat(self, call: Calling) -> None:
        """Beats every 10 s."""
        with Alive(self, "heartbeat"):
            while not await self._fails("heartbeat", 10.0):
                self.beats.append(await call(HeartbeatRequest()))

    async def _drain(self, call: Calling) -> None:
        """The outbox waits for its next attempt, as it does for minutes."""
        with Alive(self, "drain"):
            if self.drains:
                await call(AuthorizeRequest(id_tag="TAG_A"))
            while not await self._fails("drain", 60.0):
                pass

    async def _watch(self) -> None:
        with Alive(self, "watch"):
            while not await self._fails("watch", 3600.0):
                pass

    async def _fails(self, part: str, seconds: float) -> bool:
        """Wait so long, or raise this part's error."""
        done, _ = await asyncio.wait([self.fails[part]], timeout=seconds)
        for each in done:
            self.fails[part] = asyncio.get_running_loop().create_future()  # who begins it again may wait for ever
            each.result()
        return False

    def _proved(self) -> None:
        self.proofs.append(self.kit.time)
        if self.proved_before is None:
            self.proved_before = self.session.answered

    async def until(self, seconds: float) -> None:
        """So many seconds after the beginning. Raises if it ended before, with anything but a lost connection."""
        left = self.begun + seconds - asyncio.get_running_loop().time()
        await asyncio.wait([self.task], timeout=left)
        if self.task.done() and (bug := slip(self.task)) is not None:
            raise bug

    async def end(self) -> None:
        """Cut the connection, and take away what is left, whatever became of it."""
        self.session.cut()
        await asyncio.wait([self.task], timeout=100)
        self.task.cancel()
        await asyncio.wait([self.task], timeout=100)
        if not self.task.cancelled():
            self.task.exception()  # heard
        for fails in self.fails.values():
            fails.cancel()


def slip(task: asyncio.Future[Any]) -> BaseException | None:
    """What ended it and is no lost connection: in a group the first, for its own line says more than the group."""
    error = None if task.cancelled() else task.exception()
    while isinstance(error, BaseExceptionGroup):
        _, other = error.split((ConnectionLost, NotConnected))
        if other is None:
            return None
        error = other.exceptions[0]
    return None if isinstance(error, ConnectionLost | NotConnected) else error


class Alive:
    """Notes that a part lives, as long as it does."""

    def __init__(self, stage: Stage, part: str) -> None:
        self.stage = stage
        self.part = part

    def __enter__(self) -> None:
        self.stage.alive.append(self.part)
        self.stage.began[self.part] = self.stage.kit.time

    def __exit__(self, *error: object) -> None:
        self.stage.alive.remove(self.part)


def status(connector: int) -> StatusNotificationRequest:
    return StatusNotificationRequest(connector_id=connector, error_code="NoError", status="Available")


REFUSALS = (CallFailed, CallTimeout, MalformedReply)
