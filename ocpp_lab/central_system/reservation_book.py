"""`ReservationBook`: which connector is kept for whom, and what became of it (core 5.1, 5.13)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..database import Database
from ..messages import ReserveNowRequest
from .ledger_values import fits, instant
from .order_end import OrderEnd
from .record_book import RecordBook

LIVING = "state IN ('held', 'unknown', 'asked')"
"""What a charge point may have now, unless it has expired. After a lost answer, or our own end, nobody knows."""


class ReservationBook(RecordBook):
    """The table ``reservations``. ``state``: asked, held, refused, unknown, replaced, cancelled, used (``used_by`` is
    the transaction), broken (its connector failed). One whose time is up stays held until the next one is asked for,
    and is expired then: ``until`` says it."""

    table = "reservations"
    over = f"NOT {LIVING}"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Whether anything was ever reserved: where nothing was, no status has to look for it.
        self._any = bool(self._db.execute(f"SELECT 1 FROM {self.table} LIMIT 1"))

    def next_id(self) -> int:
        """An id that no charge point was ever given here."""
        [(most,)] = self._db.execute("SELECT max(reservation) FROM reservations")
        return int(most or 0) + 1

    def ask(self, identity: str, request: ReserveNowRequest, at: datetime) -> int:
        """It is about to be sent. An older one with its id goes on until the answer says that it was replaced."""
        self._any = True
        self._set_any("state = 'expired'", [], f"identity = ? AND until <= ? AND {LIVING}", identity, instant(at))
        return self._add(
            identity=identity,
            reservation=request.reservation_id,
            connector=request.connector_id,
            id_tag=request.id_tag,
            parent=request.parent_id_tag,
            until=instant(request.expiry_date),
            at=instant(at),
            state="asked",
        )

    def settle(self, number: int, outcome: OrderEnd) -> None:
        """The answer is there: the older one of this id is replaced, or this one never was."""
        with self._db.transaction():
            self._set("state = ?", "number = ? AND state = 'asked' OR number = ? AND state = 'unknown'",
                      outcome.state, number, number)  # fmt: skip
            if outcome.done:
                same = "SELECT identity, reservation FROM reservations WHERE number = ?"
                which = f"(identity, reservation) = ({same}) AND number < ? AND {LIVING}"
                self._set("state = 'replaced'", which, number, number)

    def used(self, identity: str, reservation: int, transaction_id: int) -> None:
        """A transaction began with it, which ends it (core 5.13). It may be told late, after its time was up or after
        what came later: statuses and answers overtake the queue of an absence (core 3.7). A repeat changes nothing."""
        if fits(reservation, transaction_id):
            of_id = "SELECT max(number) FROM reservations WHERE identity = ? AND reservation = ?"
            newest = f"{of_id} AND state NOT IN ('refused', 'replaced')"
            new = "NOT EXISTS (SELECT 1 FROM reservations WHERE identity = ? AND used_by = ?)"
            which = f"number = ({newest}) AND state <> 'used' AND {new}"
            values = [identity, reservation, identity, transaction_id]
            self._set_any("state = 'used', used_by = ?", [transaction_id], which, *values)

    def failed(self, identity: str, connector: int) -> None:
        """This connector is Faulted or Unavailable, or with 0 all are: that ends what is reserved there (core 5.13)."""
        if self._any and fits(connector):
            which = f"identity = ? AND ? IN (connector, 0) AND {LIVING}"
            self._set_any("state = 'broken'", [], which, identity, connector)

    def cancelled(self, identity: str, reservation: int) -> None:
        """The charge point has none of this id any more."""
        if fits(reservation):
            self._set("state = 'cancelled'", f"identity = ? AND reservation = ? AND {LIVING}", identity, reservation)

    def living(self, identity: str, now: datetime) -> list[dict[str, Any]]:
        """What this charge point may keep now, oldest first."""
        return self._rows(f"identity = ? AND until > ? AND {LIVING}", identity, instant(now))
