"""Rules about the order of transaction messages: nothing lost, nothing overtaken, no hurry (core 3.7, 3.7.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ...frames import CallError
from ..case import Case
from ..copies import Copies
from ..exchanges import Exchange, seconds
from ..rule import Hit, RuleSet, named
from ..seen import Seen, objects
from ..transactions import instant

OUTBOX = RuleSet()
_HOW = ("03_session_reconnect", "8. The outbox")


@OUTBOX.rule("overtaken", "core 3.7", _HOW, 65)
def overtaken(case: Case) -> Iterator[Hit]:
    """A message that had no answer comes again after a newer one: the order is lost."""
    all_messages = case.messages
    for place, message in enumerate(all_messages):
        if len(message.exchanges) < 2:
            continue
        for newer in all_messages[place + 1 :]:
            between = [each for each in newer.exchanges if message.first.index < each.call.index < message.last.index]
            if not between or message.exchanges[0].fate == "answered":
                continue
            if any(each.fate == "answered" and each.call.index < between[0].call.index for each in message.exchanges):
                continue
            if case.booted_between(message.first, message.last) or not _newer(message.first, newer.first):
                continue
            yield Hit(
                [message.first, between[0].call, message.last],
                f"{named(message.first)} was not delivered, then the newer {named(between[0].call)} left, then the"
                " older"
                f" one again (line {message.last.line}).",
                "charge point",
                "One queue, and its head stays its head until it is answered or given up: a retry does not go to the"
                " end.",
            )
            break


def _newer(one: Seen, other: Seen) -> bool:
    first, second = _when(one), _when(other)
    return first is None or second is None or second >= first


def _when(seen: Seen) -> datetime | None:
    payload = seen.payload
    if "timestamp" in payload:
        return instant(payload["timestamp"])
    values = objects(payload.get("meterValue"))
    return instant(values[0].get("timestamp")) if values else None


@OUTBOX.rule("thrown-away", "core 3.7.1", _HOW, 80)
def thrown_away(case: Case) -> Iterator[Hit]:
    """A start or a stop got no answer because the connection was lost, and never came again, though newer ones did."""
    all_messages = case.messages
    for place, message in enumerate(all_messages[:-1]):
        fates = {each.fate for each in message.exchanges}
        if fates != {"lost with the connection"} or message.first.action == "MeterValues":
            continue
        later = [each for each in all_messages[place + 1 :] if _next_one(case, message, each)]
        if not later or case.booted_between(message.last, later[0].first):
            continue
        if case.unclear_between(message.first.index, len(case.log.seen), message.first.action):
            continue
        yield Hit(
            [message.last, later[0].first],
            f"{named(message.last)} was lost with its connection and never sent again; the next transaction message,"
            f" {named(later[0].first)}, was sent and answered.",
            "charge point",
            "A lost connection is no failure of the message: keep it, and send it again on the next connection, first.",
        )


def _next_one(case: Case, message: Copies, later: Copies) -> bool:
    return later.first.index > message.last.index and any(
        each.fate == "answered" and case.closed_between(message.last, each.call) for each in later.exchanges
    )


@OUTBOX.rule("retry-too-early", "core 3.7.1", _HOW, 30)
def retry_too_early(case: Case) -> Iterator[Hit]:
    """A refused message comes again before its interval, which the log tells, is over."""
    for message in case.messages:
        for number, (before, again) in enumerate(zip(message.exchanges, message.exchanges[1:], strict=False), 1):
            reply = before.reply
            if reply is None or not isinstance(reply.frame, CallError) or reply.frame.code == "SecurityError":
                continue
            told = case.setting("TransactionMessageRetryInterval", again.call.index)
            waited = seconds(reply, again.call)
            if told is None or not told.isdigit() or waited is None or case.booted_between(reply, again.call):
                continue
            if waited < int(told) - 1:
                yield Hit(
                    [before.call, reply, again.call],
                    f"{named(again.call)} was sent again {waited:.1f} s after it was refused (send number {number});"
                    f" with TransactionMessageRetryInterval {told} the wait is {told} s at least.",
                    "charge point",
                    "Wait the interval times the number of sends so far, from the refusal on.",
                )


@OUTBOX.rule("never-given-up", "core 3.7.1", _HOW, 45)
def never_given_up(case: Case) -> Iterator[Hit]:
    """The same message, refused ten times and more: it blocks all others."""
    for message in case.messages:
        refused = [each.call for each in message.exchanges if each.fate == "error" and _counts(each)]
        if len(refused) >= 10:
            yield Hit(
                refused,
                f"{named(message.first)} was refused {len(refused)} times and still comes: nothing behind it gets out.",
                "charge point",
                "Give a message up after TransactionMessageAttempts refusals, and go on with the next.",
            )


def _counts(exchange: Exchange) -> bool:
    frame = exchange.reply.frame if exchange.reply else None
    return isinstance(frame, CallError) and frame.code != "SecurityError"
