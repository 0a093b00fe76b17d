"""A new certificate: ask for one (`new_request`), know it when it comes (`signed`), and choose (`candidates`).

Each request has a key pair of its own, which never leaves the charge point (whitepaper A02.FR.02, A02.FR.05). Whether
a certificate is ours is a question of its public key: names are anybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import Certificate, CertificateSigningRequestBuilder, Name, NameAttribute, NameOID

from .certificates import is_valid, read_certificates
from .contexts import KeyAndChain

LONGEST_CHAIN = 10_000
"""Characters of a chain (whitepaper 7.3)."""
MOST_IN_A_NAME = 64
"""Characters of an organizationName or a commonName (the upper bounds of X.520)."""


def new_request(serial: str, owner: str) -> KeyAndChain:
    """A fresh private key, and the request to have it signed, both as PEM: O is the owner, CN the serial number.

    Raises ValueError without an owner (CpoName must be set: whitepaper A02.FR.13), or for a name that is too long.
    """
    if not all(0 < len(text) <= MOST_IN_A_NAME for text in (owner, serial)):
        raise ValueError(
            f"expected an owner (CpoName) and a serial number of 1 to 64 characters, came {owner!r} and {serial!r}"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    name = Name([NameAttribute(NameOID.ORGANIZATION_NAME, owner), NameAttribute(NameOID.COMMON_NAME, serial)])
    request = CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, request.public_bytes(Encoding.PEM).decode()


def signed(
    text: str,
    pending: Sequence[bytes],
    *,
    judge: Callable[[list[Certificate], datetime], str | None],
    now: datetime,
    max_size: int = LONGEST_CHAIN,
) -> KeyAndChain | None:
    """The key that this chain belongs to, and the chain, if it is the answer to one of our requests.

    ``pending`` are the private keys (PEM) of the requests without an answer. ``judge(chain, at)`` names what is wrong
    with it. None: it is too long, unreadable, for no key of ours, or judged. One that is valid from next week on is
    valid (whitepaper A02.FR.08): it is judged at the beginning of its time.
    """
    if len(text) > max_size:
        return None
    try:
        chain = read_certificates(text)
        public = _public(chain[0])
    except ValueError:
        return None
    for pem in pending:
        if _public(load_pem_private_key(pem, None)) == public:
            at = max(now, chain[0].not_valid_before_utc)
            return (pem, text) if judge(chain, at) is None else None
    return None


def candidates(pairs: Sequence[KeyAndChain], now: datetime) -> list[KeyAndChain]:
    """Those that are valid now, in the order in which to dial with them: the newest start first (A02.FR.08 to
    A02.FR.10), of two that begin at once the later in ``pairs``."""
    leaves = [(read_certificates(pair[1])[0], pair) for pair in reversed(pairs)]
    valid = [(leaf, pair) for leaf, pair in leaves if is_valid(leaf, now)]
    return [pair for _, pair in sorted(valid, key=lambda each: each[0].not_valid_before_utc, reverse=True)]


def validity(chain: str) -> tuple[datetime, datetime]:
    """First and last second of the leaf. Raises ValueError for what is no chain."""
    leaf = read_certificates(chain)[0]
    return leaf.not_valid_before_utc, leaf.not_valid_after_utc


def _public(holder: Any) -> bytes:
    key: Any = holder.public_key()
    raw: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return raw
