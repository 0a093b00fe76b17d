"""Of two faults that want the same call the first one acts, and only then is there something to say."""

from __future__ import annotations

from ocpp_course.lab.fault_words import ANSWERS, CONNECTION, ONCE, losing, who_acts
from ocpp_lab.faults import Fault, Faults


def test_the_first_one_acts() -> None:
    faults = Faults()
    mine = {"delay": faults.delay(seconds=1), "garbage": faults.garbage(), "wrong id": faults.wrong_id("Heartbeat")}
    assert losing(mine, faults.rules) == ["garbage", "wrong id"]
    assert who_acts(mine, faults.rules) == " (delay was on first, so it acts; garbage and wrong id wait)"
    faults.remove(mine.pop("delay"))
    assert who_acts(mine, faults.rules) == " (garbage was on first, so it acts; wrong id waits)"


def test_a_rule_that_is_used_up_does_not_act() -> None:
    """A notebook closed one connection before; that rule is still in the list."""
    faults = Faults()
    faults.close("BootNotification", times=1)
    mine = {"ignore": faults.ignore(), "delay": faults.delay(seconds=1)}
    assert who_acts(mine, faults.rules) == " (ignore was on first, so it acts; delay waits)"


def test_those_that_leave_each_other_calls_both_act() -> None:
    faults = Faults()
    sometimes: dict[str, Fault] = {"ignore": faults.ignore(times=2), "delay": faults.delay(seconds=1, probability=0.5)}
    others = {"CallError": faults.call_error("Authorize"), "wrong id": faults.wrong_id("Heartbeat")}
    refused = {"refuse": faults.refuse()}
    assert losing(sometimes | others | refused, faults.rules) == []
    faults.clear()
    assert who_acts({}, faults.rules) == ""


def test_each_has_a_sentence() -> None:
    assert all(tip.endswith(".") and len(tip) > 20 for tip in (ANSWERS | CONNECTION | ONCE).values())
