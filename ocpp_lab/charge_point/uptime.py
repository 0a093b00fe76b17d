"""`Uptime`: how long the connection held, how often it was dialled, and how long it took to come back."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus

from ..errors import HandshakeRefused

log = logging.getLogger(__name__)

_STATUSES = frozenset(HTTPStatus)


class Uptime:
    """Read from the changes of the connection's state. ``observe(seconds)`` is told of every time to reconnect; what it
    raises is logged and counted.

    ``dials`` counts attempts by outcome: ``connected``, ``unreachable``, ``refused_404`` and so on. ``losses`` counts
    the connections that were open and died; to end one's own life, or to boot again on a good connection, is no loss.
    """

    def __init__(self, time: Callable[[], float], observe: Callable[[float], None] | None = None) -> None:
        self.dials: Counter[str] = Counter()
        self.observe = observe
        self.observer_failures = 0
        """How often ``observe`` raised; the log has each."""
        self.losses = 0
        self._time = time
        self._online_since: float | None = None  # loop time (s); None while it is not online
        self._lost_at: float | None = None  # since when it is not online; None while it is, and before the first loss
        self._closing_at = 0.0  # when the newest connection was given up
        self._before = 0.0  # seconds online until then, all connections together; added to when "online" ends

    @property
    def connected_seconds(self) -> float:
        """Time spent online, all connections together."""
        now = self._time()
        return self._before + (now - self._online_since if self._online_since is not None else 0.0)

    def dialled(self, error: Exception | None) -> None:
        """An attempt ended."""
        match error:
            case None:
                self.dials["connected"] += 1
            case HandshakeRefused():
                known = error.status in _STATUSES  # or the peer could invent outcomes without end
                self.dials[f"refused_{error.status if known else 'other'}"] += 1
            case _:
                self.dials["unreachable"] += 1

    def changed(self, old: str, new: str) -> None:
        """The connection has a new state."""
        now = self._time()
        if new == "online":
            self._online_since = now
            if self._lost_at is not None:
                self._tell(now - self._lost_at)
                self._lost_at = None
        elif old == "online":
            self._before, self._online_since = self.connected_seconds, None
        if new == "closing":
            self._closing_at = now
        if new in ("waiting", "failed") and old not in ("connecting", "waiting"):
            self.losses += 1
            if self._lost_at is None:  # lost again before it was online: the outage goes on
                self._lost_at = self._closing_at if old == "closing" else now

    def _tell(self, seconds: float) -> None:
        if self.observe is None:
            return
        try:
            self.observe(seconds)
        except Exception:  # whoever counts ends no connection
            self.observer_failures += 1
            log.exception("! the observer of reconnects failed")
