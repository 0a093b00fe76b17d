"""`FittedSession`: a session of the exercises as a charge point needs it: counted, told of, and closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.pipe import CLOSE_TIMEOUT
from ocpp_lab.session import Answering, Awaiting, Carrying, make_current, random_ids
from ocpp_lab.tally import Tally

from .conversation import Calls, Minutes, Texts


class FittedSession(Minutes):
    """``make(transport, router, pending, ids=…, timeout=…)`` gives the learner's ``piece``: steps 4.6 and 4.7.

    It gets its transport, its router and its pending calls from somebody who keeps the minutes, and ``trouble`` is told
    what a session of ours tells. It reads on however many calls of its peer are unanswered: there is no
    ``max_handlers``, and nothing is ever "overloaded". Whether a cancelled call keeps the others waiting until its
    reply comes, is the piece's own decision, as step 4.6 leaves it.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        transport: Carrying,
        router: Answering,
        pending: Awaiting,
        *,
        ids: Iterator[str] | None = None,
        timeout: float = 30.0,
        identity: str = "peer",
        trouble: Callable[[str], None] | None = None,
        tally: Tally | None = None,
        closing: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(identity, trouble or (lambda text: None), Tally() if tally is None else tally)
        self.transport = transport
        self.router = router
        self.pending = pending
        self.timeout = timeout
        self._closing = closing
        self._calls = Calls(pending, self)
        self._spawned: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()  # its loop time, by `run`
        ids = random_ids() if ids is None else ids
        self.piece = make(Texts(transport, self), self, self._calls, ids=ids, timeout=timeout)

    async def call(self, request: Any, *, timeout: float | None = None) -> Any:
        return await self.piece.call(request, timeout=timeout)

    async def run(self) -> None:
        make_current(self)
        self.tally.opened(self)
        cut_short = True
        try:
            await self.piece.run()
            cut_short = False
            self._closing()
        finally:
            self._calls.end(cut_short)
            self._ended.set_result(asyncio.get_running_loop().time())
            self.tally.closed(self)
            for task in self._spawned:
                task.cancel()
            if self._spawned:
                await asyncio.wait(self._spawned)

    async def answer(self, call: Call) -> CallResult | CallError | None:
        """What the piece takes for its router."""
        try:
            return await self.router.answer(call)
        finally:
            self.serving.discard(call.unique_id)

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run something beside the reader that ends with this session."""
        task = asyncio.create_task(work, name=f"{self.identity} {what}")
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    async def close(
        self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = CLOSE_TIMEOUT
    ) -> None:
        self._closing()
        await self.transport.close(code, reason, flush=flush, timeout=timeout)

    @property
    def ended_at(self) -> float | None:
        return self._ended.result() if self._ended.done() else None

    async def wait_closed(self) -> None:
        await asyncio.shield(self._ended)
