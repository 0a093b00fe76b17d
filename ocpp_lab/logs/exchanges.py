"""`exchanges`: every call of a log with its reply, and what became of it. Paired by unique id, never by position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from .log import Log
from .pairing import OTHER, Pairs, pair
from .seen import Seen, Side

LoggedFate = Literal["answered", "error", "unreadable", "timed out", "lost with the connection", "the log ends"]
"""*unreadable*: something with its id is there and cannot be read. *timed out*: others of the same direction were
answered, and the log and the connection go on for long enough. Where that cannot be told, *the log ends*."""

LONG_ENOUGH = 60.0
"""Seconds: twice what most stacks wait for an answer."""
LATER_ANSWERS = 4
"""Calls of the same end that were answered meanwhile: in a log without times, they say that it runs on."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call, and the reply to it."""

    call: Seen
    reply: Seen | None
    fate: LoggedFate
    seconds: float | None = None
    """From the call to the reply; None without a reply or without times."""

    @property
    def action(self) -> str:
        """Of the call; "" if it could not be read."""
        return self.call.action or ""


class _Ending(NamedTuple):
    """The last that the log has of a connection."""

    at: datetime | None
    closed: bool


class _Pairing(NamedTuple):
    """What is asked of the whole log, once."""

    seen: Sequence[Seen]
    pairs: Pairs
    endings: dict[tuple[str | None, int], _Ending]
    answered: dict[tuple[str | None, Side | None], list[int]]
    """The calls that were answered, by charge point and sender."""
    unread: dict[str | None, list[int]]
    """Replies that are broken or elided and fit no call: any of them could be the one that seems to be missing."""


def exchanges(log: Log) -> list[Exchange]:
    """In the order of their calls."""
    pairing = _paired(log)
    return [_exchange(pairing, call) for call in log.seen if call.kind == 2]


def _paired(log: Log) -> _Pairing:
    pairs = pair(log.seen)
    endings: dict[tuple[str | None, int], _Ending] = {}
    newest: dict[str | None, int] = {}
    unread: dict[str | None, list[int]] = defaultdict(list)
    for seen in log.seen:
        before = endings.get((seen.identity, seen.connection))
        endings[seen.identity, seen.connection] = _Ending(seen.at or (before.at if before else None), False)
        newest[seen.identity] = max(seen.connection, newest.get(seen.identity, 0))
        if seen.condition in ("broken", "elided") and seen.kind != 2 and seen.index not in pairs.call_of:
            unread[seen.identity].append(seen.index)
    says = {(each.identity, each.number): each for each in log.connections}
    for key, ending in endings.items():
        told = says.get(key)
        closed = key[1] < newest[key[0]] or bool(told and told.closing)
        at = max(filter(None, (ending.at, told.closed_at if told else None)), default=None)
        endings[key] = _Ending(at, closed)
    answered: dict[tuple[str | None, Side | None], list[int]] = defaultdict(list)
    for index in sorted(pairs.reply_of):
        call = log.seen[index]
        answered[call.identity, call.sender].append(index)
    return _Pairing(log.seen, pairs, endings, answered, unread)


def _exchange(pairing: _Pairing, call: Seen) -> Exchange:
    index = pairing.pairs.reply_of.get(call.index)
    if index is None:
        return Exchange(call, None, _without_reply(pairing, call))
    reply = pairing.seen[index]
    unreadable = reply.frame is None and reply.condition != "elided"
    fate: LoggedFate = "unreadable" if unreadable else "answered" if reply.kind == 3 else "error"
    return Exchange(call, reply, fate, seconds(call, reply))


def seconds(one: Seen, other: Seen) -> float | None:
    """From one frame to another; None without times."""
    return None if one.at is None or other.at is None else (other.at - one.at).total_seconds()


def _without_reply(pairing: _Pairing, call: Seen) -> LoggedFate:
    ending = pairing.endings[call.identity, call.connection]
    answers = pairing.answered.get((call.identity, call.sender), [])
    if call.sender is None or not answers or _excused(pairing, call):
        return "lost with the connection" if ending.closed and answers else "the log ends"
    if call.at and ending.at:
        runs_on = (ending.at - call.at).total_seconds() > LONG_ENOUGH
    else:
        later = [index for index in answers if index > call.index]
        runs_on = len(later) >= LATER_ANSWERS and pairing.seen[later[0]].connection == call.connection
    if runs_on:
        return "timed out"
    return "lost with the connection" if ending.closed else "the log ends"


def _excused(pairing: _Pairing, call: Seen) -> bool:
    """Whether a reply that cannot be read may be the one to this call."""
    for index in pairing.unread.get(call.identity, []):
        reply = pairing.seen[index]
        after = seconds(call, reply)
        opposite = reply.sender is None or reply.sender == OTHER.get(call.sender or "charge point")
        if index > call.index and opposite and (after is None or after < 2 * LONG_ENOUGH):
            return True
    return False
