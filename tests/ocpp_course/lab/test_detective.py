"""Every fault of the detective is proved by its finding, and blamed on its side; a healthy evening is not blamed."""

from __future__ import annotations

import pytest

from ocpp_course.lab import Detective, detective
from ocpp_course.lab.detective.culprits import CULPRITS, Culprit
from ocpp_course.lab.detective.evening import lines_of
from ocpp_course.lab.detective.puzzle import LEVELS, SIDES, VISITS, Puzzle, suspects
from ocpp_lab.logs import diagnose, read
from tests.house import SOAK

SEEDS, HEALTHY = (range(10), range(100)) if SOAK else (range(3), range(10))


# --- evenings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("culprit", CULPRITS, ids=lambda each: each.plant.__name__)
def test_every_fault_is_proved_in_each_evening(culprit: Culprit) -> None:
    """By a finding of its own rule that blames its side; what else is found may be its consequence."""
    for seed in SEEDS:
        lines = lines_of(culprit.plant, seed, visits=VISITS[culprit.level], lively=culprit.level > 1)
        found = diagnose(read(lines))
        proofs = [each for each in found if each.rule in culprit.rules]
        assert proofs, f"seed {seed}: {[each.rule for each in found]}"
        assert proofs[0].side == culprit.side, f"seed {seed}: {proofs[0]}"


@pytest.mark.parametrize("level", LEVELS)
def test_an_evening_without_a_fault_has_no_finding(level: int) -> None:
    for seed in HEALTHY:
        lines = lines_of(lambda evening: None, seed, visits=VISITS[level], lively=level > 1)
        assert [(each.rule, each.what) for each in diagnose(read(lines))] == [], f"seed {seed}"


def test_each_level_has_faults_of_both_sides() -> None:
    for level in LEVELS:
        assert {each.side for each in suspects(level)} == set(SIDES)
        assert len({each.name for each in suspects(level)}) == len(suspects(level)) >= 6


# --- puzzles ------------------------------------------------------------------------------------------------------


def test_a_seed_is_an_evening() -> None:
    assert Puzzle(3, 2).lines == Puzzle(3, 2).lines != Puzzle(4, 2).lines
    assert len({Puzzle(seed, 3).answer for seed in range(60)}) == len(suspects(3))


def test_a_fault_and_a_side_are_judged_apart() -> None:
    puzzle = Puzzle(1, 2)
    fault, side = puzzle.answer
    other = next(each for each in SIDES if each != side)
    wrong = next(each for each in puzzle.faults if each != fault)
    assert puzzle.judge(fault, side).points == 6
    assert puzzle.judge(fault, other).points == 4
    assert puzzle.judge(wrong, side).points == 0
    assert fault in puzzle.judge(wrong, other).words


def test_what_is_not_to_choose_from_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a level of 1, 2, 3, came 4"):
        Puzzle(1, 4)
    with pytest.raises(ValueError, match=r"expected one of .*, came 'everything'"):
        Puzzle(1, 1).judge("everything", "charge point")
    with pytest.raises(ValueError, match="charge point or central system, came 'the driver'"):
        Puzzle(1, 1).judge(Puzzle(1, 1).faults[0], "the driver")


# --- the desk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk() -> Detective:
    return detective(5)


def test_nothing_tells_the_answer_before_the_learner_has_chosen(desk: Detective) -> None:
    fault, _ = desk.puzzle.answer
    assert desk._proof.text == ""
    assert repr(desk).count(fault) == 1  # in the list to choose from, among others
    assert desk.ladder.svg.count(">Evening 5<") == 1
    assert 'class="step marked' not in desk.ladder.svg


def test_the_proof_is_shown_with_the_judgement(desk: Detective) -> None:
    judged = desk.accuse(*desk.puzzle.answer)
    finding = desk.puzzle.proof()
    assert judged.right and finding is not None
    assert finding.rule in desk._proof.text
    assert (desk.score, desk.solved, desk.judged) == (3, 1, 1)
    assert "Right" in repr(desk) and "Score 3: 1 of 1 solved." in repr(desk)


def test_an_evening_counts_once(desk: Detective) -> None:
    fault, side = desk.puzzle.answer
    wrong = next(each for each in desk.puzzle.faults if each != fault)
    desk.accuse(wrong, side)
    desk.accuse(fault, side)
    assert (desk.score, desk.solved, desk.judged) == (0, 0, 1)
    desk.another()
    assert desk.puzzle.seed == 6 and desk.judgement is None and desk._proof.text == ""
    desk.accuse(*desk.puzzle.answer)
    assert (desk.solved, desk.judged) == (1, 2)


def test_another_level_is_another_evening(desk: Detective) -> None:
    desk.level = 3
    assert (desk.puzzle.seed, desk.level) == (5, 3)
    assert desk._level.value.startswith("3 · ")
    desk._level.value = desk._level.options[1]  # a choice
    assert desk.level == 2 and "level 2" in repr(desk)


def test_a_click_without_a_choice_says_what_is_missing(desk: Detective) -> None:
    desk._say.click()
    assert "Choose what is wrong and whose fault it is" in desk._status.value
    assert desk.judged == 0
    desk._fault.value, desk._side.value = desk.puzzle.answer
    desk._say.click()
    assert desk.judged == 1 and "Right" in desk._status.value


def test_where_no_widget_can_live_there_is_the_ladder_and_the_question(desk: Detective) -> None:
    bundle = desk._repr_mimebundle_()
    assert "<img alt=" in bundle["text/html"] and "What may be wrong" in bundle["text/html"]
    assert bundle["text/plain"] == repr(desk)
