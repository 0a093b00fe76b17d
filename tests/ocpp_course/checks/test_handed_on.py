"""A mistake of an earlier step in the class of a later one: what that step says first is true of it.

A class grows over several steps, and whoever writes it anew may bring an old mistake along. The mistakes of each step
are put on top of our answer to each later one. A sentence that is the own one of another mistake must be listed in
``handed_on.txt``: somebody has looked at it and found that it says what was seen. The list may only become shorter.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from ocpp_course.checks import run_step, step
from ocpp_course.checks.authoring import load, pieces, run
from tests.ocpp_course.checks.answers import SEED, authored
from tests.ocpp_course.checks.test_matrix import owners, sentence

LISTED = set(Path(__file__).with_name("handed_on.txt").read_text(encoding="utf-8").splitlines())
GROWING = [
    ["1.3", "1.4"],
    ["2.3", "2.4", "2.5", "2.6"],
    ["3.4", "3.6"],
    ["4.1", "4.2", "4.3", "4.4", "4.5"],
    ["4.6", "4.7"],
]
"""Steps that hand in the same class, one after the other."""
PAIRS = [pair for chain in GROWING for pair in combinations(chain, 2)]


def told(earlier: str, later: str) -> set[str]:
    """``4.1 keeps-entry in 4.3: on-time`` for each mistake that is told first what another mistake owns."""
    found, whose = set(), owners(earlier[0])
    for variant in authored(earlier[0])[earlier].wrong:
        names = load(authored(earlier[0]), later)
        run(variant.code, f"<{earlier} {variant.name} in {later}>", names)
        this, me = step(later), f"{earlier} {variant.name}"
        failed = run_step(this, pieces(this, names), seed=SEED).failed
        said = "" if failed is None else failed.slips[0] if failed.slips else failed.diagnosis
        if failed and me not in whose.get(said, {me}):
            assert sentence(variant) != said
            found.add(f"{me} in {later}: {failed.name}")
    return found


@pytest.mark.soak
@pytest.mark.parametrize(("earlier", "later"), PAIRS)
def test_a_mistake_that_was_brought_along_is_told_what_was_seen(earlier: str, later: str) -> None:
    """The seed of `make soak` draws other inputs: then fewer may be found, and none that is not listed."""
    assert not told(earlier, later) - LISTED


def test_the_list_speaks_of_pairs_that_exist() -> None:
    for line in LISTED:
        mistake, _, rest = line.partition(" in ")
        number, _, name = mistake.partition(" ")
        later, _, check = rest.partition(": ")
        assert (number, later) in PAIRS, line
        assert name in {each.name for each in authored(number[0])[number].wrong}, line
        assert check in {each.name for each in step(later).checks}, line
