"""`Registered`: what an operator knows of a charge point before it knocks; `RequiredProfiles`: what it learns since."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from ..group import at_once
from ..security import Levels
from .recording import Recording

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One line of the registry of charge points. Its key is elsewhere (`Keyring`), for it changes.

    ``serial`` and ``owner`` are the CN and O of its certificate; without both no certificate names it (whitepaper
    A00.FR.404, A00.FR.405). ``profile`` is the security profile that it has to use; None: nobody has said.
    """

    serial: str = ""
    owner: str = ""
    profile: int | None = None


UNREGISTERED = Registered()
"""Of whom nothing is known."""


class RequiredProfiles:
    """Of each charge point, which security profiles it may connect with: what the ``registry`` demands, and what an
    upgrade has brought since, which is in the ledger."""

    def __init__(self, registry: Mapping[str, Registered], ledger: Recording) -> None:
        """Reads what the ledger has; raises what that raises."""
        self._registry = registry
        self._ledger = ledger
        self._kept: dict[str, Levels] = dict(ledger.profiles())

    def of(self, identity: str) -> Levels:
        """What it may connect with."""
        return self._kept.get(identity, Levels()).at_least(self._registry.get(identity, UNREGISTERED).profile)

    def least(self, identity: str) -> int:
        """The profile that it has to use now at least; 0 if nothing says one."""
        return self.of(identity).taken or 0

    def raised_by(self, identity: str, profile: int) -> bool:
        """Whether this is more than it has to use: no message lowers that (whitepaper A00.FR.005)."""
        return profile > self.least(identity)

    def offer(self, identity: str, profile: int) -> None:
        """A change is about to be sent: kept before it is. Raises `StoreFailed`."""
        self._keep(identity, self.of(identity).offering(profile))

    def refused(self, identity: str, profile: int) -> None:
        """It was not taken, or not sent."""
        self._try_to_keep(identity, self.of(identity).without(profile))

    def connected(self, identity: str, profile: int) -> None:
        """It was let in with this one. What cannot be written counts all the same, and is forgotten at a restart."""
        self._try_to_keep(identity, self.of(identity).connected(profile))

    def set(self, identity: str, profile: int | None) -> None:
        """The operator's own word, which alone may lower it: not by OCPP (A00.FR.005). Raises `StoreFailed`."""
        self._keep(identity, Levels(profile))

    def _try_to_keep(self, identity: str, levels: Levels) -> None:
        if levels == self.of(identity):
            return
        try:
            self._keep(identity, levels)
        except Exception:
            log.exception("! the security profile of %s could not be kept", identity)
            self._kept[identity] = levels

    def _keep(self, identity: str, levels: Levels) -> None:
        with at_once():
            self._ledger.keep_profiles(identity, levels)
        self._kept[identity] = levels
