"""`registrations`: what the newest BootNotification of each identity got, of as many as anybody needs to know."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..bounded import Bounded
from ..messages import RegistrationStatus
from .recording import Recording

log = logging.getLogger(__name__)

MOST_STRANGERS = 20_000
"""Registrations of who need not stay. Where nobody lists identities a peer may invent them; at its longest one takes
about 600 bytes. Whoever is forgotten is asked to boot when it comes back, which is legal (J-errata 3.8)."""


def registrations(ledger: Recording, stays: Callable[[str], bool]) -> Bounded[str, RegistrationStatus]:
    """What the ledger has, bounded: of more than `MOST_STRANGERS` the one goes that changed longest ago and need not
    stay, from the ledger too."""
    known: Bounded[str, RegistrationStatus] = Bounded(MOST_STRANGERS, stays)
    known.update(ledger.registrations())
    # From now on: an older file may hold a hundred thousand, and to delete them one by one would take minutes.
    known.gone = lambda identity, status: _forget(ledger, identity)
    return known


def _forget(ledger: Recording, identity: str) -> None:
    try:
        ledger.forget(identity)
    except Exception:  # it cannot be written now, or has a bug: who is about to boot is not to blame
        log.exception("! the registration of %s is still in the ledger", identity)
