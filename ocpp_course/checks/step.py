"""`Step`: one step of an exercise: what is handed in, what it is worth, and the checks that judge it.

A milestone's module makes its steps and adds checks to them; the order in the file is the order in which they run::

    step = Step("4.1", "`Pending`: by id", ("Pending",), points=2, minutes=6, reference=lambda: ocpp_lab.Pending)

    @step.check("each call gets the answer with its own id")
    async def any_order(my, kit):
        \"\"\"A reply belongs to the call with its unique id (J-spec 4.1).\"\"\"
        pending = my.Pending()
        ...
        kit.require(right == 1000, f"{right} of 1,000", "replies may come in any order; match by id")

A check looks at nothing but what the contract promises: names, units, errors. The same checks run on the package's own
piece, on the solutions, on other right answers and on wrong ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import Any

MILESTONES = {
    "1": "smoke_tests",
    "2": "dispatch_and_router",
    "3": "session_reconnect",
    "4": "call_correlation",
    "5": "lifecycle_loop",
    "6": "integration_and_metrics",
}
"""The milestones and their modules in this package."""


class Wrong(Exception):
    """A check found what the contract forbids: what ``got`` came, and the ``diagnosis`` if it is a known mistake."""

    def __init__(self, got: str, diagnosis: str | None = None) -> None:
        super().__init__(got)
        self.got = got
        self.diagnosis = diagnosis


@dataclass(frozen=True)
class Check:
    """One rule of a contract. ``rule`` says it with the section of the specification."""

    name: str
    expected: str
    rule: str
    run: Callable[[Any, Any], Any]
    seconds: float
    """Real time that it may take."""


@dataclass
class Step:
    """``names`` are the nouns that are handed in, in this order. ``reference`` gives the package's pieces for them.

    ``capstone`` steps put the learner's pieces into the real stack; they may take a while. ``judges``: the answer is a
    test itself, so that it may raise anything when it is run on a broken stack.
    """

    number: str
    title: str
    names: tuple[str, ...]
    points: int
    minutes: int
    reference: Callable[[], Any]
    capstone: bool = False
    judges: bool = False
    checks: list[Check] = field(default_factory=list)

    def check[F: Callable[..., Any]](
        self, expected: str, *, name: str | None = None, seconds: float = 4.0
    ) -> Callable[[F], F]:
        """Add ``def check(my, kit)`` or ``async def …``: it returns what it got, or raises `Wrong` (`Kit.require`)."""

        def add(run: F) -> F:
            rule = inspect.cleandoc(run.__doc__ or "").replace("\n", " ")
            if not rule:
                raise TypeError(f"expected a docstring that states the rule on {run.__name__} of step {self.number}")
            self.checks.append(Check(name or run.__name__.replace("_", "-"), expected, rule, run, seconds))
            return run

        return add

    def bind(self, pieces: tuple[Any, ...]) -> SimpleNamespace:
        """The pieces by their names. Raises TypeError if there are too many or too few."""
        if len(pieces) != len(self.names):
            wanted = f'check("{self.number}", {", ".join(self.names)})'
            raise TypeError(f"expected {wanted}, came {len(pieces)} thing(s) to check; hand in exactly those")
        return SimpleNamespace(**dict(zip(self.names, pieces, strict=True)))

    def references(self) -> tuple[Any, ...]:
        """The package's own pieces, in the order of ``names``."""
        pieces = self.reference()
        return pieces if len(self.names) > 1 else (pieces,)


def steps(milestone: str | int) -> list[Step]:
    """The steps of a milestone, its capstone last. Raises ValueError for one that does not exist."""
    module = MILESTONES.get(str(milestone))
    if module is None:
        raise ValueError(f"expected a milestone from 1 to {len(MILESTONES)}, came {milestone!r}")
    return list(import_module(f"{__package__}.{module}").STEPS)


def step(number: str) -> Step:
    """The step with this number, "4.1" or "4.capstone". Raises ValueError with the numbers there are."""
    milestone = str(number).partition(".")[0]
    there = {each.number: each for each in steps(milestone)}
    if number not in there:
        raise ValueError(f"expected one of {', '.join(there)}, came {number!r}")
    return there[number]
