"""Who is at the other end of TLS, and whether the certificate is of this time: for contexts that look at no date."""

from __future__ import annotations

import ssl as tls
import sys
from datetime import UTC, datetime
from typing import Any

from .contexts import NO_CHECK_TIME


def chain_of(secured: Any) -> list[bytes]:
    """The certificates that the peer sent (DER), the leaf first; none if it sent none. ``secured`` is an SSLObject."""
    if secured.getpeercert(True) is None:  # asked for its chain, Python fails then
        return []
    if sys.version_info >= (3, 13):
        return list(secured.get_unverified_chain())
    sent = secured._sslobj.get_unverified_chain() or ()  # what 3.13 has made public
    return [tls.PEM_cert_to_DER_cert(each.public_bytes()) for each in sent]


def verified_root(secured: Any) -> bytes | None:
    """The root certificate (DER) that the peer's was checked with; None if none was checked."""
    if sys.version_info >= (3, 13):
        chain = secured.get_verified_chain()
        return chain[-1] if chain else None
    checked = secured._sslobj.get_verified_chain() or ()
    return tls.PEM_cert_to_DER_cert(checked[-1].public_bytes()) if checked else None


def out_of_date(secured: Any, at: datetime) -> str | None:
    """Why the peer's certificate is not of this instant; None: it is, or OpenSSL has looked at the dates itself."""
    if not secured.context.verify_flags & NO_CHECK_TIME:
        return None
    certificate = secured.getpeercert()
    begins, ends = (_instant(certificate[which]) for which in ("notBefore", "notAfter"))
    if at < begins:
        return f"is not valid before {begins:%Y-%m-%d %H:%M} UTC, and for us it is {at.astimezone(UTC):%Y-%m-%d %H:%M}"
    if at > ends:
        return f"has expired at {ends:%Y-%m-%d %H:%M} UTC, and for us it is {at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return None


def _instant(text: str) -> datetime:
    return datetime.fromtimestamp(tls.cert_time_to_seconds(text), UTC)
