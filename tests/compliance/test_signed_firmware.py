"""Signed firmware, as a charge point does it (whitepaper L01)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.chains import DAY, holder, name, root
from tests.compliance.files import URL, WebServer, web_server
from tests.compliance.script import Refused, Script, at_charge_point, now_text
from tests.fakes import NOON
from tests.jobs import IMAGE
from tests.pair import simulated

STATUS, EVENT = "SignedFirmwareStatusNotification", "SecurityEventNotification"
MAKER = root("Maker Root", "Maker")
SIGNER = holder(name("Firmware", "Maker"), MAKER, ends=NOON + 30 * DAY)
MADE: dict[str, Any] = {"manufacturer_roots": [MAKER.pem], "security_events": True}


def signed(image: bytes) -> str:
    return base64.b64encode(SIGNER.key.sign(image, ec.ECDSA(SHA256()))).decode()


def served(web: WebServer, image: bytes = IMAGE) -> None:
    web.files["/new.bin"] = image


async def update(
    script: Script, number: int = 7, *, signature: str = "", certificate: str = SIGNER.pem, **more: Any
) -> str:
    firmware = {"location": f"{URL}/new.bin", "retrieveDateTime": now_text(), "signingCertificate": certificate}
    firmware |= {"signature": signature or signed(IMAGE)} | more.pop("firmware", {})
    answer = await script.says("SignedUpdateFirmware", requestId=number, firmware=firmware, **more)
    return str(answer["status"])


async def told(script: Script, last: str, number: int = 7, seconds: float = 900.0) -> list[str]:
    """The statuses of this update in their order, up to this one."""
    found: list[str] = []
    while not found or found[-1] != last:
        await script._until(lambda: any(each == STATUS for each, _ in script.calls), f"{STATUS} {last}", seconds)
        came = next(each for each in script.calls if each[0] == STATUS)
        script.calls.remove(came)
        assert came[1]["requestId"] == number
        found.append(came[1]["status"])
    return found


async def told_event(script: Script, type: str) -> None:
    events = lambda: [payload["type"] for action, payload in script.calls if action == EVENT]  # noqa: E731
    await script._until(lambda: type in events(), type, 60)


async def triggered(script: Script) -> dict[str, Any]:
    answer = await script.says("ExtendedTriggerMessage", requestedMessage="FirmwareStatusNotification")
    assert answer == {"status": "Accepted"}
    return await script.hears(STATUS)


@simulated(seed=1)
async def test_each_step_is_told() -> None:
    """Whitepaper L01.FR.01, L01.FR.10, L01.FR.15: with its requestId, across the boot; then FirmwareUpdated (8)."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web)
        assert await update(script) == "Accepted"
        steps = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
        assert await told(script, "Installed") == steps
        boots = [payload for action, payload in script.calls if action == "BootNotification"]
        assert [boot["firmwareVersion"] for boot in boots] == ["2.0.0"]
        await told_event(script, "FirmwareUpdated")


@simulated(seed=1)
async def test_a_later_download_and_a_later_installation() -> None:
    """Whitepaper L01.FR.13, L01.FR.16, L01.FR.17."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web)
        dates = {"retrieveDateTime": now_text(600), "installDateTime": now_text(1800)}
        assert await update(script, firmware=dates) == "Accepted"
        assert await told(script, "DownloadScheduled") == ["DownloadScheduled"]
        await script.hears_no(STATUS, seconds=590)
        found = await told(script, "InstallScheduled")
        assert found == ["Downloading", "Downloaded", "SignatureVerified", "InstallScheduled"]
        await script.hears_no(STATUS, seconds=1190)
        assert (await told(script, "Installed"))[0] == "Installing"


@simulated(seed=1)
async def test_another_signature() -> None:
    """Whitepaper L01.FR.03, L01.FR.04: nothing is installed, and it is told."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web)
        assert await update(script, signature=signed(IMAGE + b"!")) == "Accepted"
        assert await told(script, "InvalidSignature") == ["Downloading", "Downloaded", "InvalidSignature"]
        await told_event(script, "InvalidFirmwareSignature")
        await script.hears_no("BootNotification", STATUS, seconds=600)


@simulated(seed=1)
@pytest.mark.parametrize("which", ["nothing", "stranger", "expired"])
async def test_another_certificate(which: str) -> None:
    """Whitepaper L01.FR.02, L01.FR.23, L01.FR.24: nothing is fetched, and it is told."""
    certificate = {
        "nothing": "nothing",
        "stranger": holder(name("Firmware", "Maker"), root("Other"), ends=NOON + 30 * DAY).pem,
        "expired": holder(name("Firmware", "Maker"), MAKER, ends=NOON - DAY).pem,
    }[which]
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web)
        assert await update(script, certificate=certificate) == "InvalidCertificate"
        await told_event(script, "InvalidFirmwareSigningCertificate")
        await script.hears_no(STATUS, seconds=60)
        assert web.asked == []


@simulated(seed=1)
async def test_firmware_that_is_not_there() -> None:
    """Whitepaper L01.FR.01: DownloadFailed, after as many tries as were asked for."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        assert await update(script, retries=1, retryInterval=20) == "Accepted"
        assert await told(script, "DownloadFailed") == ["Downloading", "DownloadFailed"]
        assert len(web.asked) == 2


@simulated(seed=1)
async def test_a_damaged_image_is_not_installed() -> None:
    """Whitepaper L01.FR.01, 6.6: its signature is good, and its content is not whole."""
    image = IMAGE + b"!"
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web, image)
        assert await update(script, signature=signed(image)) == "Accepted"
        assert (await told(script, "InstallVerificationFailed"))[-2:] == ["Installing", "InstallVerificationFailed"]
        await script.hears_no("BootNotification", seconds=600)


@simulated(seed=1)
async def test_unsigned_firmware_is_not_taken() -> None:
    """Whitepaper L01.FR.20: NotSupported, and nothing is fetched."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web)
        with pytest.raises(Refused) as refused:
            await script.says("UpdateFirmware", location=f"{URL}/new.bin", retrieveDate=now_text())
        assert refused.value.code == "NotSupported"
        await script.hears_no(seconds=60)
        assert web.asked == []


@simulated(seed=1)
@pytest.mark.parametrize("waits_for", ["retrieveDateTime", "installDateTime"])
async def test_another_update_cancels_the_first(waits_for: str) -> None:
    """Whitepaper L01.FR.26: AcceptedCanceled; of the first nothing more is heard."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web)
        assert await update(script, 1, firmware={waits_for: now_text(3600)}) == "Accepted"
        await told(script, "DownloadScheduled" if waits_for == "retrieveDateTime" else "InstallScheduled", 1)
        assert await update(script, 2) == "AcceptedCanceled"
        await told(script, "Installed", 2)
        await script.hears_no(STATUS, seconds=4000)


@simulated(seed=1)
async def test_one_that_installs_is_not_cancelled() -> None:
    """Whitepaper L01.FR.27: Rejected."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        served(web)
        await update(script, 1)
        await told(script, "Installing", 1)
        assert await update(script, 2) == "Rejected"
        await told(script, "Installed", 1)


@simulated(seed=1)
async def test_it_waits_for_the_driver_and_lets_nobody_else_begin() -> None:
    """Whitepaper L01.FR.06, L01.FR.07: what is free, or becomes it, is Unavailable until the firmware is there."""
    async with web_server() as web, at_charge_point(**MADE) as (script, charge_point):
        served(web)
        await script.starts(charge_point)
        assert await update(script) == "Accepted"
        await told(script, "SignatureVerified")
        await script.hears_status(2, "Unavailable")
        await script.hears_no(STATUS, "StopTransaction", seconds=600)
        await charge_point.charging.present(1, "TAG_A")
        charge_point.charging.unplug(1)
        assert (await told(script, "Installed"))[0] == "Installing"
        await asyncio.sleep(5)
        assert [script.statuses(number)[-1]["status"] for number in (1, 2)] == ["Available", "Available"]


@simulated(seed=1)
async def test_what_is_told_when_it_is_triggered() -> None:
    """Whitepaper L01.FR.21, L01.FR.28, L01.FR.29: the last status, but Idle before the first update and after one."""
    async with web_server() as web, at_charge_point(**MADE) as (script, _):
        assert await triggered(script) == {"status": "Idle"}
        served(web)
        await update(script, 1, firmware={"retrieveDateTime": now_text(600)})
        await told(script, "DownloadScheduled", 1)
        assert await triggered(script) == {"status": "DownloadScheduled", "requestId": 1}
        await update(script, 2, signature=signed(b"other"))
        await told(script, "InvalidSignature", 2)
        script.forgets()
        assert await triggered(script) == {"status": "InvalidSignature", "requestId": 2}
        await update(script, 3)
        await told(script, "Installed", 3)
        await asyncio.sleep(60)
        script.forgets()
        assert await triggered(script) == {"status": "Idle"}
