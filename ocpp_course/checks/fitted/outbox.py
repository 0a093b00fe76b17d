"""`FittedOutbox`: an outbox of the exercises as a charge point needs it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from ocpp_lab.messages import Request
from ocpp_lab.outbox import Entry

Prepare = Callable[[Entry], Request[Any]]
Told = Callable[[Entry, Any], None]
Dropped = Callable[[Entry], None]


class FittedOutbox:
    """``piece`` is the learner's, which keeps the messages and sends them: steps 3.4 and 3.6. Put messages in here.

    A piece shows its head only. So what is put is remembered here, and since messages leave in their order, the head
    tells which of them wait. What an earlier life has left in its file was never put here: it is *turned* once, at the
    beginning: each message is put at the end again and struck out at the front, until all were seen. They have new keys
    then. A power cut in the midst of that may leave one of them twice, and those that were turned behind the others.

    An answer that comes after its timeout is not used: the piece is about to send that message again, and nobody can
    tell it not to. Only of a message that it has given up the transaction id is still learnt.
    """

    limit = sys.maxsize
    """It has no bound, and nothing of it is thinned out."""

    def __init__(self, piece: Any) -> None:
        self.piece = piece
        self.drops: Counter[str] = Counter()
        """What was given up: ``"attempts"``."""
        self._seen: dict[int, Entry] = {}  # by key, oldest first: what was put, but for what we know to have left
        self._turn()

    def __len__(self) -> int:
        return len(self.piece)

    def put(self, request: Request[Any], transaction: str | None = None) -> int:
        self._catch_up()
        key: int = self.piece.put(request, transaction)
        self._seen[key] = Entry(key, request, transaction, 0)
        return key

    def head(self) -> Entry | None:
        found = self.piece.head()
        return None if found is None else _entry(found)

    def entries(self) -> list[Entry]:
        """All that wait, oldest first. Raises LookupError if the piece was given messages behind our back."""
        self._catch_up()
        if len(self._seen) != len(self.piece):
            hidden = len(self.piece) - len(self._seen)
            raise LookupError(f"expected all messages to be put through `fit`; {hidden} in the outbox were not")
        return list(self._seen.values())

    def failed(self, key: int) -> int:
        failures: int = self.piece.failed(key)
        if key in self._seen:
            self._seen[key] = self._seen[key]._replace(failures=failures)
        return failures

    def delete(self, key: int) -> None:
        self.piece.delete(key)
        self._seen.pop(key, None)

    def settle(self, entry: Entry, response: Any, on_result: Told | None = None) -> bool:
        """Too late for the piece: it counts the answers that its own `drain` gets."""
        return False

    async def drain(
        self,
        call: Callable[[Request[Any]], Awaitable[Any]],
        probe: Callable[[], Awaitable[bool]],
        *,
        attempts: int,
        retry_interval: float,
        prepare: Prepare | None = None,
        on_result: Told | None = None,
        on_drop: Dropped | None = None,
    ) -> None:
        """The piece's own; its entries are shown as `Entry`, and what it drops is counted."""

        def dropped(entry: Any) -> None:
            self.drops["attempts"] += 1
            if on_drop:
                on_drop(_entry(entry))

        await self.piece.drain(
            call,
            probe,
            attempts=attempts,
            retry_interval=retry_interval,
            prepare=(lambda entry: prepare(_entry(entry))) if prepare else None,
            on_result=(lambda entry, response: on_result(_entry(entry), response)) if on_result else None,
            on_drop=dropped,
        )

    def close(self) -> None:
        self.piece.close()

    def _turn(self) -> None:
        waiting = len(self.piece)
        for _ in range(waiting if waiting > 1 else 0):
            old = self.piece.head()
            key = self.piece.put(old.request, old.transaction)
            for _ in range(old.failures):
                self.piece.failed(key)
            self.piece.delete(old.key)
            self._seen[key] = Entry(key, old.request, old.transaction, old.failures)
        if head := self.head():
            self._seen[head.key] = head

    def _catch_up(self) -> None:
        """Forget what stood before the head: it was delivered or dropped."""
        head = self.head()
        for key in list(self._seen):
            if head and key == head.key:
                self._seen[key] = head  # which knows its failures
                break
            del self._seen[key]


def _entry(found: Any) -> Entry:
    """An entry of the piece's own make as ours."""
    return Entry(found.key, found.request, found.transaction, found.failures)
