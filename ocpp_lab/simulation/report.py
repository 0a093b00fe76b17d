"""`Report`: what an exploration found: nothing, or the first failing seed and how to see it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .run import Run
from .violation import Violation


@dataclass(frozen=True)
class Failure:
    """Of one seed: the ``invariant`` that broke (or the exception), its ``message``, and the ``ladder`` around it."""

    seed: int
    invariant: str
    message: str
    ladder: str
    replay: str
    """One line that runs this seed again."""

    def __str__(self) -> str:
        return f"seed {self.seed} broke: {self.invariant}\n{self.message}\n\n{self.ladder}\n\nagain: {self.replay}"


@dataclass
class Report:
    """``failure`` is that of the lowest failing seed; None if all ``seeds`` held."""

    seeds: int = 0
    seconds: float = 0.0
    """Simulated, all together."""
    counted: Counter[str] = field(default_factory=Counter)
    """What the scenarios counted, if they return a Counter."""
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Whether every seed kept every promise."""
        return self.failure is None

    def __str__(self) -> str:
        summary = f"{self.seeds} seeds, {self.seconds / 3600:.1f} simulated hours"
        if self.failure:
            return f"{self.failure}\n({summary})"
        counts = "".join(f"\n  {what}: {number}" for what, number in sorted(self.counted.items()))
        return f"no invariant broke in {summary}{counts}"


def failure_of(run: Run[Any], scenario: Callable[..., Any]) -> Failure | None:
    """What went wrong in a run, told so that it can be read elsewhere."""
    error = run.error
    if error is None:
        return None
    broken = error if isinstance(error, Violation) else None
    return Failure(
        seed=run.seed,
        invariant=broken.invariant if broken else type(error).__name__,
        message=str(error),
        ladder=_ladder(run, broken),
        replay=replay_line(scenario, run.seed),
    )


def _ladder(run: Run[Any], broken: Violation | None) -> str:
    """That of the charge point concerned; of the first one if it is not known which."""
    sites = run.world.sites
    identity = broken.identity if broken and broken.identity in sites else next(iter(sites), None)
    if identity is None:
        return "(no charge point was started)"
    return run.world.ladder(identity, around=broken.at if broken else run.seconds)


def replay_line(scenario: Callable[..., Any], seed: int) -> str:
    """The one line that runs this seed again, in a shell if the scenario can be imported, else in its notebook."""
    inner = scenario.func if isinstance(scenario, partial) else scenario
    name, module = getattr(inner, "__qualname__", repr(inner)), getattr(inner, "__module__", "__main__")
    told = name
    if isinstance(scenario, partial):
        named = (f"{key}={_name(value)}" for key, value in scenario.keywords.items())
        told = f"partial({', '.join([name, *map(repr, scenario.args), *named])})"
    call = f"simulate({told}, seed={seed})"
    if told != name or "<" in name or module == "__main__":
        return call
    return f'python -c "from ocpp_lab.simulation import simulate; from {module} import {name}; {call}"'


def _name(value: Any) -> str:
    return getattr(value, "__qualname__", None) or repr(value)
