"""3.7: a ledger that hears twice and does once."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from ocpp_lab.central_system import Ledger
from ocpp_lab.codec import decode_payload, to_object
from ocpp_lab.messages import StartTransactionRequest, StopTransactionRequest

from ..kit import Kit
from ..step import Step
from .boxes import Boxes, backwards, start, stop

step = Step("3.7", "`Ledger`: twice heard, once done", ("Ledger",), points=2, minutes=20, reference=lambda: Ledger)

ONE, TWO = "CP_1", "CP_2"
Stopped = StopTransactionRequest


def again[T: (StartTransactionRequest, StopTransactionRequest)](request: T) -> T:
    """The same event, heard a second time: an equal request made of another frame."""
    return decode_payload(type(request), to_object(request))


def ended(kit: Kit, transaction_id: int, meter: int) -> Stopped:
    return msgspec.structs.replace(stop(kit), transaction_id=transaction_id, meter_stop=meter)


def tells(row: Any, number: int) -> bool:
    """Whether the number is somewhere in that row."""
    return str(number) in repr(row)


@step.check("the repeat gets the same id, one row; also after a restart")
def same_answer_again(my: Any, kit: Kit) -> str:
    """A charge point that lost our answer sends its message again, under a new unique id (J-spec 4.1.4)."""
    restarted = "after a restart of the central system the repeat made a second row."
    with Boxes(my.Ledger, kit) as ledgers:
        ledger, request = ledgers.open(), start(kit)
        first = ledger.start(ONE, request)
        kit.require(isinstance(first, int), f"{first!r}", "`start` returns the transaction id, a whole number.")
        listed = hasattr(ledger.rows(), "__len__")
        kit.require(listed, f"a {type(ledger.rows()).__name__}", "`rows()` gives a list.")
        second = _repeated(kit, ledger, request)
        said = "a resend has a new id; recognise the event, not the frame."
        kit.require(len(ledger.rows()) == 1, f"{len(ledger.rows())} rows", said)
        kit.require(second == first, f"{second}, then {first}", "the repeat left one row, and got another id.")
        copy = ledgers.after_power_cut()
        forgot = "a power cut here forgets a transaction whose id is given already."
        kit.require(len(copy.rows()) == 1, f"{len(copy.rows())} rows after a power cut", forgot)
        for later in (copy, ledgers.reopened(ledger)):
            third = _repeated(kit, later, request)
            lost = "after a restart of the central system the row is gone."
            rows = len(later.rows())
            kit.require(rows == 1, f"{rows} rows after a restart", restarted if rows else lost)
            said = "after a restart of the central system the repeat got another id."
            kit.require(third == first, "another id after a restart", said)
    _another_offset(my, kit)
    return "the same id, 1 row"


def _another_offset(my: Any, kit: Kit) -> None:
    """12:00Z and 14:00+02:00 are one instant, so a start that says it the other way is a repeat."""
    with Boxes(my.Ledger, kit) as ledgers:
        ledger, request = ledgers.open(kit.path("offsets.db")), start(kit)
        zone = timezone(timedelta(hours=kit.rng.choice([-5, 2, 9]), minutes=30))
        local = msgspec.structs.replace(request, timestamp=request.timestamp.astimezone(zone))
        ids = [ledger.start(ONE, each) for each in (local, request, again(local))]
        said = "the same instant at another offset is the same event; compare instants, in UTC for example."
        kit.require(len(set(ids)) == 1 and len(ledger.rows()) == 1, f"{len(set(ids))} ids", said)


def _repeated(kit: Kit, ledger: Any, request: StartTransactionRequest) -> int:
    try:
        answer: int = ledger.start(ONE, again(request))
    except (sqlite3.Error, ValueError, LookupError) as error:
        said = "the repeat was refused; the charge point retries until it gives up and drops it."
        kit.require(False, f"{type(error).__name__} on the repeat", said)
    return answer


@step.check("another connector, tag, instant or meter: another transaction")
def two_drivers(my: Any, kit: Kit) -> str:
    """Only the same event is a repeat. A start on a busy connector is none: the stop before it may still be queued."""
    with Boxes(my.Ledger, kit) as ledgers:
        ledger, request = ledgers.open(), start(kit)
        first = ledger.start(ONE, request)
        others = {
            "connector": msgspec.structs.replace(request, connector_id=request.connector_id + 1),
            "tag": msgspec.structs.replace(request, id_tag="ANOTHER"),
            "instant": msgspec.structs.replace(request, timestamp=request.timestamp + timedelta(minutes=9)),
            "millisecond": msgspec.structs.replace(request, timestamp=request.timestamp + timedelta(milliseconds=1)),
            "meter": msgspec.structs.replace(request, meter_start=request.meter_start + 1),
        }
        ids = {first}
        for name, other in others.items():
            came = ledger.start(ONE, other)
            kit.require(
                came not in ids, f"another {name}, the same id", "the next driver got the last driver's transaction id."
            )
            ids.add(came)
        for _ in range(2):
            late = "a repeat that comes after other starts is one, too."
            kit.equal((ledger.start(ONE, again(request)), len(ledger.rows())), (first, 6), late)
    return "6 ids, 6 rows"


@step.check("the same payload from another charge point: another id")
def two_points(my: Any, kit: Kit) -> str:
    """A request does not say who sends it; the identity of the connection does (J-spec 3.1.1)."""
    with Boxes(my.Ledger, kit) as ledgers:
        ledger, request = ledgers.open(), start(kit)
        ids = [ledger.start(identity, again(request)) for identity in (ONE, TWO, ONE)]
        said = "every charge point has a connector 1."
        kit.require(ids[0] != ids[1], "one id for two", said)
        kit.equal(ids[2], ids[0])
        kit.equal(len(ledger.rows()), 2)
    return "2 ids, 2 rows"


@step.check("the first stop stays, whatever is repeated after it")
def first_stop_wins(my: Any, kit: Kit) -> str:
    """What was invoiced once is not changed by a repeat: of a stop, or of its start."""
    with Boxes(my.Ledger, kit) as ledgers:
        ledger, request = ledgers.open(), start(kit)
        number = ledger.start(ONE, request)
        right, wrong = (kit.rng.randrange(low, low + 10**7) for low in (10**7, 3 * 10**7))
        request_to_stop = ended(kit, number, right)
        ledger.stop(ONE, request_to_stop)
        kit.equal(len(ledger.rows()), 1, "a transaction that ended stays in `rows()`.")
        row = invoiced = ledger.rows()[0]
        kit.require(tells(row, right), "no meterStop in the row", "`stop` left no trace in `rows()`.")
        (row,) = ledgers.after_power_cut().rows()
        kit.require(tells(row, right), "not on the disk", "a power cut here forgets a stop that was answered.")
        for repeat in (again(request_to_stop), ended(kit, number, wrong)):
            ledger.stop(ONE, repeat)
        kit.equal(ledger.start(ONE, again(request)), number, "a late repeat of the start got another id.")
        for later in (ledger, ledgers.after_power_cut()):
            kit.equal(len(later.rows()), 1, "a repeat made a second row.")
            row = later.rows()[0]
            said = "a later stop changed what was invoiced; the first one stays."
            kit.require(tells(row, right) and not tells(row, wrong), "the second meterStop", said)
            kit.require(row == invoiced, "another row than before", said)
        _bare_stop(kit, ledgers, ledger, ended(kit, number, wrong))
    return "the first"


def _bare_stop(kit: Kit, ledgers: Boxes, ledger: Any, later: Stopped) -> None:
    """A stop at 0 Wh without a reason is a stop, also after a restart of the central system."""
    number = ledger.start(ONE, start(kit))
    ledger.stop(ONE, msgspec.structs.replace(ended(kit, number, 0), reason=None))
    said = "a later stop changed what was invoiced; the first one stays."
    for restarts in (False, True):
        ledger = ledgers.reopened(ledger) if restarts else ledger
        ledger.stop(ONE, msgspec.structs.replace(later, transaction_id=number))
        changed = any(tells(row, later.meter_stop) for row in ledger.rows())
        kit.require(not changed, "the second meterStop", said)


@step.check("no error; no transaction is made or ended by it")
def unknown_stop(my: Any, kit: Kit) -> str:
    """A stop is always answered: with -1 if its start was given up, or with an id nobody knows (core errata 3.18)."""
    with Boxes(my.Ledger, kit) as ledgers:
        ledger = ledgers.open()
        number = ledger.start(ONE, start(kit))
        meter = kit.rng.randrange(10**7, 2 * 10**7)
        cases = {"-1": (ONE, -1), "an unknown id": (ONE, number + 1000), "another's id": (TWO, number)}
        for name, (identity, unknown) in cases.items():
            for _ in range(2):
                try:
                    ledger.stop(identity, ended(kit, unknown, meter))
                except (sqlite3.Error, ValueError, LookupError, RuntimeError) as error:
                    said = "always answer StopTransaction; the charge point cannot mend it."
                    kit.require(False, f"{name}: {type(error).__name__}", said)
            kit.require(
                len(ledger.rows()) == 1, f"{name}: {len(ledger.rows())} rows", "`rows()` has transactions only."
            )
            said = f"a stop with {name} ended this transaction."
            if identity == TWO:
                said = "another charge point's stop ended this transaction."
            kit.require(not tells(ledger.rows()[0], meter), f"{name} ended it", said)
        for ahead in range(1, 4):  # ids that are given next
            ledger.stop(ONE, ended(kit, number + ahead, meter))
        for _ in range(3):
            ledger.start(ONE, start(kit))
        said = "a stop of an unknown id ended the transaction that got this id later."
        kit.require(not any(tells(row, meter) for row in ledger.rows()), "ended before it began", said)
    return "no error, 1 row"


@step.check("whole numbers from 1, never given twice")
def ids_positive(my: Any, kit: Kit) -> str:
    """Unique positive ids are recommended (core errata 3.54), and -1 says that there is none (core errata 3.18)."""
    with Boxes(my.Ledger, kit) as ledgers:
        ledger = ledgers.open()
        ids = [ledger.start(kit.rng.choice([ONE, TWO, "CP_3"]), start(kit)) for _ in range(10)]
        ledger = ledgers.reopened(ledger)
        ids += [ledger.start(ONE, start(kit)) for _ in range(5)]
        whole = all(type(each) is int and each > 0 for each in ids)
        kit.require(whole, f"{ids[:3]} …", '0 and less are easily taken for "no transaction"; count from 1.')
        kit.equal(len(set(ids)), len(ids), "two transactions have one id.")
    return "15 of 15"


KEYS = ("id", "identity", "connector", "id_tag", "started", "meter_start", "stopped", "meter_stop", "reason")


@step.check("`rows()`: nine keys, ordered by id; the end is None until the stop")
def rows_tell(my: Any, kit: Kit) -> str:
    """Whoever writes the invoice needs to know who, where, from when to when, and how much (core 6.45, 6.49)."""
    with backwards(), Boxes(my.Ledger, kit) as ledgers:
        ledger, late = ledgers.open(), start(kit)
        early = msgspec.structs.replace(late, timestamp=late.timestamp - timedelta(hours=1))
        ids = [ledger.start(TWO, late), ledger.start(ONE, early), ledger.start(TWO, early)]
        end = ended(kit, ids[1], kit.rng.randrange(10**6))
        ledger.stop(ONE, end)
        rows = list(ledger.rows())
        _named(kit, rows)
        kit.equal([row["id"] for row in rows], sorted(ids), "the rows are in the order of their ids.")
        rows.sort(key=lambda row: ids.index(row["id"]))
        _running(kit, rows[0], TWO, late)
        _running(kit, rows[2], TWO, early)
        _running(kit, rows[1] | dict.fromkeys(KEYS[6:]), ONE, early)
        kit.equal(
            (rows[1]["meter_stop"], rows[1]["reason"]),
            (end.meter_stop, end.reason),
            "the row has another meterStop or reason than its stop.",
        )
        _instant(kit, rows[1]["stopped"], end.timestamp)
    return "9 keys, 3 rows"


def _named(kit: Kit, rows: list[Any]) -> None:
    for row in rows:
        kit.require(isinstance(row, dict), f"a {type(row).__name__}", "`rows()` gives a dict for each transaction.")
        missing = [key for key in KEYS if key not in row]
        kit.require(not missing, f"{len(missing)} missing", f"`rows()` lacks {', '.join(missing)}.")


def _running(kit: Kit, row: dict[str, Any], identity: str, request: StartTransactionRequest) -> None:
    """What the row of a transaction says before its stop."""
    wanted = (identity, request.connector_id, request.id_tag, request.meter_start)
    came = tuple(row[key] for key in ("identity", "connector", "id_tag", "meter_start"))
    kit.require(came == wanted, f"{came}", "the row has another value than its start.")
    _instant(kit, row["started"], request.timestamp)
    kit.equal([row[key] for key in KEYS[6:]], [None] * 3, "stopped, meter_stop and reason are None until the stop.")


def _instant(kit: Kit, text: Any, instant: datetime) -> None:
    """Text of that instant as `isoformat` makes it, in whatever zone."""
    made_by = "instants are text as `timestamp.isoformat()` makes it, with a T and an offset."
    kit.require(isinstance(text, str), f"a {type(text).__name__}", made_by)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        kit.require(False, text, made_by)
    kit.require("T" in text and read.tzinfo is not None, text, made_by)
    kit.require(read == instant, text, "the instant is the timestamp of the request.")
