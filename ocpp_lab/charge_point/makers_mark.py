"""`MakersMark`: whose firmware is good, by the manufacturer's root certificates (whitepaper L01, 2.6.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from .. import security
from .wallet import MANUFACTURER, Wallet


class MakersMark:
    """``now()`` is the time by which certificates are judged, ``tell(type, info)`` notes a security event."""

    def __init__(self, wallet: Wallet, now: Callable[[], datetime], tell: Callable[[str, str], object]) -> None:
        self.wallet = wallet
        self.now = now
        self.tell = tell

    def demanded(self) -> bool:
        """Whether unsigned firmware is not taken: once the manufacturer's root certificate is here (L01.FR.20)."""
        return bool(self._roots())

    def certificate_trouble(self, certificate: str) -> str | None:
        """Why this signing certificate (PEM) is not the manufacturer's; None: it is."""
        roots = self._roots()
        if not roots:
            return "no root certificate of the manufacturer is installed"
        return security.signing_certificate_trouble(certificate, roots, self.now())

    def signature_trouble(self, firmware: bytes, signature: str, certificate: str) -> str | None:
        """Why this is no signature of this firmware with the key of this certificate; None: it is."""
        return security.signature_trouble(firmware, signature, certificate)

    def event(self, type: str, info: str) -> None:
        """Note a security event."""
        self.tell(type, info)

    def _roots(self) -> list[str]:
        return [root.pem for root in self.wallet.roots(MANUFACTURER)]
