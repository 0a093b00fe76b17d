"""What an exercise must satisfy, and how a learner asks: the same checks judge the package itself.

::

    from ocpp_course import check, hint, solution, use_reference, progress

    check("4.1", Pending)                  # a table: check, expected, got; and what is wrong, and why
    hint("4.1")                            # one more each time, up to three
    solution("4.1")                        # ours, after a confirmation
    Pending = use_reference("4.1")         # go on with the package's piece; no points
    Pending = mine("4.5")                  # what you wrote in that step, or the package's
    progress()                             # the board
    ChargePoint(url, "CP_1", **fit(pending=Pending))    # yours in a charge point: see `fitted`

One package for each milestone holds its checks; `step` says how they are written, `run` how they are run.
"""

from .course import check, hint, is_mine, mine, progress, solution, use_reference
from .fitted import fit
from .result import Result
from .run import run_step
from .step import MILESTONES, Check, Step, Wrong, step, steps

__all__ = [
    "check",
    "hint",
    "solution",
    "use_reference",
    "mine",
    "fit",
    "is_mine",
    "progress",
    "run_step",
    "step",
    "steps",
    "Step",
    "Check",
    "Wrong",
    "Result",
    "MILESTONES",
]
