"""The two ends of TLS as OCPP wants them: `server_context` and `client_context`.

OpenSSL checks who has signed what, and looks at no date: it would ask the real clock, which a simulation does not have,
and a charge point after a power cut neither. Dates are judged by whoever uses these contexts, at the instant that they
believe in.
"""

from __future__ import annotations

import ssl as tls
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python's module does not name."""

MANDATORY = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""The four cipher suites that a central system offers (whitepaper A00.FR.317, A00.FR.421). Python's default has two."""
CIPHERS = ":".join((*MANDATORY, "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"))


KeyAndChain = tuple[bytes, str]
"""A private key and the chain that belongs to it, the leaf first: both as PEM."""


def server_context(pairs: Sequence[KeyAndChain], roots: Iterable[str] = (), *, wanted: bool = True) -> tls.SSLContext:
    """Of a central system: its keys and chains (one for RSA and one for ECDSA serve all four suites).

    ``roots`` (PEM) have signed the certificates of charge points; with some, a certificate is required (security
    profile 3), or with ``wanted=False`` only asked for, so that profiles 2 and 3 share a port. Raises `ssl.SSLError`.
    """
    context = _context(tls.PROTOCOL_TLS_SERVER, roots)
    context.set_ciphers(CIPHERS)
    for pair in pairs:
        _load(context, pair)
    if context.cert_store_stats()["x509"]:
        context.verify_mode = tls.CERT_REQUIRED if wanted else tls.CERT_OPTIONAL
    return context


def client_context(roots: Iterable[str], own: KeyAndChain | None = None) -> tls.SSLContext:
    """Of a charge point: whom it trusts (PEM), and its own key and chain for security profile 3. Raises `ssl.SSLError`.

    The name of the central system is checked by OpenSSL (whitepaper A00.FR.308): its subjectAltName, or without one its
    CN. A root need not have signed itself: one that replaces another is signed by that.
    """
    context = _context(tls.PROTOCOL_TLS_CLIENT, roots)
    if own is not None:
        _load(context, own)
    return context


def _context(protocol: int, roots: Iterable[str]) -> tls.SSLContext:
    context = tls.SSLContext(protocol)
    context.minimum_version = tls.TLSVersion.TLSv1_2  # whitepaper A00.FR.312
    context.verify_flags |= tls.VerifyFlags(NO_CHECK_TIME) | tls.VERIFY_X509_PARTIAL_CHAIN
    if trusted := "".join(roots):
        context.load_verify_locations(cadata=trusted)
    return context


def _load(context: tls.SSLContext, pair: KeyAndChain) -> None:
    """Python's module reads keys from files only: one that nobody else may read, and that is gone at once."""
    key, chain = pair
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.pem"
        file.touch(mode=0o600)
        file.write_bytes(key + b"\n" + chain.encode())
        context.load_cert_chain(file)
