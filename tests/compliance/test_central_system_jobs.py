"""Firmware, diagnostics and logs, as a central system orders them and hears of them (core 4.4, 4.5, 5.9, 5.19)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_lab import CallFailed, CallTimeout, CentralSystem
from tests.compliance.script import at_central_system
from tests.compliance.test_central_system_orders import last_id
from tests.pair import simulated

WEB = "http://cs:8000"

Job = tuple[str, str, list[str], Any]
JOBS: list[Job] = [
    ("UpdateFirmware", "FirmwareStatusNotification", steps, {})
    for steps in (
        ["Downloading", "Downloaded", "Installing", "Installed"],
        ["Downloading", "DownloadFailed"],
        ["Downloading", "Downloaded", "Installing", "InstallationFailed"],
    )
]
JOBS += [
    ("GetDiagnostics", "DiagnosticsStatusNotification", ["Uploading", last], {"fileName": "x.txt"})
    for last in ("Uploaded", "UploadFailed")
]
JOBS += [
    ("GetLog", "LogStatusNotification", ["Uploading", last], {"status": "Accepted", "filename": "x.txt"})
    for last in ("Uploaded", "UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")
]
SECURE = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
JOBS += [
    ("SignedUpdateFirmware", "SignedFirmwareStatusNotification", steps, {"status": "Accepted"})
    for steps in (["DownloadScheduled", "DownloadPaused", *SECURE], ["Downloaded", "InvalidSignature"])
]


async def order(central: CentralSystem, action: str) -> Any:
    to = central.operator
    match action:
        case "UpdateFirmware":
            return await to.update_firmware("CP_1", f"{WEB}/new.bin", retries=2, retry_interval=30)
        case "GetDiagnostics":
            return await to.get_diagnostics("CP_1", f"{WEB}/up/")
        case "GetLog":
            return await to.get_log("CP_1", f"{WEB}/up/", "SecurityLog")
    return await to.update_signed_firmware("CP_1", f"{WEB}/new.bin", "certificate", "c2lnbmF0dXJl")


@simulated(seed=1)
@pytest.mark.parametrize(("action", "report", "steps", "answer"), JOBS)
async def test_every_way_that_a_job_can_go(action: str, report: str, steps: list[str], answer: Any) -> None:
    """Core 4.4, 4.5, 5.9, 5.19; whitepaper L01.FR.10, N01.FR.07."""
    async with at_central_system() as (script, central):
        script.answers[action] = answer
        begun = await order(central, action)
        asked = await script.hears(action)
        more = {"requestId": asked["requestId"]} if "requestId" in asked else {}
        for step in steps:
            assert await script.says(report, status=step, **more) == {}
        assert central.ledger.records.jobs.history(begun.number) == steps


@simulated(seed=1)
@pytest.mark.parametrize("status", ["Rejected", "InvalidCertificate", "RevokedCertificate", "AcceptedCanceled"])
async def test_every_answer_to_signed_firmware(status: str) -> None:
    """Whitepaper L01.FR.24 to L01.FR.27."""
    async with at_central_system() as (script, central):
        script.answers["SignedUpdateFirmware"] = {"status": status}
        assert (await order(central, "SignedUpdateFirmware")).status == status


@simulated(seed=1)
async def test_diagnostics_of_which_there_are_none() -> None:
    """Core 5.9: no fileName, so nothing will come."""
    async with at_central_system() as (script, central):
        script.answers["GetDiagnostics"] = {}
        assert (await order(central, "GetDiagnostics")).file is None


def files(central: CentralSystem) -> list[tuple[str, str | None]]:
    """State and file of each job, as they are in the ledger."""
    return [(row["state"], row["file"]) for row in central.ledger.records.jobs.rows("CP_1")]


@simulated(seed=1)
@pytest.mark.parametrize(
    ("action", "report", "answer", "refusal", "last"),
    [
        ("UpdateFirmware", "FirmwareStatusNotification", {}, None, "Installed"),
        ("GetDiagnostics", "DiagnosticsStatusNotification", {"fileName": "x.txt"}, None, "Uploaded"),
        ("GetDiagnostics", "DiagnosticsStatusNotification", {"fileName": "x.txt"}, {}, "Uploaded"),
    ],
)
async def test_a_status_is_of_the_job_that_was_begun(
    action: str, report: str, answer: Any, refusal: Any, last: str
) -> None:
    """Core 4.4, 4.5, 5.9, 5.19: these statuses name no job; a later one that was refused, or brings no file, is not
    told of."""
    async with at_central_system() as (script, central):
        script.answers[action] = answer
        begun = await order(central, action)
        await script.hears(action)
        script.answers[action] = lambda _: (
            refusal if refusal is not None else [4, last_id(script), "GenericError", "", {}]
        )
        try:
            assert (await order(central, action)).file is None
        except CallFailed:
            assert refusal is None
        assert await script.says(report, status=last) == {}
        assert central.ledger.records.jobs.history(begun.number) == [last]
        first, second = files(central)
        assert first == (last, answer.get("fileName"))
        assert second == ("refused" if refusal is None else "nothing", None)


@simulated(seed=1)
async def test_a_log_cancels_the_one_that_was_begun() -> None:
    """Whitepaper N01.FR.11: not the one that was refused meanwhile."""
    async with at_central_system() as (script, central):
        for status in ("Accepted", "Rejected", "AcceptedCanceled"):
            script.answers["GetLog"] = {"status": status}
            assert (await order(central, "GetLog")).status == status
        assert [state for state, _ in files(central)] == ["cancelled", "refused", "accepted"]


@simulated(seed=1)
@pytest.mark.parametrize(("answer", "kept"), [({"fileName": "x.txt"}, ("accepted", "x.txt")), ({}, ("nothing", None))])
async def test_an_answer_that_comes_late_tells_of_the_file(answer: Any, kept: Any) -> None:
    """Core 5.9: after its time was up, too."""

    async def late(_: Any) -> Any:
        await asyncio.sleep(central.timeout + 10)
        return answer

    async with at_central_system() as (script, central):
        script.answers["GetDiagnostics"] = late
        with pytest.raises(CallTimeout):
            await order(central, "GetDiagnostics")
        assert files(central) == [("unknown", None)]
        await asyncio.sleep(60)
        assert files(central) == [kept]
