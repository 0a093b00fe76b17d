"""Who has signed this firmware? The manufacturer, or nobody that we know (whitepaper L01; 2.6.2).

Two questions at two times: the certificate is judged before anything is fetched, the signature when the file is here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from .certificates import has_strong_key, is_valid, path_to_root, read_certificates


def signing_certificate_trouble(certificate: str, roots: Sequence[str], at: datetime) -> str | None:
    """Why a signing certificate (PEM) is not the manufacturer's; None: it is. ``roots`` are the manufacturer's, as PEM:
    the operator's sign no firmware (whitepaper 2.6.2).

    *unreadable*, *out-of-date*, *untrusted* (one of the roots has to have signed it itself, L01 has no certificate in
    between), or *weak-key*.
    """
    try:
        leaf = read_certificates(certificate)[0]
    except ValueError:
        return "unreadable"
    if not is_valid(leaf, at):
        return "out-of-date"
    if not path_to_root(leaf, [read_certificates(root)[0] for root in roots], at):
        return "untrusted"
    return None if has_strong_key(leaf) else "weak-key"


def signature_trouble(firmware: bytes, signature: str, certificate: str) -> str | None:
    """Why this signature (base64) over the whole file is not one with the key of this certificate (PEM); None: it is.

    RSA-PSS, or ECDSA where the whitepaper says ECSchnorr, which no library here knows; SHA-256 (L01.FR.04).
    *unreadable* or *wrong-signature*.
    """
    try:
        raw = base64.b64decode("".join(signature.split()), validate=True)
        key = read_certificates(certificate)[0].public_key()
    except (binascii.Error, ValueError):
        return "unreadable"
    try:
        match key:
            case RSAPublicKey():
                key.verify(raw, firmware, padding.PSS(padding.MGF1(SHA256()), padding.PSS.AUTO), SHA256())
            case ec.EllipticCurvePublicKey():
                key.verify(raw, firmware, ec.ECDSA(SHA256()))
            case _:
                return "wrong-signature"
    except InvalidSignature:
        return "wrong-signature"
    return None
