"""`Case`: everything that rules ask about one charge point in a log, worked out once."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ..codec import decode_payload
from ..errors import PayloadError
from ..frames import CallResult
from ..messages import ACTIONS
from .copies import Copies, copies
from .exchanges import Exchange, exchanges, seconds
from .log import Log, LoggedConnection
from .pairing import Pairs, pair
from .seen import Seen, Side, objects
from .statuses import LoggedStatus, statuses
from .transactions import LoggedTransaction, transactions

WAITED_FOR = 120.0
"""Seconds after which nobody waits for a reply any more."""
MANY_GAPS = 3
"""Replies without their calls that are no accident."""


@dataclass
class Case:
    """One charge point. ``log`` is the whole; the rest is its own."""

    log: Log
    identity: str | None
    seen: Sequence[Seen]
    exchanges: Sequence[Exchange]
    transactions: Sequence[LoggedTransaction]
    statuses: Sequence[LoggedStatus]
    connections: Sequence[LoggedConnection]
    pairs: Pairs
    """Of the whole log, by `Seen.index`."""

    @cached_property
    def by_call(self) -> dict[int, Exchange]:
        """By the index of the call."""
        return {each.call.index: each for each in self.exchanges}

    def exchanges_after(self, call: Seen) -> Iterator[Exchange]:
        """Those whose calls come later."""
        first = bisect_right(self._call_places, call.index)
        return (self.exchanges[place] for place in range(first, len(self.exchanges)))

    @cached_property
    def _call_places(self) -> list[int]:
        return [each.call.index for each in self.exchanges]

    @property
    def on_the_way(self) -> float:
        """Seconds that a reply may take to the charge point: nothing to speak of in a log that it wrote itself."""
        return 0.5 if self.log.viewpoint.side == "charge point" else 10.0

    def after(self, seen: Seen) -> Iterator[Seen]:
        """The frames behind this one."""
        first = bisect_right(self._places, seen.index)
        return (self.seen[place] for place in range(first, len(self.seen)))

    @cached_property
    def _places(self) -> list[int]:
        return [each.index for each in self.seen]

    def arrived(self, reply: Seen, later: Seen) -> bool:
        """Whether the charge point had this reply when it sent something later: its own log says so, or the connection
        went on; on a connection that is lost, the reply may be lost too."""
        if self.booted_between(reply, later):
            return False
        return self.log.viewpoint.side == "charge point" or reply.connection == later.connection

    @cached_property
    def end(self) -> datetime | None:
        """The newest time in it."""
        return max((each.at for each in self.seen if each.at), default=None)

    @cached_property
    def _boots(self) -> list[int]:
        return [each.index for each in self.seen if each.kind == 2 and each.action == "BootNotification"]

    @cached_property
    def messages(self) -> list[Copies]:
        """Its transaction messages, each with all its copies."""
        return copies(self.exchanges)

    @cached_property
    def settings(self) -> dict[str, list[tuple[int, str]]]:
        """Configuration keys as the log tells them: where, and the value."""
        found: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for each in self.exchanges:
            if each.fate != "answered" or each.reply is None:
                continue
            asked, told = each.call.payload, each.reply.payload
            if each.action == "GetConfiguration":
                for entry in objects(told.get("configurationKey")):
                    if isinstance(entry.get("value"), str):
                        found[str(entry.get("key")).lower()].append((each.reply.index, entry["value"]))
            elif each.action == "ChangeConfiguration" and told.get("status") == "Accepted":
                found[str(asked.get("key")).lower()].append((each.reply.index, str(asked.get("value"))))
        return found

    def setting(self, key: str, index: int) -> str | None:
        """What a key is, as told before that place in the log."""
        told = [value for place, value in self.settings.get(key.lower(), ()) if place < index]
        return told[-1] if told else None

    def calls(self, action: str) -> Iterator[Exchange]:
        """Its exchanges of one action, of either side."""
        return (each for each in self.exchanges if each.action == action)

    def booted_between(self, one: Seen, other: Seen) -> bool:
        """Whether a boot, or a power cut that the log speaks of, lies between: what was in memory may be gone."""
        boots = self._boots
        if bisect_right(boots, other.index) > bisect_right(boots, one.index):
            return True
        cut = (each for each in self.connections if "power" in each.closing)
        return any(one.last_line <= each.closing_line <= other.line for each in cut)

    def same_connection(self, one: Seen, other: Seen) -> bool:
        """Whether nothing says that a new connection began between them."""
        return one.connection == other.connection and not self.booted_between(one, other)

    def closed_between(self, one: Seen, other: Seen) -> bool:
        """Whether the connection ended, and another began."""
        return one.connection != other.connection

    @property
    def tells_connections(self) -> bool:
        """Whether the log says anything of their beginnings or ends."""
        return len(self.connections) > 1 or any(each.opening or each.closing for each in self.connections)

    def lasts(self, since: Seen) -> float:
        """Seconds for which the connection of a frame goes on after it; 0 without times."""
        newest = self._last_of.get(since.connection)
        after = seconds(since, newest) if newest else None
        return after or 0.0

    @cached_property
    def _last_of(self) -> dict[int, Seen]:
        return {each.connection: each for each in self.seen if each.at}

    @cached_property
    def unclear(self) -> list[Seen]:
        """What cannot be read whole, in both directions."""
        return [each for each in self.seen if each.condition in ("broken", "elided")]

    @cached_property
    def gaps(self) -> list[Seen]:
        """Replies to calls that the log has not, though none waits there: a filter took them out. One or two are
        somebody's mistake; where there are more, no absence in this log proves anything."""
        found = [
            each
            for place, each in enumerate(self.seen)
            if each.kind in (3, 4)
            and each.sender is not None
            and each.condition in ("whole", "mended")
            and each.frame is not None
            and each.index not in self.pairs.call_of
            and place >= 2
            and not self.waited_for(place)
        ]
        return found if len(found) >= MANY_GAPS else []

    def waited_for(self, place: int) -> bool:
        """Whether a call of the other end has no answer, shortly before the reply at that place of `seen`: it was meant
        for it. Without one, somebody may have cut the call out of the log."""
        reply = self.seen[place]
        for call in self.seen[max(0, place - 30) : place]:
            exchange = self.by_call.get(call.index)
            waits = exchange is not None and exchange.reply is None and call.sender != reply.sender
            after = seconds(call, reply)
            if after is not None and after > WAITED_FOR:
                continue  # where a piece is cut out of a log, the last call before it and the first reply behind it
            if waits and _may_answer(call, reply):
                return True
        return False

    def unclear_between(self, first: int, last: int, action: str | None = None) -> bool:
        """Whether something that cannot be read stands between two places, and could be a call of this action."""
        return any(
            first < each.index < last and (action is None or each.action in (None, action)) for each in self.unclear
        )

    def open_at(self, index: int) -> list[LoggedTransaction]:
        """Transactions that began before a place in the log, and have no stop before it."""
        return [
            each
            for each in self.transactions
            if each.start and each.start.index < index and (each.stop is None or each.stop.index > index)
        ]

    def status_at(self, connector: object, seen: Seen) -> str | None:
        """What a connector was told to be before this frame; None if the log does not say."""
        told = [each.status for each in self.statuses if each.connector == connector and each.seen.index < seen.index]
        return told[-1] if told else None

    def registration_at(self, index: int) -> str | None:
        """What the newest boot before a place in the log was answered; None if none is seen."""
        answers = [each for each in self._registrations if each[0] < index]
        return answers[-1][1] if answers else None

    @cached_property
    def _registrations(self) -> list[tuple[int, str]]:
        return [
            (each.reply.index, str(each.reply.payload.get("status")))
            for each in self.calls("BootNotification")
            if each.reply is not None and each.fate == "answered"
        ]

    def sent_by(self, side: Side) -> list[Seen]:
        """The frames of one end."""
        return [each for each in self.seen if each.sender == side]


def _may_answer(call: Seen, reply: Seen) -> bool:
    """Whether the payload of a reply is one that this call asks for: the time is no answer to a status."""
    action = ACTIONS.get(call.action or "")
    if action is None or not isinstance(reply.frame, CallResult):
        return True
    try:
        decode_payload(action.response, reply.payload)
    except PayloadError:
        return False
    return True


def cases(log: Log) -> Iterator[Case]:
    """One for each charge point of a log."""
    pairs = pair(log.seen)
    all_seen: dict[str | None, list[Seen]] = defaultdict(list)
    for seen in log.seen:
        all_seen[seen.identity].append(seen)
    pieces: dict[str | None, tuple[list[Any], list[Any], list[Any], list[Any]]] = defaultdict(lambda: ([], [], [], []))
    for exchange in exchanges(log):
        pieces[exchange.call.identity][0].append(exchange)
    for transaction in transactions(log):
        pieces[transaction.identity][1].append(transaction)
    for status in statuses(log):
        pieces[status.identity][2].append(status)
    for connection in log.connections:
        pieces[connection.identity][3].append(connection)
    for identity, own in all_seen.items():
        yield Case(log, identity, own, *pieces[identity], pairs)


def result(exchange: Exchange) -> dict[str, Any]:
    """The payload of an exchange that was answered with a result; else an empty object."""
    reply = exchange.reply
    return reply.payload if reply is not None and isinstance(reply.frame, CallResult) else {}
