"""Rules about transactions: their ids, their energy, their beginning and end (core 4.7, 4.8, 4.10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...frames import CallError
from ..case import Case, result
from ..exchanges import seconds
from ..rule import Hit, RuleSet, named
from ..seen import Seen
from ..transactions import NO_IDS, LoggedTransaction
from .payloads import is_bad, judged

MONEY = RuleSet()
_ACROSS = ("05_lifecycle_loop", "7. A transaction across a cut")
_LEDGER = ("03_session_reconnect", "10. The ledger")
LATE = 30.0
"""Seconds after which a charge point may have given up an answer."""


@MONEY.rule("no-transaction-id", "core errata 3.54", _LEDGER, 80)
def no_transaction_id(case: Case) -> Iterator[Hit]:
    """The central system gives an id that stands for none."""
    for each in case.calls("StartTransaction"):
        number = result(each).get("transactionId")
        if type(number) is int and number <= 0 and each.reply is not None:
            yield Hit(
                [each.call, each.reply],
                f"The central system answered {named(each.call)} with the transaction id {number}.",
                "central system",
                "Give each transaction a positive id of its own, also if the tag is refused: -1 stands for none, and"
                " many"
                " charge points take 0 for none too.",
                group="given",
            )


@MONEY.rule("stop-without-its-id", "core 4.10", _ACROSS, 85)
def stop_without_its_id(case: Case) -> Iterator[Hit]:
    """The id was given in time, and the stop, or a reading, has -1, 0 or another one."""
    for each in case.transactions:
        stop, reply = each.stop, each.start_reply
        if stop is None or reply is None or each.start is None or stop.index < reply.index or not each.ids:
            continue
        if each.stop_id in each.ids or (each.stop_id == 0 and 0 in each.ids) or each.ids[0] in NO_IDS:
            continue
        if not _in_time(each.start, reply, case) or not case.arrived(reply, stop):
            continue
        yield Hit(
            [each.start, reply, stop],
            f"The stop in line {stop.line} has the transaction id {each.stop_id}, though its start got the id"
            f" {each.ids[0]} in line {reply.line}.",
            "charge point",
            "Put the id in at the instant of sending, and keep it in a file: a stop that was written while the start"
            " had"
            " no answer yet has to get it later.",
        )
    yield from _strange_stops(case)


def _strange_stops(case: Case) -> Iterator[Hit]:
    """A stop with -1 that could not be paired, while a transaction with an id is open whose energy it continues."""
    for each in case.transactions:
        if each.start is not None or each.stop is None or each.stop_id not in NO_IDS:
            continue
        fitting = [
            other
            for other in case.open_at(each.stop.index)
            if other.start_reply is not None
            and other.start is not None
            and other.ids
            and other.ids[0] not in NO_IDS
            and other.start_reply.index < each.stop.index
            and _in_time(other.start, other.start_reply, case)
            and case.arrived(other.start_reply, each.stop)
        ]
        on_all = case.open_at(each.stop.index)
        if len(fitting) == len(on_all) and fitting and not case.unclear_between(0, each.stop.index):
            start = fitting[0]
            assert start.start is not None and start.start_reply is not None
            yield Hit(
                [start.start, start.start_reply, each.stop],
                f"The stop in line {each.stop.line} has the transaction id {each.stop_id}; every transaction that is"
                " open"
                f" there has its id, as {start.ids[0]} since line {start.start_reply.line}.",
                "charge point",
                "Put the id in at the instant of sending, and keep it in a file.",
            )


def _in_time(call: Seen, reply: Seen, case: Case) -> bool:
    """Whether the charge point certainly still waited for it."""
    index = case.pairs.call_of.get(reply.index)
    after = seconds(case.log.seen[index] if index is not None else call, reply)
    return (after is None or after < LATE - 1) and call.connection == reply.connection


@MONEY.rule("two-ids-for-one-start", "core 4.8", _LEDGER, 90)
def two_ids_for_one_start(case: Case) -> Iterator[Hit]:
    """A repeated start got an id of its own: the driver pays twice."""
    for each in case.transactions:
        if len(set(each.ids)) > 1 and each.start is not None:
            yield Hit(
                [each.start, *each.repeats[:2]],
                f"One StartTransaction (line {each.start.line}, and the same again in line {each.repeats[0].line})"
                " got the"
                f" ids {', '.join(map(str, dict.fromkeys(each.ids)))}."
                if each.repeats
                else f"One StartTransaction (line {each.start.line}) got the ids {each.ids}.",
                "central system",
                "Recognise a repeat by charge point, connector, tag, timestamp and meterStart, and give it the same"
                " id.",
            )


@MONEY.rule("one-id-for-two-starts", "core 4.8", _LEDGER, 90)
def one_id_for_two_starts(case: Case) -> Iterator[Hit]:
    """Two different starts got the same id: one of them is lost."""
    by_id: dict[int, LoggedTransaction] = {}
    for each in case.transactions:
        for number in set(each.ids):
            other = by_id.setdefault(number, each)
            if other is not each and number > 0 and each.start and other.start and each.started != other.started:
                yield Hit(
                    [other.start, each.start],
                    f"The starts in line {other.start.line} and in line {each.start.line} are two transactions, and"
                    " both"
                    f" got the id {number}.",
                    "central system",
                    "A start is a repeat only if all of it is the same, its timestamp above all.",
                )


@MONEY.rule("stopped-twice", "core 4.10", _ACROSS, 60)
def stopped_twice(case: Case) -> Iterator[Hit]:
    """Two different stops for one transaction."""
    first: dict[int, LoggedTransaction] = {}
    for each in case.transactions:
        number = each.stop_id
        if each.stop is None or number is None or number in NO_IDS:
            continue
        other = first.setdefault(number, each)
        if other is not each and other.stop is not None and each.start is None:
            yield Hit(
                [other.stop, each.stop],
                f"Transaction {number} was stopped in line {other.stop.line} ({other.reason}) and again in line"
                f" {each.stop.line} ({each.reason}), with other contents.",
                "charge point",
                "Write the end of a transaction down in the same step as its StopTransaction, so that a restart does"
                " not"
                " end it again.",
            )


@MONEY.rule("sent-again-after-its-answer", "core 3.7.1", ("03_session_reconnect", "8. The outbox"), 55)
def sent_again_after_its_answer(case: Case) -> Iterator[Hit]:
    """A transaction message that has its result, once more. Without one it is a retry, and right."""
    done: dict[tuple[str, str], tuple[Seen, Seen]] = {}
    for each in case.exchanges:
        call = each.call
        if call.action not in ("StartTransaction", "StopTransaction") or call.frame is None:
            continue
        if call.payload.get("transactionId", 1) in NO_IDS:
            continue  # two that end at once look alike without their ids
        key = call.action, repr(sorted(call.payload.items(), key=str))
        if key in done:
            first, answer = done[key]
            after = seconds(answer, call)
            if _stopped_between(case, first, call):
                continue  # another one, of a charge point without a clock
            if call.index > answer.index and (after is None or after > case.on_the_way) and case.arrived(answer, call):
                late = not _in_time(first, answer, case)
                yield Hit(
                    [first, answer, call],
                    f"{named(call)} is a copy of {named(first)}, which had its result in line {answer.line}"
                    + (f", {seconds(first, answer) or 0:.0f} s late." if late else "."),
                    "charge point",
                    "Strike a message out when its CallResult comes, before anything else, also if it comes after the"
                    " time was up: keep the unique id until then, so that the result is recognised.",
                    "likely" if late else "proved",
                    weight=35 if late else None,
                )
        if each.fate == "answered" and each.reply is not None and _good(each.reply):
            done.setdefault(key, (call, each.reply))


def _stopped_between(case: Case, start: Seen, again: Seen) -> bool:
    ended = (each for each in case.transactions if each.start is start and each.stop is not None)
    return any(each.stop.index < again.index for each in ended if each.stop)


def _good(reply: Seen) -> bool:
    payload = reply.payload
    if reply.action == "StartTransaction":
        return type(payload.get("transactionId")) is int and isinstance(payload.get("idTagInfo"), dict)
    return "idTagInfo" not in payload or isinstance(payload["idTagInfo"], dict)


def _same_but_for_id(payload: dict[str, Any]) -> str:
    return repr(sorted((name, value) for name, value in payload.items() if name != "transactionId"))


@MONEY.rule("left-open", "core 4.10", _ACROSS, 75)
def left_open(case: Case) -> Iterator[Hit]:
    """The next start on a connector whose transaction has no stop in the whole log."""
    newest: dict[int, LoggedTransaction] = {}
    for each in case.transactions:
        if each.start is None or each.connector is None:
            continue
        before = newest.get(each.connector)
        newest[each.connector] = each
        if before is None or before.stop is not None or before.start is None or not before.ids:
            continue
        if case.unclear_between(before.start.index, len(case.log.seen), "StopTransaction") or _stopped_by_nobody(case):
            continue
        if each.started is not None and each.started == before.started:
            continue
        yield Hit(
            [before.start, each.start],
            f"Transaction {before.ids[0]} on connector {each.connector} (line {before.start.line}) has no"
            " StopTransaction"
            f" in this log, and the next one on that connector began in line {each.start.line}.",
            "charge point",
            "Each transaction needs its stop, after a reset or a power cut too: queue it, and send it before the next"
            " start.",
            "proved"
            if _whole_between(case, before.start, each.start) and _ends_between(case, before, each)
            else "likely",
        )


def _stopped_by_nobody(case: Case) -> bool:
    """Whether stops with -1 are about: one of them may belong to it."""
    return any(each.start is None and each.stop_id in NO_IDS and each.stop is not None for each in case.transactions)


def _ends_between(case: Case, before: LoggedTransaction, each: LoggedTransaction) -> bool:
    """Whether the log tells of connections, or shows how the connector was left, without a pause in front of it: else a
    piece may be cut out, with the stop in it."""
    first, last = (one.start.index if one.start else 0 for one in (before, each))
    if any(one.start is None and one.stop is not None and first < one.stop.index < last for one in case.transactions):
        return False  # a stop whose start is missing, between: so may be this one's
    if case.tells_connections:
        return True
    left = (
        status.seen
        for status in case.statuses
        if status.connector == each.connector and status.status in ("Finishing", "Available")
    )
    end = next((seen for seen in left if first < seen.index < last), None)
    after = seconds(case.log.seen[end.index - 1], end) if end is not None else None
    return after is not None and after <= 120


def _whole_between(case: Case, one: Seen, other: Seen) -> bool:
    return one.connection == other.connection or any(each.opening for each in case.connections)


@MONEY.rule("tag-refused", "core 4.8", ("03_session_reconnect", "10. The ledger"), 35)
def tag_refused(case: Case) -> Iterator[Hit]:
    """ConcurrentTx for a tag that charges nowhere else, or Invalid just after Accepted."""
    accepted: dict[str, Seen] = {}
    for each in case.exchanges:
        tag = each.call.payload.get("idTag")
        info = result(each).get("idTagInfo")
        status = info.get("status") if isinstance(info, dict) else None
        if not isinstance(tag, str) or each.reply is None:
            continue
        if each.action == "Authorize" and status == "Accepted":
            accepted[tag.lower()] = each.reply
        elif each.action == "StartTransaction" and status == "Invalid" and tag.lower() in accepted:
            after = seconds(accepted[tag.lower()], each.reply)
            if after is None or after < 300:
                yield Hit(
                    [accepted[tag.lower()], each.reply],
                    f"The central system accepted the tag in line {accepted[tag.lower()].line}, and calls it Invalid"
                    " in its"
                    f" answer to the start (line {each.reply.line}).",
                    "central system",
                    "Ask the same list for both. The charge point has to end the transaction (DeAuthorized), or to stop"
                    " the energy.",
                    "likely",
                )


@MONEY.rule("concurrent-with-nothing", "core 4.8", ("03_session_reconnect", "10. The ledger"), 50)
def concurrent_with_nothing(case: Case) -> Iterator[Hit]:
    """ConcurrentTx for a tag whose last transaction here has ended, and the central system has answered its stop."""
    for each in case.exchanges:
        info = result(each).get("idTagInfo")
        tag = str(each.call.payload.get("idTag")).lower()
        if not isinstance(info, dict) or info.get("status") != "ConcurrentTx" or each.reply is None:
            continue
        before = [one for one in case.transactions if str(one.id_tag).lower() == tag and one.start is not None]
        before = [one for one in before if one.start and one.start.index < each.call.index]
        if not before or any(one.stop is None or one.stop.index > each.call.index for one in before):
            continue
        stop = before[-1].stop
        answer = case.by_call.get(stop.index) if stop is not None else None
        if stop is None or answer is None or answer.fate != "answered" or answer.reply is None:
            continue
        if answer.reply.index < each.call.index and before[-1].stop_id in before[-1].ids:
            yield Hit(
                [stop, answer.reply, each.reply],
                f"{named(each.call)} got ConcurrentTx, and the last transaction of that tag here,"
                f" {before[-1].stop_id}, was"
                f" stopped in line {stop.line} and its stop answered.",
                "central system",
                "Look which transaction it still counts as open: a stop with another id, or one at another charge"
                " point.",
                "likely",
            )


@MONEY.rule("refused-again-and-again", "core 3.7.1", ("03_session_reconnect", "8. The outbox"), 80)
def refused_again_and_again(case: Case) -> Iterator[Hit]:
    """The same transaction message gets a CallError each time: after its attempts it is thrown away."""
    refused: dict[tuple[str, str], list[Seen]] = {}
    codes: Counter[str] = Counter()
    for each in case.exchanges:
        if each.action not in ("StartTransaction", "StopTransaction") or each.fate != "error" or each.reply is None:
            continue
        code = _code(each.reply)
        key = each.action, _same_but_for_id(each.call.payload)
        refused.setdefault(key, []).append(each.call)
        codes[code] += 1
    for (action, _), calls in refused.items():
        legible = [call for call in calls if judged(call)]
        if len(calls) < 3 or not legible:
            continue
        bad = is_bad(legible[0])
        yield Hit(
            calls,
            f"The same {action} was refused {len(calls)} times, first in line {calls[0].line}"
            f" ({', '.join(codes)})." + (" Its payload breaks the schema." if bad else " Its payload is in order."),
            "charge point" if bad else "central system",
            "Correct the payload: as it is, each copy is refused, and after its attempts the message is lost."
            if bad
            else "Answer starts and stops always with a result, whatever is thought of them: a refusal only makes them"
            " come again, and then they are lost.",
            group=action,
        )


def _code(reply: Seen) -> str:
    return reply.frame.code if isinstance(reply.frame, CallError) else ""
