"""`Routes`: where and with what the next dial goes, by security profile."""

from __future__ import annotations

import ssl as tls
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from .. import security
from ..credentials import MIN_KEY_BYTES, key_bytes
from .wallet import CENTRAL_SYSTEM, Root, Wallet


class Route(NamedTuple):
    """One dial: the profile, the endpoint with the identity, and the TLS context; None: none, or the system's."""

    profile: int
    url: str
    ssl: tls.SSLContext | None


class Routes:
    """``urls`` are the endpoints by profile, with the identity. ``given`` is a TLS context from outside: it serves all
    profiles with TLS, but those for which the wallet has a certificate of our own. ``now()`` is the trusted time.

    Profiles 2 and 3 may share an endpoint, and so may 0 and 1: a profile without one takes that of the other.
    """

    def __init__(
        self,
        urls: Mapping[int, str],
        given: tls.SSLContext | None,
        wallet: Wallet,
        now: Callable[[], datetime],
    ) -> None:
        self.urls = urls
        self.wallet = wallet
        self._given = given
        self._now = now
        self._with_fallback = False  # the next dial trusts the root that was replaced; toggled by a failure (M05.FR.13)
        self._turn = 0  # of the certificates of our own that are valid now: which is next, after failures

    def next(self, profile: int) -> Route:
        """For a dial that begins now. Raises ValueError for a profile without an endpoint, `StoreFailed`."""
        url = self.url(profile)
        if url is None:
            raise ValueError(f"expected a profile with an endpoint, one of {sorted(self.urls)}, came {profile}")
        return Route(profile, url, self._context(profile) if url.startswith("wss:") else None)

    def url(self, profile: int) -> str | None:
        """Where to dial with this profile; None if nobody told."""
        alike = (url for url in self.urls.values() if url.startswith("wss:") == (profile >= 2))
        return self.urls.get(profile) or next(alike, None)

    def succeeded(self, route: Route) -> None:
        """It has connected: the newest root is good, and what it replaced is not needed any more (M05.FR.12)."""
        self._turn = 0
        if route.profile >= 2 and not self._with_fallback and any(root.fallback for root in self._roots()):
            self.wallet.forget_fallback()
        self._with_fallback = False

    def failed(self, route: Route, *, not_trusted: bool) -> None:
        """It has not; ``not_trusted``: because of the central system's certificate."""
        if not_trusted:
            self._with_fallback = not self._with_fallback and any(root.fallback for root in self._roots())
        elif route.profile == 3:
            self._turn += 1

    # -- what an upgrade needs (whitepaper A05.FR.02 to A05.FR.04)

    def has_root(self) -> bool:
        """A root certificate of the central system that is valid now, or a context from outside that knows its own."""
        return self._given is not None or any(self._is_valid(root.pem) for root in self._roots())

    def has_certificate(self) -> bool:
        """A certificate of our own that is valid now."""
        return bool(self._own())

    def _context(self, profile: int) -> tls.SSLContext | None:
        own = self._own() if profile == 3 else []
        if self._given is not None and not own:
            return self._given
        roots = [root.pem for root in self._roots() if root.fallback is self._with_fallback]
        if not roots and not own:
            return None
        return security.client_context(roots, own[self._turn % len(own)] if own else None)

    def _roots(self) -> list[Root]:
        return self.wallet.roots(CENTRAL_SYSTEM)

    def _own(self) -> list[security.KeyAndChain]:
        own = self.wallet.own()
        return security.candidates(own, self._now()) if own else []

    def _is_valid(self, pem: str) -> bool:
        begins, ends = security.validity(pem)
        return begins <= self._now() <= ends


def is_key(password: str | bytes | None) -> bool:
    """Whether it is an AuthorizationKey as profiles 1 and 2 need it (whitepaper A05.FR.02)."""
    return password is not None and len(key_bytes(password)) >= MIN_KEY_BYTES
