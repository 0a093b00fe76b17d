"""`Maker`: the manufacturer, as far as a charge point knows him: by his root certificates (whitepaper 2.6.2, L01)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from .. import security
from .wallet import MANUFACTURER, Wallet


class Maker:
    """Whose firmware is good. ``now()`` is the trusted time; ``tell`` notes a security event.

    The operator's roots do not count here: whoever can sign for charge points shall not be able to change them.
    """

    def __init__(self, wallet: Wallet, now: Callable[[], datetime], tell: Callable[[str, str], None]) -> None:
        self._wallet = wallet
        self._now = now
        self.event = tell
        """Notes a security event: its type, and what is worth knowing about it."""

    def demanded(self) -> bool:
        """Whether unsigned firmware is not taken any more: as soon as there is somebody who could have signed it. (The
        whitepaper has it so for every charge point with signed firmware: L01.FR.20.)"""
        return bool(self._wallet.roots(MANUFACTURER))

    def certificate_trouble(self, certificate: str) -> str | None:
        """Why a signing certificate (PEM) is not the manufacturer's; None: it is. Raises `StoreFailed`."""
        roots = [root.pem for root in self._wallet.roots(MANUFACTURER)]
        if not roots:  # also where the package that reads certificates is not here
            return "no root certificate of the manufacturer is installed"
        return security.signing_certificate_trouble(certificate, roots, self._now())

    def signature_trouble(self, firmware: bytes, signature: str, certificate: str) -> str | None:
        """Why this is no signature (base64) of this firmware with the key of this certificate; None: it is."""
        return security.signature_trouble(firmware, signature, certificate)
