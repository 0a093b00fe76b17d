"""`install`, `clear`, `ended`: which charging profiles a charge point has (core 3.13.1, 3.13.2, 5.5, 5.16)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.smart_charging import Installed, Rules, clear, ended, install
from tests.profiles import profile

RUNNING = {1: 7, 2: None}
RULES = Rules()
TX: Any = {"purpose": "TxProfile"}
MAX: Any = {"purpose": "ChargePointMaxProfile"}


def stack_of(*news: tuple[int, m.ChargingProfile]) -> list[Installed]:
    """What is there after these were installed, one after the other."""
    stack: list[Installed] = []
    for connector, one in news:
        status, stack = install(stack, Installed(connector, one), RUNNING, RULES)
        assert status == "Accepted"
    return stack


def ids(stack: list[Installed]) -> list[int]:
    return [each.profile.charging_profile_id for each in stack]


# install --------------------------------------------------------------------------------------------------------------


def test_the_same_level_and_purpose_is_replaced() -> None:
    """Core 3.13.2."""
    assert ids(stack_of((1, profile(id=1, level=2)), (1, profile(id=2, level=3)), (1, profile(id=3, level=2)))) == [
        2,
        3,
    ]


def test_the_same_id_is_replaced_wherever_it_is() -> None:
    """Core 5.16.3: an id names one profile, whatever its level, purpose and connector."""
    assert stack_of((1, profile(id=1, level=2)), (0, profile(id=1, level=3, **MAX))) == [
        Installed(0, profile(id=1, level=3, **MAX))
    ]


def test_one_profile_may_replace_two() -> None:
    news = (1, profile(id=1, level=1)), (1, profile(id=2, level=2)), (1, profile(id=1, level=2))
    assert stack_of(*news) == [Installed(1, profile(id=1, level=2))]


def test_a_default_of_one_connector_leaves_that_of_all() -> None:
    """Core 3.13.1: replaced for that connector only."""
    assert ids(stack_of((0, profile(id=1)), (1, profile(id=2)), (2, profile(id=3)))) == [1, 2, 3]


def test_another_purpose_is_another_profile() -> None:
    assert ids(stack_of((1, profile(id=1)), (1, profile(id=2, **TX)), (0, profile(id=3, **MAX)))) == [1, 2, 3]


def test_a_full_stack_can_be_changed() -> None:
    """Counted after the replacement."""
    rules, stack = Rules(max_installed=2), stack_of((1, profile(id=1, level=1)), (1, profile(id=2, level=2)))
    assert install(stack, Installed(1, profile(id=3, level=3)), {}, rules) == ("Rejected", stack)
    for one in (profile(id=3, level=2), profile(id=2, level=5)):
        status, after = install(stack, Installed(1, one), {}, rules)
        assert status == "Accepted" and len(after) == 2


REFUSED: dict[str, tuple[int, m.ChargingProfile]] = {
    "a level above the most": (1, profile(level=10)),
    "too many periods": (1, profile(*((n, 10.0) for n in range(25)))),
    "a first period that does not begin at 0": (1, profile((1, 10.0))),
    "periods out of order": (1, profile((0, 10.0), (20, 11.0), (10, 12.0))),
    "two periods at once": (1, profile((0, 10.0), (20, 11.0), (20, 12.0))),
    "a negative limit": (1, profile((0, -1.0))),
    "no phases": (1, profile((0, 10.0, 0))),
    "four phases": (1, profile((0, 10.0, 4))),
    "a negative duration": (1, profile(duration=-1)),
    "recurring, but when?": (1, profile(kind="Recurring")),
    "recurring, but from when?": (1, profile(kind="Recurring", recurs="Daily", start=None)),
    "a maximum on a connector": (1, profile(**MAX)),
    "a relative maximum": (0, profile(kind="Relative", **MAX)),
    "a maximum that changes, but when?": (0, profile((0, 10.0), (60, 20.0), start=None, **MAX)),
    "a maximum that ends, but when?": (0, profile(start=None, duration=60, **MAX)),
    "a transaction's on connector 0": (0, profile(**TX)),
    "a transaction's where none runs": (3, profile(**TX)),
    "another transaction's": (1, profile(transaction=8, **TX)),
    "one's whose id nobody knows yet": (2, profile(transaction=7, **TX)),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused_changes_nothing(why: str) -> None:
    connector, one = REFUSED[why]
    stack = stack_of((1, profile(id=1)), (1, profile(id=2, **TX)), (0, profile(id=3, **MAX)))
    before = deepcopy(stack)
    assert install(stack, Installed(connector, one), RUNNING, RULES) == ("Rejected", before)
    assert stack == before


def test_units_that_it_cannot_do() -> None:
    watts, amps = Installed(1, profile(unit="W")), Installed(1, profile(unit="A"))
    assert install([], watts, {}, Rules(units=("A",)))[0] == "Rejected"
    assert install([], amps, {}, Rules(units=("A",)))[0] == "Accepted"


@pytest.mark.parametrize("connector_and_id", [(1, 7), (1, None), (2, None)])
def test_a_transactions_own_is_taken(connector_and_id: Any) -> None:
    connector, transaction = connector_and_id
    assert stack_of((connector, profile(transaction=transaction, **TX)))


def test_what_comes_in_is_not_changed() -> None:
    stack = [Installed(1, profile(id=1))]
    install(stack, Installed(1, profile(id=2)), {}, RULES)
    clear(stack, m.ClearChargingProfileRequest())
    ended(stack, 1)
    assert stack == [Installed(1, profile(id=1))]


# With RemoteStartTransaction ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (profile(**TX), "Accepted"),
        (profile(kind="Relative", **TX), "Accepted"),
        (profile(transaction=7, **TX), "Rejected"),
        (profile(), "Rejected"),
        (profile(**MAX), "Rejected"),
        (profile(level=10, **TX), "Rejected"),
    ],
)
def test_a_profile_in_a_remote_start(one: m.ChargingProfile, status: str) -> None:
    """Core 5.16.2, errata 3.41: a TxProfile without transactionId, and no transaction runs yet."""
    assert install([], Installed(1, one), {}, RULES, starting=True)[0] == status


def test_the_real_id_replaces_it() -> None:
    """Core errata 3.42: same level, with the transaction's id."""
    _, stack = install([], Installed(1, profile(id=1, level=3, **TX)), {}, RULES, starting=True)
    status, stack = install(stack, Installed(1, profile(id=2, level=3, transaction=7, **TX)), RUNNING, RULES)
    assert status == "Accepted" and ids(stack) == [2]
    status, stack = install(stack, Installed(1, profile(id=3, level=4, transaction=7, **TX)), RUNNING, RULES)
    assert status == "Accepted" and ids(stack) == [2, 3]


# clear and ended ------------------------------------------------------------------------------------------------------

FULL = stack_of(
    (0, profile(id=1, **MAX)),
    (0, profile(id=2)),
    (1, profile(id=3)),
    (1, profile(id=4, level=1)),
    (1, profile(id=5, **TX)),
    (2, profile(id=6, **TX)),
)


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, []),
        ({"id": 3}, [1, 2, 4, 5, 6]),
        ({"connector_id": 1}, [1, 2, 6]),
        ({"connector_id": 0}, [3, 4, 5, 6]),
        ({"stack_level": 0}, [4]),
        ({"charging_profile_purpose": "TxDefaultProfile"}, [1, 5, 6]),
        ({"charging_profile_purpose": "TxDefaultProfile", "stack_level": 0}, [1, 4, 5, 6]),
        ({"charging_profile_purpose": "TxDefaultProfile", "stack_level": 0, "connector_id": 1}, [1, 2, 4, 5, 6]),
        ({"id": 3, "connector_id": 2, "stack_level": 9}, [1, 2, 4, 5, 6]),  # core errata 3.26
    ],
)
def test_clear(fields: Any, left: list[int]) -> None:
    """Core errata 3.25: all that match every given field; none given means all."""
    status, stack = clear(FULL, m.ClearChargingProfileRequest(**fields))
    assert (status, ids(stack)) == ("Accepted", left)


@pytest.mark.parametrize("fields", [{"id": 99}, {"id": 0}, {"connector_id": 3}, {"connector_id": 2, "stack_level": 1}])
def test_clear_what_is_not_there(fields: Any) -> None:
    assert clear(FULL, m.ClearChargingProfileRequest(**fields)) == ("Unknown", FULL)
    assert clear([], m.ClearChargingProfileRequest()) == ("Unknown", [])


def test_a_transactions_profiles_end_with_it() -> None:
    """Core 7.10: and nobody else's."""
    assert ids(ended(FULL, 1)) == [1, 2, 3, 4, 6]
    assert ids(ended(FULL, 3)) == [1, 2, 3, 4, 5, 6]
