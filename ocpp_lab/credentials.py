"""HTTP Basic as OCPP means it: an identity, a key of raw bytes (J-spec 6.2.2; whitepaper A00.FR.202 to A00.FR.205)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import string
from contextlib import suppress
from typing import NamedTuple

AUTHORIZATION_KEY = "AuthorizationKey"
"""The configuration key whose value is a secret (J-errata 3.10)."""

MAX_IDENTITY = 255
"""Characters of an identity. Ours, J-spec 3.1.1 names no limit: identities are kept, counted and shown everywhere."""
MIN_KEY_BYTES = 16  # an AuthorizationKey has 16 to 20 bytes (whitepaper A00.FR.205)


MAX_KEY_BYTES = 20


def check_identity(identity: str) -> None:
    """Raises ValueError for one that no charge point can have (J-spec 3.1.1, 6.2.2)."""
    if not identity:
        raise ValueError("expected an identity, came an empty one")
    if ":" in identity:
        raise ValueError(f"expected an identity without a colon (HTTP Basic ends the user there), came {identity!r}")
    if len(identity) > MAX_IDENTITY:
        raise ValueError(
            f"expected an identity of at most {MAX_IDENTITY} characters, came one of {len(identity)}: {identity:.40}…"
        )


def read_key(text: str) -> bytes:
    """The value of an AuthorizationKey as bytes. Raises ValueError unless it is 32 to 40 hex digits, an even number."""
    digits = len(text)
    whole = digits % 2 == 0 and 2 * MIN_KEY_BYTES <= digits <= 2 * MAX_KEY_BYTES
    if not whole or not set(text) <= set(string.hexdigits):
        raise ValueError(f"expected 32 to 40 hexadecimal digits, an even number of them, came {digits} characters")
    return bytes.fromhex(text)


def key_bytes(key: str | bytes) -> bytes:
    """An AuthorizationKey as the bytes it stands for: 32 to 40 hex digits are 16 to 20 bytes, other text is itself."""
    if isinstance(key, bytes):
        return key
    try:
        return read_key(key)
    except ValueError:
        return key.encode()


def same_key(password: bytes, key: bytes) -> bool:
    """Whether a password is this key: its raw bytes, or their hex text in any case. Told in constant time."""
    raw = hmac.compare_digest(password, key)
    as_hex = hmac.compare_digest(password.lower(), key.hex().encode())
    return raw | as_hex


def basic_auth(identity: str, key: str | bytes) -> str:
    """The Authorization header of a charge point (J-spec 6.2.2). The key goes in as raw bytes, not as hex text."""
    return "Basic " + base64.b64encode(identity.encode() + b":" + key_bytes(key)).decode()


def password_of(header: str | None, identity: str) -> bytes | None:
    """The password in an Authorization header, if it is that of this identity. It may be empty."""
    kind, _, encoded = (header or "").partition(" ")
    try:
        credentials = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = credentials.partition(b":")
    right_user = hmac.compare_digest(user, identity.encode())
    return password if kind.lower() == "basic" and colon and right_user else None


def may_enter(header: str | None, identity: str, key: str | bytes) -> bool:
    """Whether an Authorization header opens the door for this identity, told in constant time.

    The password may be the key's raw bytes, or its hex text, which libocpp sends for keys that are not printable.
    """
    password = password_of(header, identity)
    return password is not None and same_key(password, key_bytes(key))


class SealedKey(NamedTuple):
    """A key as it is kept: whether a password is this key can be told, the key cannot.

    ``opens``: whether it still opens the door, or is only remembered.
    """

    salt: bytes
    digest: bytes
    opens: bool = True

    def fits(self, password: bytes) -> bool:
        """Whether this password is the key: its raw bytes, or its hex text."""
        readings = [password]
        with suppress(binascii.Error):  # it is no hex text
            readings.append(binascii.unhexlify(password))
        return any(hmac.compare_digest(_digest(reading, self.salt), self.digest) for reading in readings)


NO_KEY = SealedKey(b"", b"")
"""In the place of a key where none is needed. No password fits it."""


def seal(key: str | bytes) -> SealedKey:
    """A key as it may be kept, with a salt of its own: that two charge points have the same key shows nowhere."""
    salt = os.urandom(16)
    return SealedKey(salt, _digest(key_bytes(key), salt))


def _digest(key: bytes, salt: bytes) -> bytes:
    # One round, not scrypt: an AuthorizationKey is 16 random bytes or more, which nobody finds by trying, however fast
    # that is. What is slow on purpose would stop the loop at each dial, and they all dial after a restart.
    return hashlib.sha256(salt + key).digest()
