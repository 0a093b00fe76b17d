"""Diagnostics and logs: uploaded, and told how it goes (core 4.4, 5.9, whitepaper N01)."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import messages as m
from ocpp_lab.charge_point.job_lane import RETRIES, RETRY_WAIT
from ocpp_lab.charge_point.notices import MOST_NOTICES
from tests.fakes import Failing, power_cut
from tests.file_server import told
from tests.jobs import WEB, depot
from tests.pair import cut, heal, on, payloads, simulated
from tests.profiles import after
from tests.simulated import clock

DIAGNOSTICS, LOG = "Diagnostics", "Log"

_paths = itertools.count()


def fresh(folder: Path) -> str:
    """A path that no other seed uses."""
    return str(folder / f"cp{next(_paths)}")


# GetDiagnostics -------------------------------------------------------------------------------------------------------


@simulated
async def test_diagnostics() -> None:
    """Core 5.9: the name in the answer is that of the file that comes; Uploading, then Uploaded."""
    async with depot() as here:
        name = await here.diagnose()
        await asyncio.sleep(5)
        [got] = here.files.received
        assert (got.method, got.path) == ("PUT", f"/inbox/{name}")
        assert name == "CP_1_diagnostics_20300601T120001Z.txt"
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploaded"]
        lines = got.body.decode().splitlines()
        assert lines[0].startswith("2030-06-01T12:00:00.0") and "BootNotification" in got.body.decode()
        assert "GetDiagnostics" in "".join(lines)


@simulated
async def test_diagnostics_of_a_span_of_time() -> None:
    async with depot() as here:
        await asyncio.sleep(99)
        await here.ask(m.GetConfigurationRequest())
        await asyncio.sleep(100)
        await here.diagnose(start_time=after(99), stop_time=after(150))
        await asyncio.sleep(5)
        lines = here.files.received[0].body.decode().splitlines()
        assert len(lines) == 2 and "GetConfiguration" in lines[0]


@simulated
async def test_nothing_to_upload() -> None:
    """Core 5.9: no name, and no upload."""
    async with depot() as here:
        assert await here.diagnose(start_time=after(1000)) is None
        await asyncio.sleep(100)
        assert here.told(DIAGNOSTICS) == [] and here.files.received == []


@simulated
async def test_no_secret_gets_into_diagnostics() -> None:
    """A01.FR.12: no password in a log."""
    async with depot() as here:
        await here.ask(m.ChangeConfigurationRequest(key="AuthorizationKey", value="ab" * 20))
        await here.charge_point.wait_for("online")
        await here.diagnose("http://me:secret@files:8080/inbox")
        await asyncio.sleep(5)
        body = here.files.received[0].body.decode()
        assert "AuthorizationKey" in body and "abab" not in body and "secret" not in body


@simulated
@pytest.mark.parametrize(
    ("fields", "attempts", "wait"),
    [({}, 1 + RETRIES, RETRY_WAIT), ({"retries": 0}, 1, 0), ({"retries": 2, "retry_interval": 7}, 3, 7)],
)
async def test_retries(fields: Any, attempts: int, wait: float) -> None:
    """Core 6.25, errata 3.50: so many *more* attempts, so far apart; and then it has failed."""
    async with depot() as here:
        here.files.answers = [told(503)] * 99
        await here.diagnose(**fields)
        await asyncio.sleep(attempts * wait + 10)
        assert len(here.files.received) == attempts
        assert here.told(DIAGNOSTICS) == ["Uploading", "UploadFailed"]
        began, ended = here.times(DIAGNOSTICS)
        assert ended - began == round((attempts - 1) * wait)


@simulated
async def test_a_later_attempt_succeeds() -> None:
    async with depot() as here:
        here.files.answers = [told(503), b""]
        await here.diagnose(retries=5, retry_interval=10)
        await asyncio.sleep(30)
        assert len(here.files.received) == 3
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploaded"]


@simulated
@pytest.mark.parametrize("location", ["ftp://files/inbox", "sftp://files", "inbox", "file:///tmp"])
async def test_a_protocol_that_it_does_not_speak(location: str) -> None:
    """Core errata 3.88: failed at once; SupportedFileTransferProtocols says what it speaks."""
    async with depot() as here:
        assert await here.diagnose(location)
        await asyncio.sleep(1)
        assert here.told(DIAGNOSTICS) == ["Uploading", "UploadFailed"]
        answer = await here.ask(m.GetConfigurationRequest(key=["SupportedFileTransferProtocols"]))
        assert answer.configuration_key[0].value == "HTTP,HTTPS"


@simulated
@pytest.mark.parametrize("location", ["http://nowhere/inbox", "http://files:81/inbox"])
async def test_nobody_there(location: str) -> None:
    """An unreachable target ends, and does not hang."""
    async with depot() as here:
        await here.diagnose(location, retries=1, retry_interval=5)
        await asyncio.sleep(10)
        assert here.told(DIAGNOSTICS) == ["Uploading", "UploadFailed"]


@simulated
async def test_a_server_that_is_silent() -> None:
    async with depot() as here:
        here.files.answers = [None]
        await here.diagnose(retries=0)
        await asyncio.sleep(31)
        assert here.told(DIAGNOSTICS) == ["Uploading", "UploadFailed"]


@simulated
async def test_only_allowed_hosts() -> None:
    async with depot(file_hosts=["127.0.0.1"]) as here:
        await here.diagnose()
        await asyncio.sleep(1)
        assert here.files.received == [] and here.told(DIAGNOSTICS) == ["Uploading", "UploadFailed"]


@simulated
async def test_a_new_request_cancels_the_old_one() -> None:
    async with depot() as here:
        here.files.answers = [None]
        first = await here.diagnose()
        await asyncio.sleep(2)
        second = await here.diagnose()
        await asyncio.sleep(60)
        assert [got.path for got in here.files.received] == [f"/inbox/{first}", f"/inbox/{second}"]
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploading", "Uploaded"]


@simulated
async def test_triggered() -> None:
    """Core 4.4, 5.17: Idle only when triggered, and only while nothing is uploaded."""
    async with depot() as here:
        assert await here.trigger("DiagnosticsStatusNotification") == "Accepted"
        here.files.answers = [None]
        await here.diagnose(retries=0)
        await asyncio.sleep(1)
        assert await here.trigger("DiagnosticsStatusNotification") == "Accepted"
        await asyncio.sleep(60)
        assert await here.trigger("DiagnosticsStatusNotification") == "Accepted"
        await asyncio.sleep(1)
        assert here.told(DIAGNOSTICS) == ["Idle", "Uploading", "Uploading", "UploadFailed", "Idle"]


# What happens meanwhile -----------------------------------------------------------------------------------------------


@simulated
async def test_a_job_outlives_the_connection() -> None:
    """It goes on without it, and its end is told after the reconnect."""
    async with depot(delays=lambda: itertools.repeat(10.0)) as here:
        here.files.answers = [told(503), told(503)]
        await here.diagnose(retries=2, retry_interval=20)
        await asyncio.sleep(5)
        await on("cs", here.central_system["CP_1"].close(1001))
        loop: Any = asyncio.get_running_loop()
        loop.net.partition(["cs"], ["cp"])
        await asyncio.sleep(60)
        assert len(here.files.received) == 3 and here.told(DIAGNOSTICS) == ["Uploading"]
        heal()
        await asyncio.sleep(60)
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploaded"]


@simulated
async def test_a_job_outlives_a_power_cut(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    async with depot(path=path) as here:
        here.files.answers = [None]
        name = await here.diagnose(retries=9, retry_interval=1)
        await asyncio.sleep(5)
        copy = power_cut(path)
    async with depot(path=copy) as here:
        await asyncio.sleep(5)
        assert [got.path for got in here.files.received] == [f"/inbox/{name}"]
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploaded"]
        assert await here.trigger("DiagnosticsStatusNotification") == "Accepted"


@simulated
async def test_an_end_that_nobody_heard_is_told_after_a_power_cut(tmp_path: Path) -> None:
    path = fresh(tmp_path)
    async with depot(path=path) as here:
        cut()
        here.files.answers = [told(403)]
        here.charge_point.file_jobs.uploads.diagnostics.begin(m.GetDiagnosticsRequest(location=WEB), "x.txt")
        await asyncio.sleep(5)
        unheard = power_cut(path)
        heal()
    async with depot(path=unheard) as here:
        await asyncio.sleep(5)
        assert here.told(DIAGNOSTICS) == ["UploadFailed"]
        heard = power_cut(unheard)
    async with depot(path=heard) as here:
        await asyncio.sleep(5)
        assert here.told(DIAGNOSTICS) == []


@simulated
async def test_a_status_without_an_answer_is_told_again() -> None:
    async with depot(timeout=5.0, retry_interval=20.0) as here:
        here.central_system.faults.ignore("DiagnosticsStatusNotification", times=1)
        await here.diagnose()
        await asyncio.sleep(60)
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploading", "Uploaded"]


@simulated
async def test_a_status_that_is_refused_is_not_repeated() -> None:
    async with depot() as here:
        here.central_system.faults.call_error("DiagnosticsStatusNotification", times=1)
        await here.diagnose()
        await asyncio.sleep(60)
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploaded"]


@simulated
async def test_a_thousand_requests_do_not_fill_the_memory() -> None:
    """A central system that answers no status: the newest `MOST_NOTICES` wait."""
    async with depot(timeout=1000.0) as here:
        here.central_system.faults.ignore("DiagnosticsStatusNotification")
        for _ in range(100):
            await here.diagnose(retries=0)
            await asyncio.sleep(1)
        assert len(here.charge_point.file_jobs.notices) == MOST_NOTICES
        here.central_system.faults.clear()
        await on("cs", here.central_system["CP_1"].close(1001))
        await asyncio.sleep(60)
        assert len(here.told(DIAGNOSTICS)) == 1 + MOST_NOTICES


@simulated
async def test_a_full_disk() -> None:
    """What cannot be written down is not begun; what runs goes on, and is told."""
    async with depot() as here:
        store = here.charge_point.memory.store
        store.before = Failing(1)
        assert await here.diagnose() is None
        store.before = Failing(1, once=False)
        assert (await here.get_log(1)).status == "Rejected"
        store.before = lambda sql: None
        here.files.answers = [told(503)]
        await here.diagnose(retries=1, retry_interval=10)
        await asyncio.sleep(5)
        store.before = Failing(1, once=False)
        await asyncio.sleep(30)
        store.before = lambda sql: None
        assert here.told(DIAGNOSTICS) == ["Uploading", "Uploaded"]


# GetLog ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_get_log() -> None:
    """N01: the name of the file, the requestId with every status."""
    async with depot() as here:
        answer = await here.get_log(7)
        await asyncio.sleep(5)
        assert answer == m.GetLogResponse(status="Accepted", filename="CP_1_DiagnosticsLog_20300601T120001Z.txt")
        assert here.files.received[0].path == f"/inbox/{answer.filename}"
        assert here.told(LOG) == ["Uploading#7", "Uploaded#7"]
        assert payloads(here.central_system, "DiagnosticsStatusNotification") == []


@simulated
@pytest.mark.parametrize(
    ("answer", "location", "status"),
    [
        (told(401), WEB, "PermissionDenied"),
        (told(403), WEB, "PermissionDenied"),
        (b"what?\r\n\r\n", WEB, "BadMessage"),
        (told(500), WEB, "UploadFailure"),
        (b"", "ftp://files/", "NotSupportedOperation"),
        (b"", "http://nowhere/", "UploadFailure"),
    ],
)
async def test_why_a_log_was_not_uploaded(answer: bytes, location: str, status: str) -> None:
    """N01.FR.10: as precisely as possible."""
    async with depot() as here:
        here.files.answers = [answer]
        await here.get_log(7, location, retries=0)
        await asyncio.sleep(5)
        assert here.told(LOG) == ["Uploading#7", f"{status}#7"]


@simulated
async def test_a_new_log_cancels_the_old_one() -> None:
    """N01.FR.11."""
    async with depot() as here:
        here.files.answers = [None]
        assert (await here.get_log(1)).status == "Accepted"
        await asyncio.sleep(1)
        assert (await here.get_log(2)).status == "AcceptedCanceled"
        await asyncio.sleep(60)
        assert here.told(LOG) == ["Uploading#1", "Uploading#2", "Uploaded#2"]
        assert (await here.get_log(3)).status == "Accepted"


@simulated
async def test_diagnostics_and_a_log_are_two_jobs() -> None:
    async with depot() as here:
        here.files.answers = [None]
        await here.diagnose()
        await asyncio.sleep(1)
        await here.get_log(1)
        await asyncio.sleep(5)
        assert here.told(LOG) == ["Uploading#1", "Uploaded#1"]
        assert clock() < 30 and here.told(DIAGNOSTICS) == ["Uploading"]


@simulated
async def test_a_log_that_is_empty() -> None:
    """Nobody has noted a security event yet."""
    async with depot() as here:
        log = m.LogParametersType(remote_location=WEB, oldest_timestamp=after(99), latest_timestamp=after(98))
        answer = await here.ask(m.GetLogRequest(log_type="SecurityLog", request_id=1, log=log))
        assert answer == m.GetLogResponse(status="Rejected")


@simulated
async def test_the_status_of_a_log() -> None:
    """N01.FR.12: without a requestId only while nothing is uploaded."""
    async with depot() as here:
        uploads = here.charge_point.file_jobs.uploads
        assert uploads.log_status() == m.LogStatusNotificationRequest(status="Idle")
        here.files.answers = [None]
        await here.get_log(5)
        await asyncio.sleep(1)
        assert uploads.log_status() == m.LogStatusNotificationRequest(status="Uploading", request_id=5)
