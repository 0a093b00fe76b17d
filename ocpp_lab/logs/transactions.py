"""`transactions`: who charged how much, as far as the log shows it (core 4.7, 4.8, 4.10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from .log import Log
from .seen import Seen


class Reading(NamedTuple):
    """The register of energy: ``wh`` in watt-hours, ``at`` as the payload says (None: nonsense), where it stands."""

    at: datetime | None
    wh: float
    seen: Seen


@dataclass(slots=True)
class LoggedTransaction:
    """One transaction. What the log does not show is None."""

    identity: str | None
    connector: int | None = None
    id_tag: str | None = None
    transaction_id: int | None = None
    """As the central system gave it; of an unanswered start None, unless a later message tells."""
    start: Seen | None = None
    """The first StartTransaction of it."""
    start_reply: Seen | None = None
    stop: Seen | None = None
    """The first StopTransaction of it."""
    started: datetime | None = None
    """The timestamp in the StartTransaction."""
    stopped: datetime | None = None
    """That in the StopTransaction."""
    meter_start: int | None = None
    """Wh."""
    meter_stop: int | None = None
    """Wh."""
    reason: str | None = None
    """Of the stop; "Local" if it names none (core 4.10)."""
    status: str | None = None
    """What the central system said of the tag, in its answer to the start."""
    readings: list[Reading] = field(default_factory=list)
    """Of the register, from MeterValues and from the stop, in the order of the log."""

    @property
    def energy(self) -> float | None:
        """Wh, from the start to the stop, or to the newest reading if it has none yet."""
        end = self.meter_stop if self.meter_stop is not None else (self.readings[-1].wh if self.readings else None)
        return None if end is None or self.meter_start is None else end - self.meter_start


def transactions(log: Log) -> list[LoggedTransaction]:
    """In the order of their first frames. One whose start is not in the log begins with what is seen of it. NotImplementedError so far."""
    raise NotImplementedError("not built yet")
