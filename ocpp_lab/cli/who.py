"""`who`: a table of who is connected and what charges, from statuses and the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from .. import messages as m
from ..central_system import CentralSystem
from .verb import some

MOST_SHOWN = 50  # charge points; of a crowd nobody reads all


def who(central_system: CentralSystem, now: datetime) -> Iterator[str]:
    """A line for each charge point, and one for each of its connectors; and who has left while it charged."""
    names = sorted(central_system.sessions)
    yield f"{len(names)} connected" if names else "nobody is connected"
    statuses: dict[str, dict[int, m.StatusNotificationRequest]] = {name: {} for name in names[:MOST_SHOWN]}
    for (name, connector), status in central_system.answers.statuses.items():
        if name in statuses:
            statuses[name][connector] = status
    for name, told in statuses.items():
        yield f"{name:<20} {central_system.registrations.get(name, 'not booted')}"
        running = {row["connector"]: row for row in central_system.ledger.open_transactions(name)}
        for connector in sorted({*told, *running}):
            said = _status(told.get(connector))
            charge = _charge(running[connector], now) if connector in running else ""
            if connector or said not in ("Available", "?"):  # 0 is the whole, of which there is seldom news
                yield f"  {connector:>3}  {said:<15} {charge}".rstrip()
    if len(names) > MOST_SHOWN:
        yield f"and {len(names) - MOST_SHOWN} more"
    away = sorted({row["identity"] for row in central_system.ledger.open_transactions()}.difference(names))
    if away:
        yield f"not connected, and charging when last heard of: {some(away)}"


def _status(told: m.StatusNotificationRequest | None) -> str:
    if told is None:  # it is we who started anew
        return "?"
    return told.status if told.error_code == "NoError" else f"{told.status} ({told.error_code})"


def _charge(row: Mapping[str, Any], now: datetime) -> str:
    """A transaction, in words."""
    minutes = "?"
    with suppress(ValueError):
        minutes = f"{(now - datetime.fromisoformat(row['started'])).total_seconds() / 60:.0f}"
    return f"transaction {row['id']} with {row['id_tag']}, for {minutes} min"
