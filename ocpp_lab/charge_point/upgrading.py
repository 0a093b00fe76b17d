"""`Upgrading`: the security profile of a charge point, in its file, and the way to a higher one (whitepaper A05)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..errors import StoreFailed
from ..messages import ConfigurationStatus
from ..security import Upgrade, after_dial, answer_upgrade, settled
from ..store import Store

log = logging.getLogger(__name__)


class Upgrading:
    """``usual()`` is the profile of a charge point that was never told another one: by what it was given.

    A connection counts for an upgrade if its dial began after the change: the one over which the change came says
    nothing of the new profile.
    """

    def __init__(self, store: Store, usual: Callable[[], int]) -> None:
        """Raises `StoreFailed`."""
        self._store = store
        self._usual = usual
        rows = store.execute("SELECT current, wanted, trying FROM security_profile")
        self._state = Upgrade(*rows[0]) if rows else None  # as it is on the disk; None: it was never told another one
        self._under_proof = False  # from a dial during an upgrade to its proof, or to the end of its connection

    @property
    def state(self) -> Upgrade:
        """Where it stands. Whoever sets up the charge point may raise the profile too."""
        usual = settled(self._usual())
        return usual if self._state is None or (self._state.wanted is None and self._state < usual) else self._state

    @property
    def under_proof(self) -> bool:
        """Whether the connection of this moment has still to show that its profile works."""
        return self._under_proof

    def change(self, value: str, *, key: bool, root: bool, certificate: bool) -> ConfigurationStatus:
        """What ChangeConfiguration(SecurityProfile) gets. Raises `StoreFailed`; then nothing has changed."""
        answer, state = answer_upgrade(self.state, value, key=key, root=root, certificate=certificate)
        if answer != "Accepted":
            return "Rejected"
        self._keep(state)
        return "Accepted"

    def dials(self) -> int:
        """A dial begins: the profile to dial with."""
        self._under_proof = self.state.wanted is not None
        return self.state.trying

    def proved(self) -> None:
        """A call was answered on the connection of this moment."""
        self._step(True)

    def over(self) -> None:
        """The dial failed, or its connection has ended."""
        self._step(False)

    def _step(self, proved: bool) -> None:
        if not self._under_proof:
            return
        self._under_proof = False
        try:
            self._keep(after_dial(self.state, proved))
        except StoreFailed as error:  # the same is tried again, and may be proved then
            log.warning("! the security profile is not written down: %s", error)

    def _keep(self, state: Upgrade) -> None:
        with self._store.transaction():
            self._store.execute("DELETE FROM security_profile")
            self._store.execute("INSERT INTO security_profile VALUES (?,?,?)", state)
        self._state = state
