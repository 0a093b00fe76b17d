"""Files to fetch and to bring: begun, told of, cancelled, each told status kept (core 4.4, 4.5, 5.9; whitepaper 5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ocpp_lab import CallFailed
from tests.operated import DATE, done, operated
from tests.pair import simulated

OK = {"status": "Accepted"}
PLACE = "http://127.0.0.1:8000/"


def jobs(peer: Any) -> list[tuple[str, str]]:
    return [(row["kind"], row["state"]) for row in peer.ours.ledger.records.jobs.rows("CP_1")]


async def tells(peer: Any, action: str, status: str, **fields: Any) -> None:
    assert (await peer.ask(f"told {status}", action, {"status": status, **fields}))[2] == {}


@simulated
async def test_firmware_from_begin_to_end() -> None:
    """Idle, which comes when triggered, says nothing of a job (core 4.5)."""
    async with operated() as (operator, peer):
        job, asked = await done(peer, operator.update_firmware("CP_1", PLACE, retries=3, retry_interval=60), {})
        assert (job.status, job.file, job.request_id) == ("answered", None, None)
        expected = {"location": PLACE, "retrieveDate": "2030-06-01T12:00:00.000Z", "retries": 3, "retryInterval": 60}
        assert asked == [("UpdateFirmware", expected)] and jobs(peer) == [("firmware", "accepted")]
        statuses = ["Downloading", "Downloaded", "Installing", "Installed"]
        for status in [*statuses, "Idle"]:
            await tells(peer, "FirmwareStatusNotification", status)
        assert jobs(peer) == [("firmware", "Installed")]
        assert peer.ours.ledger.records.jobs.history(job.number) == statuses
        assert [row["status"] for row in peer.ours.ledger.records.jobs.statuses.rows()] == [*statuses, "Idle"]


@simulated
async def test_signed_firmware_by_its_request_id() -> None:
    """Two at once: each status finds its own; a requestId of nobody is kept, and belongs to no job."""
    async with operated() as (operator, peer):
        sign = operator.update_signed_firmware
        first, asked = await done(peer, sign("CP_1", PLACE, "PEM", "SIGNATURE", install=DATE), OK)
        assert asked[0][1]["firmware"]["signingCertificate"] == "PEM" and asked[0][1]["requestId"] == first.request_id
        second, _ = await done(peer, sign("CP_1", PLACE, "PEM", "SIGNATURE"), {"status": "InvalidCertificate"})
        assert second.status == "InvalidCertificate" and second.request_id != first.request_id
        for request_id in (first.request_id, 99, 2**70):
            await tells(peer, "SignedFirmwareStatusNotification", "InvalidSignature", requestId=request_id)
        assert jobs(peer) == [("signed firmware", "InvalidSignature"), ("signed firmware", "refused")]
        told = [(row["job"], row["request"]) for row in peer.ours.ledger.records.jobs.statuses.rows()]
        assert told == [(first.number, first.request_id), (None, 99), (None, str(2**70))]


@simulated
async def test_diagnostics_and_the_name_of_their_file() -> None:
    async with operated() as (operator, peer):
        span: Any = {"start": DATE - timedelta(1), "stop": DATE}
        job, asked = await done(peer, operator.get_diagnostics("CP_1", PLACE, **span), {"fileName": "d.zip"})
        assert job.file == "d.zip" and asked[0][1]["startTime"] == "2030-05-31T12:00:00.000Z"
        await tells(peer, "DiagnosticsStatusNotification", "UploadFailed")
        nothing, _ = await done(peer, operator.get_diagnostics("CP_1", PLACE), {})
        assert nothing.file is None
        assert jobs(peer) == [("diagnostics", "UploadFailed"), ("diagnostics", "nothing")]
        assert peer.ours.ledger.records.jobs.rows()[0]["file"] == "d.zip"


@simulated
async def test_a_log_that_cancels_the_one_before() -> None:
    """AcceptedCanceled (whitepaper N01.FR.11)."""
    async with operated() as (operator, peer):
        first, asked = await done(peer, operator.get_log("CP_1", PLACE), OK | {"filename": "1.log"})
        assert asked == [
            ("GetLog", {"logType": "DiagnosticsLog", "requestId": first.request_id, "log": {"remoteLocation": PLACE}})
        ]
        again = operator.get_log("CP_1", PLACE, "SecurityLog", oldest=DATE)
        second, _ = await done(peer, again, {"status": "AcceptedCanceled"})
        assert jobs(peer) == [("log", "cancelled"), ("log", "accepted")]
        await tells(peer, "LogStatusNotification", "Uploaded", requestId=second.request_id)
        assert jobs(peer) == [("log", "cancelled"), ("log", "Uploaded")]
        assert first.file == "1.log"


@simulated
async def test_a_job_that_was_refused() -> None:
    async with operated() as (operator, peer):
        with pytest.raises(CallFailed):
            await done(peer, operator.update_firmware("CP_1", PLACE), "NotSupported")
        assert jobs(peer) == [("firmware", "refused")]


@simulated
async def test_what_is_told_before_the_answer_stands() -> None:
    """The status may overtake it: two directions of one connection."""
    async with operated() as (operator, peer):
        task = asyncio.create_task(operator.get_log("CP_1", PLACE))
        _, unique_id, _, payload = await peer.hear()
        await tells(peer, "LogStatusNotification", "Uploading", requestId=payload["requestId"])
        await peer.say(3, unique_id, OK)
        await task
        assert jobs(peer) == [("log", "Uploading")]


@simulated
async def test_whoever_tells_for_ever_fills_no_disk() -> None:
    """The newest 1,000 of each charge point, and a tenth more."""
    async with operated() as (_, peer):
        for number in range(1200):
            await tells(peer, "LogStatusNotification", "Uploading", requestId=number)
        assert 1000 <= len(peer.ours.ledger.records.jobs.statuses.rows()) <= 1100
