"""`Bench`: a session on a recorded connection, and at its other end a peer that does what the check tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

from ocpp_lab.errors import ConnectionLost, FrameError, OcppError
from ocpp_lab.frames import Call, CallError, CallResult, Frame, decode, encode
from ocpp_lab.messages import AuthorizeRequest, HeartbeatRequest
from ocpp_lab.pending import Pending
from ocpp_lab.transport import Transport

from ..kit import Kit
from ..step import Wrong
from .pending_ids import fresh_ids

Reaction = tuple[float, Frame | None]
"""After how many seconds the peer says what; None: nothing."""
HEARTBEAT = HeartbeatRequest()


def authorize(tag: str) -> AuthorizeRequest:
    return AuthorizeRequest(id_tag=tag)


def answer_to(call: Call) -> CallResult:
    """A good answer; that to Authorize tells the tag that was asked for."""
    if call.action == "Authorize":
        return CallResult(call.unique_id, {"idTagInfo": {"status": "Accepted", "parentIdTag": call.payload["idTag"]}})
    return CallResult(call.unique_id, {"currentTime": "2030-06-01T12:00:00Z"})


def after(seconds: float) -> Callable[[Call], Reaction]:
    """A peer that answers well, so many seconds later."""
    return lambda call: (seconds, answer_to(call))


class StartedTransport(Transport):
    """Knows whether it was started. The package's needs no start; one with a writer of its own does."""

    started = False

    def start(self) -> None:
        self.started = True
        super().start()


class Desk:
    """A router: answers each call by running ``work(call)`` and then saying ``{}``."""

    def __init__(self, work: Callable[[Call], Awaitable[Any]] | None = None) -> None:
        self.work = work
        self.began: list[str] = []
        self.done: list[str] = []

    async def answer(self, call: Call) -> CallResult:
        self.began.append(call.unique_id)
        if self.work:
            await self.work(call)
        self.done.append(call.unique_id)
        return CallResult(call.unique_id, {})


class Clerk(Desk):
    """A router whose replies differ: ``said`` keeps them. Some are errors."""

    def __init__(self, work: Callable[[Call], Awaitable[Any]] | None = None) -> None:
        super().__init__(work)
        self.said: dict[str, CallResult | CallError] = {}

    async def answer(self, call: Call) -> CallResult | CallError:  # type: ignore[override]
        number = len(self.began)
        await super().answer(call)
        reply = CallError(call.unique_id, "NotSupported", f"number {number}", {"number": number})
        good = CallResult(call.unique_id, {"status": "Accepted" if number % 2 else "Rejected"})
        self.said[call.unique_id] = good if number % 3 else reply
        return self.said[call.unique_id]


class Nobody:
    """A router that says nothing, as that of a charge point which was not accepted yet."""

    async def answer(self, call: Call) -> None:
        return None


class Bench:
    """``async with Bench(my, kit, script) as bench:``. ``script`` says how the peer reacts to each call.

    Without a ``timeout`` the session has its own. With ``run`` it reads for itself; without, the bench reads for it:
    replies go to ``pending.settle``.
    """

    def __init__(
        self,
        my: Any,
        kit: Kit,
        script: Callable[[Call], Reaction] | None = None,
        *,
        router: Any = None,
        timeout: float | None = 30.0,
        pending: Any = None,
        run: bool = False,
    ) -> None:
        near, self.far = kit.pipe_pair()
        self.kit = kit
        self.script = script or after(0.1)
        self.transport = StartedTransport(near, name="you")
        self.pending = Pending() if pending is None else pending
        self.ids = fresh_ids(kit, 100)
        limit = {} if timeout is None else {"timeout": timeout}
        self.session = my.Session(
            self.transport, router or Desk(), self.pending, ids=iter(self.ids), **limit
        )  # fmt: skip
        self.heard: list[tuple[float, Frame]] = []
        """What the peer received, and when."""
        self.said: list[str] = []
        """The texts that the peer sent."""
        self.spoilt = 0
        """Texts that are no frames, which the peer received."""
        self.most_unanswered = 0
        self._unanswered: set[str] = set()
        self._run = run
        self._tasks: set[asyncio.Task[Any]] = set()
        self.reading: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self.reading = self.begin(self.session.run() if self._run else self._read())
        self.begin(self._listen())
        await self.kit.quiet()
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        slip = self._slip()
        await self.far.close(1000)
        await self.transport.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if slip is not None and isinstance(error, Wrong):
            raise slip from None  # whatever was missed, this is why

    def _slip(self) -> BaseException | None:
        """What ended the reader of the session, if it is an error that no contract knows."""
        if not self.reading.done() or self.reading.cancelled():
            return None
        error = self.reading.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        return None if isinstance(error, OcppError) else error

    def begin(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something beside the check, until the bench is cleared."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        return task

    def call(self, request: Any, **options: Any) -> asyncio.Task[Any]:
        """A caller of the session, in a task."""
        return self.begin(self.session.call(request, **options))

    # -- the peer

    @property
    def calls(self) -> list[Call]:
        """The calls that reached the peer."""
        return [frame for _, frame in self.heard if isinstance(frame, Call)]

    @property
    def replies(self) -> list[CallResult | CallError]:
        """The replies that reached the peer."""
        return [frame for _, frame in self.heard if not isinstance(frame, Call)]

    def replies_to(self, unique_id: str) -> list[CallResult | CallError]:
        return [frame for frame in self.replies if frame.unique_id == unique_id]

    def strangers(self) -> list[CallResult | CallError]:
        """Replies under ids that the peer never used."""
        return [reply for reply in self.replies if not any(f'"{reply.unique_id}"' in text for text in self.said)]

    async def says(self, frame: Frame | str) -> None:
        """The peer says a frame, or any text."""
        self.said.append(frame if isinstance(frame, str) else encode(frame))
        with suppress(ConnectionLost):
            await self.far.send(self.said[-1])

    async def cut(self) -> None:
        """The peer closes the connection."""
        await self.far.close(1001, "the router reboots")
        await self.kit.quiet()

    async def _listen(self) -> None:
        async for text in self.far:
            try:
                frame = decode(text)
            except FrameError:
                self.spoilt += 1
                continue
            self.heard.append((self.kit.time, frame))
            if isinstance(frame, Call):
                self._unanswered.add(frame.unique_id)
                self.most_unanswered = max(self.most_unanswered, len(self._unanswered))
                self.begin(self._react(frame, *self.script(frame)))

    async def _react(self, call: Call, seconds: float, reply: Frame | None) -> None:
        if reply is None:
            return
        await asyncio.sleep(seconds)
        self._unanswered.discard(call.unique_id)
        await self.says(reply)

    async def _read(self) -> None:
        self.transport.start()
        async for text in self.transport:
            with suppress(FrameError):
                frame = decode(text)
                if not isinstance(frame, Call):
                    self.pending.settle(frame)
        self.pending.fail_all(ConnectionLost())
