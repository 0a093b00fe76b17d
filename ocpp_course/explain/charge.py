"""`Charge`: a transaction of a log, without the frames that it was read from: small enough to keep thousands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from ocpp_lab.logs import LoggedTransaction, Seen

FAR = timedelta(days=2)
"""A timestamp in a payload so far from the log's own time says nothing of when it happened."""

Key = tuple[object, ...]
"""Identity and transaction id; or identity, connector and the timestamp of the start."""


class Charge(NamedTuple):
    """A transaction, without the frames that it was read from. Registers in Wh; None: the log does not show it."""

    identity: str | None
    connector: int | None
    id_tag: str | None
    transaction_id: int | None
    began: datetime | None
    ended: datetime | None
    meter_start: float | None
    meter_end: float | None
    """At the stop, or at the newest reading."""
    reason: str | None
    """Why it was stopped; None while it runs, or if its stop is not in the log."""
    line: int

    @property
    def keys(self) -> list[Key]:
        """What tells it from others: its id, if the log has it, and its start, if the log has that."""
        by_id: list[Key] = [] if self.transaction_id is None else [(self.identity, self.transaction_id)]
        known = self.meter_start is not None and self.began is not None
        return by_id + ([(self.identity, self.connector, self.began)] if known else [])

    @property
    def energy(self) -> float | None:
        """Wh."""
        return None if self.meter_start is None or self.meter_end is None else self.meter_end - self.meter_start


def charge_of(each: LoggedTransaction) -> Charge:
    frames = [seen for seen in (each.start, each.stop) if seen] + [reading.seen for reading in each.readings]
    began = when(each.started, each.start) if each.start else _first_seen(each)
    ended = when(each.stopped, each.stop) if each.stop else None
    end = each.meter_stop if each.meter_stop is not None else each.readings[-1].wh if each.readings else None
    return Charge(
        each.identity, each.connector, each.id_tag, each.transaction_id, began, ended, each.meter_start, end,
        each.reason if each.stop else None, min((seen.line for seen in frames), default=0),
    )  # fmt: skip


def _first_seen(each: LoggedTransaction) -> datetime | None:
    """Of one whose start is not in the log: its first reading. The stop, whatever its clock, is no beginning."""
    return min((at for one in each.readings if (at := when(one.at, one.seen))), default=None)


def same(one: Charge, other: Charge) -> bool:
    """Whether two chapters show parts of one transaction, or two that have one id."""
    began_elsewhere = other.meter_start is not None and other.began != one.began
    ended_elsewhere = one.ended is not None and other.ended != one.ended
    return bool({*one.keys} & {*other.keys}) and not began_elsewhere and not ended_elsewhere


def joined(one: Charge, other: Charge) -> Charge:
    """The same transaction, of which two chapters show a part each."""
    return one._replace(
        transaction_id=one.transaction_id if other.transaction_id is None else other.transaction_id,
        ended=other.ended or one.ended,
        reason=other.reason or one.reason,
        meter_end=one.meter_end if other.meter_end is None else other.meter_end,
    )


def when(told: datetime | None, seen: Seen | None) -> datetime | None:
    """What the payload says, unless the log's own time is far from it: then its clock was wrong."""
    logged = seen.at if seen else None
    if told and logged and abs(told - logged) > FAR:
        return logged
    return told or logged
