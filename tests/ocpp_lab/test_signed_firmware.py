"""Signed firmware with real certificates, and the security log that tells of it (whitepaper L01, N01)."""

from __future__ import annotations

import asyncio
import base64
import itertools
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from ocpp_lab import CallFailed
from ocpp_lab import messages as m
from tests.chains import DAY, holder, name, root
from tests.fakes import NOON
from tests.jobs import IMAGE, WEB, Depot, depot
from tests.pair import payloads, simulated
from tests.profiles import after

LATER = NOON + 30 * DAY
MAKER = root("Maker Root", "Maker")
SIGNER = holder(name("Firmware", "Maker"), MAKER, ends=LATER)
SIGNATURE = base64.b64encode(SIGNER.key.sign(IMAGE, ec.ECDSA(SHA256()))).decode()
OPTIONS: dict[str, Any] = {
    "manufacturer_roots": [MAKER.pem],
    "security_events": True,
    "delays": lambda: itertools.repeat(1.0),
}


async def update(here: Depot, signature: str = SIGNATURE, certificate: str = SIGNER.pem) -> str:
    firmware = m.FirmwareType(
        location=f"{WEB}/new.bin", retrieve_date_time=after(0), signing_certificate=certificate, signature=signature
    )
    return str((await here.ask(m.SignedUpdateFirmwareRequest(request_id=1, firmware=firmware))).status)


def events(here: Depot) -> list[str]:
    """The security events that were told."""
    return [each["type"] for each in payloads(here.central_system, "SecurityEventNotification")]


@simulated
async def test_what_the_maker_signed_is_installed() -> None:
    async with depot(**OPTIONS) as here:
        assert await update(here) == "Accepted"
        await asyncio.sleep(60)
        assert here.told("SignedFirmware")[-1] == "Installed#1"
        assert payloads(here.central_system, "BootNotification")[-1]["firmwareVersion"] == "2.0.0"
        assert "FirmwareUpdated" in events(here)


@simulated
async def test_another_signature() -> None:
    """L01.FR.03: InvalidSignature, and InvalidFirmwareSignature is told."""
    async with depot(**OPTIONS) as here:
        other = base64.b64encode(SIGNER.key.sign(IMAGE + b"!", ec.ECDSA(SHA256()))).decode()
        assert await update(here, signature=other) == "Accepted"
        await asyncio.sleep(60)
        assert here.told("SignedFirmware")[-1] == "InvalidSignature#1"
        assert events(here)[-1] == "InvalidFirmwareSignature"


@simulated
async def test_another_signer() -> None:
    """L01.FR.02, L01.FR.24: nothing is fetched."""
    async with depot(**OPTIONS) as here:
        stranger = holder(name("Firmware", "Maker"), root("Other"), ends=LATER)
        assert await update(here, certificate=stranger.pem) == "InvalidCertificate"
        await asyncio.sleep(10)
        assert events(here)[-1] == "InvalidFirmwareSigningCertificate"
        assert here.files.received == []


@simulated
async def test_unsigned_firmware_is_not_taken() -> None:
    """L01.FR.20."""
    async with depot(**OPTIONS) as here:
        with pytest.raises(CallFailed, match="NotSupported"):
            await here.update()


@simulated
async def test_the_security_log_is_uploaded() -> None:
    """N01.FR.03, N01.FR.05."""
    async with depot(**OPTIONS) as here:
        await update(here, signature="bm8=")
        await asyncio.sleep(30)
        answer = await here.get_log(9, kind="SecurityLog")
        assert answer.filename == "CP_1_SecurityLog_20300601T120031Z.txt"
        await asyncio.sleep(5)
        lines = here.files.received[-1].body.decode().splitlines()
        assert lines[0].endswith(" StartupOfTheDevice")
        assert lines[-1].endswith(" InvalidFirmwareSignature wrong-signature")
        assert here.told("Log") == ["Uploading#9", "Uploaded#9"]


@simulated
@pytest.mark.parametrize(
    ("message", "action"),
    [("LogStatusNotification", "Log"), ("FirmwareStatusNotification", "SignedFirmware")],
)
async def test_triggered(message: Any, action: str) -> None:
    """ExtendedTriggerMessage: Idle without a requestId, else the status with it (L01.FR.29, N01.FR.12)."""
    async with depot(**OPTIONS) as here:

        async def trigger() -> None:
            answer = await here.ask(m.ExtendedTriggerMessageRequest(requested_message=message))
            assert answer.status == "Accepted"
            await asyncio.sleep(1)

        await trigger()
        here.files.answers = [None]
        if action == "Log":
            await here.get_log(1, retries=0)
        else:
            await update(here)
        await asyncio.sleep(1)
        await trigger()
        first, begun, again, *_ = here.told(action)
        assert first == "Idle" and begun == again == ("Uploading#1" if action == "Log" else "Downloading#1")
