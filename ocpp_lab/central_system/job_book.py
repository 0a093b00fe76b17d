"""`JobBook`: files that a charge point was told to fetch or to bring, and how far it is (core 4.4, 4.5, 5.9, 5.19)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from ..database import Database
from .ledger_values import fits, instant, small
from .order_end import OrderEnd
from .record_book import RecordBook

JobKind = Literal["firmware", "signed firmware", "diagnostics", "log"]

CANCELS = "AcceptedCanceled"
"""The answer that ends the job before it (whitepaper N01.FR.11)."""


BEGUN = "state NOT IN ('refused', 'nothing')"
"""What a charge point may have begun, and tell of."""


class JobStatusBook(RecordBook):
    """The table ``job_statuses``: every status that came, with the ``job`` that it tells of, if there is one."""

    table = "job_statuses"

    def add(self, identity: str, kind: str, request: int | str | None, job: int | None, at: str, status: str) -> None:
        """One came."""
        self._add(identity=identity, kind=kind, request=request, job=job, at=at, status=status)

    def of(self, job: int) -> list[dict[str, Any]]:
        """Those of one job, oldest first."""
        return self._rows("job = ?", job)


class JobBook(RecordBook):
    """The table ``jobs``. ``state`` is asked, refused, unknown, accepted, nothing (there is no file), cancelled, or
    what was told last; ``request`` is the requestId, of logs and of signed firmware."""

    table = "jobs"
    size = "length(location)"

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.statuses = JobStatusBook(database)

    def next_id(self) -> int:
        """A requestId that no charge point was ever given here."""
        [(most,)] = self._db.execute("SELECT max(request) FROM jobs")
        return int(most or 0) + 1

    def ask(self, identity: str, kind: JobKind, location: str, at: datetime, request_id: int | None = None) -> int:
        """It is about to be sent."""
        row = {"identity": identity, "kind": kind, "request": request_id, "location": location}
        return self._add(len(location), **row, at=instant(at), state="asked")

    def settle(self, number: int, outcome: OrderEnd, file: str | None = None, *, nothing: bool = False) -> None:
        """The answer is there. What was told meanwhile stands. ``file`` is the name of what will come; ``nothing``:
        there is no such file (core 5.9)."""
        state = "nothing" if nothing else "accepted" if outcome.done else outcome.state
        with self._db.transaction():
            self._set("state = ?", "number = ? AND state IN ('asked', 'unknown')", state, number)
            if file is not None:
                self._set("file = ?", "number = ?", file, number)
            if outcome.said == CANCELS:
                same = "(identity, kind) = (SELECT identity, kind FROM jobs WHERE number = ?)"
                last = f"SELECT max(number) FROM jobs WHERE {same} AND number < ? AND {BEGUN}"
                self._set("state = 'cancelled'", f"number = ({last})", number, number)

    def told(self, identity: str, kind: JobKind, status: str, at: datetime, request_id: int | None = None) -> None:
        """A status came. Without a requestId it is of the newest job of its kind that was not refused; Idle says only
        that nothing is done now, and changes no job."""
        with self._db.transaction():
            job = self._job(identity, kind, request_id) if status != "Idle" else None
            self.statuses.add(identity, kind, small(request_id), job, instant(at), status)
            if job is not None:
                self._set("state = ?", "number = ?", status, job)

    def _job(self, identity: str, kind: JobKind, request_id: int | None) -> int | None:
        if request_id is not None and not fits(request_id):
            return None
        which = BEGUN if request_id is None else "request = ?"
        values = (identity, kind) if request_id is None else (identity, kind, request_id)
        [(newest,)] = self._db.execute(
            f"SELECT max(number) FROM jobs WHERE identity = ? AND kind = ? AND {which}", values
        )
        return None if newest is None else int(newest)

    def history(self, number: int) -> list[str]:
        """The statuses of one job, oldest first."""
        return [row["status"] for row in self.statuses.of(number)]
