"""`rule`: what makes a rule of a pure function over a `Case`, and how what it yields becomes findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from .case import Case
from .finding import Blamed, Certainty, Finding
from .seen import Seen

MOST_LINES_TOLD = 12
"""Lines that a finding names."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule yields: one case. Hits of one ``group`` become one finding, told by the first."""

    where: Sequence[Seen]
    """The frames that prove it."""
    what: str
    side: Blamed
    do: str
    certainty: Certainty = "proved"
    group: str = ""
    """Of what is the same but for its place; "" is one of its own for each side."""
    weight: int | None = None
    """If it differs from the rule's."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``name`` is for ever. ``taught``: notebook and heading. ``least``: hits below which there is no finding."""

    name: str
    section: str
    taught: tuple[str, str]
    weight: int
    hits: Callable[[Case], Iterator[Hit]]
    least: int = 1

    def __call__(self, case: Case) -> Iterator[Finding]:
        """The findings of one charge point, hits that are alike told as one."""
        groups: dict[tuple[str, Blamed, Certainty], list[Hit]] = {}
        for hit in self.hits(case):
            groups.setdefault((hit.group, hit.side, hit.certainty), []).append(hit)
        for hits in groups.values():
            if len(hits) >= self.least:
                yield self._finding(case, hits)

    def _finding(self, case: Case, hits: list[Hit]) -> Finding:
        first = hits[0]
        where = list(dict.fromkeys((seen.line, seen.index) for hit in hits for seen in hit.where))[:MOST_LINES_TOLD]
        again = f" ({len(hits)} times; this is the first)" if len(hits) > 1 else ""
        return Finding(
            rule=self.name,
            identity=case.identity,
            lines=tuple(dict.fromkeys(line for line, _ in where)),
            what=first.what + again,
            side=first.side,
            certainty=first.certainty,
            do=first.do,
            section=self.section,
            taught=self.taught,
            weight=self.weight if first.weight is None else first.weight,
            seen=tuple(index for _, index in where),
            times=len(hits),
        )


@dataclass
class RuleSet:
    """A file of rules: ``@RULES.rule(...)`` adds one."""

    all: list[Rule] = field(default_factory=list)
    """In the order in which they are written."""

    def rule(
        self, name: str, section: str, taught: tuple[str, str], weight: int, least: int = 1
    ) -> Callable[[Callable[[Case], Iterator[Hit]]], Callable[[Case], Iterator[Hit]]]:
        """Make a rule of the function below."""

        def add(hits: Callable[[Case], Iterator[Hit]]) -> Callable[[Case], Iterator[Hit]]:
            self.all.append(Rule(name, section, taught, weight, hits, least))
            return hits

        return add


def named(seen: Seen) -> str:
    """A frame in a few words, with its line: ``StartTransaction "17" (line 4)``."""
    kind = {2: "", 3: "the result of ", 4: "the CallError for "}.get(seen.kind or 0, "")
    return f'{kind}{seen.action or "a call"} "{seen.unique_id}" (line {seen.line})'
