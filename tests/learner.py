"""The least that a learner may write: pieces with the signatures of the exercises and nothing beyond.

Each plugs into a `ChargePoint` or a `CentralSystem` by one argument, made whole by `fit`. Where they are simpler than
the package's, they are still right. ``made`` counts what was made, so that a test can tell whether a piece was used.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from ocpp_lab import (
    Call,
    CallError,
    CallFailed,
    CallResult,
    CallTimeout,
    ConnectionLost,
    FrameError,
    IllegalTransition,
    MalformedReply,
    NotConnected,
    PayloadError,
    Pipe,
    decode,
    decode_payload,
    encode,
    encode_payload,
)
from ocpp_lab import messages as m

made: Counter[str] = Counter()


class MyTransport:
    """One queue, one writer."""

    def __init__(self, pipe: Pipe, *, limit: int = 1000) -> None:
        made["transport"] += 1
        self._pipe = pipe
        self._queue: asyncio.Queue[str] = asyncio.Queue(limit)
        self._over = False
        self._writer: asyncio.Task[None] | None = None
        self.writes_in_flight = self.max_writes_in_flight = self.max_queue_depth = 0

    @property
    def queue_depth(self) -> int:
        return self._queue.qsize()

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write())

    async def send(self, text: str) -> None:
        if self._over:
            raise ConnectionLost("over")
        await self._queue.put(text)
        self.max_queue_depth = max(self.max_queue_depth, self.queue_depth)

    async def _write(self) -> None:
        while True:
            text = await self._queue.get()
            self.writes_in_flight = self.max_writes_in_flight = 1
            try:
                await self._pipe.send(text)
            except ConnectionLost:
                return
            finally:
                self.writes_in_flight = 0
                self._queue.task_done()

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for text in self._pipe:
            yield text
        await self._end()

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = 5.0) -> None:
        if flush and not self._over:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._queue.join()
        await self._end()
        await self._pipe.close(code, reason)

    async def _end(self) -> None:
        self._over = True
        if self._writer:  # or closed before it was started
            self._writer.cancel()
            await asyncio.wait([self._writer])


class MyPending:
    """Unique id to future."""

    def __init__(self) -> None:
        made["pending"] += 1
        self._calls: dict[str, tuple[asyncio.Future[Any], Any]] = {}
        self._lost: Exception | None = None

    def __len__(self) -> int:
        return len(self._calls)

    def open(self, unique_id: str, response_type: type[m.Response]) -> asyncio.Future[Any]:
        if self._lost:
            raise self._lost
        if unique_id in self._calls:
            raise ValueError("that id is pending")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[unique_id] = future, response_type
        return future

    def settle(self, frame: CallResult | CallError) -> str:
        if frame.unique_id not in self._calls:
            return "orphan"
        future, response_type = self._calls.pop(frame.unique_id)
        if isinstance(frame, CallError):
            future.set_exception(CallFailed(frame.code, frame.description, frame.details))
            return "failed"
        try:
            future.set_result(decode_payload(response_type, frame.payload))
        except PayloadError as problem:
            future.set_exception(MalformedReply(str(problem)))
            return "malformed"
        return "resolved"

    async def expect(self, future: asyncio.Future[Any], timeout: float) -> Any:
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise CallTimeout from None
        finally:
            self._calls = {key: entry for key, entry in self._calls.items() if entry[0] is not future}

    def fail_all(self, error: Exception) -> int:
        self._lost = error
        entries, self._calls = self._calls, {}
        for future, _ in entries.values():
            if not future.done():
                future.set_exception(error)
                future.exception()
        return len(entries)


class MySession:
    """One own call in flight; the reader reads, nothing else."""

    def __init__(self, transport: Any, router: Any, pending: Any, *, ids: Iterator[str], timeout: float = 30.0) -> None:
        made["session"] += 1
        self._transport, self._router, self._pending = transport, router, pending
        self._ids, self._timeout = ids, timeout
        self._lane = asyncio.Lock()
        self._serving: set[str] = set()
        self._over = False

    async def call(self, request: m.Request[Any], *, timeout: float | None = None) -> Any:
        async with self._lane:
            if self._over:
                raise NotConnected("over")
            call = Call(next(self._ids), request.action, encode_payload(request))
            future = self._pending.open(call.unique_id, request.response_type)
            await self._transport.send(encode(call))
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)

    async def run(self) -> None:
        self._transport.start()
        async with asyncio.TaskGroup() as group:
            async for text in self._transport:
                self._receive(text, group)
            self._over = True
            self._pending.fail_all(ConnectionLost())

    def _receive(self, text: str | bytes, group: asyncio.TaskGroup) -> None:
        try:
            frame = decode(text)
        except FrameError as problem:
            if problem.unique_id is not None:
                group.create_task(self._send(CallError(problem.unique_id, problem.code, problem.description)))
            return
        if not isinstance(frame, Call):
            self._pending.settle(frame)
        else:
            group.create_task(self._answer(frame))

    async def _answer(self, call: Call) -> None:
        await self._send(await self._router.answer(call))

    async def _send(self, reply: CallResult | CallError) -> None:
        with suppress(ConnectionLost):
            await self._transport.send(encode(reply))


class MyHeartbeat:
    """A deadline and an event."""

    def __init__(
        self,
        call: Callable[[Any], Awaitable[Any]],
        interval: float,
        *,
        on_time: Callable[[datetime], None] | None = None,
        at_least: float = 86_400.0,
    ) -> None:
        made["heartbeat"] += 1
        self._call, self._interval, self._on_time = call, interval, on_time
        self._time = asyncio.get_running_loop().time
        self._last = self._time()
        self._changed = asyncio.Event()

    @property
    def interval(self) -> float:
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = seconds
        self._changed.set()

    def touch(self) -> None:
        self._last = self._time()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(self._last + self._interval):
                    await self._changed.wait()
            except TimeoutError:
                if self._time() >= self._last + self._interval:
                    await self._beat()

    async def _beat(self) -> None:
        self.touch()
        try:
            response = await self._call(m.HeartbeatRequest())
        except (CallFailed, CallTimeout, MalformedReply):
            return
        if self._on_time:
            self._on_time(response.current_time)


class MyMachine:
    """The table, and where we are in it."""

    def __init__(self, table: Any, state: str, on_change: Callable[[str, str, str], None] | None = None) -> None:
        made["machine"] += 1
        self._table, self.state, self._on_change = table, state, on_change

    def fire(self, event: str) -> str:
        if event not in self._table[self.state]:
            raise IllegalTransition(self.state, event, sorted(self._table[self.state]))
        old, self.state = self.state, self._table[self.state][event]
        if self._on_change:
            self._on_change(old, event, self.state)
        return self.state


def my_delays() -> Iterator[float]:
    """Two seconds, for ever."""
    made["delays"] += 1
    return itertools.repeat(2.0)


MINE: dict[str, Any] = {
    "transport": MyTransport,
    "pending": MyPending,
    "session": MySession,
    "heartbeat": MyHeartbeat,
    "machine": MyMachine,
    "delays": my_delays,
}


class MyRouter:
    """An object that answers, and does nothing else."""

    async def answer(self, call: Call) -> CallResult | CallError:
        made["router"] += 1
        now = "2030-06-01T12:00:00Z"
        match call.action:
            case "BootNotification":
                return CallResult(call.unique_id, {"status": "Accepted", "currentTime": now, "interval": 100})
            case "Heartbeat":
                return CallResult(call.unique_id, {"currentTime": now})
            case "StatusNotification":
                return CallResult(call.unique_id, {})
        return CallError(call.unique_id, "NotSupported")


class MyLedger:
    """Transactions in a list; empty, and therefore false, at first."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def __len__(self) -> int:
        return len(self.rows)

    def start(self, identity: str, request: m.StartTransactionRequest) -> int:
        self.rows.append((identity, "start", request.id_tag))
        return 41

    def stop(self, identity: str, request: m.StopTransactionRequest) -> None:
        self.rows.append((identity, "stop", request.transaction_id))


class MyEntry:
    """A message that waits."""

    def __init__(self, key: int, request: Any, transaction: str | None) -> None:
        self.key, self.request, self.transaction, self.failures = key, request, transaction, 0


class MyOutbox:
    """A list: exercises 3.4 and 3.6, and no attribute more. Empty, and therefore false, at first."""

    def __init__(self) -> None:
        made["outbox"] += 1
        self._entries: list[MyEntry] = []
        self._keys = itertools.count(1)
        self._draining = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, request: Any, transaction: str | None = None) -> int:
        self._entries.append(MyEntry(next(self._keys), request, transaction))
        return self._entries[-1].key

    def head(self) -> MyEntry | None:
        return self._entries[0] if self._entries else None

    def failed(self, key: int) -> int:
        [entry] = [entry for entry in self._entries if entry.key == key]
        entry.failures += 1
        return entry.failures

    def delete(self, key: int) -> None:
        self._entries = [entry for entry in self._entries if entry.key != key]

    def close(self) -> None:
        self._entries.clear()

    async def drain(
        self,
        call: Callable[[Any], Awaitable[Any]],
        probe: Callable[[], Awaitable[bool]],
        *,
        attempts: int,
        retry_interval: float,
        prepare: Any = None,
        on_result: Any = None,
        on_drop: Any = None,
    ) -> None:
        async with self._draining:
            while entry := self.head():
                try:
                    response = await call(prepare(entry) if prepare else entry.request)
                except (CallFailed, MalformedReply) as error:
                    if isinstance(error, CallFailed) and error.code == "SecurityError":
                        raise
                    if (failures := self.failed(entry.key)) < attempts:
                        await asyncio.sleep(retry_interval * failures)
                        continue
                    if on_drop:
                        on_drop(entry)
                else:
                    if on_result:
                        on_result(entry, response)
                self.delete(entry.key)
