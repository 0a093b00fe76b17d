"""Charging profiles: what may be sent, what is installed, what displaces what (core 3.13, 5.5, 5.16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.central_system.profile_rules import check_profile
from ocpp_lab.errors import Forbidden
from tests.operated import DATE, done, operated, profile, starts, stops
from tests.pair import simulated

OK = {"status": "Accepted"}


def periods(*pairs: tuple[int, float], **changes: Any) -> m.ChargingSchedule:
    steps = [m.ChargingSchedulePeriod(start_period=start, limit=limit) for start, limit in pairs]
    options: dict[str, Any] = {"charging_rate_unit": "A", "start_schedule": DATE, **changes}
    return m.ChargingSchedule(charging_schedule_period=steps, **options)


def installed(peer: Any) -> list[int]:
    return [row["profile"] for row in peer.ours.ledger.records.profiles.installed("CP_1")]


WRONG = [
    ("Daily or Weekly", 0, profile(charging_profile_kind="Recurring")),
    (
        "from which a Recurring",
        0,
        profile(
            charging_profile_kind="Recurring",
            recurrency_kind="Daily",
            charging_schedule=periods((0, 1.0), start_schedule=None),
        ),
    ),
    ("no startSchedule", 0, profile(charging_profile_kind="Relative")),
    (
        "not Relative",
        0,
        profile(
            "ChargePointMaxProfile",
            charging_profile_kind="Relative",
            charging_schedule=periods((0, 1.0), start_schedule=None),
        ),
    ),
    ("validFrom before validTo", 0, profile(valid_from=DATE, valid_to=DATE)),
    ("first period at 0", 0, profile(charging_schedule=periods((10, 16.0)))),
    ("one after the other", 0, profile(charging_schedule=periods((0, 16.0), (60, 8.0), (60, 6.0)))),
    ("limits of 0 or more", 0, profile(charging_schedule=periods((0, -1.0)))),
    ("a duration above 0", 0, profile(charging_schedule=periods((0, 1.0), duration=0))),
    ("connector above 0", 0, profile("TxProfile")),
    ("expected connector 0", 1, profile("ChargePointMaxProfile")),
    ("no transactionId", 1, profile(transaction_id=7)),
]


@pytest.mark.parametrize(("why", "connector", "wrong"), WRONG, ids=[each[0] for each in WRONG])
def test_what_no_charge_point_should_get(why: str, connector: int, wrong: m.ChargingProfile) -> None:
    with pytest.raises(Forbidden, match=why):
        check_profile(connector, wrong)


def test_what_is_fine() -> None:
    check_profile(0, profile("ChargePointMaxProfile"))
    check_profile(0, profile(valid_from=DATE, valid_to=DATE + timedelta(1)))
    check_profile(2, profile(charging_schedule=periods((0, 16.0), (60, 0.0), duration=100)))
    check_profile(1, profile("TxProfile", transaction_id=7))
    check_profile(None, profile("TxProfile"), remote=True)
    relative = periods((0, 1.0), start_schedule=None)
    check_profile(1, profile(charging_profile_kind="Relative", charging_schedule=relative))
    check_profile(1, profile(charging_profile_kind="Recurring", recurrency_kind="Weekly"))


@simulated
async def test_what_displaces_what() -> None:
    """The same id, or the same purpose and level at that connector (core 5.16); a refusal changes nothing."""
    async with operated() as (operator, peer):
        for connector, one in [(1, profile(id=1)), (2, profile(id=2)), (1, profile(id=3, level=1))]:
            await done(peer, operator.set_profile("CP_1", connector, one), OK)
        assert installed(peer) == [1, 2, 3]
        refused, _ = await done(peer, operator.set_profile("CP_1", 1, profile(id=4)), {"status": "Rejected"})
        assert refused.status == "Rejected" and installed(peer) == [1, 2, 3]
        await done(peer, operator.set_profile("CP_1", 1, profile(id=5)), OK)
        assert installed(peer) == [2, 3, 5]
        await done(peer, operator.set_profile("CP_1", 0, profile(id=3, level=7)), OK)
        assert installed(peer) == [2, 5, 3]


@simulated
@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, []),
        ({"id": 2}, [1, 3]),
        ({"connector_id": 1}, [2]),
        ({"stack_level": 0}, [3]),
        ({"connector_id": 1, "stack_level": 0}, [2, 3]),
        ({"purpose": "ChargePointMaxProfile"}, [1, 2, 3]),
    ],
    ids=str,
)
async def test_what_is_cleared(fields: Any, left: list[int]) -> None:
    """By id, or by all that was said together (core errata 3.25, 3.26); but not if that failed."""
    async with operated() as (operator, peer):
        for connector, one in [(1, profile(id=1)), (2, profile(id=2)), (1, profile(id=3, level=1))]:
            await done(peer, operator.set_profile("CP_1", connector, one), OK)
        with pytest.raises(Exception, match="InternalError"):
            await done(peer, operator.clear_profiles("CP_1", **fields), "InternalError")
        assert installed(peer) == [1, 2, 3]
        await done(peer, operator.clear_profiles("CP_1", **fields), OK)
        assert installed(peer) == left


@simulated
async def test_a_profile_of_a_transaction_gets_its_id_and_ends_with_it() -> None:
    """Core 5.16: the central system includes the transactionId."""
    async with operated() as (operator, peer):
        transaction_id = (await starts(peer))["transactionId"]
        _, asked = await done(peer, operator.set_profile("CP_1", 1, profile("TxProfile")), OK)
        assert asked[0][1]["csChargingProfiles"]["transactionId"] == transaction_id
        with pytest.raises(Forbidden, match="has ended, or runs elsewhere"):
            await operator.set_profile("CP_1", 2, profile("TxProfile", transaction_id=transaction_id))
        assert installed(peer) == [1]
        await stops(peer, transaction_id)
        assert installed(peer) == []
        with pytest.raises(Forbidden, match="has ended"):
            await operator.set_profile("CP_1", 1, profile("TxProfile", transaction_id=transaction_id))


@simulated
@pytest.mark.parametrize("connector", [None, 1])
async def test_a_profile_that_goes_with_a_remote_start(connector: int | None) -> None:
    """It has no id yet; the start of that tag gives it one (core 5.16.2), and the stop ends it."""
    async with operated() as (operator, peer):
        await done(peer, operator.remote_start("CP_1", "TAG_A", connector, profile=profile("TxProfile")), OK)
        assert installed(peer) == [1]
        await starts(peer, "TAG_B", connector=2)
        [row] = peer.ours.ledger.records.profiles.installed("CP_1")
        assert row["used_by"] is None
        started = (await starts(peer, "tag_a", at=1))["transactionId"]
        [row] = peer.ours.ledger.records.profiles.installed("CP_1")
        assert (row["used_by"], row["connector"]) == (started, 1)
        await stops(peer, started)
        assert installed(peer) == []


@simulated
async def test_a_refused_remote_start_installs_nothing() -> None:
    async with operated() as (operator, peer):
        start = operator.remote_start("CP_1", "TAG_A", 1, profile=profile("TxProfile"))
        await done(peer, start, {"status": "Rejected"})
        assert installed(peer) == []


@simulated
async def test_after_the_answer_to_a_start_somebody_may_act() -> None:
    """A TxProfile that is sent earlier would be rejected: its id is not known there (core 5.16.1)."""
    async with operated() as (operator, peer):
        heard = []

        async def limit(identity: str, transaction_id: int, request: m.StartTransactionRequest) -> None:
            heard.append((identity, transaction_id, request.id_tag))
            await operator.set_profile(identity, request.connector_id, profile("TxProfile"))

        peer.ours.answers.after_start = limit
        started = await starts(peer)  # the answer comes first
        _, unique_id, action, payload = await peer.hear()
        assert action == "SetChargingProfile"
        assert payload["csChargingProfiles"]["transactionId"] == started["transactionId"]
        await peer.say(3, unique_id, OK)
        await peer.is_served()
        assert heard == [("CP_1", started["transactionId"], "TAG_A")] and installed(peer) == [1]


@simulated
async def test_the_schedule_that_results() -> None:
    async with operated() as (operator, peer):
        answer, asked = await done(peer, operator.composite("CP_1", 1, 3600, "W"), {"status": "Rejected"})
        assert answer.status == "Rejected"
        assert asked == [("GetCompositeSchedule", {"connectorId": 1, "duration": 3600, "chargingRateUnit": "W"})]
