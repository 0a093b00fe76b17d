"""`Book`: what a charge point wrote down for delivery and what it dropped, over all its lives.

It is kept from outside, at the instant when what `Outbox.put` wrote is durable: from then on it has to arrive. And
when each timestamp was given, for the clock behind it may be set meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from ..charge_point import ChargePoint
from ..codec import to_object
from ..messages import Request

MessageKey = tuple[str, bytes]


def key_of(action: str, payload: dict[str, Any]) -> MessageKey:
    """What is the same about all copies of a transaction message: everything but the id, which is patched in."""
    return action, msgspec.json.encode({name: value for name, value in payload.items() if name != "transactionId"})


def is_triggered(key: MessageKey) -> bool:
    """Whether this is a reading that somebody asked for: it may go past the outbox, and is written down nowhere."""
    return key[0] == "MeterValues" and b'"context":"Trigger"' in key[1]


@dataclass(eq=False)
class Record:
    """One message. ``transaction`` is the charge point's own name for its transaction; ``dropped`` says why.

    ``at`` is when it was written down (loop time, s).
    """

    index: int
    at: float
    request: Any
    transaction: str | None
    key: MessageKey
    outbox_key: Any = None
    dropped: str | None = None
    struck_out: bool = False
    """Whether the outbox was told to forget it, and could: it was delivered, or given up."""


class Stamp(NamedTuple):
    """A timestamp that an event was given, when (loop time, s), in which life, and whether it is in the file.

    A status is told on a full disk too, and its timestamp may then go with the power.
    """

    given: datetime
    at: float
    life: int
    written: bool


class Book:
    """The records in the order in which they were written, and the drops by reason."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        """All messages ever written down, by any life; `Outbox.put` of each adds one."""
        self.drops: Counter[str] = Counter()
        """What the outboxes say that they dropped, by reason, in the lives that are over; `close` adds one's."""
        self.stamps: list[Stamp] = []
        """Every timestamp that any life gave to an event; `EventClock.stamp` adds one."""
        self.listeners: list[Callable[[Record], object]] = []
        """Told every message that was written down; added to by whoever watches more."""
        self._lives = 0  # how many have begun
        self._by_key: dict[MessageKey, list[Record]] = {}  # the same records, for `alike`
        self._by_outbox_key: dict[Any, Record] = {}  # and again: an outbox never gives a key twice
        # What `Outbox.put` took in a block that is still open: request, transaction, key, and the keys that went.
        self._unsure: list[tuple[Request[Any], str | None, Any, set[Any]]] = []
        self._depth = 0  # of those blocks
        self._open: ChargePoint | None = None  # the life that writes now, from `open` to `close`; None between lives

    def open(self, charge_point: ChargePoint, gave_up: Callable[[Record], object]) -> None:
        """A life begins: listen to its outbox. ``gave_up`` is told of a message that is dropped after its attempts."""
        self._open, self._lives = charge_point, self._lives + 1
        outbox, put, given_up = charge_point.outbox, charge_point.outbox.put, charge_point.charging.given_up

        def write(request: Request[Any], transaction: str | None = None) -> Any:
            full = len(outbox) >= outbox.limit  # then something may be thinned out
            before = _keys(outbox) if full else set()
            outbox_key = put(request, transaction)
            gone = {*before, outbox_key} - _keys(outbox) if full else set()
            self._unsure.append((request, transaction, outbox_key, gone))
            if not self._depth:
                self._write_down()
            return outbox_key

        def drop(entry: Any) -> None:
            given_up(entry)
            doomed.add(entry.key)

        def strike_out(key: Any) -> None:
            delete(key)
            if record := self._by_outbox_key.get(key):
                record.struck_out = True
                if key in doomed:
                    record.dropped = "attempts"
                    gave_up(record)

        doomed: set[Any] = set()  # given up, and struck out next, if the file can be written
        delete = outbox.delete
        self._watch_transactions(charge_point.memory.store)
        self._watch_clock(charge_point)
        outbox.put = write  # type: ignore[method-assign]
        outbox.delete = strike_out  # type: ignore[method-assign]
        charge_point.charging.given_up = drop  # type: ignore[method-assign]

    def _watch_transactions(self, store: Any) -> None:
        """What is written in a block is written down when the block ends, or not at all."""
        transaction = store.transaction
        self._depth = 0

        @contextmanager
        def watched() -> Iterator[None]:
            self._depth += 1
            try:
                with transaction():
                    yield
            except BaseException:
                self._unsure.clear()
                raise
            finally:
                self._depth -= 1
            if not self._depth:
                self._write_down()

        store.transaction = watched

    def _write_down(self) -> None:
        for request, transaction, outbox_key, gone in self._unsure:
            key = key_of(request.action, to_object(request))
            now = asyncio.get_running_loop().time()
            record = Record(len(self.records), now, request, transaction, key, outbox_key)
            self.records.append(record)
            self._by_key.setdefault(key, []).append(record)
            self._by_outbox_key[outbox_key] = record
            self._find_overflow(gone)
            for tell in self.listeners:
                tell(record)
        self._unsure.clear()

    def _watch_clock(self, charge_point: ChargePoint) -> None:
        stamp = charge_point.clock.stamp

        def watched() -> datetime:
            given = stamp()
            if charge_point is self._open:  # a dying task may still give one, which nobody will ever see
                [(newest,)] = charge_point.memory.store.execute("SELECT newest FROM clock")
                written = newest == given.isoformat()
                self.stamps.append(Stamp(given, asyncio.get_running_loop().time(), self._lives, written))
            return given

        charge_point.clock.stamp = watched  # type: ignore[method-assign]

    def close(self, charge_point: ChargePoint) -> None:
        """A life ends. To say so twice is fine."""
        if charge_point is not self._open:
            return
        self._open = None
        self.drops.update(charge_point.outbox.drops)

    def alike(self, key: MessageKey) -> list[Record]:
        """The messages that look like this one but for their transaction's id: one, as long as no timestamp repeats."""
        return self._by_key.get(key, [])

    def newest(self, action: str) -> Record | None:
        """The last of this action that was written down."""
        return next((record for record in reversed(self.records) if record.key[0] == action), None)

    def _find_overflow(self, gone: set[Any]) -> None:
        for record in self.records if gone else []:
            if record.outbox_key in gone:
                record.dropped = "overflow"


def _keys(outbox: Any) -> set[Any]:
    return {entry.key for entry in outbox.entries()}
