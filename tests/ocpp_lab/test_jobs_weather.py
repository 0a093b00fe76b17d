"""File jobs in bad weather: servers that fail, lines that are cut, power that goes; what was begun comes to an end."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ocpp_lab import CallFailed, CentralSystem, ChargePoint, OcppError
from ocpp_lab import messages as m
from ocpp_lab.charge_point.firmware_image import make_image
from ocpp_lab.charge_point.job_lane import JobLane
from ocpp_lab.charge_point.job_statuses import ENDS
from ocpp_lab.charge_point.kept_jobs import KeptJobs
from ocpp_lab.charge_point.notices import Notices
from tests.fakes import power_cut
from tests.file_server import FileServer, file_server, told
from tests.house import scaled
from tests.jobs import WEB
from tests.pair import central_system_alone, charge_point_alone, cut, heal, payloads, simulated, simulated_now
from tests.simulated import run_simulated


class Weather:
    """One charge point, life after life, and what its operator asked for."""

    def __init__(self, central_system: CentralSystem, files: FileServer, rng: Random, path: str) -> None:
        self.central_system = central_system
        self.files = files
        self.rng = rng
        self.path = path
        self.versions = itertools.count(1)
        self.asked: dict[str, Any] = {}
        """By lane, what was asked for last and Accepted: a requestId or a version."""

    async def live(self, turns: int) -> None:
        """A life of the charge point: so many things happen, and then the power goes."""
        async with charge_point_alone(path=self.path, delays=lambda: itertools.repeat(2.0), timeout=5.0) as point:
            for _ in range(turns):
                self.files.answers = [self.trouble() for _ in range(self.rng.choice([0, 0, 1, 3]))]
                await self.ask(point)
                await asyncio.sleep(self.rng.choice([0.1, 3, 6, 40, 100]))
                (cut if self.rng.random() < 0.3 else heal)()
            copy = power_cut(self.path)
        self.path = copy

    def trouble(self) -> bytes | None:
        return self.rng.choice([None, b"", told(503), told(404), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"])

    async def ask(self, point: ChargePoint) -> None:
        retries: Any = {"retries": self.rng.choice([0, 2, 9]), "retry_interval": self.rng.choice([1, 15])}
        id = next(self.versions)
        try:
            lane = self.rng.choice(["diagnostics", "log", "firmware"])
            self.asked.pop(lane, None)  # until it is answered, nobody knows which of them it does
            match lane:
                case "diagnostics":
                    await self.order(m.GetDiagnosticsRequest(location=WEB, **retries))
                    self.asked["diagnostics"] = id
                case "log":
                    log = m.LogParametersType(remote_location=WEB)
                    await self.order(m.GetLogRequest(log_type="DiagnosticsLog", request_id=id, log=log, **retries))
                    self.asked["log"] = id
                case "firmware":
                    self.files.files[f"/{id}.bin"] = make_image(f"v{id}")
                    request = m.UpdateFirmwareRequest(
                        location=f"{WEB}/{id}.bin", retrieve_date=simulated_now(), **retries
                    )
                    await self.order(request)
                    self.asked["firmware"] = f"v{id}"
        except (OcppError, CallFailed, KeyError):  # offline, or an update is being installed
            pass

    async def order(self, request: Any) -> None:
        await self.central_system["CP_1"].call(request, timeout=5.0)

    def statuses(self, action: str) -> list[Any]:
        return payloads(self.central_system, f"{action}StatusNotification")


async def week(number: int, path: str) -> None:
    """Four lives in bad weather and one in calm; AssertionError if something that was begun has not ended."""
    rng = Random(number)
    async with file_server() as files, central_system_alone() as central_system:
        weather = Weather(central_system, files, rng, path)
        for _ in range(4):
            await weather.live(rng.randint(1, 6))
        heal()
        files.answers = []
        async with charge_point_alone(path=weather.path, delays=lambda: itertools.repeat(2.0)) as point:
            await asyncio.sleep(400)
            uploads, firmware = point.file_jobs.uploads, point.file_jobs.firmware
            lanes = {"Diagnostics": uploads.diagnostics, "Log": uploads.log_lane, "Firmware": firmware.lane}
            for action, lane in lanes.items():
                assert not lane.busy, (number, action)
                if lane.job is not None:
                    assert lane.job.told and lane.job.status in ENDS, (number, action, lane.job)
                    assert weather.statuses(action)[-1]["status"] == lane.job.status, (number, action)
            if "log" in weather.asked:
                assert weather.statuses("Log")[-1]["requestId"] == weather.asked["log"], number
            booted = payloads(central_system, "BootNotification")[-1].get("firmwareVersion")
            assert booted == point.memory.jobs.version, number
            if "firmware" in weather.asked and weather.statuses("Firmware")[-1]["status"] == "Installed":
                assert booted == weather.asked["firmware"], number


@simulated(seed=1, limit=1e5)
@pytest.mark.parametrize("number", range(scaled(8, 100)))
async def test_what_was_begun_comes_to_an_end(number: int, tmp_path: Path) -> None:
    await week(number, str(tmp_path / "cp"))


# Bugs on purpose ------------------------------------------------------------------------------------------------------


def forgets_at_a_power_cut(lane: JobLane) -> None:
    """What was not over is not begun again, and nobody hears of it."""


def told_at_once(lane: JobLane, status: str) -> None:
    """A status counts as told before it was answered."""
    assert lane.job is not None
    lane.job = lane.job._replace(status=status, told=True)
    lane._save(lane.job)
    lane._tell(lane.job)


async def loses_with_the_line(notices: Notices) -> None:
    """A status that meets the end of a connection is forgotten."""
    while True:
        await notices._news.wait()
        notice = notices._waiting.popleft()
        if not notices._waiting:
            notices._news.clear()
            notices._empty.set()
        with suppress(CallFailed):
            await notices.call(notice.request)
            notice.answered()


def forgets_the_version(kept: KeptJobs, lane: str, job: Any, version: str) -> None:
    """It reboots into what it has not written down."""
    kept.save(lane, job)


BUGS: dict[str, tuple[Any, str, Any]] = {
    "forgets at a power cut": (JobLane, "recover", forgets_at_a_power_cut),
    "told at once": (JobLane, "tell", told_at_once),
    "loses with the line": (Notices, "run", loses_with_the_line),
    "forgets the version": (KeptJobs, "installed", forgets_the_version),
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_found(bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one of the first 30 weeks."""
    monkeypatch.setattr(*BUGS[bug])
    for number in range(30):
        try:
            run_simulated(week(number, str(tmp_path / f"cp{number}")), seed=1, limit=1e5)
        except AssertionError:
            return
    pytest.fail(f"nobody noticed: {bug}")
