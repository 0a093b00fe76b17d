"""`Levels`: which security profiles a central system takes from one charge point; the other end of an `Upgrade`.

One profile at a time (whitepaper A00.FR.001, A00.FR.002), and never less than what was seen to work (A05.FR.09). While
a change is under way two are taken, for nobody knows whether the charge point has heard of it.
"""

from __future__ import annotations

from typing import NamedTuple


class Levels(NamedTuple):
    """``taken`` is the profile that this charge point has to use; None: nobody has said, so any. ``offered`` are those
    that it was told to change to and has not been seen to use."""

    taken: int | None = None
    offered: frozenset[int] = frozenset()

    def lets_in(self, profile: int) -> bool:
        """Whether it may connect with this one."""
        return self.taken is None or profile == self.taken or profile in self.offered

    def offering(self, profile: int) -> Levels:
        """A change to this one is about to be sent."""
        return self._replace(offered=self.offered | {profile})

    def without(self, profile: int) -> Levels:
        """It was refused, or never sent."""
        return self._replace(offered=self.offered - {profile})

    def connected(self, profile: int) -> Levels:
        """It has connected with this one. If that was on offer, or is more than we had, less is taken never again."""
        if profile in self.offered or (self.taken is not None and profile > self.taken):
            return Levels(profile, frozenset(each for each in self.offered if each > profile))
        return self

    def at_least(self, profile: int | None) -> Levels:
        """These, and no less than what the operator demands; None: nothing."""
        if profile is None or (self.taken is not None and self.taken >= profile):
            return self
        return Levels(profile, frozenset(each for each in self.offered if each > profile))
