"""`Faults`: which rule applies to which call, how often, and by what chance; the same choices for the same seed."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from ocpp_lab.faults import MOST_UNDONE, Fault, Faults
from ocpp_lab.frames import ERROR_CODES, Call

MAKERS: dict[str, dict[str, Any]] = {
    # method, what it needs
    "ignore": {},
    "delay": {"seconds": 5},
    "call_error": {},
    "answer_twice": {},
    "wrong_id": {},
    "wrong_payload": {},
    "garbage": {},
    "close": {},
    "abort": {},
    "stop_reading": {},
}


def _kinds(faults: Faults, *calls: tuple[str | None, str]) -> list[str | None]:
    picked = [faults.pick(action, identity) for action, identity in calls]
    return [fault and fault.kind for fault in picked]


@pytest.mark.parametrize("method", MAKERS)
def test_each_kind_is_picked_for_the_calls_it_speaks_of(method: str) -> None:
    """Action and identity, each or none; a rule about one action does not touch another."""
    faults = Faults()
    fault = getattr(faults, method)("Heartbeat", identity="CP_1", **MAKERS[method])
    assert faults.pick("Heartbeat", "CP_1") is fault
    assert faults.pick("Heartbeat", "CP_2") is None
    assert faults.pick("Authorize", "CP_1") is None
    assert faults.pick(None, "CP_1", door=True) is None
    assert (fault.hits, faults.applied) == (1, {fault.kind: 1})


@pytest.mark.parametrize("method", MAKERS)
def test_a_rule_about_everything(method: str) -> None:
    faults = Faults()
    fault = getattr(faults, method)(**MAKERS[method])
    assert faults.pick("Heartbeat", "CP_1") is faults.pick("Authorize", "CP_2") is fault


def test_the_door_has_rules_of_its_own() -> None:
    """``refuse`` concerns the handshake and no call; all others concern calls and no handshake."""
    faults = Faults()
    refuse = faults.refuse(status=404, identity="CP_1", times=1)
    assert faults.pick("Heartbeat", "CP_1") is None
    assert faults.pick(None, "CP_2", door=True) is None
    assert faults.pick(None, "CP_1", door=True) is refuse
    assert refuse.options == {"status": 404}
    assert faults.pick(None, "CP_1", door=True) is None


def test_the_first_rule_that_fits_and_a_script() -> None:
    """In the order of adding; one with ``times`` is used up: ignore two boots, refuse one, then behave."""
    faults = Faults()
    faults.ignore("BootNotification", times=2)
    faults.call_error("BootNotification", times=1)
    faults.delay(seconds=1)
    boot, beat = ("BootNotification", "CP_1"), ("Heartbeat", "CP_1")
    assert _kinds(faults, beat, boot, boot, boot, boot) == ["delay", "ignore", "ignore", "CallError", "delay"]
    assert faults.applied == {"ignore": 2, "CallError": 1, "delay": 2}


def test_removing_and_clearing() -> None:
    faults = Faults()
    ignore, abort = faults.ignore(), faults.abort()
    faults.remove(ignore)
    faults.remove(ignore)  # gone already: fine
    assert _kinds(faults, ("Heartbeat", "CP_1")) == ["abort"]
    assert faults.rules == [abort]
    faults.clear()
    assert _kinds(faults, ("Heartbeat", "CP_1")) == [None]
    assert str(faults) == "no faults"


def test_by_chance_but_the_same_for_the_same_seed() -> None:
    """``probability``: about so many are hit; a failure can be replayed from the seed."""

    def hits(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.ignore(probability=0.25)
        return [faults.pick("Heartbeat", "CP_1") is not None for _ in range(2000)]

    assert hits(1) == hits(1) != hits(2)
    assert all(400 < sum(hits(seed)) < 600 for seed in range(5))


def test_what_chance_spares_goes_to_the_next_rule() -> None:
    faults = Faults(3)
    faults.ignore(probability=0.5)
    faults.abort(probability=0.5)
    kinds = Counter(_kinds(faults, *[("Heartbeat", "CP_1")] * 2000))
    assert kinds.keys() == {"ignore", "abort", None}
    assert 900 < kinds["ignore"] < 1100 and 400 < kinds["abort"] < 600
    assert faults.applied == {"ignore": kinds["ignore"], "abort": kinds["abort"]}


def test_never_and_always() -> None:
    faults = Faults()
    faults.ignore(probability=0.0)
    assert _kinds(faults, *[("Heartbeat", "CP_1")] * 100) == [None] * 100
    faults.ignore(probability=1.0)
    assert _kinds(faults, *[("Heartbeat", "CP_1")] * 100) == ["ignore"] * 100


def test_a_rule_that_ends_undoes_what_it_still_does() -> None:
    """Once, and only its own; the newest connection of an identity is the one that counts."""
    faults, undone = Faults(), list[str]()
    first, second = faults.stop_reading("Heartbeat"), faults.stop_reading("Authorize")
    first.undo["CP_1"] = lambda: undone.append("first, old line")
    first.undo["CP_1"] = lambda: undone.append("first")
    second.undo["CP_1"] = lambda: undone.append("second")
    faults.remove(first)
    assert undone == ["first"]
    faults.clear()
    faults.clear()
    faults.remove(second)
    assert undone == ["first", "second"]


@pytest.mark.parametrize(
    ("method", "effect"),
    [
        ("ignore", False),
        ("delay", False),  # it acts anyway, later
        ("call_error", False),
        ("garbage", False),
        ("close", False),
        ("abort", False),
        ("answer_twice", True),
        ("wrong_id", True),
        ("wrong_payload", True),
        ("stop_reading", True),
    ],
)
def test_whether_the_request_is_acted_on(method: str, effect: bool) -> None:
    """The reply goes wrong, not the request; a lost reply is ``effect=True``, and can be had for any kind."""
    assert getattr(Faults(), method)(**MAKERS[method]).effect is effect
    assert getattr(Faults(), method)(effect=True, **MAKERS[method]).effect is True


def test_options_reach_the_rule() -> None:
    faults = Faults()
    assert faults.delay(seconds=2.5).options == {"seconds": 2.5}
    assert faults.call_error(code="GenericError", description="no").options == {
        "code": "GenericError",
        "description": "no",
    }
    assert faults.close(code=1012, reason="restart").options == {"code": 1012, "reason": "restart"}
    assert faults.garbage(text="]").options == {"text": "]"}
    assert faults.stop_reading(seconds=3).options == {"seconds": 3}
    assert faults.wrong_payload(payload={"a": 1}).options == {"payload": {"a": 1}}
    assert faults.wrong_payload(payload={}).options == {"payload": {}}
    assert faults.wrong_payload().options["payload"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda faults: faults.call_error(code="NoSuchCode"), "expected one of FormationViolation, .*'NoSuchCode'"),
        (lambda faults: faults.ignore(probability=1.5), "expected a probability from 0 to 1, came 1.5"),
        (lambda faults: faults.ignore(probability=-0.1), "expected a probability"),
        (lambda faults: faults.close(code=1006), "expected a close code that may be sent .*1006"),
        (lambda faults: faults.refuse(status=200), "expected an HTTP status from 400 to 599.*200"),
    ],
)
def test_a_rule_that_makes_no_sense(make: Any, says: str) -> None:
    """Refused when it is added, and not added."""
    faults = Faults()
    with pytest.raises(ValueError, match=says):
        make(faults)
    assert faults.rules == []


def test_every_code_can_be_answered() -> None:
    for code in ERROR_CODES:
        assert Faults().call_error(code=code).options["code"] == code


def test_a_rule_says_what_it_does() -> None:
    """For the panel and the log."""
    faults = Faults()
    faults.ignore("BootNotification", times=2)
    faults.close(identity="CP_1", code=1012, probability=0.5)
    assert str(faults).splitlines() == [
        "ignore BootNotification of anybody ×2",
        "close any call of CP_1 p=0.5 code=1012 reason=",
    ]
    faults.pick("BootNotification", "CP_9")
    assert str(faults.rules[0]).endswith("×1")
    assert isinstance(faults.rules[0], Fault)


def test_a_rule_remembers_only_so_many_connections() -> None:
    """A peer may invent identities. The oldest connection is read again at once, and is held no longer."""
    rule, read_again = Faults().stop_reading("Heartbeat"), list[int]()
    for number in range(MOST_UNDONE + 3):
        rule.undo[f"CP_{number}"] = partial(read_again.append, number)
    assert len(rule.undo) == MOST_UNDONE and read_again == [0, 1, 2]
    rule.end()
    assert read_again == list(range(MOST_UNDONE + 3))


def test_whoever_subscribed_is_told_of_each_hit() -> None:
    """With the call itself, so that nobody has to guess from counters whom it hit."""
    faults, told = Faults(), list[Any]()

    def fails(rule: Fault, identity: str, call: Call | None) -> None:
        raise LookupError("a bug of the listener")

    faults.subscribe(fails)
    end = faults.subscribe(lambda *hit: told.append(hit))
    rule, call = faults.ignore("Heartbeat"), Call("1", "Heartbeat")
    assert faults.pick("Authorize", "CP_1") is None
    assert faults.pick("Heartbeat", "CP_1", call=call) is rule
    end()
    assert faults.pick("Heartbeat", "CP_1", call=call) is rule
    assert told == [(rule, "CP_1", call)]
