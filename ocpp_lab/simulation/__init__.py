"""The same stack on a simulated clock and network, by seed. Imported explicitly; needs `simloop`.

`simulate` runs one ``async def scenario(world)``, `explore` many; `chaos` and `storm` are scenarios in which everything
goes wrong. What must hold in every world is watched all the time:

- one own call in flight, at either end (J-spec 4.1.1); a new unique id on every send
- every frame fits its declaration; every call ends once, and at once when its connection does; the metrics balance
- a transaction message is written down before it is sent, and sent in strict order; no second copy unless the first was
  answered with a CallError, or its result did not come in time; retries wait; only failures consume attempts
- a start that was answered has its real id in its stop; no boot before its interval, and no storm of them
- stopping never hangs; no task, connection or file is left

Chaos looks at more: the state of a charge point never lies, what a connector shows is what is written down, and so is
what was Accepted. In the end everybody is back online within the worst back-off, outboxes are empty, calls cross and
none is without an end, meters were read as long as a transaction ran, whatever was answered is in the ledger, and the
ledger plus what was dropped is what the drivers did: starts, stops, energy, readings in order.
No timestamp of an event repeats or goes back, whoever sets the clock.

And of what an operator asks for, some of it under each seed: a reserved connector serves its owner; no limit is
exceeded for longer than a reaction takes, and nobody is limited without a reason; a local list is one that was sent; a
change of keys locks nobody out; a security event that was noted arrives; a file job ends and its end is told; nobody
begins while firmware is installed, and everybody may come again after it.
"""

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
