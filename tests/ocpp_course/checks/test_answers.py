"""The graders are proven: every answer that we know is judged as it must be, for the reason that it must be."""

from __future__ import annotations

import pytest

from ocpp_course.checks import MILESTONES, mine, run_step, step, steps
from ocpp_course.checks.authoring import Variant, run
from ocpp_course.checks.own import Own
from ocpp_course.checks.run import run_checks
from tests.ocpp_course.checks.answers import SECONDS, SEED, authored, everything, judged, name_of

EVERYTHING = everything()
NUMBERS = [step.number for milestone in MILESTONES for step in steps(milestone)]


@pytest.mark.parametrize(("number", "variant"), EVERYTHING, ids=[name_of(*each) for each in EVERYTHING])
def test_an_answer_is_judged_as_it_must_be(number: str, variant: Variant | None) -> None:
    """A right answer gets full points; a wrong one the diagnosis that is its own, from the first check that fails."""
    result = judged(number, variant, seed=SEED)
    if variant is None or not variant.diagnosis:
        assert result.state == "passed", str(result)
        assert result.points == step(number).points
    else:
        assert result.state == "wrong", f"expected to be refused\n{result}"
        assert result.diagnosis == variant.diagnosis, str(result)


@pytest.mark.soak
def test_no_check_takes_longer_than_a_learner_waits() -> None:
    """2 s of computing, whatever is wrong with the answer; a capstone may take longer."""
    for number, variant in EVERYTHING:
        judged(number, variant, seed=SEED)
    assert len(SECONDS) > 5000
    slow = {name: round(taken, 1) for name, taken in SECONDS.items() if taken > 2.0 and ".capstone" not in name}
    assert not slow


@pytest.mark.parametrize("number", NUMBERS)
def test_the_packages_own_piece_passes_and_earns_nothing(number: str) -> None:
    """The same checks judge the package. Whoever hands its piece in is told so, and gets no points."""
    this = step(number)
    own = this.references()
    result = run_step(this, own)
    assert result.state == "reference"
    rows = result.rows or tuple(run_checks(this, this.bind(own), Own(own)))  # a capstone has played them already
    assert all(row.ok for row in rows), "\n".join(
        f"{row.name}: {row.got}: {row.diagnosis}" for row in rows if not row.ok
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_the_stub_is_not_written_yet(number: str) -> None:
    """What the learner gets compiles, keeps every docstring, and counts as unstarted."""
    this, cells = step(number), authored(number.partition(".")[0])
    its = cells[number]
    names: dict[str, object] = {"__name__": "answer", "mine": mine}
    for each in cells if this.capstone else (number,):  # a capstone takes the pieces of the steps before it
        run(cells[each].stub, f"<{each} stub>", names)
    result = run_step(this, tuple(names[name] for name in this.names))
    assert result.state == "unwritten", f"{its.stub}\n\n{result}"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_step_has_what_a_step_needs(number: str) -> None:
    """Points and minutes agree with the checks; three hints; enough wrong answers and right ones."""
    this, its = step(number), authored(number.partition(".")[0])[number]
    assert (its.points, its.minutes) == (this.points, this.minutes)
    assert len(its.hints) == (0 if this.capstone else 3)
    assert len(its.wrong) >= (0 if this.capstone else 4)
    assert len(its.right) >= (0 if this.capstone else 2)
    assert len({variant.name for variant in its.wrong + its.right}) == len(its.wrong + its.right)
    known = {check.name for check in this.checks}
    assert all(variant.check in known | {"nothing-left", "loop-not-blocked"} for variant in its.wrong)
