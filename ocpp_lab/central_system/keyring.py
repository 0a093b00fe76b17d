"""`Keyring`: which AuthorizationKey opens the door, also during a change (J-spec 6.2.2; whitepaper A01.FR.03)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence

from ..credentials import MIN_KEY_BYTES, NO_KEY, SealedKey, key_bytes, may_enter, password_of, seal
from ..group import at_once
from ..pipe import is_loopback
from .recording import Recording

log = logging.getLogger(__name__)

Secret = str | bytes
"""An AuthorizationKey as it is configured or offered: hex text, or raw bytes."""
MOST_OFFERS = 16
"""Offers of one identity that nobody has answered for. More of them is no reply that was lost."""
Ring = tuple[SealedKey, ...]
"""The keys of one identity, oldest first: the configured one with which it began, then those that were offered."""


class Keyring:
    """The configured keys by identity, and those that were offered since: they are kept, sealed, in the ledger.

    The reply to a change may be lost, and then nobody knows which key the charge point has. So every offer opens the
    door beside what did before, until one is *proved*: the charge point said that it took it, or dials with it. That
    ends all older ones, and no newer one: a dial with an old key says nothing of an offer that is still on its way.

    A configured key is the start. What was offered since wins over it, in this life and in the next, until the
    configured key itself is changed: that is the operator's word, and then it alone counts. To configure none changes
    nothing: who forgets the passwords at a restart opens no door.

    Of more than 16 offers without an answer the oldest opens nothing any more; neither the configured key nor the one
    that was proved last is among them. There are no rings but of those whose key the operator has changed, so their
    number is the operator's, and none is ever forgotten: it would open a door.

    A key that comes is in the ledger before it is sent, and on its disk whoever asks for it: nobody waits for a group
    here. A key that goes may be there again after a restart if the ledger failed meanwhile: then a door stays open that
    should be shut, and nobody is locked out.
    """

    def __init__(self, configured: Mapping[str, Secret], ledger: Recording) -> None:
        """Reads what the ledger has; raises what that raises."""
        self.configured = configured
        self._ledger = ledger
        self._rings: dict[str, Ring] = {identity: tuple(keys) for identity, keys in ledger.keys().items()}

    def opens(self, header: str | None, identity: str) -> bool:
        """Whether this Authorization header lets that charge point in; an identity without a key needs none."""
        ring = self._ring(identity)
        if not ring:
            key = self.configured.get(identity)
            return not key or may_enter(header, identity, key)
        password = password_of(header, identity)
        # Of a key that was offered twice the older offer is proved: what was offered in between may still arrive.
        fits = [key for key in ring if password is not None and key.opens and key.fits(password)]
        if fits:
            self._prove(identity, ring, fits[0])
        return bool(fits) or ring[0] == NO_KEY

    def offer(self, identity: str, key: Secret) -> SealedKey:
        """A change is about to be sent. The offer is what `accepted` or `refused` is told; raises `StoreFailed`."""
        offer = seal(key)
        ring = self._ring(identity) or (self._start(identity),)
        proved = 1 if ring[0].opens else 2  # keys that are no mere offers: the configured one, and what was proved
        self._keep(identity, (*ring[:proved], *ring[proved:][1 - MOST_OFFERS :], offer))
        return offer

    def accepted(self, identity: str, offer: SealedKey) -> None:
        """The charge point took it."""
        if offer in (ring := self._ring(identity)):
            self._prove(identity, ring, offer)

    def refused(self, identity: str, offer: SealedKey) -> None:
        """The charge point did not take it. One that it has proved to have stays."""
        ring = self._ring(identity)
        if offer in ring and any(key.opens for key in ring[: ring.index(offer)]):
            left = tuple(key for key in ring if key != offer)
            self._leave(identity, left if len(left) > 1 else ())

    def _start(self, identity: str) -> SealedKey:
        key = self.configured.get(identity)
        return seal(key) if key else NO_KEY

    def _ring(self, identity: str) -> Ring:
        """Its ring. Empty if nothing was ever offered, or if the configured key was changed since."""
        ring, key = self._rings.get(identity, ()), self.configured.get(identity)
        if ring and key and not ring[0].fits(key_bytes(key)):
            self._leave(identity, ())
            return ()
        return ring

    def _prove(self, identity: str, ring: Ring, proved: SealedKey) -> None:
        """Older keys open nothing any more. The first stays, to be compared with what is configured."""
        if place := ring.index(proved):
            self._leave(identity, (ring[0]._replace(opens=False), *ring[place:]))

    def _leave(self, identity: str, ring: Ring) -> None:
        """Keep what is left, in the ledger if it can."""
        if ring != self._rings.get(identity):
            try:
                self._keep(identity, ring)
            except Exception:
                log.exception("! the keys of %s: what no longer opens could not be taken out of the ledger", identity)
                self._set(identity, ring)

    def _keep(self, identity: str, ring: Sequence[SealedKey]) -> None:
        with at_once():
            self._ledger.keep_keys(identity, ring)
        self._set(identity, tuple(ring))

    def _set(self, identity: str, ring: Ring) -> None:
        self._rings[identity] = ring
        if not ring:
            del self._rings[identity]


def check_keys(configured: Mapping[str, Secret]) -> None:
    """Warn of keys that are too short. Raises ValueError for an empty one: it would be an open door."""
    for identity, key in configured.items():
        if not key:
            raise ValueError(f"expected a password for {identity!r}, came an empty one")
        if len(key_bytes(key)) < MIN_KEY_BYTES:
            log.warning("! the key of %s is shorter than %d bytes (whitepaper A00.FR.205)", identity, MIN_KEY_BYTES)


def warn_of_open_door(host: str, identities: Collection[str] | None, configured: Mapping[str, Secret]) -> None:
    """Warn if somebody can come in without a password, from elsewhere."""
    if not is_loopback(host) and (identities is None or set(identities) - set(configured)):
        log.warning("! listening on %r, open to charge points without password: anybody can be one", host)
