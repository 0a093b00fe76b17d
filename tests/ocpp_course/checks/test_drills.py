"""The drill of capstone 3: what breaks which stack, and what a drill may not do. Without the nights of the capstone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ocpp_course.checks import Wrong
from ocpp_course.checks.kit import Kit
from ocpp_course.checks.session_reconnect import capstone
from ocpp_course.checks.session_reconnect.drills import BROKEN, MOMENTS, drill, survives
from ocpp_lab.central_system import Ledger
from ocpp_lab.outbox import Outbox
from tests.simulated import run_simulated

Drill = Callable[[str, str, int], Any]


def at(faults: dict[tuple[str, int], str]) -> Drill:
    return lambda moment, action, copy: faults.get((moment, copy)) if action == "StartTransaction" else None


@pytest.mark.parametrize(
    ("faults", "hurt"),
    [
        (at({("sent", 1): "cut"}), {"deletes first"}),
        (at({("acted", 1): "cut"}), {"deletes first", "knows no repeat"}),
        (at({("told", 1): "power"}), {"deletes first", "knows no repeat", "tells last"}),
        (at({("told", 2): "power"}), set()),
    ],
)
def test_each_moment_hurts_other_stacks(faults: Drill, hurt: set[str]) -> None:
    """Without an id the stop ends nothing, so a lost answer hurts as a lost request does."""
    assert {name for name, stack in BROKEN.items() if not survive(*stack, faults)} == hurt


POWER = at(dict.fromkeys((("sent", 1), ("acted", 2), ("told", 3)), "power"))


@pytest.mark.parametrize("faults", [drill, POWER, *(at({(moment, 1): "power"}) for moment in MOMENTS)])
def test_a_right_stack_comes_through(faults: Drill) -> None:
    assert survive(Outbox, Ledger, faults)


def test_one_drill_breaks_them_all() -> None:
    assert judge(capstone.drilled, drill) is None


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (lambda moment, action, copy: None, "the stack that deletes first came through your drill"),
        (at({("sent", 1): "cut"}), "the stack that knows no repeat came through your drill"),
        (at({("sent", 1): "cut", ("acted", 2): "cut"}), "the stack that tells last came through your drill"),
        (lambda moment, action, copy: "cut" if moment == "acted" else None, "after 12 connections messages still wait"),
        (at({("told", 1): "cut"}), "after `told` nothing is on the wire that could be cut"),
        (at({("sent", 1): "reset"}), "`drill` returns None, 'cut' or 'power', and returned 'reset'"),
    ],
)
def test_what_a_drill_is_told(faults: Drill, said: str) -> None:
    assert said in (judge(capstone.drilled, faults) or "")


def test_a_drill_that_hurts_a_right_stack_is_told_so() -> None:
    """A ledger that forgets is hurt by nothing that a drill does: the learner's own is judged by the same night."""

    class Forgets(Ledger):
        def rows(self) -> list[dict[str, Any]]:
            return []

    assert "your own outbox and ledger did not come through" in (judge(capstone.drilled, drill, ledger=Forgets) or "")


def test_the_capstone_has_the_turns_of_3_6() -> None:
    assert judge(capstone.one_drain, drill) is None
    assert "a second one sent meanwhile" in (judge(capstone.one_drain, drill, outbox=Hasty) or "")


class Hasty(Outbox):
    """Takes no turns."""

    async def drain(self, *arguments: Any, **options: Any) -> None:
        self._lane, self._not_before = asyncio.Lock(), {}
        await super().drain(*arguments, **options)


def survive(outbox: Any, ledger: Any, faults: Drill) -> bool:
    kit = Kit("drill", 0)
    try:
        return run_simulated(survives(kit, outbox, ledger, faults), seed=0)
    finally:
        kit.end()


def judge(check: Any, faults: Drill, outbox: Any = Outbox, ledger: Any = Ledger) -> str | None:
    """What a check of the capstone says is wrong; None: nothing."""
    kit, my = Kit("drill", 0), SimpleNamespace(Outbox=outbox, Ledger=ledger, drill=faults)
    try:
        run_simulated(check(my, kit), seed=0)
    except Wrong as wrong:
        return wrong.diagnosis
    finally:
        kit.end()
    return None
