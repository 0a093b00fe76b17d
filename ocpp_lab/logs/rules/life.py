"""Rules about boots, connections and statuses (core 4.2, 4.9, J-spec 5.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise, takewhile

from ...messages import ACTIONS
from ...station.status import CONNECTOR as _TABLE
from ..case import Case, result
from ..exchanges import seconds
from ..log import LoggedConnection
from ..rule import Hit, RuleSet, named
from ..seen import Seen
from ..transactions import instant

LIFE = RuleSet()
_BOOT = ("05_lifecycle_loop", "3. Boot: accepted, pending, rejected")
_GATE = ("05_lifecycle_loop", "4. The gate is a function")
MANY, WITHIN = 5, timedelta(seconds=120)
"""Connections or boots that are a storm, and within how long."""
CONNECTOR_EDGES: dict[str, frozenset[str]] = {status: frozenset(edges) for status, edges in _TABLE.items()}
"""The table of core 4.9, for statuses as they stand in a log."""
_MAIN = ("Available", "Unavailable", "Faulted")


@LIFE.rule("talks-before-accepted", "core 4.2", _GATE, 50)
def talks_before_accepted(case: Case) -> Iterator[Hit]:
    """Calls between a boot and its acceptance that nobody asked for."""
    booting: Seen | None = None
    status: str | None = None
    triggered: set[str] = set()
    for seen in case.seen:
        if (
            seen.kind == 2
            and seen.sender == "central system"
            and seen.action in ("TriggerMessage", "ExtendedTriggerMessage")
        ):
            triggered.add(str(seen.payload.get("requestedMessage")))
        if seen.kind == 2 and seen.action == "BootNotification":
            booting, status = seen, None
        elif booting and seen.action == "BootNotification" and seen.kind in (3, 4) and seen.frame is not None:
            status = str(seen.payload.get("status")) if seen.kind == 3 else None
            booting = None if status == "Accepted" or seen.kind == 4 else booting
        elif booting and seen.connection != booting.connection:
            booting = None
        elif booting and status in ("Pending", "Rejected") and seen.kind == 2 and seen.sender == "charge point":
            if seen.action in triggered or seen.action not in ACTIONS or (status == "Pending" and triggered):
                continue
            yield Hit(
                [booting, seen],
                f"The charge point sent {named(seen)} while its boot was {status} (line {booting.line}).",
                "charge point",
                "Until a boot is Accepted, send nothing but the next boot, after the interval that came with the"
                " answer;"
                " if it is Pending, also what a TriggerMessage asks for.",
                group=str(status),
            )


@LIFE.rule("orders-before-accepted", "core 4.2", _BOOT, 40)
def orders_before_accepted(case: Case) -> Iterator[Hit]:
    """A remote start or stop for a charge point whose boot is Pending."""
    for each in case.exchanges:
        remote = each.action in ("RemoteStartTransaction", "RemoteStopTransaction")
        if remote and each.call.sender == "central system" and case.registration_at(each.call.index) == "Pending":
            yield Hit(
                [each.call],
                f"The central system sent {named(each.call)} to a charge point whose boot it answered with Pending.",
                "central system",
                "Accept the boot first.",
            )


@LIFE.rule("boot-too-early", "core 4.2", _BOOT, 40, least=2)
def boot_too_early(case: Case) -> Iterator[Hit]:
    """A boot before the interval of the refused one is over, and nobody triggered it."""
    boots = list(case.calls("BootNotification"))
    for before, after in pairwise(boots):
        told, waited = result(before), seconds(before.reply, after.call) if before.reply else None
        interval = told.get("interval")
        if told.get("status") not in ("Pending", "Rejected") or type(interval) is not int or waited is None:
            continue
        between = takewhile(lambda seen: seen is not after.call, case.after(before.call))  # noqa: B023, used at once
        if any(
            seen.kind == 2 and seen.action in ("TriggerMessage", "Reset", "ExtendedTriggerMessage") for seen in between
        ):
            continue
        cut = any("power" in each.closing for each in case.connections)
        if case.on_the_way < waited < interval - 1 and not cut:
            yield Hit(
                [before.call, after.call],
                f"{named(after.call)} came {waited:.0f} s after an answer of {told['status']} with interval"
                f" {interval} s.",
                "charge point",
                "Wait the interval; it holds over a new connection too.",
                "likely",
                group="early",
            )


@LIFE.rule("boot-triggered-again", "core errata 3.40", _BOOT, 10, least=2)
def boot_triggered_again(case: Case) -> Iterator[Hit]:
    """A BootNotification is triggered of a charge point whose boot is accepted."""
    for each in case.calls("TriggerMessage"):
        boots = [one for one in case.calls("BootNotification") if one.reply and one.reply.index < each.call.index]
        accepted = bool(boots) and result(boots[-1]).get("status") == "Accepted"
        accepted = accepted and boots[-1].call.connection == each.call.connection
        if accepted and boots[-1].reply and not case.tells_connections:
            after = seconds(boots[-1].reply, each.call)
            accepted = after is not None and after <= 60  # later, it may be another one's beginning
        if each.call.payload.get("requestedMessage") == "BootNotification" and accepted:
            yield Hit(
                [each.call],
                f"The central system triggered a BootNotification (line {each.call.line}), though it had accepted one.",
                "central system",
                "Keep what the boot said. Some charge points take a boot for a new beginning.",
                group="again",
            )


@LIFE.rule("connection-storm", "J-spec 5.3", ("03_session_reconnect", "7. The storm"), 65)
def connection_storm(case: Case) -> Iterator[Hit]:
    """Connections one after the other: what came before each end."""
    known = [each for each in case.connections if each.opened_at]
    for first, last in zip(known, known[MANY - 1 :], strict=False):
        assert first.opened_at is not None and last.opened_at is not None
        if last.opened_at - first.opened_at > WITHIN:
            continue
        chosen = known[known.index(first) : known.index(last) + 1]
        ends = [_TIME.sub("", each.closing) or _last_words(case, each) for each in chosen[:-1]]
        common = max(dict.fromkeys(ends), key=ends.count)
        where = [seen for each in chosen for seen in case.seen if seen.connection == each.number][:1]
        yield Hit(
            where,
            f"{len(chosen)} connections within {(last.opened_at - first.opened_at).total_seconds():.0f} s (from line"
            f" {first.first_line}). Before the end there was, {ends.count(common)} of {len(ends)} times: {common:.160}",
            "the link",
            "Look at both ends for who closes, and with which code. Pings (WebSocketPingInterval) show a dead link; a"
            " proxy"
            " may close what is idle; and a client has to wait longer each time that it dials.",
            "likely",
        )
        return


_TIME = re.compile(r"^[\[(]?[\d:.,/TZ+ -]{6,}[\])]?\s*")
"""In front of a line of a log; without it two of them can be the same."""


def _last_words(case: Case, connection: LoggedConnection) -> str:
    last = [each for each in case.seen if each.connection == connection.number]
    if not last:
        return "nothing at all"
    newest = last[-1]
    return f"{newest.action or 'a frame'} of the {newest.sender or 'other end'}"


@LIFE.rule("boot-storm", "core 4.2", ("03_session_reconnect", "7. The storm"), 60)
def boot_storm(case: Case) -> Iterator[Hit]:
    """Accepted boots every few seconds, without a reset."""
    boots = [
        each for each in case.calls("BootNotification") if result(each).get("status") == "Accepted" and each.call.at
    ]
    for first, last in zip(boots, boots[MANY - 1 :], strict=False):
        if first.call.at is None or last.call.at is None or last.call.at - first.call.at > WITHIN:
            continue
        orders = [
            each
            for each in case.exchanges
            if first.call.index < each.call.index < last.call.index
            and (
                each.action == "Reset"
                or each.call.payload.get("requestedMessage") == "BootNotification"
                or (each.reply is not None and "SecurityError" in each.reply.text)
            )
        ]
        if orders:
            continue
        chosen = boots[boots.index(first) : boots.index(last) + 1]
        yield Hit(
            [each.call for each in chosen],
            f"{len(chosen)} accepted boots within {(last.call.at - first.call.at).total_seconds():.0f} s: the charge"
            " point"
            " restarts again and again, or takes each connection for a start.",
            "charge point",
            "Look what it does not like in the answer to its boot, or in the first call that it gets. After a mere"
            " reconnect"
            " no boot is needed.",
            "likely",
        )
        return


@LIFE.rule("status-of-connector-zero", "core 4.9", ("05_lifecycle_loop", "5. The heartbeat"), 30)
def status_of_connector_zero(case: Case) -> Iterator[Hit]:
    """Connector 0, the charge point as a whole, knows three statuses."""
    for each in case.statuses:
        if each.connector == 0 and each.status in CONNECTOR_EDGES and each.status not in _MAIN:
            yield Hit(
                [each.seen],
                f"Connector 0 is told to be {each.status} (line {each.seen.line}).",
                "charge point",
                "Tell it of the connector itself; 0 is Available, Unavailable or Faulted.",
                group=each.status,
            )


@LIFE.rule("order-of-statuses", "core 4.9", ("03_session_reconnect", "5. The state table"), 25)
def order_of_statuses(case: Case) -> Iterator[Hit]:
    """Two statuses after each other, on one connection, between which the table has no edge."""
    newest: dict[int, Seen] = {}
    for each in case.statuses:
        before = newest.get(each.connector)
        newest[each.connector] = each.seen
        if before is not None and _told_anew(case, before, each.seen):
            continue
        if each.connector == 0 or before is None or not case.same_connection(before, each.seen):
            continue
        old = str(before.payload.get("status"))
        if (
            old not in CONNECTOR_EDGES
            or each.status not in CONNECTOR_EDGES
            or old == each.status
            or each.status in CONNECTOR_EDGES[old]
        ):
            continue
        if not case.tells_connections and not _at_once(before, each.seen):
            continue  # offline in between, unseen
        if case.unclear_between(before.index, each.seen.index, "StatusNotification") or _hurried(case, each.seen):
            continue
        yield Hit(
            [before, each.seen],
            f"Connector {each.connector} goes from {old} (line {before.line}) to {each.status} (line {each.seen.line}),"
            " and core 4.9 has no such edge.",
            "charge point",
            "Tell every status in between; only what is shorter than MinimumStatusDuration may be left out.",
            "likely",
            group=f"{old} {each.status}",
        )


def _told_anew(case: Case, before: Seen, seen: Seen) -> bool:
    """What had no answer is told again, later and out of order: its own time says so."""
    exchange = case.by_call.get(before.index)
    one, other = instant(before.payload.get("timestamp")), instant(seen.payload.get("timestamp"))
    if exchange is None or exchange.fate != "answered" or bool(one and other and other < one):
        return True
    connector = seen.payload.get("connectorId")
    times = (each.at for each in case.statuses if each.connector == connector and each.seen not in (before, seen))
    return bool(one and other and any(at and one <= at <= other for at in times))


def _at_once(one: Seen, other: Seen) -> bool:
    after = seconds(one, other)
    return other.index - one.index <= 6 if after is None else after <= 30


def _hurried(case: Case, seen: Seen) -> bool:
    """Whether a key allows it to leave statuses out."""
    told = case.setting("MinimumStatusDuration", seen.index)
    return told is not None and told not in ("0", "")


@LIFE.rule("no-subprotocol", "J-spec 3.1.2", ("01_smoke_tests", "1. The two ends and the wire"), 75)
def no_subprotocol(case: Case) -> Iterator[Hit]:
    """The log speaks of a handshake without a common subprotocol."""
    for line, text in case.log.refusals:
        if "subprotocol" in text.lower() or "sub-protocol" in text.lower():
            yield Hit(
                [],
                f"Line {line} speaks of the subprotocol: {text:.160}",
                "charge point",
                'The client has to offer "ocpp1.6" in Sec-WebSocket-Protocol, and the server to choose it.',
                "likely",
                group="subprotocol",
            )
