"""`Profile`: how rough the weather is: what goes wrong in a chaos scenario, and how often."""

from __future__ import annotations

from dataclasses import dataclass, field

OUTSIDE = ("cut", "long cut", "deaf", "mute", "charge point crash", "central system crash", "refuse", "stall", "abort")
"""What happens to connections and machines; see `weather.py`."""

OWN_SIDE = (
    "full disk", "locked disk", "clock jump", "slow central system", "late answers", "turned away", "not accepted yet",
    "cut in a write",
)  # fmt: skip
"""What a machine suffers by itself, or from a peer that lives and is no help; see `own_side.py`."""

WEATHER = (*OUTSIDE, *OWN_SIDE)

BUSINESS = ("reservations", "lists", "profiles", "keys", "jobs", "alarms")
"""What the operator asks for beside the everyday; see `business.py`. Each seed does some of it."""


@dataclass(frozen=True)
class Profile:
    """``seconds`` of chaos, simulated; then calm.

    ``failures`` is how often one transaction message may fail on purpose: fewer than ``attempts``, unless messages are
    to be given up. ``poison`` is the share of them that fail always. ``limit`` is the outbox's.
    """

    name: str = "rain"
    charge_points: int = 2
    connectors: int = 2
    seconds: float = 600.0
    attempts: int = 4
    failures: int = 2
    retry_interval: float = 5.0
    poison: float = 0.0
    limit: int = 1000
    mischief: float = 0.15
    """The most that a seed may choose as the share of calls whose answer goes wrong."""
    pause: tuple[float, float] = (20.0, 90.0)
    """Seconds between two events of the weather."""
    weather: tuple[str, ...] = field(default=OUTSIDE)
    business: tuple[str, ...] = ()
    strict: bool = False
    """Whether a late result has to count, and a file that fails may hurt nobody. A learner's pieces need not be so."""


RAIN = Profile(pause=(15.0, 70.0), weather=WEATHER, business=BUSINESS, strict=True)
"""The default: everything that goes wrong is survived, and nothing is lost."""

STORM = Profile(
    name="storm",
    attempts=3,
    failures=3,
    poison=0.06,
    limit=12,
    pause=(20.0, 100.0),
    weather=WEATHER,
    business=BUSINESS,
    strict=True,
)
"""More failures than attempts, and an outbox that overflows: what is lost must be accounted for."""
