"""`Bounded`: a dict whose keys a peer may invent. It forgets its oldest, but for those that must stay."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

LOOKS = 8
"""Keys that are looked at for each one that is set. With more than one, those that must stay are soon passed by,
however many they are; with a few, no peer can make a single step long."""


class Bounded[K, V](OrderedDict[K, V]):
    """At most ``most`` keys: of more, the one goes that was set longest ago and need not stay.

    ``stays(key)`` says whether one must, and is asked when it is the oldest: somebody who is connected, for example.
    Those may be more than ``most``; whoever says so has to know why they are not without end. While it passes by eight
    of them, one more may stay too. ``gone(key, value)`` is told of each that went. To set a key again makes it the
    newest.
    """

    def __init__(
        self,
        most: int,
        stays: Callable[[K], bool] = lambda key: False,
        gone: Callable[[K, V], object] = lambda key, value: None,
    ) -> None:
        super().__init__()
        self.most = most
        self.stays = stays
        self.gone = gone

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        for _ in range(LOOKS):
            if len(self) <= self.most:
                return
            self._look_at_oldest()

    def _look_at_oldest(self) -> None:
        key, value = self.popitem(last=False)
        if self.stays(key):
            super().__setitem__(key, value)  # as the newest: the next look finds another one
        else:
            self.gone(key, value)
