"""Both ends are ours: what the operator records is what the charge point has (core 5; whitepaper 5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from ocpp_lab import Policy
from ocpp_lab import messages as m
from ocpp_lab.security import Authority
from tests.operated import profile
from tests.pair import pair, simulated, simulated_now

TAGS: dict[str, Any] = {
    "TAG_A": m.IdTagInfo(status="Accepted", parent_id_tag="FLEET"),
    "TAG_B": m.IdTagInfo(status="Accepted", parent_id_tag="FLEET"),
    "TAG_C": "Accepted",
    "BAD": "Blocked",
}


@simulated
async def test_a_reservation_serves_its_owner_and_is_settled() -> None:
    """Core 5.13: occupied for a second one; cancelled; used by the start, which carries its id."""
    async with pair(Policy(id_tags=TAGS), connectors=2) as (central_system, point):
        await point.wait_for("online")
        operator, book = central_system.operator, central_system.ledger.records.reservations
        until = simulated_now() + timedelta(hours=1)
        first = await operator.reserve("CP_1", 1, "TAG_A", until)
        assert first.status == "Accepted"
        assert (await operator.reserve("CP_1", 1, "TAG_C", until)).status == "Occupied"
        second = await operator.reserve("CP_1", 2, "TAG_C", until)
        assert (await operator.cancel_reservation("CP_1", second.reservation_id)).status == "Accepted"
        assert (await operator.cancel_reservation("CP_1", second.reservation_id)).status == "Rejected"
        assert [row["reservation"] for row in book.living("CP_1", simulated_now())] == [first.reservation_id]
        point.charging.plug_in(1)
        await point.charging.present(1, "TAG_A")
        await asyncio.sleep(10)
        running = central_system.ledger.transaction_on("CP_1", 1)
        assert running and running["reservation"] == first.reservation_id
        assert book.living("CP_1", simulated_now()) == []
        assert [row["state"] for row in book.rows()] == ["used", "refused", "cancelled"]


@simulated
async def test_a_list_is_kept_in_step() -> None:
    """Core 5.15: whole, then what has changed; after somebody else's version all of it again."""
    async with pair(Policy(id_tags=TAGS)) as (central_system, point):
        await point.wait_for("online")
        operator = central_system.operator
        assert (await operator.configure("CP_1", "LocalAuthListEnabled", "true")).status == "Accepted"
        assert await operator.send_list("CP_1") == (1, "Accepted", 1)
        assert await operator.list_version("CP_1") == 1
        central_system.policy.id_tags["TAG_D"] = "Accepted"
        del central_system.policy.id_tags["BAD"]
        assert await operator.send_list("CP_1") == (2, "Accepted", 1)
        behind_our_back = m.SendLocalListRequest(list_version=9, update_type="Full")
        assert (await central_system["CP_1"].call(behind_our_back)).status == "Accepted"
        assert await operator.list_version("CP_1") == 0
        assert await operator.send_list("CP_1") == (3, "Accepted", 1)
        assert await operator.list_version("CP_1") == 3


@simulated
async def test_limits_are_what_results_there() -> None:
    """Core 5.7, 5.16: what is installed here results there; what is cleared does not; a TxProfile ends with its car."""
    async with pair(Policy(id_tags=TAGS)) as (central_system, point):
        await point.wait_for("online")
        operator, book = central_system.operator, central_system.ledger.records.profiles

        async def limit() -> float | None:
            answer = await operator.composite("CP_1", 1, 60, "A")
            assert answer.status == "Accepted" and answer.charging_schedule
            return answer.charging_schedule.charging_schedule_period[0].limit

        schedule = m.ChargingSchedule(
            charging_rate_unit="A",
            start_schedule=simulated_now(),
            charging_schedule_period=[m.ChargingSchedulePeriod(start_period=0, limit=8.0)],
        )
        free = await limit()
        point.charging.plug_in(1)
        assert (await operator.remote_start("CP_1", "TAG_A", 1)).status == "Accepted"
        await asyncio.sleep(10)
        for number, purpose, connector in ((1, "ChargePointMaxProfile", 0), (2, "TxProfile", 1)):
            one = profile(purpose, id=number, charging_schedule=schedule)
            assert (await operator.set_profile("CP_1", connector, one)).status == "Accepted"
        assert await limit() == 8.0
        assert [row["profile"] for row in book.installed("CP_1")] == [1, 2]
        point.charging.unplug(1)
        await asyncio.sleep(60)
        assert [row["profile"] for row in book.installed("CP_1")] == [1]
        assert (await operator.clear_profiles("CP_1")).status == "Accepted"
        assert book.installed("CP_1") == [] and await limit() == free
        assert (await operator.clear_profiles("CP_1")).status == "Unknown"


@simulated
async def test_a_root_certificate() -> None:
    """Whitepaper 5.7, 5.11, 5.3: installed, told by its hashes, deleted by them."""
    async with pair() as (central_system, point):
        await point.wait_for("online")
        operator, kind = central_system.operator, "ManufacturerRootCertificate"
        root = Authority.create("Maker", now=simulated_now).root
        assert (await operator.install_certificate("CP_1", kind, root)).status == "Accepted"
        there = await operator.installed_certificates("CP_1", kind)
        [named] = there.certificate_hash_data or []
        assert (await operator.delete_certificate("CP_1", named)).status == "Accepted"
        assert (await operator.installed_certificates("CP_1", kind)).status == "NotFound"


@simulated
async def test_a_job_to_nowhere_ends() -> None:
    """Core 5.9; whitepaper 5.9: nobody listens there, and the statuses say so."""
    async with pair() as (central_system, point):
        await point.wait_for("online")
        operator, jobs = central_system.operator, central_system.ledger.records.jobs
        log = await operator.get_log("CP_1", "http://cs:1/", retries=0)
        assert log.status == "Accepted" and log.file
        await asyncio.sleep(300)
        history = jobs.history(log.number)
        assert history[0] == "Uploading" and history[-1] == "UploadFailure"
        diagnostics = await operator.get_diagnostics("CP_1", "ftp://cs/", retries=0)
        await asyncio.sleep(300)
        states = {row["number"]: row["state"] for row in jobs.rows("CP_1")}
        assert states[log.number] == "UploadFailure" and states[diagnostics.number] in ("UploadFailed", "nothing")
