"""Logs that are made: a night in simulation, as each of its machines would have written it.

``python -m tests.ocpp_lab.logs.nights`` looks for the seeds under which each planted bug shows in a log, and prints the
table for `test_nights`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from ocpp_lab.logs import Finding, diagnose, read
from ocpp_lab.simulation import Profile, chaos
from ocpp_lab.simulation.explore import quiet
from ocpp_lab.simulation.profile import OUTSIDE
from ocpp_lab.simulation.run import Run, set_aside
from tests.planted import BUGS

HEALTHY = Profile("healthy", mischief=0.0, weather=OUTSIDE, pause=(15.0, 70.0), seconds=400.0)
"""Nobody does anything wrong; but connections are cut, go deaf and mute, and machines lose their power."""
SOUR = Profile("sour", mischief=0.9, weather=("cut",), pause=(60.0, 100.0), retry_interval=20.0)
"""A central system that answers wrongly, and a charge point that is right."""
DEAF = Profile("deaf", mischief=0.0, weather=("deaf", "mute"), pause=(15.0, 40.0), attempts=1)
CRASH = Profile("crash", mischief=0.0, weather=("charge point crash", "central system crash"), pause=(10.0, 40.0))
LATE = Profile("late", mischief=0.0, weather=("late answers", "slow central system"), pause=(10.0, 40.0))
POISON = Profile("poison", mischief=0.0, weather=("cut",), pause=(60.0, 100.0), attempts=3, poison=0.08, limit=12)
NOT_YET = Profile("not yet", mischief=0.0, weather=("not accepted yet", "abort"), pause=(10.0, 30.0))
FULL_DISK = Profile("full disk", mischief=0.0, weather=("full disk", "locked disk", "abort"), pause=(10.0, 30.0))
CLOCKS = Profile("clocks", mischief=0.0, weather=("clock jump",), pause=(10.0, 40.0))


def night(profile: Profile, seed: int, **pieces: Any) -> Run[Any]:
    """One night; a planted bug breaks its invariants, and that is no matter here."""
    with quiet(), set_aside():
        return Run(partial(chaos, profile=profile, **pieces), seed)


def logs(run: Run[Any]) -> Iterator[str]:
    """What the central system wrote, and what each charge point wrote, as trace files."""
    yield "".join(event.line() for event in run.world.central_system_site.trace if event.identity != "cs")
    for site in run.world.sites.values():
        yield "".join(event.line() for event in site.trace)


def findings(profile: Profile, seed: int, bug: str = "") -> list[Finding]:
    """What is found in all logs of a night."""
    pieces = BUGS[bug].keywords if bug else {}
    return [finding for text in logs(night(profile, seed, **pieces)) for finding in diagnose(read(text))]


CENTRAL_SYSTEM_BUGS = {"ledger that takes two different starts for one", "ledger without de-duplication"}


def side_of(bug: str) -> str:
    """Which side has it."""
    return "central system" if bug in CENTRAL_SYSTEM_BUGS else "charge point"


def seeds_that_show(profile: Profile, bug: str, rule: str, seeds: Iterable[int], wanted: int) -> list[int]:
    """The first ``wanted`` of these seeds under which the rule finds it, on the side that has it."""
    found: list[int] = []
    for seed in seeds:
        if any((each.rule, each.side) == (rule, side_of(bug)) for each in findings(profile, seed, bug)):
            found.append(seed)
        if len(found) == wanted:
            break
    return found


if __name__ == "__main__":
    from tests.ocpp_lab.logs.test_nights import SHOWN

    logging.disable()
    for name, (where, rule, _) in SHOWN.items():
        if not sys.argv[1:] or any(part in name for part in sys.argv[1:]):
            print(f"{name}: {rule}", seeds_that_show(where, name, rule, range(60), 2), flush=True)
