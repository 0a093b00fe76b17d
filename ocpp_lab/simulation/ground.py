"""`Ground`: what every machine of a simulated world stands on. It knows nothing of what stands there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from simloop import SimNetwork

from .disk import Disk
from .invariants import Invariants


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Made once by a world, for all its machines."""

    net: SimNetwork
    """Gives each machine its host."""
    disk: Disk
    """Gives each machine its file, and what a power cut leaves of it."""
    invariants: Invariants
    """Hears what does not hold."""
    now: Callable[[], datetime]
    """The date."""
    rng: Callable[[str], Random]
    """A stream of chance of its own, by name."""
