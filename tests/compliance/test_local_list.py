"""Local Auth List Management, as a charge point does it (core 3.5, 5.10, 5.15)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_lab import ChargePoint
from tests.compliance.script import ScriptedCentralSystem, at_charge_point, now_text
from tests.pair import cut, simulated

OFFLINE = {"LocalAuthorizeOffline": "true", "AuthorizationCacheEnabled": "true"}


async def sends(script: ScriptedCentralSystem, version: int, kind: str = "Full", **tags: Any) -> str:
    """SendLocalList; a tag's value is its status, None deletes it."""
    entries = [{"idTag": tag, **({"idTagInfo": {"status": status}} if status else {})} for tag, status in tags.items()]
    answer = await script.says(
        "SendLocalList",
        listVersion=version,
        updateType=kind,
        **({"localAuthorizationList": entries} if entries else {}),
    )
    return str(answer["status"])


async def version(script: ScriptedCentralSystem) -> int:
    return int((await script.says("GetLocalListVersion"))["listVersion"])


async def offline(script: ScriptedCentralSystem, charge_point: ChargePoint) -> None:
    """The line is dead, and the charge point knows it."""
    cut()
    await charge_point.wait_for("waiting", "connecting")


async def swipe_offline(charge_point: ChargePoint, tag: str) -> bool:
    """Whether this tag starts a transaction with the cable in."""
    charge_point.charging.plug_in(1)
    await charge_point.charging.present(1, tag)
    await asyncio.sleep(1)
    return any(entry.request.action == "StartTransaction" for entry in charge_point.outbox.entries())


@simulated(seed=1)
async def test_a_new_charge_point_has_an_empty_list() -> None:
    """Core 6.28: version 0."""
    async with at_charge_point() as (script, _):
        assert await version(script) == 0


@simulated(seed=1)
async def test_a_full_list_and_a_change() -> None:
    """Core 5.15, 3.5.2."""
    async with at_charge_point() as (script, _):
        assert await sends(script, 3, TAG_A="Accepted", TAG_B="Blocked") == "Accepted"
        assert await version(script) == 3
        assert await sends(script, 4, "Differential", TAG_C="Accepted", TAG_A=None) == "Accepted"
        assert await version(script) == 4


@simulated(seed=1)
@pytest.mark.parametrize("sent", [3, 2])
async def test_a_change_that_is_not_newer(sent: int) -> None:
    """Core 5.15: VersionMismatch, and nothing has changed."""
    async with at_charge_point() as (script, _):
        await sends(script, 3, TAG_A="Accepted")
        assert await sends(script, sent, "Differential", TAG_A=None) == "VersionMismatch"
        assert await version(script) == 3


@simulated(seed=1)
async def test_an_empty_full_list() -> None:
    """Core 6.28: the list is empty, and has version 0."""
    async with at_charge_point() as (script, _):
        await sends(script, 3, TAG_A="Accepted")
        assert await sends(script, 7) == "Accepted"
        assert await version(script) == 0


@simulated(seed=1)
@pytest.mark.parametrize("sent", [0, -1])
async def test_versions_that_mean_something_else(sent: int) -> None:
    """Core errata 3.52."""
    async with at_charge_point() as (script, _):
        assert await sends(script, sent, TAG_A="Accepted") == "Failed"
        assert await version(script) == 0


@simulated(seed=1)
async def test_a_full_list_with_an_entry_that_says_nothing() -> None:
    """Core 7.1: idTagInfo is required there."""
    async with at_charge_point() as (script, _):
        assert await sends(script, 3, TAG_A=None) == "Failed"


@simulated(seed=1)
async def test_a_list_that_is_switched_off() -> None:
    """Core 5.10, 9.2.1: -1 and NotSupported."""
    async with at_charge_point(keys={"LocalAuthListEnabled": "false"}) as (script, _):
        assert await version(script) == -1
        assert await sends(script, 3, TAG_A="Accepted") == "NotSupported"


@simulated(seed=1)
async def test_the_list_outlives_a_reset() -> None:
    """Core 3.5.2."""
    async with at_charge_point() as (script, _):
        await sends(script, 3, TAG_A="Accepted")
        await script.says("Reset", type="Hard")
        await script.boots()
        assert await version(script) == 3


@simulated(seed=1)
async def test_a_listed_tag_needs_no_question() -> None:
    """Core 3.5, LocalPreAuthorize: online, the start is the next call."""
    async with at_charge_point(keys={"LocalPreAuthorize": "true"}) as (script, charge_point):
        await sends(script, 3, TAG_A="Accepted")
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StartTransaction")


@simulated(seed=1)
async def test_a_listed_tag_that_is_not_accepted_is_asked_for_online() -> None:
    """Core 3.5.1, 3.5: it may be good by now."""
    async with at_charge_point(keys={"LocalPreAuthorize": "true"}) as (script, charge_point):
        await sends(script, 3, TAG_A="Blocked")
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")


@simulated(seed=1)
@pytest.mark.parametrize(("tag", "starts"), [("TAG_A", True), ("TAG_B", False), ("TAG_X", False)])
async def test_offline_the_list_decides(tag: str, starts: bool) -> None:
    """Core 3.5.2, LocalAuthorizeOffline: who is listed and good may charge."""
    async with at_charge_point(keys=OFFLINE) as (script, charge_point):
        await sends(script, 3, TAG_A="Accepted", TAG_B="Blocked")
        await offline(script, charge_point)
        assert await swipe_offline(charge_point, tag) is starts


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid"])
async def test_offline_a_bad_listed_tag_is_no_stranger(status: str) -> None:
    """Core 3.5.4: refused even where strangers are let in (AllowOfflineTxForUnknownId)."""
    async with at_charge_point(keys={**OFFLINE, "AllowOfflineTxForUnknownId": "true"}) as (script, charge_point):
        await sends(script, 3, TAG_A=status)
        await offline(script, charge_point)
        assert not await swipe_offline(charge_point, "TAG_A")


@simulated(seed=1)
async def test_offline_a_stranger_is_let_in_if_that_is_allowed() -> None:
    """Core 3.5.4."""
    async with at_charge_point(keys={**OFFLINE, "AllowOfflineTxForUnknownId": "true"}) as (script, charge_point):
        await offline(script, charge_point)
        assert await swipe_offline(charge_point, "TAG_X")


@simulated(seed=1)
async def test_the_list_beats_the_cache() -> None:
    """Core 3.5.3: the cache knows it as good, the list as bad."""
    async with at_charge_point(keys=OFFLINE) as (script, charge_point):
        await script.starts(charge_point)  # the cache learns TAG_A
        charge_point.charging.unplug(1)
        await script.hears("StopTransaction")
        await sends(script, 3, TAG_A="Blocked")
        await offline(script, charge_point)
        assert not await swipe_offline(charge_point, "TAG_A")


@simulated(seed=1)
async def test_a_conflict_is_told() -> None:
    """Core 3.5.2: StatusNotification of connector 0 with LocalListConflict."""
    async with at_charge_point(keys={"LocalPreAuthorize": "true"}) as (script, charge_point):
        await sends(script, 3, TAG_A="Accepted")
        script.info = {"status": "Blocked"}
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("StartTransaction")
        status = await script.hears_status(0, "Available")
        assert status["errorCode"] == "LocalListConflict"


@simulated(seed=1)
async def test_a_listed_tag_past_its_date_has_expired() -> None:
    """Core 3.5.4, 7.27: offline it is refused."""
    async with at_charge_point(keys=OFFLINE) as (script, charge_point):
        entry = {"idTag": "TAG_A", "idTagInfo": {"status": "Accepted", "expiryDate": now_text(100)}}
        await script.says("SendLocalList", listVersion=1, updateType="Full", localAuthorizationList=[entry])
        await asyncio.sleep(101)
        await offline(script, charge_point)
        assert not await swipe_offline(charge_point, "TAG_A")
