"""The broken stacks of steps 1.5 and 1.6: each differs from the package's own in one observable, and in no name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from ocpp_lab.errors import CallTimeout, ConnectionLost, NotConnected
from ocpp_lab.frames import CallError
from ocpp_lab.heartbeat import Heartbeat
from ocpp_lab.messages import HeartbeatRequest
from ocpp_lab.pending import Pending
from ocpp_lab.session import Session
from ocpp_lab.transport import Transport

from .stacks import Probed, Reply, Stack, disguised

# -- boot and heartbeat


class _NoBoot(Session):
    async def call(self, request: Any, *, timeout: float | None = None) -> Any:
        if request.action == "BootNotification":
            await asyncio.Event().wait()
        return await super().call(request, timeout=timeout)


class _BeatsFirst(Session):
    async def call(self, request: Any, *, timeout: float | None = None) -> Any:
        if request.action == "BootNotification":
            await super().call(HeartbeatRequest())
        return await super().call(request, timeout=timeout)


class _BootsTwice(Probed):
    _again = True

    def _booted(self, response: Any) -> None:
        super()._booted(response)
        if self._again and self.uplink:
            self._again = False
            self.uplink.spawn(self.uplink.session.call(self.boot), "status")


def _other(interval: float) -> float:
    return 90.0 if interval == 60 else 60.0


class _BeatsOnce(Heartbeat):
    """The first beat is in time."""

    async def beat(self) -> Any:
        response = await super().beat()
        self.interval = _other(self.interval) if not getattr(self, "_lazy", False) else self.interval
        self._lazy = True
        return response


def _session(kind: type[Session]) -> dict[str, Any]:
    return {"session": partial(disguised(kind, Session), identity="CP_1")}


def no_boot() -> Stack:
    return Stack(pieces=_session(_NoBoot))


def boot_twice() -> Stack:
    return Stack(charge_point=_BootsTwice)


def heartbeat_before_accepted() -> Stack:
    return Stack(pieces=_session(_BeatsFirst), require_boot=False)


def interval_ignored() -> Stack:
    return Stack(pieces={"heartbeat": lambda call, interval, **_: Heartbeat(call, _other(interval))})


def interval_too_short() -> Stack:
    return Stack(pieces={"heartbeat": lambda call, interval, **_: Heartbeat(call, interval / 4)})


def interval_kept_once() -> Stack:
    return Stack(pieces={"heartbeat": lambda call, interval, **_: disguised(_BeatsOnce, Heartbeat)(call, interval)})


# -- timeouts


class _Patient(Pending):
    async def expect(self, future: asyncio.Future[Any], timeout: float) -> Any:
        return await future


class _Leaking(Pending):
    async def expect(self, future: asyncio.Future[Any], timeout: float) -> Any:
        done, _ = await asyncio.wait([future], timeout=timeout)
        if not done:
            raise CallTimeout
        return future.result()

    def drop(self, future: asyncio.Future[Any]) -> None:
        pass


def _internal() -> bool:
    """Whether the charge point itself calls, and not a test."""
    task = asyncio.current_task()
    return task is not None and task.get_name().startswith("CP_1 ")


class _AsResult(Probed):
    async def call(self, request: Any, **options: Any) -> Any:
        try:
            return await super().call(request, **options)
        except CallTimeout:
            if _internal():
                raise
            return None


class _AsLost(Probed):
    async def call(self, request: Any, **options: Any) -> Any:
        try:
            return await super().call(request, **options)
        except CallTimeout:
            if _internal():
                raise
            raise ConnectionLost("no answer came") from None


class _Leaks(Probed):
    """What it believes to be still on the wire keeps the connection busy for ever."""

    _busy = False

    async def call(self, request: Any, **options: Any) -> Any:
        if self._busy:
            await asyncio.Event().wait()
        try:
            return await super().call(request, **options)
        except CallTimeout:
            self._busy = True
            raise


class _Hasty(Probed):
    async def call(self, request: Any, *, timeout: float | None = None, triggered: bool = False) -> Any:
        patience = self.patience if timeout is None else timeout
        return await super().call(request, timeout=patience / 4, triggered=triggered)


class _Tardy(Probed):
    async def call(self, request: Any, *, timeout: float | None = None, triggered: bool = False) -> Any:
        patience = self.patience if timeout is None else timeout
        return await super().call(request, timeout=max(10 * patience, 60.0), triggered=triggered)


def timeout_never() -> Stack:
    return Stack(pieces={"pending": disguised(_Patient, Pending)})


def timeout_as_result() -> Stack:
    return Stack(charge_point=_AsResult)


def timeout_as_lost() -> Stack:
    return Stack(charge_point=_AsLost)


def timeout_early() -> Stack:
    return Stack(charge_point=_Hasty)


def timeout_late() -> Stack:
    return Stack(charge_point=_Tardy)


def timeout_leaks_pending() -> Stack:
    return Stack(charge_point=_Leaks, pieces={"pending": disguised(_Leaking, Pending)})


# -- answers to an unknown action


def _unknown(reply: Reply) -> bool:
    return isinstance(reply, CallError) and reply.code == "NotImplemented"


def wrong_code() -> Stack:
    def spoil(reply: Reply) -> Reply:
        known = not isinstance(reply, CallError) or not _unknown(reply)
        return reply if known else CallError(reply.unique_id, "NotSupported", reply.description)  # type: ignore[union-attr]

    return Stack(spoil=lambda: spoil)


def wrong_id() -> Stack:
    def spoil(reply: Reply) -> Reply:
        if isinstance(reply, CallError) and _unknown(reply):
            return CallError(f"x{reply.unique_id}"[:36], reply.code, reply.description)
        return reply

    return Stack(spoil=lambda: spoil)


def dead_after_error() -> Stack:
    def line() -> Callable[[Reply], Reply]:
        dead = False

        def spoil(reply: Reply) -> Reply:
            nonlocal dead
            was, dead = dead, dead or _unknown(reply)
            return None if was else reply

        return spoil

    return Stack(spoil=line)


def sulks_after_error() -> Stack:
    """After the error it serves nobody."""

    def line() -> Callable[[Reply], Reply]:
        sulks = False

        def spoil(reply: Reply) -> Reply:
            nonlocal sulks
            was, sulks = sulks, sulks or _unknown(reply)
            return CallError(reply.unique_id, "InternalError") if was and reply else reply

        return spoil

    return Stack(spoil=line)


# -- floods


class _Parallel(Transport):
    """Writes each text in a task of its own."""

    def __init__(self, pipe: Any, **options: Any) -> None:
        super().__init__(pipe, **options)
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, text: str) -> None:
        if self.closed:
            raise ConnectionLost
        task = asyncio.create_task(self._one(text), name="CP_1 writer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, text: str) -> None:
        self.writes_in_flight += 1
        self.max_writes_in_flight = max(self.max_writes_in_flight, self.writes_in_flight)
        try:
            await asyncio.sleep(0)
            await self.pipe.send(text)
        except ConnectionLost:
            pass
        finally:
            self.writes_in_flight -= 1


class _InPairs(_Parallel):
    """Writes two texts at a time."""

    def __init__(self, pipe: Any, **options: Any) -> None:
        super().__init__(pipe, **options)
        self._two = asyncio.Semaphore(2)

    async def _one(self, text: str) -> None:
        async with self._two:
            await super()._one(text)


class _Loses(Transport):
    """One text of many never leaves."""

    lost_number = 500
    _handed = 0

    async def send(self, text: str) -> None:
        self._handed += 1
        if self._handed != self.lost_number:
            await super().send(text)


def parallel_writes() -> Stack:
    return Stack(pieces={"transport": disguised(_Parallel, Transport)})


def two_writers() -> Stack:
    return Stack(pieces={"transport": disguised(_InPairs, Transport)})


def lost_frame(number: int) -> Stack:
    kind = disguised(type("Loses", (_Loses,), {"lost_number": number}), Transport)
    return Stack(pieces={"transport": kind})


# -- what becomes of pending calls when the connection is cut


class _Forgets(Probed):
    async def call(self, request: Any, *, timeout: float | None = None, triggered: bool = False) -> Any:
        try:
            return await super().call(request, timeout=timeout, triggered=triggered)
        except NotConnected:
            if not _internal():
                await asyncio.Event().wait()
            raise


class _WaitsOut(Probed):
    async def call(self, request: Any, *, timeout: float | None = None, triggered: bool = False) -> Any:
        started = asyncio.get_running_loop().time()
        try:
            return await super().call(request, timeout=timeout, triggered=triggered)
        except (ConnectionLost, NotConnected):
            if not _internal():
                patience = self.patience if timeout is None else timeout
                await asyncio.sleep(max(started + max(patience, 30.0) - asyncio.get_running_loop().time(), 0))
            raise


class _AsTimeout(Probed):
    async def call(self, request: Any, **options: Any) -> Any:
        try:
            return await super().call(request, **options)
        except (ConnectionLost, NotConnected):
            if _internal():
                raise
            raise CallTimeout from None


def close_as_timeout() -> Stack:
    return Stack(charge_point=_AsTimeout)


def pending_forever() -> Stack:
    return Stack(charge_point=_Forgets)


def waits_out_timeout() -> Stack:
    return Stack(charge_point=_WaitsOut)
