"""Fakes for the tests: a pipe that stalls when told to, and a peer that says what the test makes it say."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocpp_lab import messages as m
from ocpp_lab.errors import ConnectionLost
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.pending import Pending
from ocpp_lab.pipe import MemoryPipe, pipe_pair
from ocpp_lab.session import Session
from ocpp_lab.transport import Transport
from tests.simulated import clock

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


_copies = itertools.count()


def power_cut(path: str) -> str:
    """What the disk holds at this instant (a sqlite file and its WAL), under another name."""
    copy = f"{path}.copy{next(_copies)}"
    for suffix in ("", "-wal"):
        if Path(path + suffix).exists():
            shutil.copy(path + suffix, copy + suffix)
    return copy


class Failing:
    """A disk that fails: ``store.before = Failing(3)`` fails the third statement from then on, once or for good."""

    def __init__(self, nth: int, *, once: bool = True, error: str = "database or disk is full") -> None:
        self.nth = nth
        self.once = once
        self.error = error
        self.count = 0
        self.failed = 0
        """How many statements it has failed."""

    def __call__(self, sql: str) -> None:
        self.count += 1
        if self.count == self.nth or (self.count > self.nth and not self.once):
            self.failed += 1
            raise sqlite3.OperationalError(self.error)

    def mend(self) -> None:
        """From now on every statement works."""
        self.once = True


class FakePipe:
    """A `Pipe` whose far end is the test.

    ``stall`` holds writes up until ``flow``; ``arrive`` is a text from the peer, ``peer_closes`` its close. Records
    ``sent`` and ``closes``, and how many sends were in progress at once.
    """

    def __init__(self, *, write_time: float = 0.0, close_time: float = 0.0) -> None:
        self.write_time, self.close_time = write_time, close_time  # seconds
        self.sent: list[str] = []
        self.closes: list[tuple[int, str]] = []
        self.in_progress = self.most_in_progress = 0
        self.close_code: int | None = None
        self.close_reason = ""
        self.given_up = False
        self.fails_with: Exception | None = None
        self.aborted = False
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def stall(self) -> None:
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def arrive(self, text: str) -> None:
        self._inbox.put_nowait(text)

    def offer(self, text: str) -> bool:
        """Every text goes the long way, which the test can stall."""
        return False

    def peer_closes(self, code: int, reason: str = "") -> None:
        """Ends the iteration; writes that are stalled stay so, as on a half-open connection."""
        self.close_code, self.close_reason = code, reason
        self._inbox.put_nowait(None)

    async def send(self, text: str) -> None:
        if self.close_code is not None:
            raise ConnectionLost(code=self.close_code, reason=self.close_reason)
        self.in_progress += 1
        self.most_in_progress = max(self.most_in_progress, self.in_progress)
        try:
            await asyncio.sleep(self.write_time)
            await self._flowing.wait()
            if self.fails_with:
                raise self.fails_with
        finally:
            self.in_progress -= 1
        self.sent.append(text)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while (text := await self._inbox.get()) is not None:
            yield text

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closes.append((code, reason))
        await asyncio.sleep(self.close_time)
        if self.close_code is None:
            self.peer_closes(code, reason)

    def abort(self) -> None:
        self.aborted = True
        if self.close_code is None:
            self.peer_closes(1006)


class Peer:
    """The far end of a memory pipe, speaking plain JSON: it can say what a stack of ours would never say."""

    def __init__(self, pipe: MemoryPipe) -> None:
        self.pipe = pipe
        self.heard: list[tuple[float, Any]] = []
        self.most_unanswered = self._unanswered = 0
        self._texts = aiter(pipe)

    async def says(self, *frame: Any) -> None:
        await self.pipe.send(json.dumps(frame))

    async def hears(self) -> Any:
        """The next frame as a list; None once the connection is closed."""
        text = await anext(self._texts, None)
        return None if text is None else json.loads(text)

    async def serves(self, answer: Callable[[Any], Any], after: float = 0.0) -> None:
        """Answer every call ``after`` seconds with ``answer(frame)``, until the connection closes.

        Records ``heard``, with times, and how many calls were unanswered at once.
        """
        async with asyncio.TaskGroup() as group:
            while (frame := await self.hears()) is not None:
                self.heard.append((clock(), frame))
                self._unanswered += 1
                self.most_unanswered = max(self.most_unanswered, self._unanswered)
                group.create_task(self._answers(frame[1], answer(frame), after))

    async def _answers(self, unique_id: str, payload: Any, after: float) -> None:
        await asyncio.sleep(after)
        self._unanswered -= 1
        with suppress(ConnectionLost):
            await self.says(3, unique_id, payload)

    async def hears_nothing(self, seconds: float = 100.0) -> bool:
        """Whether it stays silent for so long. Use it last: what comes meanwhile is gone."""
        try:
            async with asyncio.timeout(seconds):
                await self.hears()
        except TimeoutError:
            return True
        return False


class Silent:
    """Answers nothing."""

    async def answer(self, call: Any) -> None:
        return None


class Desk:
    """Answers every call by running ``work(call)``, then with ``{}``; records who began and who ended."""

    def __init__(self, work: Callable[[Call], Awaitable[Any]] | None = None) -> None:
        self.work = work
        self.began: list[str] = []
        self.ended: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0

    async def answer(self, call: Call) -> CallResult | CallError | None:
        self.began.append(call.unique_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        how = "cancelled"
        try:
            if self.work:
                await self.work(call)
            how = "answered"
        finally:
            self.at_once -= 1
            self.ended.append((call.unique_id, how))
        return CallResult(call.unique_id)


async def for_ever(call: Call) -> None:
    await asyncio.get_running_loop().create_future()


def slowly(seconds: float) -> Callable[[Call], Awaitable[None]]:
    async def work(call: Call) -> None:
        await asyncio.sleep(seconds)

    return work


def numbers() -> Iterator[str]:
    """Unique ids that a test can name: "1", "2", …"""
    return map(str, itertools.count(1))


@asynccontextmanager
async def conversation(router: Any = None, pending: Pending | None = None, **options: Any) -> AsyncIterator[Any]:
    """A running `Session` with unique ids "1", "2", …, and the `Peer` at the other end of its connection."""
    near, far = pipe_pair()
    options = {"ids": numbers(), **options}
    session = Session(Transport(near), router or Silent(), pending, **options)
    running = asyncio.create_task(session.run(), name="session")
    try:
        yield session, Peer(far)
    finally:
        await session.close()
        await running


def heartbeat_response(at: datetime = NOON) -> dict[str, str]:
    return {"currentTime": at.isoformat()}


def boot_request() -> m.BootNotificationRequest:
    return m.BootNotificationRequest(charge_point_vendor="Lab", charge_point_model="One")
