"""`Outbox`: write it down before you send it, and strike it out only when it was answered (core 3.7, 4.8, 4.10).

StartTransaction, StopTransaction and the MeterValues of a transaction are sent in the order in which they happened, at
least once, whatever happens to the connection or to the power. What consumes one of ``TransactionMessageAttempts`` is a
pure function, `verdict`: a CallError (core 3.7.1, J-errata 3.2) and, by our choice, an unreadable reply and the silence
of a peer that lives. A lost connection consumes none, nor does a call that never left this machine.

Silence is no answer yet. A CallResult that comes after our timeout strikes its message out all the same (`settle`), and
the transaction id in it is used. A CallError that comes late changes nothing: that copy was counted as silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Literal, NamedTuple

import msgspec

from .codec import decode_payload, encode_payload
from .errors import CallFailed, CallTimeout, CallWithdrawn, ConnectionLost, MalformedReply, NotConnected, OcppError
from .messages import ACTIONS, MeterValuesRequest, Request, Response
from .store import Store, store_at

log = logging.getLogger(__name__)

Send = Callable[[Request[Any]], Awaitable[Response]]
"""Sends a request and returns its response, or raises what `Session.call` raises."""


class Entry(NamedTuple):
    """A message that waits. ``transaction`` is our own name for its transaction, ``failures`` its reported failures."""

    key: int
    request: Request[Any]
    transaction: str | None
    failures: int


def verdict(
    error: Exception, failures: int, *, alive: bool, attempts: int, retry_interval: float
) -> tuple[Literal["halt", "retry", "drop"], float]:
    """What to do after an error, and how many seconds to wait before (core 3.7.1).

    *halt*: nobody refused it; keep it, send it again on a good connection. *retry* after ``retry_interval`` times the
    number of failures so far; *drop* once it failed ``attempts`` times. ``failures`` does not count this one; ``alive``
    says whether a peer that left us without an answer still answers a Heartbeat. Any other exception is raised again.
    """
    match error:
        case CallFailed(code="SecurityError") | ConnectionLost() | NotConnected() | CallWithdrawn():
            return "halt", 0.0
        case CallTimeout() if not alive:
            return "halt", 0.0
        case CallFailed() | MalformedReply() | CallTimeout():
            failed = failures + 1
            return ("drop", 0.0) if failed >= attempts else ("retry", retry_interval * failed)
        case _:
            raise error


class Outbox:
    """Transaction messages in sqlite. ``store`` is the charge point's, or the path of a file of its own.

    ``limit`` bounds it: on overflow every second MeterValues goes; Start and Stop never do, so the bound is soft.
    Everything that reads or writes the file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:", *, limit: int = 1000) -> None:
        self.limit = limit
        self.drops: Counter[str] = Counter()
        """How many messages were given up in this life, by reason: ``"attempts"`` and ``"overflow"``."""
        self.in_flight: int | None = None
        """The key of the message that awaits its answer; set by `drain`, None between two messages."""
        self._store = store_at(store)
        self._lane = asyncio.Lock()  # held by the `drain` that sends
        self._not_before: dict[int, float] = {}
        """By key, the loop time (s) of the next attempt; set by a failure, gone with the message."""
        self._settled = asyncio.Event()  # set by `settle`, cleared by the next wait for an attempt, which it ends

    def __len__(self) -> int:
        [(count,)] = self._store.execute("SELECT count(*) FROM outbox")
        return int(count)

    def put(self, request: Request[Any], transaction: str | None = None) -> int:
        """Write a message down; durable on return. Returns its key. Raises `PayloadError` if it is not fit to send."""
        payload = bytes(encode_payload(request)).decode()
        with self._store.transaction():
            key = self._store.insert(
                'INSERT INTO outbox (action, payload, "transaction") VALUES (?,?,?)',
                (request.action, payload, transaction),
            )
            if len(self) > self.limit:
                self._thin_out()
        return key

    def head(self) -> Entry | None:
        """The oldest message: the only one that may be sent now."""
        rows = self._store.execute(
            'SELECT key, action, payload, "transaction", failures FROM outbox ORDER BY key LIMIT 1'
        )
        return _entry(rows[0]) if rows else None

    def entries(self) -> list[Entry]:
        """All of them, oldest first."""
        rows = self._store.execute('SELECT key, action, payload, "transaction", failures FROM outbox ORDER BY key')
        return [_entry(row) for row in rows]

    def failed(self, key: int) -> int:
        """Count a reported failure, durably; returns the new count, 0 if the message is gone."""
        counted = "UPDATE outbox SET failures = failures + 1 WHERE key = ? RETURNING failures"
        rows = self._store.execute(counted, (key,))
        return int(rows[0][0]) if rows else 0

    def delete(self, key: int) -> None:
        """Strike a message out; fine if it is gone."""
        self._store.execute("DELETE FROM outbox WHERE key = ?", (key,))
        self._not_before.pop(key, None)

    def settle(self, entry: Entry, response: Any, on_result: Callable[[Entry, Any], None] | None = None) -> bool:
        """Act on the answer to a message and strike it out, whenever it comes: a `drain` that waits goes on at once.

        False: it is not the head, so another copy of it was answered before, or it was given up; nothing happens.
        """
        if not self._is_head(entry):
            return False
        if on_result:
            on_result(entry, response)
        self.delete(entry.key)  # last: killed before this line, the message repeats; killed after, it is done
        self._settled.set()
        return True

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()

    async def drain(
        self,
        call: Send,
        probe: Callable[[], Awaitable[bool]],
        *,
        attempts: int,
        retry_interval: float,
        prepare: Callable[[Entry], Request[Any]] | None = None,
        on_result: Callable[[Entry, Any], None] | None = None,
        on_drop: Callable[[Entry], None] | None = None,
    ) -> None:
        """Send the oldest message until none is left, one at a time; a second drain waits for the first.

        ``prepare`` makes the request at the instant of sending; ``on_result`` acts before the message is struck out;
        ``probe`` asks a silent peer whether it lives. Raises what makes `verdict` say *halt*; the message is kept.
        Whatever it waited for, it looks at the head again afterwards: the message may have been settled meanwhile.
        """
        async with self._lane:
            while entry := self.head():
                await self._wait_for_turn(entry.key)
                if not self._is_head(entry):
                    continue
                self.in_flight = entry.key
                try:
                    response = await call(prepare(entry) if prepare else entry.request)
                except OcppError as error:
                    await self._failed_to_send(entry, error, probe, attempts, retry_interval, on_drop)
                    continue
                finally:
                    self.in_flight = None
                self.settle(entry, response, on_result)

    async def _failed_to_send(
        self,
        entry: Entry,
        error: OcppError,
        probe: Callable[[], Awaitable[bool]],
        attempts: int,
        retry_interval: float,
        on_drop: Callable[[Entry], None] | None,
    ) -> None:
        if not self._is_head(entry):
            return  # an older copy was answered meanwhile
        asks = isinstance(error, CallTimeout) and not isinstance(error, CallWithdrawn)
        alive = await probe() if asks else True
        if not self._is_head(entry):
            return  # this one was answered after all
        what, seconds = verdict(error, entry.failures, alive=alive, attempts=attempts, retry_interval=retry_interval)
        if what == "halt":
            raise error
        # First: also what cannot be counted, or given up, because the file fails, has to wait; from the failure on.
        wait = seconds if what == "retry" else retry_interval * attempts
        self._not_before[entry.key] = asyncio.get_running_loop().time() + wait
        failures = self.failed(entry.key)
        log.warning("! %s failed %d of %d times: %s", entry.request.action, failures, attempts, error)
        if what == "retry":
            return
        if on_drop:
            on_drop(entry)
        self.delete(entry.key)
        self.drops["attempts"] += 1

    async def _wait_for_turn(self, key: int) -> None:
        """Wait until this message may be sent again, or something was settled: it may be this one."""
        wait = self._not_before.get(key, 0.0) - asyncio.get_running_loop().time()
        if wait > 0:
            self._settled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._settled.wait()

    def _is_head(self, entry: Entry) -> bool:
        return self._store.execute("SELECT min(key) FROM outbox") == [(entry.key,)]

    def _thin_out(self) -> None:
        """Every second MeterValues goes, and not the one on the wire: a coarser curve beats a lost transaction."""
        rows = self._store.execute("SELECT key FROM outbox WHERE action = ? ORDER BY key", (MeterValuesRequest.action,))
        doomed = [key for (key,) in rows if key != self.in_flight][1::2]
        if not doomed:
            return
        for key in doomed:
            self._store.execute("DELETE FROM outbox WHERE key = ?", (key,))
        self._store.afterwards(partial(self._thinned_out, doomed))

    def _thinned_out(self, keys: list[int]) -> None:
        for key in keys:
            self._not_before.pop(key, None)
        self.drops["overflow"] += len(keys)
        log.warning("! the outbox overflows: %d of its MeterValues were dropped", len(keys))


def _entry(row: tuple[Any, ...]) -> Entry:
    key, action, payload, transaction, failures = row
    return Entry(key, decode_payload(ACTIONS[action].request, msgspec.json.decode(payload)), transaction, failures)
