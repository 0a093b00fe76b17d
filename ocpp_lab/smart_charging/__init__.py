"""How much may each car draw, and until when? Charging profiles as pure functions (core 3.13); only `obey` waits.

Inside, a limit is amperes per phase, `Allowed`. Watts exist at the door: in a profile that comes, and in a composite
schedule that goes.
"""

from .composing import changes, composite, total
from .leasing import Lease, leased, moves
from .limits import Allowed, limit_at
from .obeying import obey
from .profiles import Profiles
from .sharing import offers, share
from .stack import Installed, Rules, clear, ended, install

__all__ = [
    "Allowed",
    "Installed",
    "Lease",
    "Profiles",
    "Rules",
    "changes",
    "clear",
    "composite",
    "ended",
    "install",
    "leased",
    "limit_at",
    "moves",
    "obey",
    "offers",
    "share",
    "total",
]
