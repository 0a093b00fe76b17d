"""5.4: transaction ids that come later than the messages that need them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import msgspec

from ocpp_lab.messages import HeartbeatRequest, MeterValuesRequest, StopTransactionRequest
from ocpp_lab.outbox import Entry, Outbox
from ocpp_lab.transaction_ids import TransactionIds

from ..kit import Kit
from ..session_reconnect.boxes import NAME, Boxes, reading, start, stop
from ..step import Step, Wrong

step = Step(
    "5.4",
    "`TransactionIds`: the real id, later",
    ("TransactionIds",),
    points=3,
    minutes=20,
    reference=lambda: TransactionIds,
)


def values(kit: Kit, transaction_id: int | None = -1) -> MeterValuesRequest:
    return MeterValuesRequest(connector_id=1, transaction_id=transaction_id, meter_value=[reading(kit)])


def entry(kit: Kit, key: int, request: Any, transaction: str | None) -> Entry:
    return Entry(key, request, transaction, 0)


def names(kit: Kit, number: int = 2) -> list[str]:
    return kit.rng.sample(["morning", "noon", "7f2c", "a-1", "connector-2", "T0042", "1", "-1", "o'clock"], number)


def numbers(kit: Kit, number: int = 2) -> list[int]:
    return kit.rng.sample(range(1, 10**6), number)


def sent(ids: Any, each: Entry) -> Any:
    """The id that would go out; refused if there is no request."""
    request = ids.prepare(each)
    if not isinstance(request, MeterValuesRequest | StopTransactionRequest):
        raise Wrong(repr(request)[:40], "`prepare` returns the request to send; it has to return one each time.")
    return request.transaction_id


def prepared(kit: Kit, ids: Any, each: Entry) -> Any:
    """The request that would go out for a name of which nothing is known; refused if there is none."""
    try:
        return ids.prepare(each)
    except (LookupError, TypeError, ValueError) as error:
        said = "`prepare` never raises: while nothing is known of a name, -1 is sent (core errata 3.18)."
        raise Wrong(type(error).__name__, said) from error


@step.check("learnt after the put, it is in what is sent")
def patched(my: Any, kit: Kit) -> str:
    """Offline a transaction has no id yet; the messages wait, and get it when they leave (core 4.8, 4.10)."""
    with Boxes(my.TransactionIds, kit) as boxes:
        ids, (name,), (number,) = boxes.open(), names(kit, 1), numbers(kit, 1)
        entries = [entry(kit, 2, values(kit), name), entry(kit, 3, stop(kit), name)]
        for each in entries:
            prepared(kit, ids, each)
        ids.learn(name, number)
        got = {each.request.action: sent(ids, each) for each in entries}
        fresh = sent(ids, entry(kit, 7, stop(kit), name))
        for action, came in got.items():
            said = "the id was learnt before the send, and is not in what is sent."
            if number in got.values():
                said = "StopTransaction and MeterValues both get the id."
            elif fresh == number:
                said = "at the put the id was not known; patch at the send."
            elif came not in (-1, None):
                said = "the id goes out as it was learnt, an int."
            kit.require(came == number and isinstance(came, int), f"{action}: {came!r}", said)
        for each in entries:
            wanted = msgspec.structs.replace(each.request, transaction_id=number)
            said = "nothing but the transaction id changes."
            kit.require(ids.prepare(each) == wanted, "more has changed", said)
        late = entry(kit, 4, values(kit, None), name)
        said = "`entry.transaction` says whether there is a transaction, and not what the request holds."
        kit.equal(sent(ids, late), number, said)
        begun = entry(kit, 1, start(kit), name)
        kit.equal(ids.prepare(begun), begun.request, "StartTransaction asks for the id; it has none.")
        beat = entry(kit, 9, HeartbeatRequest(), None)
        kit.equal(ids.prepare(beat), beat.request, "other requests stay as they are.")
        ids.learn("the first", 0)
        zero = sent(ids, entry(kit, 8, stop(kit), "the first"))
        kit.require(zero == 0, str(zero), "the id 0 was learnt; it is an id like any other.")
    return "patched"


@step.check("two transactions at once: each its own id")
def two_at_once(my: Any, kit: Kit) -> str:
    """Each connector has its own transaction, and its readings belong to that one (core 4.7)."""
    with Boxes(my.TransactionIds, kit) as boxes:
        ids, (one, two), (first, second) = boxes.open(), [*names(kit, 1), "eight o'clock"], numbers(kit)
        ids.learn(one, first)
        ids.learn(two, second)
        for make in (values, stop):
            got = [sent(ids, entry(kit, key, make(kit), name)) for key, name in enumerate((one, two, one), 1)]
            said = "each transaction has an id of its own, and both were learnt."
            if set(got) <= {first, second}:
                said = "connector 1's meter values went into connector 2's transaction."
                said = said if make is values else "a stop got the id of another driver's transaction."
            kit.require(
                got == [first, second, first], "another's id" if set(got) <= {first, second} else str(got), said
            )
    return "each its own"


@step.check("given up, or never known: -1")
def minus_one(my: Any, kit: Kit) -> str:
    """Where there is no id, -1 goes out, and the central system accepts it (core errata 3.18)."""
    with Boxes(my.TransactionIds, kit) as boxes:
        ids, (lost, unknown) = boxes.open(), names(kit)
        other = boxes.open(kit.path("other.db"))
        other.learn("in another file", 4711)
        sent(other, entry(kit, 9, stop(kit), "in another file"))
        got = prepared(kit, ids, entry(kit, 9, stop(kit), "in another file"))
        said = (
            "another object, with another file, has learnt this id: keep what is known on `self`, and not on the class."
        )
        kit.require(getattr(got, "transaction_id", None) != 4711, "4711", said)
        ids.give_up(lost)
        for key, name in enumerate((lost, unknown), 1):
            each = entry(kit, key, stop(kit) if kit.rng.random() < 0.5 else values(kit), name)
            each = each._replace(request=msgspec.structs.replace(each.request, transaction_id=7))
            request = prepared(kit, ids, each)
            said = "a stop without a start is still sent; it carries the energy."
            kit.require(request is not None, "None", said)
            got = request.transaction_id
            zero = "0 is not -1; the central system would look for transaction 0."
            kit.require(got == -1, str(got), zero if got == 0 else "without an id, -1 is sent (core errata 3.18).")
        (number,) = numbers(kit, 1)
        ids.learn(lost, number)
        late = sent(ids, entry(kit, 3, stop(kit), lost))
        ids.learn("in time", number + 1)
        said = "an answer came after `give_up`: its id is learnt all the same."
        learns = sent(ids, entry(kit, 4, stop(kit), "in time")) == number + 1
        kit.require(late == number, f"learnt after `give_up`: {late}", said if learns else None)
        ids.give_up("in time")
        got = sent(ids, entry(kit, 5, stop(kit), "in time"))
        kit.require(got == number + 1, f"`give_up` after `learn`: {got}", "`give_up` came after `learn`: the id stays.")
    return "-1"


@step.check("learnt, then a power cut: still known")
def after_restart(my: Any, kit: Kit) -> str:
    """What was answered is not sent again; so after a power cut nobody tells the id again."""
    with Boxes(my.TransactionIds, kit) as boxes:
        (one, two, given), (first, second) = names(kit, 3), numbers(kit)
        said = "the id was learnt before the power cut and forgotten."
        with closing(Outbox(kit.path(NAME))) as outbox:  # it may be the same file
            outbox.put(stop(kit), one)
            ids = boxes.open()
            ids.learn(one, first)
            ids.learn(two, second)
            ids.give_up(given)
            known = [sent(ids, entry(kit, 1, stop(kit), name)) for name in (one, two, given)] == [first, second, -1]
            cut = boxes.power_cut()
            again = boxes.open(cut)
            for key, (name, number) in enumerate({one: first, two: second, given: -1}.items(), 1):
                got = sent(again, entry(kit, key, stop(kit), name))
                other = "after the power cut another id is sent than before it."
                why = said if got in (-1, None) else other
                kit.require(got == number, f"{got}, not {number}", why if known else None)
            _outbox_lives(kit, cut)
        said = "an outbox in the same file has wiped it out; keep it in a table of its own."
        kit.equal(sent(boxes.open(), entry(kit, 9, stop(kit), one)), first, said)
    return "still known"


def _outbox_lives(kit: Kit, path: str) -> None:
    """What waits in the same file still waits, and the file may be written to."""
    with closing(sqlite3.connect(path, timeout=0.0)) as other:
        try:
            (left,) = other.execute("SELECT count(*) FROM outbox").fetchone()
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            said = "it may share its file with an outbox: leave the outbox's tables as they are."
            locked = "it may share its file with an outbox: hold no lock; commit what you wrote."
            raise Wrong(str(error), locked if "locked" in str(error) else said) from error
    kit.equal(left, 1, "it may share its file with an outbox; what waits there has to stay.")


@step.check("the entry that waits is not changed")
def copy(my: Any, kit: Kit) -> str:
    """What waits in the outbox stays as it was written down."""
    with Boxes(my.TransactionIds, kit) as boxes:
        ids, (name,), (number,) = boxes.open(), names(kit, 1), numbers(kit, 1)
        ids.learn(name, number)
        for request in (values(kit), stop(kit)):
            before = msgspec.json.encode(request.transaction_id)
            ids.prepare(entry(kit, 1, request, name))
            same = msgspec.json.encode(request.transaction_id) == before
            kit.require(same, "it was changed", "the stored request was changed; send a copy.")
    return "unchanged"


@step.check("readings outside a transaction: no id")
def no_transaction(my: Any, kit: Kit) -> str:
    """Readings while no transaction runs have no id (core 4.7). One that runs is named by each (core errata 3.16)."""
    with Boxes(my.TransactionIds, kit) as boxes:
        ids, (name,), (number,) = boxes.open(), names(kit, 1), numbers(kit, 1)
        ids.learn(name, number)
        got = sent(ids, entry(kit, 1, values(kit, None), None))
        kit.require(
            got is None, "the id of another" if got == number else str(got), "these values belong to no transaction."
        )
        for request in (stop(kit), values(kit)):
            request = msgspec.structs.replace(request, transaction_id=number + 1)
            got = sent(ids, entry(kit, 2, request, None))
            kit.equal(got, number + 1, "without a name of ours it is sent as it is.")
    return "none"


@step.check("the same id learnt twice: harmless")
def learn_twice(my: Any, kit: Kit) -> str:
    """A ledger that knows a resend answers it with the same id (OCPP 1.6 does not say so), which is learnt again."""
    with Boxes(my.TransactionIds, kit) as boxes:
        ids, (name,), (number,) = boxes.open(), names(kit, 1), numbers(kit, 1)
        ids.learn(name, number)
        ids.learn(name, number)
        kit.equal(sent(ids, entry(kit, 1, stop(kit), name)), number)
    return "harmless"
