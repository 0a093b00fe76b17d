"""What a firmware file is to our charge point: a version, and content that is whole (core errata 3.48).

``OCPP-LAB-FIRMWARE 2.1.0 <sha256 of what follows>`` is the first line of an image of ours, and the rest is what would
be installed. Any other file is taken too, as other people's central systems have none of ours: its name is its version.
"""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import unquote, urlsplit

_HEAD: Final = b"OCPP-LAB-FIRMWARE "
_MOST_IN_VERSION: Final = 50  # characters (core 6.3)


def make_image(version: str, content: bytes = b"\x00" * 1024) -> bytes:
    """A firmware file of ours. Raises ValueError for a version that is none."""
    if not version.isascii() or not version.isprintable() or " " in version or not 0 < len(version) <= _MOST_IN_VERSION:
        raise ValueError(f"expected a version of 1 to {_MOST_IN_VERSION} characters without spaces, came {version!r}")
    return _HEAD + f"{version} {hashlib.sha256(content).hexdigest()}\n".encode() + content


def version_of(image: bytes, location: str) -> str | None:
    """The version of this firmware, which came from there; None: it is empty, or damaged."""
    if not image:
        return None
    if not image.startswith(_HEAD):
        return unquote(urlsplit(location).path).rpartition("/")[2][:_MOST_IN_VERSION] or "unnamed"
    head, _, content = image.partition(b"\n")
    version, _, checksum = head.removeprefix(_HEAD).decode("ascii", "replace").partition(" ")
    whole = hashlib.sha256(content).hexdigest() == checksum
    return version[:_MOST_IN_VERSION] if whole and version else None
