"""`Registrar`: what the newest BootNotification of each identity got: in the ledger first, and then known."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from ..bounded import Bounded
from ..group import afterwards, at_once
from ..messages import RegistrationStatus
from .recording import Recording

log = logging.getLogger(__name__)

MOST_STRANGERS = 20_000
"""Registrations of who need not stay. Where nobody lists identities a peer may invent them; at its longest one takes
about 600 bytes. Whoever is forgotten and comes back gets SecurityError until it has booted, as J-errata 3.8 recommends,
and is asked to boot (core 5.17)."""


class Registrar:
    """``known`` is what the ledger had, and what `keep` has written since; never more than is on the disk.

    Of more than `MOST_STRANGERS` the one goes that changed longest ago and does not ``stay``, from the ledger too.
    """

    def __init__(self, ledger: Recording, stays: Callable[[str], bool]) -> None:
        """Raises what the ledger raises."""
        self.known: Bounded[str, RegistrationStatus] = Bounded(MOST_STRANGERS, stays)
        self.known.update(ledger.registrations())
        # From now on: an older file may hold a hundred thousand, and to delete them one by one would take minutes.
        self.known.gone = lambda identity, status: self._forget(identity)
        self._ledger = ledger
        self._coming: Counter[str] = Counter()  # by identity, how many were written and are not on the disk yet

    def keep(self, identity: str, status: RegistrationStatus) -> None:
        """Write it, if it is another one. Raises `StoreFailed`; it may also be undone later, and then is not known."""
        if self.known.get(identity) == status and identity not in self._coming:
            return
        self._ledger.register(identity, status)
        self._coming[identity] += 1
        afterwards(lambda durable: self._settle(identity, status, durable))

    def _settle(self, identity: str, status: RegistrationStatus, durable: bool) -> None:
        self._coming[identity] -= 1
        if not self._coming[identity]:
            del self._coming[identity]
        if durable:
            self.known[identity] = status

    def _forget(self, identity: str) -> None:
        try:
            with at_once():
                self._ledger.forget(identity)
        except Exception:  # it cannot be written now, or has a bug: who is about to boot is not to blame
            log.exception("! the registration of %s is still in the ledger", identity)
