"""The prediction of capstone 4: what a plan must have, and that a right prediction is one. Without the nights."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_course.checks import Wrong, run_step, step
from ocpp_course.checks.authoring import load
from ocpp_course.checks.call_correlation import night
from ocpp_course.checks.call_correlation.ours import OurPending
from ocpp_course.checks.call_correlation.prediction import FAULTS, PLAN, PREDICTED
from ocpp_course.checks.kit import Kit
from ocpp_lab.frames import CallError, CallResult
from ocpp_lab.session import Session
from tests.ocpp_course.checks.answers import authored
from tests.simulated import run_simulated


class NamesNothing(OurPending):
    """Every stray is an orphan."""

    def settle(self, frame: CallResult | CallError) -> Any:
        word = super().settle(frame)
        if word in ("late", "repeated"):
            self.counts.update({word: -1, "orphan": 1})
        return word


def said(plan: Any, predicted: Any, pending: Any = OurPending) -> str | None:
    """What the check says of them; None: all is right."""
    kit = Kit("prediction", 0)
    try:
        run_simulated(
            night.predicted(SimpleNamespace(Session=Session, Pending=pending, PLAN=plan, PREDICTED=predicted), kit),
            seed=0,
        )
    except Wrong as wrong:
        return wrong.diagnosis
    finally:
        kit.end()
    return None


def test_the_packages_session_goes_with_a_learners_pending() -> None:
    """No step asks for `drop`, which the package's session wants: it is fitted, as in the live cells."""
    pending = load(authored("4"), "4.5", None)["Pending"]
    assert not hasattr(pending, "drop")
    assert said(PLAN, PREDICTED, pending=pending) is None
    this = step("4.capstone")
    result = run_step(this, (Session, pending, PLAN, PREDICTED))
    assert all(row.ok for row in result.rows), str(result)


def test_ours_is_right() -> None:
    assert said(PLAN, PREDICTED) is None


def test_the_order_of_faults_is_free() -> None:
    """Late answers come while later calls wait, and are counted all the same."""
    assert said(PLAN[::-1], PREDICTED) is None
    assert (
        said(
            ["late"] * 5 + list(FAULTS),
            {"resolved": 3, "failed": 1, "malformed": 1, "late": 6, "repeated": 1, "orphan": 1},
        )
        is None
    )


@pytest.mark.parametrize(
    ("plan", "predicted", "sentence"),
    [
        (
            [fault for fault in PLAN if fault != "wrong id"],
            PREDICTED,
            "the plan lacks wrong id; each comes at least once.",
        ),
        (list(FAULTS), PREDICTED, "the plan has 7 calls; it needs 10 or more."),
        ([*PLAN, "no answer"], PREDICTED, "there is no fault 'no answer'; see the table."),
        ("late", PREDICTED, "PLAN is a list of the names of faults."),
        (PLAN, [5, 1, 1, 2, 2, 1], "PREDICTED is a dict from word to number."),
        (PLAN, PREDICTED | {"late": "2"}, "PREDICTED['late'] is '2', a str; it has to be a number, without quotes."),
        (PLAN, {"resolved": 5, "late": 2}, "you did not predict failed, malformed, repeated, orphan."),
        (PLAN, PREDICTED | {"late": 1, "orphan": 2}, "you predicted another number for late, orphan;"),
    ],
)
def test_what_a_plan_is_told(plan: Any, predicted: Any, sentence: str) -> None:
    assert (said(plan, predicted) or "").startswith(sentence)


def test_a_pending_that_names_nothing_is_told_by_the_plan() -> None:
    assert "late, repeated, orphan" in (said(PLAN, PREDICTED, pending=NamesNothing) or "")
