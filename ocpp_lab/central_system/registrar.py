"""`Registrar`: what the newest BootNotification of each identity got: in the ledger first, and then known."""

from __future__ import annotations

from collections import Counter

from ..group import afterwards
from ..messages import RegistrationStatus
from .recording import Recording


class Registrar:
    """``known`` is what the ledger had, and what `keep` has written since; never more than is on the disk."""

    def __init__(self, ledger: Recording) -> None:
        """Raises what the ledger raises."""
        self.known: dict[str, RegistrationStatus] = dict(ledger.registrations())
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
