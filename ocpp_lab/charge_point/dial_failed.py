"""`DialFailed`: why an open port gave no WebSocket, in words that tell the true reason and what to do about it.

OpenSSL knows the reason exactly, and says it in its own words; Python puts them into an exception that looks the same
for a certificate that has expired and for one that nobody signed.
"""

from __future__ import annotations

import ssl as tls

from ..errors import HandshakeRefused

STRICT = range(78, 94)
"""Codes of what OpenSSL finds only under X509_STRICT, which Python sets from 3.13 on: rules of RFC 5280 that many a
home-made authority breaks (x509_vfy.h, from X509_V_ERR_CA_CERT_MISSING_KEY_USAGE backwards)."""

_BY_CODE = {
    9: "is not valid yet, or this computer's clock is slow; check both clocks",
    10: "or that of its authority has expired, or this computer's clock is wrong; have it renewed",
    18: "is signed by itself, and not trusted here; pass that very certificate with --ca FILE (ssl=)",
    92: "is signed by an authority whose own certificate lacks the key usage (RFC 5280 4.2.1.3; Python checks it from "
    "3.13 on); make that one anew, with: openssl req -x509 … -addext keyUsage=critical,keyCertSign",
}
_UNKNOWN_AUTHORITY = (2, 19, 20, 21)
_ANOTHER_NAME = (62, 63, 64)
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")


class DialFailed(ConnectionError):
    """Somebody listens there, but no WebSocket came of it. The message says all that is known; ``__cause__`` is the
    error of the library below."""


class OutOfDate(DialFailed):
    """The central system's certificate is not valid at the instant that we believe in."""


_TOO_OLD = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_SSL_VERSION")
_TOO_WEAK = ("NO_CIPHERS_AVAILABLE", "NO_SHARED_CIPHER", "SSLV3_ALERT_HANDSHAKE_FAILURE")


def security_event_of(error: Exception) -> str | None:
    """The security event that a dial which failed so is (whitepaper 8); None: it is none.

    A handshake that was refused without a reason nearly always had no cipher suite in common.
    """
    if isinstance(error, HandshakeRefused):
        return "FailedToAuthenticateAtCentralSystem" if error.status in (401, 403) else None
    cause = error.__cause__ if isinstance(error, DialFailed) else error
    match cause:
        case _ if isinstance(error, OutOfDate):
            return "InvalidCentralSystemCertificate"
        case tls.SSLCertVerificationError():
            return "InvalidCentralSystemCertificate"
        case tls.SSLError(reason=reason) if reason in _TOO_OLD:
            return "InvalidTLSVersion"
        case tls.SSLError(reason=reason) if reason in _TOO_WEAK:
            return "InvalidTLSCipherSuite"
    return None


def why_no_tls(error: OSError) -> str | None:
    """What went wrong between the connection and the first byte of HTTP; None if it was not TLS."""
    match error:
        case tls.SSLCertVerificationError():
            return f"its certificate {_why_no_trust(error.verify_code, error.verify_message)}"
        case tls.SSLEOFError() | ConnectionResetError() | ConnectionAbortedError():
            return "it closed the connection during the handshake; perhaps that port speaks ws:// and not wss://"
        case tls.SSLError(reason=reason) if reason in _NO_TLS:
            return "what it answers is no TLS; perhaps that port speaks ws:// and not wss://"
        case tls.SSLError(reason=reason) if reason and "ALERT" in reason:
            return f"it refused the handshake, saying: {_words(reason)}"
        case tls.SSLError(reason=reason):
            return _words(reason) if reason else str(error)
    return None


def _why_no_trust(code: int, message: str) -> str:
    if said := _BY_CODE.get(code):
        return said
    if code in _UNKNOWN_AUTHORITY:
        return (
            "is signed by an authority that is not trusted here; pass the certificate of that authority with --ca FILE "
            "(ssl=). If you did: it is another one, or the central system does not send those in between"
        )
    if code in _ANOTHER_NAME:
        said = message.rstrip(".")
        return f"is for another name ({said}); dial a name that stands in it, or have it issued for this one"
    if code in STRICT:
        return (
            f"or that of its authority breaks a rule of RFC 5280 ({message}); have it issued anew, without that fault"
        )
    return f"is not accepted: {message}"


def why_no_handshake(strange: Exception, *, secure: bool) -> str:
    """What came in place of a WebSocket handshake."""
    if not isinstance(strange.__cause__, EOFError):
        return str(strange)
    if secure:
        return (
            "the connection was closed without an answer; perhaps it wants a certificate of ours (security profile 3)"
        )
    return "the connection was closed without an answer; perhaps that port speaks wss:// (TLS) and not ws://"


def _words(reason: str) -> str:
    """``TLSV1_ALERT_PROTOCOL_VERSION`` as words."""
    return reason.lower().replace("_", " ")
