"""The accounts: what is in the ledger, plus what was dropped, is what was written down, and what the drivers did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec

from ..central_system.ledger import NO_TRANSACTION
from ..messages import MeterValuesRequest, StartTransactionRequest, StopTransactionRequest
from .book import Book, MessageKey, Record, is_triggered, key_of
from .central_system_watch import KEPT
from .driver import Deed
from .invariants import Invariants

BLOCKED = "BLOCKED"
"""A tag that is refused by the central system, if it is asked."""
ACCOUNTS = "ledger and drops are what was done"
METERS = "meters are read as long as a transaction runs"
CLOCK = "no timestamp repeats or goes back"


def _instant(timestamp: datetime) -> str:
    return timestamp.astimezone(UTC).isoformat(timespec="milliseconds")


class Accounts:
    """Of one charge point: its ``book`` and the central system's ``ledger``. What does not add up breaks an invariant.

    ``resumed`` says that it goes on with transactions after a power cut; then less is charged than the time says.
    """

    def __init__(self, identity: str, book: Book, ledger: Any, invariants: Invariants, *, resumed: bool) -> None:
        self.identity = identity
        self.book = book
        self.invariants = invariants
        self.resumed = resumed
        self.records = book.records
        # What the ledger has of this charge point now: transactions, their readings by id, and what belongs to none.
        self.rows = [row for row in ledger.rows() if row.get("identity") == identity]
        self.readings = {row["id"]: ledger.readings(row["id"]) for row in self.rows}
        # The readings that belong to no transaction.
        self.outside = [row for row in ledger.readings(NO_TRANSACTION) if row["identity"] == identity]
        self.orphans = [row for row in ledger.orphans() if row["identity"] == identity]
        # The starts that were written down, by the charge point's own name for the transaction.
        self.starts = {r.transaction: r for r in self.records if isinstance(r.request, StartTransactionRequest)}

    def check(self) -> None:
        """Compare what was done with what the ledger says."""
        self._check_stamps()
        self._check_starts()
        for name, start in self.starts.items():
            for row in self._rows_of(start):
                self._check_stop(name, row)
                self._check_readings(name, row)
        self._check_outside()
        self._check_orphans()
        self._check_drops()

    def check_deeds(self, deeds: list[Deed]) -> None:
        """What the drivers saw begin was written down, ended, and measured right."""
        for deed in deeds:
            started = _instant(deed.started)
            found = [r for r in self.starts.values() if _start_of(r) == (deed.connector, deed.id_tag, started)]
            self._expect(len(found) == 1, f"{len(found)} starts were written down for {deed}")
            if found:
                self._check_energy(deed, found[0])

    def check_answers(self, answered: list[tuple[str, str, Any, Any]]) -> None:
        """Whatever was answered is in the ledger."""
        rows = {row["id"]: row for row in self.rows}
        all_readings = [*self.readings.values(), self.outside]
        kept = {_key("MeterValues", reading) for readings in all_readings for reading in readings}
        apart = {_key(row["action"], row) for row in self.orphans}
        for identity, action, payload, answer in answered:
            if identity != self.identity:
                continue
            key = key_of(action, payload)
            match action:
                case "StartTransaction":
                    there = answer["transactionId"] in rows
                case "StopTransaction":
                    there = key in apart or rows.get(payload["transactionId"], {}).get("stopped") is not None
                case _:
                    there = key in kept or key in apart
            self.invariants.expect(there, KEPT, f"{action} {key[1].decode()} was answered", identity)

    def check_meters(self, interval: float, excuses: Callable[[float, float], list[float]]) -> None:
        """Meters are read as long as a transaction runs; ``excuses`` tells the spells (s) in which nobody could."""
        for name in self.starts:
            for before, after in pairwise(record.at for record in self._of(name)):
                spells = excuses(before, after)
                idle = after - before - sum(spells)
                why = f"no reading of {name} in {after - before:.1f} s"
                self.invariants.expect(idle <= (2 + len(spells)) * interval + 1, METERS, why, self.identity)

    # -- the parts

    def _check_stamps(self) -> None:
        """Whoever sets the clock, in every life and over all lives: a start is recognised by its timestamp."""
        written = [stamp for stamp in self.book.stamps if stamp.written]
        pairs = [*pairwise(written), *((one, two) for one, two in pairwise(self.book.stamps) if one.life == two.life)]
        given = [(_instant(before.given), _instant(after.given)) for before, after in pairs]
        back = [f"{after} after {before}" for before, after in given if after <= before]
        self.invariants.expect(not back, CLOCK, "; ".join(back), self.identity)

    def _rows_of(self, start: Record) -> list[dict[str, Any]]:
        event = (*_start_of(start), start.request.meter_start)
        return [r for r in self.rows if (r["connector"], r["id_tag"], r["started"], r["meter_start"]) == event]

    def _check_starts(self) -> None:
        seen: list[int] = []
        for start in self.starts.values():
            rows = self._rows_of(start)
            fewest = 0 if start.dropped else 1
            self._expect(fewest <= len(rows) <= 1, f"{len(rows)} rows for the start {_text(start)}")
            seen += [row["id"] for row in rows]
        kept = [row["id"] for start in self.starts.values() if not start.dropped for row in self._rows_of(start)]
        self._expect(kept == sorted(kept), f"transactions are out of order: {kept}")
        strangers = {row["id"] for row in self.rows} - set(seen)
        self._expect(not strangers, f"nobody started transactions {sorted(strangers)}")

    def _check_stop(self, name: str | None, row: dict[str, Any]) -> None:
        stops = [r for r in self._of(name) if isinstance(r.request, StopTransactionRequest)]
        self._expect(len(stops) == 1, f"{len(stops)} stops were written down for transaction {row['id']}")
        for stop in stops[:1]:
            right = (_instant(stop.request.timestamp), stop.request.meter_stop, stop.request.reason or "Local")
            came = (row["stopped"], row["meter_stop"], row["reason"])
            lost = came[0] is None and (stop.dropped or self.starts[name].dropped)
            self._expect(came == right or lost, f"transaction {row['id']} stopped with {came}; expected {right}")
            self._check_data(row, stop.request)

    def _check_data(self, row: dict[str, Any], stop: StopTransactionRequest) -> None:
        """What a stop tells of its transaction begins and ends with it, and its register never goes back."""
        data = stop.transaction_data or []
        contexts = [reading.sampled_value[0].context for reading in data]
        shown = [row["meter_start"], *(int(each.sampled_value[0].value) for each in data), stop.meter_stop]
        whole = not data or (contexts[0] == "Transaction.Begin" and contexts[-1] == "Transaction.End")
        self._expect(whole and shown == sorted(shown), f"transaction {row['id']} tells {contexts} with {shown}")

    def _check_readings(self, name: str | None, row: dict[str, Any]) -> None:
        written = [r for r in self._of(name) if isinstance(r.request, MeterValuesRequest)]
        needed = [] if self.starts[name].dropped else [r.key for r in written if not r.dropped]
        came = [_key("MeterValues", reading) for reading in self.readings[row["id"]]]
        self._expect(_is_part(needed, came), f"readings of transaction {row['id']} are missing or out of order")
        strangers = set(came) - {r.key for r in written}
        strangers = {key for key in strangers if not is_triggered(key)}
        self._expect(not strangers, f"transaction {row['id']} has readings nobody took")
        needed_too = set(needed)  # one that was given up may still come, late: its effect was only slow
        in_order = [key for key in came if key in needed_too]
        self._expect(_is_part(in_order, needed), f"readings of transaction {row['id']} came out of order")

    def _check_outside(self) -> None:
        """Readings by the clock while nothing runs: what is written down arrives, and nothing else."""
        written = [r for r in self._of(None) if isinstance(r.request, MeterValuesRequest)]
        came = [_key("MeterValues", reading) for reading in self.outside]
        needed = [r.key for r in written if not r.dropped]
        self._expect(_is_part(needed, came), "readings outside of transactions are missing or out of order")
        strangers = {key for key in set(came) - {r.key for r in written} if not is_triggered(key)}
        self._expect(not strangers, f"readings outside of transactions that nobody took: {list(strangers)}")

    def _check_orphans(self) -> None:
        """Under -1 comes what belongs to a transaction whose start was given up, once, and nothing else."""
        given_up = {name for name, start in self.starts.items() if start.dropped}
        belong = [r for r in self.records if r.transaction in given_up and r.transaction and r not in self._starts()]
        came = Counter(_key(row["action"], row) for row in self.orphans)
        for record in belong:
            kept = record.dropped or came[record.key] or self._has_its_row(record)
            self._expect(kept, f"{_text(record)} is neither kept apart nor dropped")
        strangers = came - Counter(record.key for record in belong)
        strangers = Counter({key: times for key, times in strangers.items() if not is_triggered(key)})
        self._expect(not strangers, f"kept apart without reason: {list(strangers)}")

    def _has_its_row(self, record: Record) -> bool:
        """A start that was given up, and answered late: what followed may have its real id."""
        rows = self._rows_of(self.starts[record.transaction])
        stopped = any(row["stopped"] is not None for row in rows)
        taken = {_key("MeterValues", reading) for row in rows for reading in self.readings[row["id"]]}
        return record.key in taken or (stopped and isinstance(record.request, StopTransactionRequest))

    def _starts(self) -> list[Record]:
        return list(self.starts.values())

    def _check_drops(self) -> None:
        named = Counter(record.dropped for record in self.records if record.dropped)
        drops = self.book.drops
        self._expect(named == drops, f"drops by reason say {drops}, and {named} were seen")
        lost = [r for r in self.records if r.dropped == "overflow" and not isinstance(r.request, MeterValuesRequest)]
        self._expect(not lost, f"overflow dropped {[_text(record) for record in lost]}")

    def _check_energy(self, deed: Deed, start: Record) -> None:
        stops = [r.request for r in self._of(start.transaction) if isinstance(r.request, StopTransactionRequest)]
        given = {stamp.given: stamp.at for stamp in self.book.stamps}
        for stop in stops if not (self.resumed or deed.disturbed) else []:
            seconds = given[stop.timestamp] - given[deed.started]  # the clock may have been set meanwhile
            right = min(deed.car.wanted, deed.car.power * seconds / 3600)
            came = stop.meter_stop - deed.meter_start
            least = right - 1.01 if deed.id_tag != BLOCKED else 0.0  # whose energy is cut when that is found out
            self._expect(
                least <= came <= right + 1.01, f"{came} Wh in {seconds:g} s for {deed.car}; expected {right:.1f}"
            )

    def _of(self, name: str | None) -> list[Record]:
        return [record for record in self.records if record.transaction == name]

    def _expect(self, holds: object, message: str) -> None:
        self.invariants.expect(holds, ACCOUNTS, message, self.identity)


def _start_of(record: Record) -> tuple[int, str, str]:
    return record.request.connector_id, record.request.id_tag, _instant(record.request.timestamp)


def _key(action: str, row: dict[str, Any]) -> MessageKey:
    return key_of(action, msgspec.json.decode(row["payload"]))


def _is_part(part: list[MessageKey], whole: list[MessageKey]) -> bool:
    """All of it, in this order, with others in between perhaps; none twice."""
    rest = iter(whole)
    return all(key in rest for key in part)


def _text(record: Record) -> str:
    return f"{record.key[0]} {record.key[1].decode()}"
