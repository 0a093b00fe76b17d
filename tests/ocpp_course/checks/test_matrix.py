"""Mistake × sentence: no wrong answer is told, by any check of its step, a mistake that it did not make.

A wrong answer in ``solutions/`` declares its true sentence. A sentence that only others declare is theirs: where a
check says it of this answer, that is a cell that is not clean. ``not_clean.txt`` lists those that are left: it may
only become shorter. A star marks what depends on the inputs that are drawn. (What is said *first* is compared word by
word in ``test_answers``.)
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from ocpp_course.checks import MILESTONES
from ocpp_course.checks.authoring import Variant
from tests.house import SOAK
from tests.ocpp_course.checks.answers import SEED, authored, judged

LINES = Path(__file__).with_name("not_clean.txt").read_text(encoding="utf-8").splitlines()
LISTED = {line.removesuffix(" *") for line in LINES}
ALWAYS = {line for line in LINES if not line.endswith(" *")}


def sentence(variant: Variant) -> str:
    """What a wrong answer declares, without the name of the check."""
    return variant.diagnosis.partition(": ")[2]


def owners(milestone: str) -> dict[str, set[str]]:
    """Whose each sentence is: the steps and names of the wrong answers that declare it."""
    found: dict[str, set[str]] = defaultdict(set)
    for number, each in authored(milestone).items():
        for variant in each.wrong:
            found[sentence(variant)].add(f"{number} {variant.name}")
    return found


def cells(number: str, variant: Variant, whose: dict[str, set[str]]) -> set[str]:
    """``4.1 keeps-entry: refuses-same-id`` for each check that tells this answer a mistake of others."""
    me = f"{number} {variant.name}"
    rows = [row for row in judged(number, variant, seed=SEED).rows if not row.ok]
    said = [(row.name, text) for row in rows for text in (row.diagnosis, *row.slips)]
    return {f"{me}: {check}" for check, text in said if whose.get(text) and me not in whose[text]}


def dirty(milestone: str) -> set[str]:
    whose = owners(milestone)
    wrong = [(number, each) for number, step in authored(milestone).items() for each in step.wrong]
    return {cell for number, variant in wrong for cell in cells(number, variant, whose)}


@pytest.mark.parametrize("milestone", MILESTONES)
def test_nobody_is_told_the_mistake_of_another(milestone: str) -> None:
    found, listed = dirty(milestone), {line for line in LISTED if line.startswith(f"{milestone}.")}
    assert not found - listed, "a check tells these answers a mistake that they did not make"
    if not SOAK:  # with other inputs fewer may be found
        assert not listed & ALWAYS - found, "these are clean now: take them out of not_clean.txt"


def test_the_list_speaks_of_answers_that_exist() -> None:
    names = {f"{number} {each.name}" for m in MILESTONES for number, step in authored(m).items() for each in step.wrong}
    assert {line.partition(": ")[0] for line in LISTED if line} <= names


def test_a_sentence_of_another_is_found() -> None:
    """A planted one: the first wrong answer of 4.1 is told its own sentence, which is given to somebody else."""
    variant = authored("4")["4.1"].wrong[0]
    theirs = {sentence(variant): {"4.1 somebody-else"}}
    assert cells("4.1", variant, theirs) == {f"4.1 {variant.name}: {variant.check}"}
