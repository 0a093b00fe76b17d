"""`Delivery`: keeps the outbox empty while the charge point is online (core 3.7, 3.7.1, 4.8, 4.10)."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from ..errors import CallFailed, CallTimeout, CallWithdrawn, ConnectionLost, MalformedReply, NotAccepted
from ..messages import TRANSACTION_ACTIONS, HeartbeatRequest, Request, Response
from ..outbox import Entry
from .configuration import Configuration

log = logging.getLogger(__name__)

RETRY_FLOOR = 1.0
"""Seconds between two attempts of one message, whatever TransactionMessageRetryInterval says: 0 would be a flood."""
MOST_GIVEN_UP = 100
"""Messages of which it is known that they were given up: an answer may still come while their connection lives."""


class TransactionMessages(Protocol):
    """What a charge point needs of its outbox; `Outbox` says what each does and raises."""

    limit: int
    drops: Counter[str]

    def __len__(self) -> int: ...
    def put(self, request: Request[Any], transaction: str | None = None) -> int: ...
    def head(self) -> Entry | None: ...
    def entries(self) -> list[Entry]: ...
    def delete(self, key: int) -> None: ...
    def settle(self, entry: Entry, response: Any, on_result: Callable[[Entry, Any], None] | None = None) -> bool: ...
    def close(self) -> None: ...

    async def drain(
        self,
        call: Callable[[Request[Any]], Awaitable[Response]],
        probe: Callable[[], Awaitable[bool]],
        *,
        attempts: int,
        retry_interval: float,
        prepare: Callable[[Entry], Request[Any]] | None = None,
        on_result: Callable[[Entry, Any], None] | None = None,
        on_drop: Callable[[Entry], None] | None = None,
    ) -> None: ...


class Delivery:
    """Takes transaction messages at any time, and sends them while `run` runs.

    ``prepare`` puts the real transaction id in; ``answered`` and ``given_up`` are told how each message ended.
    """

    def __init__(
        self,
        outbox: TransactionMessages,
        configuration: Configuration,
        call: Callable[..., Awaitable[Any]],
        *,
        prepare: Callable[[Entry], Request[Any]],
        answered: Callable[[Entry, Any], None],
        given_up: Callable[[Entry], None],
    ) -> None:
        self.outbox = outbox
        self.configuration = configuration
        self.call = call
        self.prepare = prepare
        self.answered = answered
        self.given_up = given_up
        self.lane = asyncio.Lock()
        """Held while a message is on the wire: an answer that comes with the connection's last breath still counts."""
        self._given_up: deque[int] = deque(maxlen=MOST_GIVEN_UP)  # keys, the newest last
        self._unsent = asyncio.Event()  # set while the outbox holds something
        self._empty = asyncio.Event()  # set while it does not
        (self._unsent if len(outbox) else self._empty).set()
        self._turn: tuple[int, Request[Any]] | None = None  # key and request of what is being sent; set by `_prepare`
        self._answered: tuple[tuple[int, Request[Any]] | None, Any] = None, None
        """The newest message that had its result, and the result: kept for as long as the file cannot be written, for
        to send it again would be a second copy for no reason."""

    def submit(self, request: Request[Any], transaction: str | None = None) -> int:
        """Write a transaction message down; it is delivered in order, whatever happens. Durable on return.

        ``transaction`` is our own name for its transaction. Returns the key in the outbox. Raises ValueError if it is
        no transaction message, `PayloadError` if it is not fit to be sent, `StoreFailed` if it cannot be written.
        """
        if request.action not in TRANSACTION_ACTIONS:
            raise ValueError(f"expected one of {', '.join(sorted(TRANSACTION_ACTIONS))}, came {request.action}")
        key = self.outbox.put(request, transaction)
        self._unsent.set()
        self._empty.clear()
        return key

    async def run(self) -> None:
        """Send whenever there is something to send. Silence of a dead connection ends it and costs no attempt.

        Raises `ConnectionLost`, and `NotAccepted` once the central system does not know us any more.
        """
        while True:
            await self._unsent.wait()
            try:
                await self.outbox.drain(
                    self._deliver,
                    self._is_alive,
                    attempts=self.configuration.number("TransactionMessageAttempts"),
                    retry_interval=max(self.configuration.seconds("TransactionMessageRetryInterval"), RETRY_FLOOR),
                    prepare=self._prepare,
                    on_result=self.answered,
                    on_drop=self._give_up,
                )
            except CallWithdrawn as stalled:
                raise ConnectionLost(f"the connection takes nothing more: {stalled}") from None
            except CallTimeout:
                raise ConnectionLost("the central system answers nothing, not even a Heartbeat") from None
            except CallFailed as refused:  # SecurityError: the gate has seen it, and we shall boot again
                raise NotAccepted(str(refused)) from None
            if not len(self.outbox):
                self._unsent.clear()
                self._empty.set()

    async def emptied(self, within: float) -> None:
        """Wait until everything is delivered, or given up; and no longer than so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._empty.wait()

    def waits(self, key: int) -> bool:
        """Whether this message is still to be delivered. Raises `StoreFailed`."""
        head = self.outbox.head()
        return head is not None and head.key <= key

    def _prepare(self, entry: Entry) -> Request[Any]:
        self._turn = entry.key, entry.request
        return self.prepare(entry)

    async def _deliver(self, request: Request[Any]) -> Any:
        entry = self.outbox.head()  # which is what the outbox is sending
        async with self.lane:
            if self._turn is None or self._answered[0] != self._turn:
                try:
                    response = await self.call(request, wanted=partial(self._is_next, entry))
                except CallTimeout as silence:
                    if entry:
                        silence.on_late_result(partial(self._answered_late, entry))
                    raise
                self._answered = self._turn, response
            return self._answered[1]

    def _is_next(self, entry: Entry | None) -> bool:
        """Whether this is still to be sent: while it waited for the lane, a late answer may have settled it."""
        head = self.outbox.head()
        return entry is None or (head is not None and head.key == entry.key)

    def _answered_late(self, entry: Entry, response: Any) -> None:
        """The answer to this very call came after its timeout. It still settles its message, if nothing else has.

        A message that was given up is gone, but the id of its transaction is worth knowing: its stop may be unsent.
        """
        try:
            if self.outbox.settle(entry, response, self.answered):
                log.info("= the late answer to %s settles it", entry.request.action)
            elif entry.key in self._given_up:
                self._given_up.remove(entry.key)  # the first answer counts
                self.answered(entry, response)
        except Exception:  # our own side failed: the message stays, and what was answered is used at its next turn
            self._answered = (entry.key, entry.request), response
            log.exception("! the late answer to %s could not be used", entry.request.action)

    def _give_up(self, entry: Entry) -> None:
        self._given_up.append(entry.key)
        self.given_up(entry)

    async def _is_alive(self) -> bool:
        """Ask a peer that left a message unanswered: only silence to this too means a dead connection.

        NotAccepted leaves: we are about to boot again, nobody was asked, and nothing is consumed.
        """
        try:
            await self.call(HeartbeatRequest())
        except CallTimeout:
            return False
        except (CallFailed, MalformedReply):
            pass
        return True
