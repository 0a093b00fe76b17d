"""`TrustedTime`: what time it is when a certificate is judged.

Our own clock, but never earlier than the newest instant that an authenticated central system told (security profiles 2
and 3): a box without a battery wakes up in 1970, and whoever sets clocks over an open line could bring an old
certificate back to life. What a central system without TLS tells sets the clock of the meters, and not this one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from ..errors import StoreFailed
from ..store import Store
from .event_clock import plausible

log = logging.getLogger(__name__)

WRITTEN_EVERY = timedelta(hours=1)
"""A heartbeat a minute need not be a write a minute; after a power cut we are an hour behind at most."""


class TrustedTime:
    """``now()`` is our own clock, an aware datetime. The floor survives a power cut, in ``store``."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        rows = store.execute("SELECT newest FROM trusted_time")
        self._written = datetime.fromisoformat(rows[0][0]) if rows else None  # on the disk
        self._newest = self._written  # the floor

    def now(self) -> datetime:
        """The instant at which certificates are judged."""
        return self._now() if self._newest is None else max(self._now(), self._newest)

    def hear(self, told: datetime) -> None:
        """An authenticated central system told its time. What it cannot be is not believed (`plausible`)."""
        if told.tzinfo is None or not plausible(told, self._now()) or (self._newest and told <= self._newest):
            return
        self._newest = told
        if self._written is None or told - self._written >= WRITTEN_EVERY:
            self._write(told)

    def _write(self, told: datetime) -> None:
        try:
            with self._store.transaction():
                self._store.execute("DELETE FROM trusted_time")
                self._store.execute("INSERT INTO trusted_time VALUES (?)", (told.isoformat(),))
        except StoreFailed as error:
            log.warning("! the newest trusted time is not written down: %s", error)
            return
        self._written = told
