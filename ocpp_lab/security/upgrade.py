"""`Upgrade`: from one security profile to a higher one, and back if that does not work (whitepaper A05).

While a change is under way nobody knows what the other end has: the first answer over the new profile may be lost, and
then the central system has seen it work and takes no less (A05.FR.09), and we have not. So both are tried in turn until
one of them is proved, which means: a call was answered over it. Then it is over. The way back is no way down: what was
proved is never left by itself, whatever fails later (A00.FR.005).
"""

from __future__ import annotations

from typing import NamedTuple


class Upgrade(NamedTuple):
    """Where a charge point stands; it is written down after each step, and a dial uses ``trying``.

    ``current`` is what was proved last. ``wanted`` is the profile that it was told to use; None: none is under way.
    """

    current: int
    wanted: int | None
    trying: int


SECURITY_PROFILES = ("0", "1", "2", "3")


def settled(profile: int) -> Upgrade:
    """No change is under way."""
    return Upgrade(profile, None, profile)


def answer_upgrade(state: Upgrade, value: str, *, key: bool, root: bool, certificate: bool) -> tuple[str, Upgrade]:
    """What ChangeConfiguration(SecurityProfile) gets, and the state after it (A05.FR.01 to A05.FR.05).

    ``key``: there is an AuthorizationKey; ``root``: a valid root certificate of the central system; ``certificate``: a
    valid certificate of our own. Profile 3 needs no key.
    """
    needs = {"0": True, "1": key, "2": key and root, "3": root and certificate}
    if state.wanted is not None or value not in SECURITY_PROFILES or int(value) <= state.current or not needs[value]:
        return "Rejected", state
    return "Accepted", Upgrade(state.current, int(value), int(value))


def after_dial(state: Upgrade, proved: bool) -> Upgrade:
    """The state after a dial and all that followed on its connection; ``proved``: a call was answered."""
    if state.wanted is None:
        return state
    if proved:
        return settled(state.trying)
    return state._replace(trying=state.wanted if state.trying == state.current else state.current)
