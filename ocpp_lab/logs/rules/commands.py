"""Rules about what the operator orders: Accepted must mean done, and Rejected has a reason (core 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..case import Case, result
from ..exchanges import Exchange, seconds
from ..rule import Hit, RuleSet, named
from ..seen import Seen
from ..transactions import LoggedTransaction

COMMANDS = RuleSet()
_CROSS = ("04_call_correlation", "8. One in flight")
_DONE = ("05_lifecycle_loop", "4. The gate is a function")
PATIENCE = 120.0
"""Seconds within which something that was accepted should show."""
CROSSING = 60.0
"""Seconds in which an order may not know yet that what it is about has ended."""


@COMMANDS.rule("remote-stop-rejected", "core 5.12", _DONE, 60)
def remote_stop_rejected(case: Case) -> Iterator[Hit]:
    """The id is not the one that is open; or it is, and the charge point refuses all the same."""
    for each in case.calls("RemoteStopTransaction"):
        if result(each).get("status") != "Rejected" or each.reply is None:
            continue
        asked = each.call.payload.get("transactionId")
        running = [one for one in case.open_at(each.call.index) if one.ids and one.start_reply is not None]
        running = [one for one in running if one.start_reply and one.start_reply.index < each.call.index]
        open_ids = sorted({number for one in running for number in one.ids})
        if asked in open_ids:
            start = next(one for one in running if asked in one.ids)
            assert start.start is not None and start.start_reply is not None
            if not case.arrived(start.start_reply, each.call) or _unsettled(case, each, start):
                continue
            if _turned_away(case, each) or _ended_by_order(case, start, each):
                continue
            yield Hit(
                [start.start, each.call, each.reply],
                f"{named(each.call)} for transaction {asked} was Rejected, and that transaction is open since line"
                f" {start.start.line}.",
                "charge point",
                "Look which id it knows: it may have missed the answer to its StartTransaction.",
                "likely" if len(case.connections) > 1 else "proved",
            )
        elif open_ids and not _just_stopped(case, each, asked):
            yield Hit(
                [each.call, each.reply],
                f"{named(each.call)} asks for transaction {asked}; what is open is {', '.join(map(str, open_ids))}.",
                "central system",
                f"Send the id that the answer to the StartTransaction gave: {open_ids[-1]}.",
                "likely" if case.unclear else "proved",
            )


def _just_stopped(case: Case, each: Exchange, asked: Any) -> bool:
    """Whether that transaction ended moments before: the order and the stop, or its answer, have crossed."""
    stops = [one.stop for one in case.transactions if asked in one.ids and one.stop is not None]
    earlier = [stop for stop in stops if stop.index < each.call.index]
    return any((seconds(stop, each.call) or 0.0) <= CROSSING for stop in earlier)


def _ended_by_order(case: Case, start: LoggedTransaction, each: Exchange) -> bool:
    """Whether another order ends it already: a reset, a remote stop before this one, a cable that was set free."""
    begun = start.start.index if start.start else 0
    return any(
        begun < one.call.index < each.call.index
        and one.action in ("Reset", "RemoteStopTransaction", "UnlockConnector", "ChangeAvailability")
        and result(one).get("status") not in ("Rejected", "NotSupported")
        for one in case.exchanges
    )


def _turned_away(case: Case, each: Exchange) -> bool:
    """Whether the charge point may take itself for not accepted, and so refuses remote orders (core 4.2)."""
    assert each.reply is not None
    if case.registration_at(each.call.index) not in (None, "Accepted") or case.booted_between(each.call, each.reply):
        return True
    before = case.log.seen[max(0, each.call.index - 40) : each.reply.index]
    return any(seen.kind == 4 and "SecurityError" in seen.text and seen.identity == case.identity for seen in before)


def _unsettled(case: Case, each: Exchange, start: LoggedTransaction) -> bool:
    """Whether it may have ended already, and its stop waits in a queue."""
    stop, begun = start.stop, start.start
    if (each.seconds or 0.0) > 5:
        return True  # it lay on the way, and what it asked for may have happened meanwhile
    if stop is None:
        return case.lasts(each.call) < 300
    passed = seconds(begun, each.call) if begun else None
    if passed is None or start.started is None or start.stopped is None:
        return True
    return (start.stopped - start.started).total_seconds() < passed + 60


@COMMANDS.rule("remote-start-and-nothing", "core 5.11", _DONE, 60)
def remote_start_and_nothing(case: Case) -> Iterator[Hit]:
    """RemoteStartTransaction Accepted, a car plugged in, and no transaction begins."""
    for each in case.calls("RemoteStartTransaction"):
        if result(each).get("status") != "Accepted" or each.reply is None:
            continue
        tag = str(each.call.payload.get("idTag")).lower()
        connector = each.call.payload.get("connectorId")
        if (
            _tries(case, each, tag)
            or not _runs_on(case, each.reply)
            or case.unclear_between(each.call.index, len(case.log.seen))
        ):
            continue
        plugged = case.status_at(connector, each.reply)
        if plugged not in ("Preparing", "SuspendedEVSE"):
            continue
        yield Hit(
            [each.call, each.reply],
            f"{named(each.call)} was Accepted with connector {connector} {plugged}, and no StartTransaction of that tag"
            f" followed, though the connection went on for {case.lasts(each.reply):.0f} s.",
            "charge point",
            "See whether the tag is known there (AuthorizeRemoteTxRequests), and whether the car asks for energy."
            " What is"
            " accepted should be begun, or ConnectionTimeOut should end the attempt with a status.",
            "likely",
        )


def _tries(case: Case, each: Exchange, tag: str) -> bool:
    """Whether a start of that tag follows, or the tag is asked for and refused, or the car leaves."""
    for seen in case.after(each.call):
        if seen.kind != 2:
            continue
        if seen.action in ("StartTransaction", "Authorize") and str(seen.payload.get("idTag")).lower() == tag:
            return True
        same = seen.payload.get("connectorId") == each.call.payload.get("connectorId")
        if seen.action == "StatusNotification" and same and seen.payload.get("status") not in ("Preparing", None):
            return True
        if seen.action in ("BootNotification", "Reset", "RemoteStartTransaction", "ChangeAvailability"):
            return True
    return False


def _runs_on(case: Case, since: Seen) -> bool:
    return case.lasts(since) > PATIENCE


@COMMANDS.rule("trigger-and-nothing", "core 5.17", _CROSS, 40)
def trigger_and_nothing(case: Case) -> Iterator[Hit]:
    """TriggerMessage Accepted, and the message does not come."""
    for each in case.calls("TriggerMessage"):
        wanted, reply = each.call.payload.get("requestedMessage"), each.reply
        if result(each).get("status") != "Accepted" or reply is None or not _runs_on(case, reply):
            continue
        if _follows(case, each, wanted) or _stuck(case, reply) or _on_its_way(case, each, wanted):
            continue
        if case.unclear_between(each.call.index, len(case.log.seen)):
            continue
        yield Hit(
            [each.call, reply],
            f"{named(each.call)} for {wanted} was Accepted, and no {wanted} followed in the whole log"
            f" ({case.lasts(reply):.0f} s of that connection).",
            "charge point",
            "Answer NotImplemented or Rejected if it will not be sent. Accepted is a promise.",
            group=str(wanted),
        )


def _follows(case: Case, each: Exchange, wanted: object) -> bool:
    """Whether it does; or whether the charge point sends too little for anybody to tell."""
    others = 0
    for seen in case.after(each.call):
        if seen.kind == 2 and seen.sender == "charge point":
            others += 1
            if seen.action in (wanted, None):
                return True
    return others < 2


def _on_its_way(case: Case, each: Exchange, wanted: object) -> bool:
    """Whether it had been sent a moment before, and had no answer yet."""
    return any(
        one.call.index < each.call.index and (one.reply is None or one.reply.index > each.call.index)
        for one in case.calls(str(wanted))
    )


def _stuck(case: Case, since: Seen) -> bool:
    """Whether the charge point waits for an answer that does not come: then it may not send."""
    return any(
        each.call.sender == "charge point"
        and each.call.connection == since.connection
        and each.fate in ("timed out", "lost with the connection")
        for each in case.exchanges
    )
