"""`Graded`: one submission's result; `Hearing`: how it is made of what the submission's process says.

Nothing of that is believed but "this known check passed". Steps, their checks and points are this process's own; a step
has passed if each of its checks is said to have passed, once, in the order of the table.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from ..checks import MILESTONES, Step, steps
from ..checks.run import BLOCKED, LEFT
from .plain import plain

SAID = {"passed", "wrong", "unwritten", "reference", "tampered"}
"""States that a process may say of a step."""
MOST_SAID = 1_000_000
"""Bytes that are heard of one submission."""
LONGEST_LINE = 64_000
FORGED = "its process says that it passed, but not that each check of the step did; nothing is counted."
ENDED = "it ended its own process, or ran out of its limits; what was not judged earns nothing"


@dataclass
class Graded:
    """``problem`` says why it was not judged to its end, "" if it was. All texts are `plain`."""

    name: str
    milestone: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.name = plain(self.name)

    @property
    def points(self) -> int:
        return sum(step["points"] for step in self.steps)

    @property
    def of(self) -> int:
        return sum(step["of"] for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        facts = {"name": self.name, "milestone": self.milestone, "points": self.points, "of": self.of}
        return facts | {"problem": self.problem, "seconds": self.seconds, "steps": self.steps}


class Hearing:
    """Hears one process, line by line. Only lines with its ``token`` are from the checker in it."""

    def __init__(self, token: str, walls: str = "") -> None:
        self.token = token
        self.walls = walls
        self.milestone = ""
        self.problem = ""
        self.ended = False
        self.heard: dict[str, dict[str, Any]] = {}
        self._rest = b""
        self._bytes = 0
        self._since = 0.0

    def hear(self, data: bytes, at: float) -> bool:
        """Take what came at this instant (seconds). False when it has said too much."""
        self._bytes += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if (fact := self._fact(line)) is not None:
                self._take(fact, at)
        return self._bytes <= MOST_SAID and len(self._rest) <= LONGEST_LINE

    def _fact(self, line: bytes) -> dict[str, Any] | None:
        token, _, text = line.partition(b" ")
        if not secrets.compare_digest(token, self.token.encode()):
            return None
        try:
            fact = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return fact if isinstance(fact, dict) else None

    def _take(self, fact: dict[str, Any], at: float) -> None:
        match fact:
            case {"milestone": str(number)} if number in MILESTONES and not self.milestone:
                self.milestone = number  # said before any code of the answer has run
                if lost := str(fact.get("walls", "")):
                    self.problem = f"not shut in like the others: {plain(lost)}"
            case {"step": str(number)}:
                self._judge(number, fact, round(at - self._since, 3))
            case {"problem": str(said)}:
                self.problem = plain(said)
            case {"end": True}:
                self.ended = True
        self._since = at

    def _judge(self, number: str, fact: dict[str, Any], seconds: float) -> None:
        """The first word on a step counts."""
        step = next((each for each in self._steps() if each.number == number), None)
        if step is None or number in self.heard:
            return
        state, diagnosis = fact.get("state"), plain(fact.get("diagnosis", ""))
        if not isinstance(state, str) or state not in SAID:
            state, diagnosis = "not judged", "its process said nothing that can be understood."
        if state == "passed" and fact.get("passed") != expected(step):
            state, diagnosis = "tampered", FORGED
        row = {"step": number, "state": state, "points": step.points if state == "passed" else 0, "of": step.points}
        self.heard[number] = row | {"diagnosis": diagnosis, "seconds": seconds, "note": plain(fact.get("note", ""))}

    def _steps(self) -> list[Step]:
        return steps(self.milestone) if self.milestone else []

    def result(self, graded: Graded) -> None:
        """Write down what was heard; a step of which nothing was heard is not judged."""
        graded.milestone = self.milestone
        graded.problem = graded.problem or self.problem or ("" if self.ended else ENDED)
        for step in self._steps():
            silent = {"step": step.number, "state": "not judged", "points": 0, "of": step.points}
            graded.steps.append(
                self.heard.get(step.number) or silent | {"diagnosis": graded.problem, "seconds": 0.0, "note": ""}
            )


def expected(step: Step) -> list[str]:
    """The names of the checks that must have passed, in their order."""
    return [*(check.name for check in step.checks), BLOCKED, LEFT]
