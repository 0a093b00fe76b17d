"""`Ledger`: twice heard, once done. Transactions, meter values, registrations and keys in sqlite.

A charge point that lost our reply sends its message again, under a new unique id. What is the same about both copies is
the event itself: a UNIQUE constraint over it makes the repeat harmless, and the repeat gets the same answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ..credentials import SealedKey
from ..database import Database
from ..frames import Call
from ..messages import (
    MeterValuesRequest,
    RegistrationStatus,
    Request,
    StartTransactionRequest,
    StopTransactionRequest,
)
from ..security import Levels
from .ledger_tables import STEPS
from .ledger_values import data_of, digest, fits, instant, number, small
from .memory_limits import MemoryLimits
from .newest import Most, Newest
from .quarantine import Quarantine
from .records import Records

log = logging.getLogger(__name__)

NO_TRANSACTION = 0
"""The id of meter values that belong to no transaction."""

MOST_OUTSIDE = Most(of_one=1000, of_all=20_000, characters=16_000_000)
"""Of what belongs to no transaction, in a file too: see `Ledger`."""


MOST_CERTIFICATES = Most(of_one=100, of_all=20_000, characters=64_000_000)
"""Certificates that were signed: a charge point may ask for as many as it likes."""


class Ledger:
    """What happened, by charge point. ``path`` is a file, or ``":memory:"``.

    What is kept is on the disk on return. But while a central system answers a call, what is written in one turn of the
    event loop is committed together in the next, and no answer with a part in it is sent before (`group`).

    Transactions and their readings are kept for ever in a file. Of all else a peer may invent as much as it likes: of
    `orphans`, of `second_stops` and of readings outside of a transaction the newest 1,000 of each charge point are
    kept, the newest 20,000 of all, and 16 million characters; and a tenth more, as they do not go one by one.
    `quarantine` says its own. Without a file `MemoryLimits` bound the rest too.

    Everything that reads or writes the file raises `StoreFailed` if it cannot; nobody waits for another program's lock.
    """

    def __init__(self, path: str = ":memory:") -> None:
        """Raises `StoreFailed` if the file is no ledger, or newer than this edition."""
        self._db = Database(path, STEPS, grouped=True)
        self.records = Records(self._db)
        """The operator's books: reservations, lists, profiles, jobs, events, certificates, and all orders."""
        self._quarantine = Quarantine(self._db)
        self._orphans = Newest(self._db, "orphans", MOST_OUTSIDE)
        self._second_stops = Newest(self._db, "second_stops", MOST_OUTSIDE)
        self._outside = Newest(self._db, "meter_values", MOST_OUTSIDE, f"id = {NO_TRANSACTION}")
        self._certificates = Newest(self._db, "certificates", MOST_CERTIFICATES, size="length(chain)")
        self._memory = MemoryLimits(self._db) if path == ":memory:" else None

    @property
    def before(self) -> Callable[[str], None]:
        """Told of every statement before it runs. Tests raise `sqlite3.Error` here: that is a disk that fails."""
        return self._db.before

    @before.setter
    def before(self, told: Callable[[str], None]) -> None:
        self._db.before = told

    def start(self, identity: str, request: StartTransactionRequest) -> int:
        """The transaction id for this start; the same one again for a repeat."""
        connector = number("connectorId", request.connector_id)
        meter_start = number("meterStart", request.meter_start)
        event = (identity, connector, request.id_tag, instant(request.timestamp), meter_start)
        known = self._db.execute(
            "SELECT id FROM transactions WHERE (identity, connector, id_tag, started, meter_start) = (?,?,?,?,?)",
            event,
        )
        if known:
            return int(known[0][0])
        if self._memory:
            self._memory.opens(identity)
        transaction_id = self._db.insert(
            "INSERT INTO transactions (identity, connector, id_tag, started, meter_start, reservation)"
            " VALUES (?,?,?,?,?,?)",
            (*event, small(request.reservation_id)),
        )
        self._look_for_another(identity, connector, transaction_id)
        return transaction_id

    def stop(self, identity: str, request: StopTransactionRequest) -> None:
        """End a transaction. The first stop wins; another one is kept beside it, and one of no transaction is kept
        apart (core errata 3.18)."""
        transaction_id = number("transactionId", request.transaction_id)
        stop = (
            instant(request.timestamp),
            number("meterStop", request.meter_stop),
            request.reason or "Local",  # the default (J-errata 2.5)
            request.id_tag,
            data_of(request),
        )
        with self._db.transaction():
            found = self._db.execute(
                "SELECT stopped, meter_stop, reason, stop_tag, transaction_data FROM transactions"
                " WHERE identity = ? AND id = ?",
                (identity, transaction_id),
            )
            if not found:
                self._keep_orphan(identity, request, transaction_id, request.timestamp)
            elif found[0][0] is None:
                self._db.execute(
                    "UPDATE transactions SET (stopped, meter_stop, reason, stop_tag, transaction_data) = (?,?,?,?,?)"
                    " WHERE id = ?",
                    (*stop, transaction_id),
                )
                if self._memory:
                    self._memory.ended(identity, len(stop[-1] or ""))
            elif found[0] != stop:
                self._keep_second_stop(identity, request, transaction_id)

    def meter_values(self, identity: str, request: MeterValuesRequest) -> None:
        """Keep a reading; a repeat changes nothing."""
        transaction_id = (
            NO_TRANSACTION if request.transaction_id is None else number("transactionId", request.transaction_id)
        )
        connector = number("connectorId", request.connector_id)
        at = request.meter_value[0].timestamp
        if transaction_id != NO_TRANSACTION and not self._knows(identity, transaction_id):
            self._keep_orphan(identity, request, transaction_id, at)
            return
        hashed, payload = digest(request)
        with self._db.transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO meter_values (identity, id, connector, at, hash, payload) VALUES (?,?,?,?,?,?)",
                (identity, transaction_id, connector, instant(at), hashed, payload),
            )
            if transaction_id == NO_TRANSACTION:
                self._outside.trim(identity, len(payload))
            elif self._memory:
                self._memory.read(identity, len(payload))

    def set_aside(self, identity: str, call: Call, reason: str, at: datetime) -> None:
        """Keep a transaction message as it came, because it was refused; the same message once. `quarantine` has it."""
        self._quarantine.set_aside(identity, call, reason, at)

    def register(self, identity: str, status: RegistrationStatus) -> None:
        """What the newest BootNotification of this identity got."""
        self._db.execute("INSERT OR REPLACE INTO registrations VALUES (?,?)", (identity, status))

    def registrations(self) -> dict[str, RegistrationStatus]:
        """What the newest BootNotification of each identity got."""
        return {row["identity"]: row["status"] for row in self.query("SELECT * FROM registrations")}

    def forget(self, identity: str) -> None:
        """Its registration need not be known any more."""
        self._db.execute("DELETE FROM registrations WHERE identity = ?", (identity,))

    def keep_keys(self, identity: str, keys: Sequence[SealedKey]) -> None:
        """The keys of this identity from now on, in this order, in the place of those it had; none: forget it."""
        with self._db.transaction():
            self._db.execute("DELETE FROM keys WHERE identity = ?", (identity,))
            for place, key in enumerate(keys):
                self._db.execute("INSERT INTO keys VALUES (?,?,?,?,?)", (identity, place, *key))

    def keys(self) -> dict[str, list[SealedKey]]:
        """The keys of each identity that was ever offered one, oldest first. No key can be read back from it."""
        rings: dict[str, list[SealedKey]] = {}
        for row in self.query("SELECT * FROM keys ORDER BY identity, place"):
            rings.setdefault(row["identity"], []).append(SealedKey(row["salt"], row["digest"], bool(row["opens"])))
        return rings

    def keep_profiles(self, identity: str, levels: Levels) -> None:
        """The security profiles that this identity may use from now on."""
        row = (identity, levels.taken, "".join(map(str, sorted(levels.offered))))
        self._db.execute("INSERT OR REPLACE INTO profiles VALUES (?,?,?)", row)

    def profiles(self) -> dict[str, Levels]:
        """Those of each identity of which something is known."""
        rows = self._db.execute("SELECT identity, taken, offered FROM profiles")
        return {identity: Levels(taken, frozenset(map(int, offered))) for identity, taken, offered in rows}

    def keep_certificate(self, identity: str, chain: str, at: datetime) -> int:
        """A certificate (PEM) was signed for this identity; returns its number. The newest 100 of each are kept."""
        with self._db.transaction():
            number = self._db.insert(
                "INSERT INTO certificates (identity, at, chain) VALUES (?,?,?)", (identity, instant(at), chain)
            )
            self._certificates.trim(identity, len(chain))
        return number

    def certificate_answered(self, number: int, status: str) -> None:
        """What CertificateSigned got."""
        self._db.execute("UPDATE certificates SET status = ? WHERE number = ?", (status, number))

    # -- reading

    def certificates(self, identity: str) -> list[dict[str, Any]]:
        """What was signed for this charge point, oldest first: ``at``, ``chain``, and ``status``: of the answer, or
        the error; None: we ended before it came."""
        return self.query("SELECT * FROM certificates WHERE identity = ? ORDER BY number", identity)

    def query(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Any SELECT over the tables above, as a list of records; ``pandas.DataFrame`` takes it as it is."""
        return self._db.records(sql, values)

    def rows(self) -> list[dict[str, Any]]:
        """All transactions in the order of their ids."""
        return self.query("SELECT * FROM transactions ORDER BY id")

    def transaction(self, transaction_id: int) -> dict[str, Any] | None:
        """One transaction, by its id; None if there is none."""
        rows = self.query("SELECT * FROM transactions WHERE id = ?", transaction_id) if fits(transaction_id) else []
        return rows[0] if rows else None

    def transaction_on(self, identity: str, connector_id: int) -> dict[str, Any] | None:
        """The open transaction on this connector, the newest if a stop is missing; None if nobody charges there."""
        which = "identity = ? AND connector = ? AND stopped IS NULL ORDER BY id DESC LIMIT 1"
        rows = self.query(f"SELECT * FROM transactions WHERE {which}", identity, connector_id)
        return rows[0] if rows else None

    def charges_elsewhere(self, transaction_id: int) -> bool:
        """Whether the tag of this transaction had another one open when it began (core 7.2, ConcurrentTx).

        One on the same connector is no other, for that has room for one car: its stop is missing. Nor is one whose
        connector has begun a newer one since. Tags are compared without regard to case, of ASCII letters.
        """
        newer = "later.identity = other.identity AND later.connector = other.connector AND later.id > other.id"
        return bool(
            self._db.execute(
                "SELECT 1 FROM transactions AS this JOIN transactions AS other ON other.id_tag = this.id_tag"
                " COLLATE NOCASE WHERE this.id = ? AND other.id < this.id AND other.stopped IS NULL"
                f" AND NOT EXISTS (SELECT 1 FROM transactions AS later WHERE {newer} AND later.id <= this.id)"
                " LIMIT 1",
                (transaction_id,),
            )
        )

    def open_transactions(self, identity: str | None = None) -> list[dict[str, Any]]:
        """The transactions that have not ended, of one charge point or of all, with ``heard``: when we heard of each
        last, by its start and its readings. ``superseded``: its connector has a newer one, so its stop is missing."""
        return self.query(
            "SELECT *, coalesce((SELECT max(at) FROM meter_values AS reading WHERE reading.identity = this.identity"
            " AND reading.id = this.id), started) AS heard, EXISTS (SELECT 1 FROM transactions AS later WHERE"
            " later.identity = this.identity AND later.connector = this.connector AND later.id > this.id) AS superseded"
            " FROM transactions AS this WHERE stopped IS NULL AND ? IN (identity, '') ORDER BY id",
            identity or "",
        )

    def stale(self, before: datetime) -> list[dict[str, Any]]:
        """The open transactions that somebody should look into: superseded, or not heard of since ``before``."""
        return [row for row in self.open_transactions() if row["superseded"] or row["heard"] < instant(before)]

    def readings(self, transaction_id: int) -> list[dict[str, Any]]:
        """The meter values of a transaction in the order in which they came."""
        return self.query("SELECT * FROM meter_values WHERE id = ? ORDER BY number", transaction_id)

    def orphans(self) -> list[dict[str, Any]]:
        """Stops and meter values that belong to no transaction."""
        return self.query("SELECT * FROM orphans")

    def conflicts(self) -> list[dict[str, Any]]:
        """Open transactions whose connector has another open one: it has room for one car, so a stop is missing."""
        return self.query(
            "SELECT * FROM transactions AS this WHERE stopped IS NULL AND EXISTS ("
            " SELECT 1 FROM transactions AS other WHERE other.stopped IS NULL AND other.id <> this.id"
            " AND other.identity = this.identity AND other.connector = this.connector"
            ") ORDER BY identity, connector, id"
        )

    def second_stops(self) -> list[dict[str, Any]]:
        """Stops of transactions that had ended already, otherwise: the first stands, and these are kept beside it.

        A file of version 1 knew neither tag nor data of a stop: a late repeat that carries some is kept here too.
        """
        return self.query("SELECT * FROM second_stops ORDER BY number")

    def quarantine(self) -> list[dict[str, Any]]:
        """Transaction messages that were refused, as they came, oldest first: ``identity``, ``at``, ``action``,
        ``reason``, ``text``.

        The same message once; the newest 100 of each charge point, the newest 1,000 of all, 16 million characters.
        One that came too early and was sent again later stays here: look into `rows` before you bill it.
        """
        return self._quarantine.records()

    def close(self) -> None:
        """Commit what answers have written, and close the file."""
        self._db.close()

    def _knows(self, identity: str, transaction_id: int) -> bool:
        return bool(self.query("SELECT 1 FROM transactions WHERE identity = ? AND id = ?", identity, transaction_id))

    def _look_for_another(self, identity: str, connector: int, transaction_id: int) -> None:
        others = self._db.execute(
            "SELECT id FROM transactions WHERE identity = ? AND connector = ? AND stopped IS NULL AND id <> ?",
            (identity, connector, transaction_id),
        )
        if others:
            open_ones = ", ".join(str(other) for (other,) in others[:5])
            log.warning("! %s: transaction %d began while %s was open", identity, transaction_id, open_ones)

    def _keep_second_stop(self, identity: str, request: StopTransactionRequest, transaction_id: int) -> None:
        log.warning("! %s: another stop of transaction %d, which had ended", identity, transaction_id)
        hashed, payload = digest(request)
        self._db.execute(
            "INSERT OR IGNORE INTO second_stops (identity, id, at, hash, payload) VALUES (?,?,?,?,?)",
            (identity, transaction_id, instant(request.timestamp), hashed, payload),
        )
        self._second_stops.trim(identity, len(payload))

    def _keep_orphan(self, identity: str, request: Request[Any], transaction_id: int, at: datetime) -> None:
        hashed, payload = digest(request)
        row = (identity, request.action, transaction_id, instant(at), hashed, payload)
        with self._db.transaction():
            self._db.execute("INSERT OR IGNORE INTO orphans VALUES (?,?,?,?,?,?)", row)
            self._orphans.trim(identity, len(payload))
