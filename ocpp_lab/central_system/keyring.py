"""`Keyring`: which AuthorizationKey opens the door, also during a change (J-spec 6.2.2; whitepaper A01.FR.03)."""

from __future__ import annotations

from ..credentials import may_enter

Key = str | bytes


class Keyring:
    """The keys by identity, and those that a charge point was given without saying whether it took them.

    The reply to a change may be lost, and then nobody knows. Both keys open the door until the charge point uses one:
    that is the one it has. Without this a lost reply would lock it out for ever.
    """

    def __init__(self, keys: dict[str, Key]) -> None:
        self.keys = keys
        self._offered: dict[str, list[Key]] = {}

    def opens(self, header: str | None, identity: str) -> bool:
        """Whether this Authorization header lets that charge point in; an identity without a key needs none."""
        offered = next((key for key in self._offered.get(identity, []) if may_enter(header, identity, key)), None)
        if offered is not None:
            self.accepted(identity, offered)
            return True
        if (key := self.keys.get(identity)) and not may_enter(header, identity, key):
            return False
        self._offered.pop(identity, None)  # it dials with what it had before
        return True

    def offer(self, identity: str, key: Key) -> None:
        """A change is about to be sent."""
        self._offered.setdefault(identity, []).append(key)

    def accepted(self, identity: str, key: Key) -> None:
        """The charge point has this key now, and no other."""
        self.keys[identity] = key
        self._offered.pop(identity, None)

    def refused(self, identity: str, key: Key) -> None:
        """The charge point did not take it."""
        if key in (offered := self._offered.get(identity, [])):
            offered.remove(key)
