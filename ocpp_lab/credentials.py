"""HTTP Basic as OCPP means it: an identity, a key of raw bytes (J-spec 6.2.2; whitepaper A00.FR.202 to A00.FR.205)."""

from __future__ import annotations

import base64
import binascii
import hmac
import string

MIN_KEY_BYTES = 16  # an AuthorizationKey has 16 to 20 bytes (whitepaper A00.FR.205)


def key_bytes(key: str | bytes) -> bytes:
    """An AuthorizationKey as the bytes it stands for: 32 to 40 hex digits are 16 to 20 bytes, other text is itself."""
    if isinstance(key, bytes):
        return key
    if 2 * MIN_KEY_BYTES <= len(key) <= 40 and len(key) % 2 == 0 and set(key) <= set(string.hexdigits):
        return bytes.fromhex(key)
    return key.encode()


def basic_auth(identity: str, key: str | bytes) -> str:
    """The Authorization header of a charge point (J-spec 6.2.2). The key goes in as raw bytes, not as hex text."""
    return "Basic " + base64.b64encode(identity.encode() + b":" + key_bytes(key)).decode()


def may_enter(header: str | None, identity: str, key: str | bytes) -> bool:
    """Whether an Authorization header opens the door for this identity, told in constant time.

    The password may be the key's raw bytes, or its hex text, which libocpp sends for keys that are not printable.
    """
    kind, _, encoded = (header or "").partition(" ")
    try:
        credentials = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        credentials = b""
    user, _, password = credentials.partition(b":")
    wanted = key_bytes(key)
    raw = hmac.compare_digest(password, wanted)
    as_hex = hmac.compare_digest(password.lower(), wanted.hex().encode())
    right_user = hmac.compare_digest(user, identity.encode())
    return kind.lower() == "basic" and right_user and (raw or as_hex)
