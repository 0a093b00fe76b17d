"""New firmware: fetched, installed, booted into, and told how it goes (core 4.5, 5.19, whitepaper L01)."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallFailed
from ocpp_lab import messages as m
from ocpp_lab.charge_point.firmware import INSTALL_TIME
from ocpp_lab.charge_point.firmware_image import make_image, version_of
from tests.fakes import Failing, power_cut
from tests.file_server import told
from tests.jobs import IMAGE, WEB, Depot, depot
from tests.pair import actions, heal, on, payloads, simulated
from tests.profiles import after

FIRMWARE, SIGNED = "Firmware", "SignedFirmware"
WHOLE = ["Downloading", "Downloaded", "Installing", "Installed"]


_paths = itertools.count()


def fresh(folder: Path) -> str:
    """A path that no other seed uses."""
    return str(folder / f"cp{next(_paths)}")


def versions(here: Depot) -> list[str | None]:
    """What each boot said that it runs."""
    return [boot.get("firmwareVersion") for boot in payloads(here.central_system, "BootNotification")]


# The image ------------------------------------------------------------------------------------------------------------


def test_an_image_has_a_version_and_is_whole() -> None:
    image = make_image("2.1.0", b"content")
    assert version_of(image, "http://x/any.bin") == "2.1.0"
    assert all(version_of(image[:cut], "") is None for cut in range(len(b"OCPP-LAB-FIRMWARE "), len(image)))
    assert version_of(image[:-1] + b"!", "") is None
    assert version_of(b"", "http://x/any.bin") is None


def test_other_peoples_files_are_called_after_their_location() -> None:
    assert version_of(b"\x7fELF", "http://x/path/any%202.bin?key=1") == "any 2.bin"
    assert version_of(b"\x7fELF", "http://x/") == "unnamed"
    assert version_of(b"\x7fELF", "http://x/" + "y" * 99) == "y" * 50


@pytest.mark.parametrize("version", ["", "2 0", "2\n", "é", "x" * 51])
def test_versions_that_are_none(version: str) -> None:
    with pytest.raises(ValueError, match="expected a version"):
        make_image(version)


# UpdateFirmware -------------------------------------------------------------------------------------------------------


@simulated
async def test_the_whole_way() -> None:
    """Core 5.19: every state is told, and the boot says the new version."""
    async with depot(delays=lambda: itertools.repeat(1.0)) as here:
        await here.update()
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == WHOLE
        assert versions(here) == [None, "2.0.0"]
        told_last = actions(here.central_system)
        assert told_last.index("BootNotification", 1) < len(told_last) - 1 - told_last[::-1].index(
            "FirmwareStatusNotification"
        )
        assert here.files.received[0].method == "GET"


@simulated
async def test_it_waits_for_the_date() -> None:
    """Core errata 3.63: not before; and no status meanwhile, for it knows none for that."""
    async with depot() as here:
        await here.update(at=500)
        await asyncio.sleep(490)
        assert here.told(FIRMWARE) == [] and here.files.received == []
        assert await here.trigger("FirmwareStatusNotification") == "Accepted"
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == ["Idle", *WHOLE]
        assert here.times(FIRMWARE)[1] == 500


@simulated
async def test_it_waits_by_the_clock_that_was_set() -> None:
    async with depot() as here:
        await here.update(at=500)
        here.charge_point.clock._set(after(400) - after(0))
        await asyncio.sleep(101)
        assert here.told(FIRMWARE)[:1] == ["Downloading"]


@simulated
async def test_it_waits_for_the_end_of_a_transaction() -> None:
    """Core errata 3.49."""
    async with depot(delays=lambda: itertools.repeat(1.0)) as here:
        here.charge_point.charging.plug_in(1)
        await here.charge_point.charging.present(1, "TAG_A")
        await here.update()
        await asyncio.sleep(300)
        assert here.told(FIRMWARE) == WHOLE[:2]
        here.charge_point.charging.unplug(1)
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == WHOLE


def status(here: Depot, connector: int) -> str:
    """What was told of it last."""
    told = payloads(here.central_system, "StatusNotification")
    return str([each["status"] for each in told if each["connectorId"] == connector][-1])


@simulated
async def test_nobody_begins_while_it_waits() -> None:
    """L01.FR.07: free connectors are Unavailable, and those that become free; afterwards as they were commanded."""
    async with depot(delays=lambda: itertools.repeat(1.0), connectors=3) as here:
        await here.ask(m.ChangeAvailabilityRequest(connector_id=3, type="Inoperative"))
        here.charge_point.charging.plug_in(1)
        await here.charge_point.charging.present(1, "TAG_A")
        await here.update()
        await asyncio.sleep(30)
        assert [status(here, n) for n in (1, 2, 3)] == ["Charging", "Unavailable", "Unavailable"]
        here.charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert status(here, 1) == "Unavailable"
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == WHOLE
        assert [status(here, n) for n in (1, 2, 3)] == ["Available", "Available", "Unavailable"]


@simulated
async def test_an_update_that_is_cancelled_lets_drivers_in_again() -> None:
    async with depot() as here:
        here.charge_point.charging.plug_in(1)
        await here.charge_point.charging.present(1, "TAG_A")
        await here.update()
        await asyncio.sleep(5)
        await here.update(at=1000)
        await asyncio.sleep(5)
        here.charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert status(here, 1) == "Available"


@simulated
async def test_the_power_goes_while_it_waits(caplog: pytest.LogCaptureFixture) -> None:
    """Its end is quiet: nothing is written into a file that is closed."""
    async with depot() as here:
        here.charge_point.charging.plug_in(1)
        await here.charge_point.charging.present(1, "TAG_A")
        await here.update()
        await asyncio.sleep(5)
    assert not here.charge_point.chores.bugs
    assert "could not be" not in caplog.text


@simulated
@pytest.mark.parametrize(
    ("fields", "attempts", "wait"), [({"retries": 0}, 1, 0), ({"retries": 2, "retry_interval": 7}, 3, 7)]
)
async def test_retries(fields: Any, attempts: int, wait: int) -> None:
    """Core 6.55."""
    async with depot() as here:
        await here.update(f"{WEB}/missing.bin", **fields)
        await asyncio.sleep(60)
        assert len(here.files.received) == attempts
        assert here.told(FIRMWARE) == ["Downloading", "DownloadFailed"]
        began, ended = here.times(FIRMWARE)
        assert ended - began == (attempts - 1) * wait


@simulated
@pytest.mark.parametrize("location", ["ftp://files/new.bin", "http://nowhere/new.bin", "new.bin"])
async def test_what_cannot_be_fetched(location: str) -> None:
    async with depot() as here:
        await here.update(location, retries=0)
        await asyncio.sleep(10)
        assert here.told(FIRMWARE) == ["Downloading", "DownloadFailed"]


@simulated
@pytest.mark.parametrize("content", [b"", IMAGE[:-1]])
async def test_a_damaged_file_is_not_installed(content: bytes) -> None:
    """Core errata 3.48: only firmware that is valid."""
    async with depot() as here:
        here.files.files["/new.bin"] = content
        await here.update()
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == [*WHOLE[:3], "InstallationFailed"]
        assert versions(here) == [None]


@simulated
async def test_a_file_that_comes_in_part_has_not_come() -> None:
    async with depot() as here:
        here.files.answers = [told(200, IMAGE)[:-5]]
        await here.update(retries=0)
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == ["Downloading", "DownloadFailed"]


@simulated
async def test_a_new_request_cancels_the_old_one() -> None:
    async with depot() as here:
        await here.update(at=500)
        await here.update(at=100)
        await asyncio.sleep(600)
        assert here.told(FIRMWARE) == WHOLE


@simulated
async def test_while_it_is_installed_it_cannot_be_cancelled() -> None:
    async with depot(delays=lambda: itertools.repeat(1.0)) as here:
        await here.update()
        await asyncio.sleep(INSTALL_TIME - 2)
        assert here.told(FIRMWARE) == WHOLE[:3]
        with pytest.raises(CallFailed, match="being installed"):
            await here.update()
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == WHOLE


@simulated
async def test_triggered() -> None:
    """Core 4.5: Idle only when triggered, when it is busy with nothing; else what it does."""
    async with depot() as here:
        assert await here.trigger("FirmwareStatusNotification") == "Accepted"
        here.files.answers = [None]
        await here.update(retries=0)
        await asyncio.sleep(1)
        assert await here.trigger("FirmwareStatusNotification") == "Accepted"
        await asyncio.sleep(60)
        assert await here.trigger("FirmwareStatusNotification") == "Accepted"
        await asyncio.sleep(1)
        assert here.told(FIRMWARE) == ["Idle", "Downloading", "Downloading", "DownloadFailed", "Idle"]


# What happens meanwhile -----------------------------------------------------------------------------------------------


@simulated
async def test_an_update_outlives_the_connection() -> None:
    """Downloaded and installed in the dark; all that was not told is told after the boot."""
    async with depot(delays=lambda: itertools.repeat(5.0)) as here:
        await here.update(at=50)
        await asyncio.sleep(10)
        loop: Any = asyncio.get_running_loop()
        await on("cs", here.central_system["CP_1"].close(1001))
        loop.net.partition(["cs"], ["cp"])
        await asyncio.sleep(100)
        assert here.files.received and here.told(FIRMWARE) == []
        heal()
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == WHOLE
        assert versions(here) == [None, "2.0.0"]


@simulated
@pytest.mark.parametrize("seconds", [1, 4, 101, 103, 104, 150])
async def test_an_update_outlives_a_power_cut(seconds: float, tmp_path: Path) -> None:
    """Whenever the power goes, in the end it is installed, once, and told."""
    path = fresh(tmp_path)
    async with depot(path=path) as here:
        here.files.answers = [told(503)]
        await here.update(at=4, retries=1, retry_interval=97)
        await asyncio.sleep(seconds)
        copy = power_cut(path)
    async with depot(path=copy) as here:
        await asyncio.sleep(200)
        assert here.told(FIRMWARE)[-1:] == ([] if seconds == 150 else ["Installed"])  # by then it was told before
        assert versions(here)[-1] == "2.0.0"
        assert here.charge_point.file_jobs.firmware.status().status == "Idle"


@simulated
async def test_the_new_version_stays(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    boot = m.BootNotificationRequest(charge_point_vendor="Lab", charge_point_model="One", firmware_version="1.0")
    async with depot(path=path, boot=boot) as here:
        await here.update()
        await asyncio.sleep(60)
        assert versions(here) == ["1.0", "2.0.0"]
    async with depot(path=path, boot=boot) as here:
        assert versions(here) == ["2.0.0"]
    assert boot.firmware_version == "1.0"


@simulated
async def test_firmware_that_cannot_be_written_is_not_installed() -> None:
    async with depot() as here:
        await here.update()
        await asyncio.sleep(INSTALL_TIME - 1)
        here.charge_point.memory.store.before = failing = Failing(1, once=False)
        await asyncio.sleep(60)
        failing.mend()
        assert here.told(FIRMWARE) == [*WHOLE[:3], "InstallationFailed"]
        assert versions(here) == [None]


# Signed firmware ------------------------------------------------------------------------------------------------------


class Notary:
    """In the place of certificates: one is good, and so is one signature; notes what is told."""

    def __init__(self) -> None:
        self.only_signed = True
        self.events: list[str] = []

    def demanded(self) -> bool:
        return self.only_signed

    def certificate_trouble(self, certificate: str) -> str | None:
        return None if certificate == "the maker's" else "untrusted"

    def signature_trouble(self, firmware: bytes, signature: str, certificate: str) -> str | None:
        return None if (firmware, signature) == (IMAGE, "good") else "wrong-signature"

    def event(self, type: str, info: str) -> None:
        self.events.append(f"{type}: {info}")


class Vault(Depot):
    """A charge point that knows its maker."""

    @property
    def notary(self) -> Notary:
        found: Any = self.charge_point.file_jobs.firmware.trust
        return found

    async def signed(
        self,
        id: int,
        signature: str = "good",
        certificate: str = "the maker's",
        install: float | None = None,
        **fields: Any,
    ) -> str:
        firmware = m.FirmwareType(
            location=f"{WEB}/new.bin",
            retrieve_date_time=after(fields.pop("at", 0)),
            install_date_time=None if install is None else after(install),
            signing_certificate=certificate,
            signature=signature,
        )
        answer = await self.ask(m.SignedUpdateFirmwareRequest(request_id=id, firmware=firmware, **fields))
        return str(answer.status)


def vault(here: Depot) -> Vault:
    here.charge_point.file_jobs.firmware.trust = Notary()
    return Vault(here.central_system, here.charge_point, here.files)


@simulated
async def test_signed_firmware() -> None:
    """L01.FR.01, L01.FR.10, L01.FR.15: every state, with the requestId."""
    async with depot(delays=lambda: itertools.repeat(1.0)) as plain:
        here = vault(plain)
        assert await here.signed(5) == "Accepted"
        await asyncio.sleep(60)
        states = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
        assert here.told(SIGNED) == [f"{state}#5" for state in states]
        assert versions(here) == [None, "2.0.0"]
        assert here.notary.events == ["FirmwareUpdated: 2.0.0"]
        assert here.told(FIRMWARE) == []


@simulated
async def test_a_wrong_signature() -> None:
    """L01.FR.03: InvalidSignature, and a security event; it is not installed."""
    async with depot() as plain:
        here = vault(plain)
        assert await here.signed(5, signature="bad") == "Accepted"
        await asyncio.sleep(60)
        assert here.told(SIGNED) == ["Downloading#5", "Downloaded#5", "InvalidSignature#5"]
        assert here.notary.events == ["InvalidFirmwareSignature: wrong-signature"]
        assert versions(here) == [None]


@simulated
async def test_a_certificate_that_is_not_the_makers() -> None:
    """L01.FR.02, L01.FR.23, L01.FR.24: before anything is fetched; what runs goes on."""
    async with depot() as plain:
        here = vault(plain)
        assert await here.signed(4, at=100) == "Accepted"
        assert await here.signed(5, certificate="mine") == "InvalidCertificate"
        assert here.notary.events == ["InvalidFirmwareSigningCertificate: untrusted"]
        assert here.files.received == []
        await asyncio.sleep(200)
        assert here.told(SIGNED)[-1] == "Installed#4"


@simulated
async def test_without_a_makers_certificate_nobody_can_sign() -> None:
    async with depot() as here:
        assert await Vault(here.central_system, here.charge_point, here.files).signed(1) == "InvalidCertificate"


@simulated
async def test_unsigned_firmware_is_refused_where_it_has_to_be_signed() -> None:
    """L01.FR.20."""
    async with depot() as plain:
        here = vault(plain)
        with pytest.raises(CallFailed, match="NotSupported"):
            await here.update()
        await asyncio.sleep(60)
        assert here.files.received == []
        here.notary.only_signed = False
        await here.update()
        await asyncio.sleep(60)
        assert here.told(FIRMWARE) == WHOLE


@simulated
async def test_dates_of_signed_firmware() -> None:
    """L01.FR.13, L01.FR.16."""
    async with depot() as plain:
        here = vault(plain)
        await here.signed(5, at=100, install=300)
        await asyncio.sleep(400)
        states = [
            "DownloadScheduled",
            "Downloading",
            "Downloaded",
            "SignatureVerified",
            "InstallScheduled",
            "Installing",
        ]
        assert here.told(SIGNED)[:6] == [f"{state}#5" for state in states]
        assert here.times(SIGNED)[:6] == [1, 100, 100, 100, 100, 300]


@simulated
async def test_a_new_signed_update_cancels_the_old_one() -> None:
    """L01.FR.26, L01.FR.27."""
    async with depot() as plain:
        here = vault(plain)
        assert await here.signed(1, at=1000) == "Accepted"
        assert await here.signed(2) == "AcceptedCanceled"
        await asyncio.sleep(INSTALL_TIME - 2)
        assert here.told(SIGNED)[-1] == "Installing#2"
        assert await here.signed(3) == "Rejected"
        await asyncio.sleep(60)
        assert here.told(SIGNED)[-1] == "Installed#2"
        assert await here.signed(4) == "Accepted"


@simulated
async def test_a_damaged_file_with_a_good_signature() -> None:
    async with depot() as plain:
        here = vault(plain)
        here.notary.signature_trouble = lambda *given: None  # type: ignore[method-assign]
        here.files.files["/new.bin"] = IMAGE[:-1]
        await here.signed(5)
        await asyncio.sleep(60)
        assert here.told(SIGNED)[-1] == "InstallVerificationFailed#5"


@simulated
async def test_the_status_of_signed_firmware() -> None:
    """L01.FR.21, L01.FR.28, L01.FR.29: the last one again; Idle after Installed."""
    async with depot() as plain:
        here = vault(plain)
        firmware = here.charge_point.file_jobs.firmware
        idle = m.SignedFirmwareStatusNotificationRequest(status="Idle")
        assert firmware.signed_status() == idle
        await here.signed(5, signature="bad", at=100)
        assert firmware.signed_status().status == "DownloadScheduled"
        assert firmware.status().status == "Idle"
        await asyncio.sleep(150)
        assert firmware.signed_status() == m.SignedFirmwareStatusNotificationRequest(
            status="InvalidSignature", request_id=5
        )
        await here.signed(6)
        await asyncio.sleep(60)
        assert firmware.signed_status() == idle
