"""What a ledger knows of one charge point, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from ..central_system import Recording

NEWEST = 5  # of what may be long


def shown(ledger: Recording, identity: str, now: datetime) -> Iterator[str]:
    """Transactions that run, reservations, limits, its list, jobs, and the newest events and orders."""
    records = ledger.records
    for row in ledger.open_transactions(identity):
        missing = ", but its stop is missing: there is a newer one" if row.get("superseded") else ""
        where = f"connector {row['connector']} with {row['id_tag']} since {row['started']}"
        yield f"transaction {row['id']} on {where}{missing}"
    for row in records.reservations.living(identity, now):
        where = f"connector {row['connector']}, for {row['id_tag']} until {row['until']}"
        yield f"reservation {row['reservation']} of {where}"
    for row in records.profiles.installed(identity):
        yield f"profile {row['profile']}, a {row['purpose']} of level {row['level']} on connector {row['connector']}"
    kept = records.lists.of(identity)
    if kept:
        yield f"list of version {kept.version}, {len(kept.entries)} tags{'' if kept.sure else ', but that is not sure'}"
    for row in _newest(records.jobs.rows(identity)):
        yield f"job {row['number']}, {row['kind']}: {row['state']}"
    for row in _newest(records.roots.rows(identity)):
        yield f"{row['kind']} {row['number']}: {row['state']}"
    for row in _newest(records.events.rows(identity)):
        yield f"event {row['type']} at {row['at']}"
    for row in _newest(records.orders.rows(identity)):
        yield f"order {row['action']} at {row['at']}: {row['outcome'] or 'no answer'}"


def _newest[Row](rows: list[Row]) -> Iterator[Row]:
    return islice(rows, max(0, len(rows) - NEWEST), None)
