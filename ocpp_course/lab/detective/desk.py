"""`Detective`: the desk at which evenings are looked at, one after the other: a ladder, two questions, the proof."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as W

from ocpp_course.explain.details import details
from ocpp_course.explain.excerpt import Excerpt
from ocpp_course.explain.ink import Ink

from .. import controls
from ..live_output import LiveOutput
from ..report import proof
from ..report.finding_ladder import finding_ladder
from ..shown import NOTE, Shown
from ..vector import Vector
from .puzzle import LEVELS, SIDES, Judgement, Puzzle

CHOOSE = "choose …"
LEVEL_WORDS = [f"{number} · {said}" for number, said in LEVELS.items()]
ASK = "Step through the ladder, then say what is wrong, and whose fault it is."


class Detective(Shown):
    """``detective(7)`` shows evening 7. Without a mouse: ``accuse(fault, side)``, ``another()``, ``level = 2``.

    ``score`` has the points, ``solved`` and ``judged`` count evenings. Points: two for the fault, one for the side,
    times the level; an evening counts once.
    """

    def __init__(self, seed: int = 1, level: int = 1) -> None:
        self.score = self.solved = self.judged = 0
        self.puzzle = Puzzle(seed, level)
        self.judgement: Judgement | None = None
        """Of this evening, once somebody was accused."""
        self._level = controls.choice("level", LEVEL_WORDS, width=420)
        self._fault = controls.choice("what is wrong", [CHOOSE], width=540)
        self._side = controls.choice("whose fault", [CHOOSE, *SIDES], width=260)
        self._say = controls.button("accuse", "Say it, and see the proof", name="play", main=True)
        self._next = controls.button("another evening", "The next seed", name="next")
        self._status = controls.status()
        self._ladder, self._proof = LiveOutput(), LiveOutput()
        self.box = W.VBox(
            [
                controls.card(
                    controls.row("evening", [self._level, self._next]).add_class("ol-first"),
                    controls.row("verdict", [self._fault, self._side, self._say]),
                    self._status,
                ),
                self._proof.widget,
                self._ladder.widget,
            ]
        )
        self._listen()
        self._begin()

    # -- what is done at the desk

    def accuse(self, fault: str, side: str) -> Judgement:
        """Say what is wrong and whose fault it is; the proof is shown. Only the first answer to an evening counts.

        Raises ValueError for what is not to choose from.
        """
        judged = self.puzzle.judge(fault, side)
        if self.judgement is None:
            self.judgement = judged
            self.judged += 1
            self.solved += judged.right
            self.score += judged.points
        self._fault.value, self._side.value = fault, side
        self._show_proof(judged)
        return judged

    def another(self) -> None:
        """The next evening, on the same level."""
        self._set(self.puzzle.seed + 1, self.puzzle.level)

    @property
    def level(self) -> int:
        """1, 2 or 3; another one shows another evening of the same seed."""
        return self.puzzle.level

    @level.setter
    def level(self, level: int) -> None:
        self._set(self.puzzle.seed, level)

    def _set(self, seed: int, level: int) -> None:
        self.puzzle = Puzzle(seed, level)
        self.judgement = None
        self._begin()

    # -- what is shown

    @property
    def ladder(self) -> Vector:
        """All frames of the evening."""
        everything = Excerpt(tuple(self.puzzle.log.seen), frozenset(), {})
        return finding_ladder(everything, title=f"Evening {self.puzzle.seed}")

    def _begin(self) -> None:
        self._level.value = LEVEL_WORDS[self.level - 1]
        self._fault.options = [CHOOSE, *self.puzzle.faults]
        self._fault.value = self._side.value = CHOOSE
        self._proof.clear()
        picture = self.ladder
        self._ladder.show(picture._repr_html_(), picture.alt)
        controls.tell(self._status, f"{self._where()} {ASK}{self._told()}")

    def _show_proof(self, judged: Judgement) -> None:
        controls.tell(self._status, f"{judged.words}{self._told()}")
        finding = self.puzzle.proof()
        if finding:
            told = self.puzzle.digest
            told.findings = [finding]  # what else was found is its consequence
            self._proof.show(proof(told, finding), "\n".join(details(told, Ink(False, 100))))

    def _where(self) -> str:
        frames = len(self.puzzle.log.seen)
        return f"Evening {self.puzzle.seed}, level {self.level} ({LEVELS[self.level]}), {frames} frames."

    def _told(self) -> str:
        return f" Score {self.score}: {self.solved} of {self.judged} solved." if self.judged else ""

    def picture(self) -> str:
        return self.ladder.picture()

    def __repr__(self) -> str:
        faults = "\n".join(f"  {fault}" for fault in self.puzzle.faults)
        said = self.judgement.words if self.judgement else ASK
        return f"{self._where()} {said}{self._told()}\nWhat may be wrong:\n{faults}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        note = f'<pre style="white-space:pre-wrap">{escape(repr(self))}</pre>{NOTE}'
        return bundle | {"text/html": self.picture() + note, "text/plain": repr(self)}

    # -- clicks

    def _listen(self) -> None:
        self._say.on_click(self._accused)
        self._next.on_click(lambda button: self.another())
        self._level.observe(lambda change: self._chosen(LEVEL_WORDS.index(change["new"]) + 1), "value")

    def _chosen(self, level: int) -> None:
        if level != self.level:
            self.level = level

    def _accused(self, button: Any) -> None:
        if CHOOSE in (self._fault.value, self._side.value):
            controls.tell(self._status, f"Choose what is wrong and whose fault it is, then accuse.{self._told()}")
        else:
            self.accuse(self._fault.value, self._side.value)


def detective(seed: int = 1, level: int = 1) -> Detective:
    """An evening with one fault. Raises ValueError for a level that there is not: 1, 2 or 3."""
    return Detective(seed, level)
