"""Diagnostics, logs and firmware, as a charge point does them (core 4.4, 4.5, 5.9, 5.19; whitepaper N01)."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from tests.compliance.files import URL, WebServer, web_server
from tests.compliance.script import Script, at_charge_point, now_text
from tests.pair import simulated

DIAGNOSTICS, FIRMWARE, LOG = "DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification"


async def statuses(script: Script, action: str, last: str, seconds: float = 900.0) -> list[str]:
    """The statuses of a job in their order, up to this one."""
    found: list[str] = []
    while not found or found[-1] != last:
        await script._until(lambda: any(name == action for name, _ in script.calls), f"{action} {last}", seconds)
        came = next((name, payload) for name, payload in script.calls if name == action)
        script.calls.remove(came)
        found.append(came[1]["status"])
    return found


async def diagnostics(script: Script, location: str = f"{URL}/up/", **more: Any) -> str | None:
    return (await script.says("GetDiagnostics", location=location, **more)).get("fileName")


async def update(script: Script, location: str = f"{URL}/new.bin", **more: Any) -> None:
    more.setdefault("retrieveDate", now_text())
    assert await script.says("UpdateFirmware", location=location, **more) == {}


async def log(script: Script, number: int = 7, kind: str = "DiagnosticsLog", location: str = f"{URL}/up/") -> Any:
    return await script.says("GetLog", logType=kind, requestId=number, log={"remoteLocation": location})


def served(web: WebServer) -> None:
    web.files["/new.bin"] = b"firmware " * 1000


# --- GetDiagnostics ---------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_diagnostics_are_uploaded() -> None:
    """Core 5.9, 4.4, core errata 3.31: the name is told, then Uploading and Uploaded; the file is there."""
    async with web_server() as web, at_charge_point() as (script, _):
        name = await diagnostics(script)
        assert name
        assert await statuses(script, DIAGNOSTICS, "Uploaded") == ["Uploading", "Uploaded"]
        [(path, body)] = web.taken.items()
        assert name in path or name.encode() in body
        assert len(body) > 10


@simulated(seed=1)
async def test_an_upload_that_fails_is_tried_again() -> None:
    """Core 6.25, core errata 3.50: retries, each retryInterval after the one before."""
    async with web_server() as web, at_charge_point() as (script, _):
        web.refuses = 2
        await diagnostics(script, retries=2, retryInterval=30)
        assert (await statuses(script, DIAGNOSTICS, "Uploaded"))[-1] == "Uploaded"
        times = [at for at, _ in web.asked]
        assert [round(b - a) for a, b in itertools.pairwise(times)] == [30, 30]


@simulated(seed=1)
async def test_an_upload_that_fails_for_good() -> None:
    """Core 4.4: UploadFailed, after as many tries as were asked for."""
    async with web_server() as web, at_charge_point() as (script, _):
        web.refuses = 99
        await diagnostics(script, retries=1, retryInterval=10)
        assert (await statuses(script, DIAGNOSTICS, "UploadFailed"))[-1] == "UploadFailed"
        assert len(web.asked) == 2


@simulated(seed=1)
@pytest.mark.parametrize("location", ["http://cs:8001/up/", "ftp://cs/up/"])
async def test_an_upload_to_nowhere(location: str) -> None:
    """Core 4.4, 9.1 SupportedFileTransferProtocols: it ends, and does not hang."""
    async with at_charge_point() as (script, _):
        await diagnostics(script, location, retries=0)
        assert (await statuses(script, DIAGNOSTICS, "UploadFailed"))[-1] == "UploadFailed"


@simulated(seed=1)
async def test_after_an_upload_it_is_idle() -> None:
    """Core 4.4: Idle is told only when it is asked for."""
    async with web_server(), at_charge_point() as (script, _):
        await diagnostics(script)
        await statuses(script, DIAGNOSTICS, "Uploaded")
        await script.hears_no(DIAGNOSTICS, seconds=60)
        await script.says("TriggerMessage", requestedMessage=DIAGNOSTICS)
        assert await script.hears(DIAGNOSTICS) == {"status": "Idle"}


# --- UpdateFirmware ---------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_firmware_is_fetched_and_installed() -> None:
    """Core 5.19, 4.5, core errata 3.47: each step is told; it boots on the way."""
    async with web_server() as web, at_charge_point() as (script, _):
        served(web)
        await update(script)
        found = await statuses(script, FIRMWARE, "Installed")
        assert found == ["Downloading", "Downloaded", "Installing", "Installed"]
        await asyncio.sleep(60)
        assert any(name == "BootNotification" for name, _ in script.calls)


@simulated(seed=1)
async def test_firmware_of_tomorrow() -> None:
    """Core 5.19, core errata 3.63: not before retrieveDate."""
    async with web_server() as web, at_charge_point() as (script, _):
        served(web)
        await update(script, retrieveDate=now_text(3600))
        await script.hears_no(FIRMWARE, seconds=3590)
        await statuses(script, FIRMWARE, "Installed")


@simulated(seed=1)
async def test_firmware_that_is_not_there() -> None:
    """Core 4.5: DownloadFailed, after the retries."""
    async with web_server() as web, at_charge_point() as (script, _):
        await update(script, retries=2, retryInterval=20)
        found = await statuses(script, FIRMWARE, "DownloadFailed")
        assert found[-1] == "DownloadFailed" and len(web.asked) == 3


@simulated(seed=1)
@pytest.mark.parametrize("image", [b"", b"OCPP-LAB-FIRMWARE 2.0 0000\nanother content"])
async def test_firmware_that_cannot_be_installed(image: bytes) -> None:
    """Core 4.5: fetched, and then InstallationFailed; no reboot, and the connectors serve again."""
    async with web_server() as web, at_charge_point() as (script, charge_point):
        web.files["/new.bin"] = image
        await update(script, retries=0)
        found = await statuses(script, FIRMWARE, "InstallationFailed")
        assert found == ["Downloading", "Downloaded", "Installing", "InstallationFailed"]
        await script.hears_no("BootNotification", seconds=60)
        assert [charge_point.connectors[each].status for each in (1, 2)] == ["Available", "Available"]


@simulated(seed=1)
async def test_firmware_by_a_way_that_is_not_supported() -> None:
    """Core 9.1 SupportedFileTransferProtocols."""
    async with at_charge_point() as (script, _):
        await update(script, "ftp://cs/new.bin", retries=0)
        assert (await statuses(script, FIRMWARE, "DownloadFailed"))[-1] == "DownloadFailed"


@simulated(seed=1)
async def test_firmware_waits_for_the_driver() -> None:
    """Core errata 3.49: the installation begins when nobody charges any more."""
    async with web_server() as web, at_charge_point() as (script, charge_point):
        served(web)
        await script.starts(charge_point)
        await update(script)
        await statuses(script, FIRMWARE, "Downloaded")
        await script.hears_no(FIRMWARE, "StopTransaction", seconds=600)
        await charge_point.charging.present(1, "TAG_A")
        charge_point.charging.unplug(1)
        assert await statuses(script, FIRMWARE, "Installed") == ["Installing", "Installed"]


@simulated(seed=1)
async def test_a_job_outlives_the_connection() -> None:
    """Core 4.5: what happened while nobody could be told is told at the end."""
    async with web_server() as web, at_charge_point() as (script, charge_point):
        served(web)
        web.refuses = 1
        await update(script, retries=1, retryInterval=60)
        await asyncio.sleep(5)
        await script.hangs_up()
        await charge_point.wait_for("waiting", "connecting")
        assert (await statuses(script, FIRMWARE, "Installed"))[-1] == "Installed"


@simulated(seed=1)
async def test_no_update_and_it_is_idle() -> None:
    """Core 4.5, 5.17."""
    async with at_charge_point() as (script, _):
        await script.says("TriggerMessage", requestedMessage=FIRMWARE)
        assert await script.hears(FIRMWARE) == {"status": "Idle"}


# --- GetLog -----------------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize("kind", ["DiagnosticsLog", "SecurityLog"])
async def test_a_log_is_uploaded(kind: str) -> None:
    """Whitepaper N01: Accepted with a name; the requestId in every status."""
    async with web_server() as web, at_charge_point() as (script, _):
        answer = await log(script, 7, kind)
        assert answer["status"] == "Accepted" and answer["filename"]
        numbers = []
        status = ""
        while status != "Uploaded":
            payload = await script.hears(LOG)
            status, number = payload["status"], payload["requestId"]
            numbers.append(number)
        assert set(numbers) == {7} and web.taken


@simulated(seed=1)
async def test_a_log_that_cannot_be_uploaded() -> None:
    """Whitepaper N01.FR.10, 6.17: UploadFailure."""
    async with at_charge_point() as (script, _):
        await script.says(
            "GetLog", logType="DiagnosticsLog", requestId=3, retries=0, log={"remoteLocation": "http://cs:8001/up"}
        )
        assert (await statuses(script, LOG, "UploadFailure"))[-1] == "UploadFailure"


@simulated(seed=1)
async def test_a_second_log_cancels_the_first() -> None:
    """Whitepaper N01.FR.11: AcceptedCanceled."""
    async with web_server() as web, at_charge_point() as (script, _):
        web.refuses = 1
        await log(script, 1)
        await asyncio.sleep(1)
        assert (await log(script, 2))["status"] == "AcceptedCanceled"
