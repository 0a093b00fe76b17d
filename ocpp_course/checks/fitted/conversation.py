"""`Minutes`: what is written down of the conversation of a session of the exercises; `Texts` and `Calls` write it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

from ocpp_lab.errors import CallTimeout, ConnectionLost, FrameError
from ocpp_lab.frames import Call, CallError, CallResult, Frame, decode, encode
from ocpp_lab.session import Awaiting, Carrying
from ocpp_lab.tally import Counting, Tally

log = logging.getLogger("ocpp_lab.session")

KINDS: dict[type, str] = {Call: "call", CallResult: "result", CallError: "error"}


class Minutes:
    """Frames, calls and their ends go into the ``tally``, what came in that was no good into ``counts``."""

    def __init__(self, identity: str, trouble: Callable[[str], None], tally: Tally) -> None:
        self.identity = identity
        self.trouble = trouble
        self.tally = tally
        self.counts: Counter[str] = Counter()
        self.last_call_at: float | None = None
        """Loop time of the newest own call."""
        self.serving: set[str] = set()
        """Unique ids of the peer's calls that were read and are not answered."""

    def no_good(self, what: str, detail: str) -> None:
        """Something came in that was no good."""
        self.counts[what] += 1
        self.trouble(f"{what}: {detail}")
        log.warning("! %s: %s: %.200s", self.identity, what, detail)


class Texts:
    """The transport that the piece is given. All but `send` and the iteration is the transport's own."""

    def __init__(self, transport: Carrying, minutes: Minutes) -> None:
        self._transport = transport
        self._minutes = minutes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    async def send(self, text: str) -> None:
        frame, minutes = _frame(text), self._minutes
        answer = isinstance(frame, CallResult | CallError)
        try:
            await self._transport.send(text)
        except ConnectionLost:
            minutes.counts["answer lost"] += answer
            raise
        if frame is not None:
            minutes.tally.frames["out", KINDS[type(frame)]] += 1
            minutes.counts["answered"] += answer

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        async for text in self._transport:
            self._came(text)
            yield text

    def _came(self, text: str | bytes) -> None:
        minutes = self._minutes
        try:
            frame = decode(text)
        except FrameError as problem:
            minutes.no_good("bad frame", str(problem))
            return
        minutes.tally.frames["in", KINDS[type(frame)]] += 1
        if isinstance(frame, Call):
            if frame.unique_id in minutes.serving:
                minutes.no_good("duplicate id", f"{frame.action} {frame.unique_id}")
            minutes.serving.add(frame.unique_id)


class Calls:
    """The pending calls that the piece is given: as in the exercises, and each call is counted from its `open` on."""

    def __init__(self, pending: Awaiting, minutes: Minutes) -> None:
        self._pending = pending
        self._minutes = minutes
        self._under_way: dict[str, tuple[asyncio.Future[Any], Counting]] = {}  # by unique id, until their ends

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def counts(self) -> Counter[str]:
        return self._pending.counts

    def open(self, unique_id: str, response_type: type[Any]) -> asyncio.Future[Any]:
        minutes = self._minutes
        future = self._pending.open(unique_id, response_type)
        counting = minutes.tally.call(response_type.__name__.removesuffix("Response"))
        counting.__enter__()
        minutes.last_call_at = asyncio.get_running_loop().time()
        self._under_way[unique_id] = future, counting
        return future

    def settle(self, frame: CallResult | CallError) -> str:
        fate = self._pending.settle(frame)
        if fate not in ("resolved", "failed"):
            self._minutes.trouble(f"{fate} reply: {encode(frame)}")
        return fate

    async def expect(self, future: asyncio.Future[Any], timeout: float) -> Any:
        unique_id = next((each for each, (known, _) in self._under_way.items() if known is future), "")
        try:
            response = await self._pending.expect(future, timeout)
        except BaseException as error:
            self._close(unique_id, error)
            raise
        self._close(unique_id, None)
        return response

    def fail_all(self, error: Exception) -> int:
        return self._pending.fail_all(error)

    def end(self, cut_short: bool) -> None:
        """The session is over, and with it each call that was told, or whose caller went down with it.

        One that was not told goes on: it shows as an imbalance.
        """
        for unique_id, (future, _) in list(self._under_way.items()):
            if future.cancelled() or (cut_short and not future.done()):
                self._close(unique_id, asyncio.CancelledError())
            elif future.done():
                self._close(unique_id, future.exception())

    def _close(self, unique_id: str, error: BaseException | None) -> None:
        """A call ends, once."""
        if unique_id not in self._under_way:
            return
        _, counting = self._under_way.pop(unique_id)
        counting.__exit__(type(error) if error else None, error, None)
        if isinstance(error, CallTimeout | ConnectionLost):
            code = "Timeout" if isinstance(error, CallTimeout) else "ConnectionClosed"
            error.call_error = error.call_error or CallError(unique_id, code, str(error))
            self._minutes.trouble(encode(error.call_error))


def _frame(text: str) -> Frame | None:
    try:
        return decode(text)
    except FrameError:
        return None
