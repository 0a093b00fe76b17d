"""Capstone 6: the learner's instruments in a charge point, in fifty bad nights; then a fault that nobody names."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ocpp_lab.simulation import Profile, World, chaos

from .. import capstone
from ..kit import Kit, short
from ..step import Step
from .hours import SECONDS, SEEDS, VERDICTS, hour
from .instrumented import Instrumented
from .ours import Instruments, diagnose, imbalance

step = Step(
    "6.capstone",
    "your instruments in a bad night",
    ("Instruments", "imbalance", "diagnose"),
    points=4,
    minutes=25,
    reference=lambda: (Instruments, imbalance, diagnose),
    capstone=True,
)


@step.check("50 nights: the page agrees, and the books balance", seconds=40)
def books_close(my: Any, kit: Kit) -> str:
    """Every call that starts ends once, whatever breaks: cuts, crashes, lost and strange replies (J-spec 4.1)."""
    return capstone.survives(kit, night, my=my)


async def night(world: World, *, profile: Profile, my: Any, **pieces: Any) -> Counter[str]:
    """Chaos; then the learner's page is compared with what it was told, and the learner's books are closed."""
    it = Instrumented(my.Instruments)
    counted = await chaos(world, profile, session=it.session(), transport=it.transport(), **pieces)
    close_the_books(world, it, my.imbalance)
    return counted


def close_the_books(world: Any, it: Instrumented, imbalance: Any) -> None:
    """What must hold after a night; ``world.expect(…)`` hears it."""
    wrong = it.differences()
    world.expect(not wrong, "the page agrees", f"{len(wrong)} series differ: {'; '.join(wrong[:2])}", "CP_1")
    found = imbalance(it.page(), it.pending())
    world.expect(not found, "the books balance", f"`imbalance` finds {short(found)} where nothing is missing", "CP_1")
    it.instruments.call_started("Reset")
    found = imbalance(it.page(), it.pending())
    world.expect(
        found == {"Reset": 1}, "a leak is found", f"a Reset never ended; `imbalance` finds {short(found)}", "CP_1"
    )


@step.check("8 hours that nobody has seen: named", seconds=20)
def named(my: Any, kit: Kit) -> str:
    """A new night has other numbers; what they mean is the same."""
    for number, verdict in enumerate(VERDICTS):
        seed = len(SEEDS) + kit.seed * len(VERDICTS) + number  # none of those in the file
        before, after = hour(verdict, seed)
        got = my.diagnose(before, after, SECONDS)
        kit.require(
            got == verdict, f"{verdict}: {got!s:.30}", f"this hour was {verdict}; `diagnose` says {short(got)}."
        )
    return f"{len(VERDICTS)} of {len(VERDICTS)}"
