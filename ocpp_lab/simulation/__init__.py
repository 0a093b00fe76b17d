"""The same stack on a simulated clock and network, by seed. Imported explicitly; needs `simloop`."""

from .chaos import chaos, storm
from .explore import explore
from .profile import RAIN, STORM, Profile
from .report import Failure, Report
from .run import Run, simulate
from .violation import Violation
from .world import World

__all__ = [
    "World",
    "simulate",
    "explore",
    "Run",
    "Report",
    "Failure",
    "Violation",
    "chaos",
    "storm",
    "Profile",
    "RAIN",
    "STORM",
]
