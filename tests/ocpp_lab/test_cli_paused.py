"""An operator's terminal that takes nothing: Ctrl-S, `less`, a process that does not read. The program goes on."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from ocpp_lab import CentralSystem
from ocpp_lab import messages as m
from tests.integration.wire import BOOT, plain_client

pytestmark = pytest.mark.sockets("another process")

SOON = 2.0
"""Seconds in which the program ends, whoever reads or not."""
MANY = 2_500
"""Calls whose lines, some 500,000 bytes, fit neither into a pipe nor into what the program keeps for later."""
CTRL_S, CTRL_Q = b"\x13", b"\x11"
LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} [<>=!] ")


class Paused:
    """A program whose output goes to ``there``, and nobody takes it out of ``here`` unless told to."""

    def __init__(self, process: asyncio.subprocess.Process, here: int) -> None:
        self.process = process
        self.here = here
        self.said = ""

    async def until(self, pattern: str) -> re.Match[str]:
        """Take what it says until some of it matches."""
        async with asyncio.timeout(15):
            while not (found := re.search(pattern, self.said)):
                self.said += (await asyncio.to_thread(os.read, self.here, 4096)).decode().replace("\r\n", "\n")
        return found

    async def ends(self, signum: signal.Signals) -> float:
        """Seconds that it takes to end on this signal, and it ends well."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.process.send_signal(signum)
        async with asyncio.timeout(15):
            assert await self.process.wait() == 0
        return loop.time() - began


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """What is read here and what is written there."""
    here, there = os.pipe()
    try:
        yield here, there
    finally:
        os.close(here)
        os.close(there)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    here, there = pty.openpty()
    try:
        yield here, there
    finally:
        os.close(here)
        os.close(there)


@asynccontextmanager
async def paused(here: int, there: int, *arguments: str) -> AsyncIterator[Paused]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ocpp_lab", *arguments),
        stdin=there if os.isatty(there) else asyncio.subprocess.DEVNULL,
        stdout=there,
        stderr=there,
        start_new_session=True,
    )
    try:
        yield Paused(process, here)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def after_many_heartbeats(url: str) -> AsyncIterator[None]:
    """One after the other, each answered: the lines of all of them were told. The connection stays open."""
    async with plain_client(url) as websocket:
        async with asyncio.timeout(20):
            await websocket.send(f'[2,"boot","BootNotification",{json.dumps(BOOT)}]')
            assert '"Accepted"' in str(await websocket.recv())
            for n in range(MANY):
                await websocket.send(f'[2,"{n}","Heartbeat",{{}}]')
                assert str(await websocket.recv()).startswith(f'[3,"{n}",')
        yield


async def test_charge_points_are_answered_while_nobody_reads() -> None:
    """Seen: no charge point was answered any more, and only SIGKILL ended it."""
    with pipe() as (here, there):
        async with paused(here, there, "central-system", "--port", "0") as central_system:
            url = (await central_system.until(r"listens on (\S+)"))[1]
            async with after_many_heartbeats(url):
                assert await central_system.ends(signal.SIGTERM) < SOON


async def test_what_was_not_shown_is_said_when_it_flows_again() -> None:
    """The oldest lines are kept, whole; then how many are missing; then what is new."""
    with pipe() as (here, there):
        async with paused(here, there, "central-system", "--port", "0") as central_system:
            url = (await central_system.until(r"listens on (\S+)"))[1]
            async with after_many_heartbeats(url):
                pass
            missing = int((await central_system.until(r"! (\d+) lines are missing here: nobody took them\n"))[1])
            async with plain_client(url, "CP_2"):
                await central_system.until(r"= CP_2 +connected from 127\.0\.0\.1:\d+\n")
            assert await central_system.ends(signal.SIGINT) < SOON
            lines = central_system.said.splitlines()
            assert all(LINE.match(line) for line in lines), "no line is torn"
            assert len([line for line in lines if "Heartbeat" in line]) + missing >= 2 * MANY > missing > 0


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_a_terminal_after_ctrl_s(signum: signal.Signals) -> None:
    """The terminal belongs to the shell too: it is never put into a mode in which the shell could not use it."""
    with terminal() as (here, there):
        async with paused(here, there, "central-system", "--port", "0") as central_system:
            url = (await central_system.until(r"listens on (\S+)\n"))[1]
            os.write(here, CTRL_S)
            async with after_many_heartbeats(url):
                assert os.get_blocking(there), "other programs on this terminal would read and write nothing"
                assert await central_system.ends(signum) < SOON
            assert os.get_blocking(there)


async def test_a_terminal_after_ctrl_q() -> None:
    """It goes on where it was paused."""
    with terminal() as (here, there):
        async with paused(here, there, "central-system", "--port", "0") as central_system:
            url = (await central_system.until(r"listens on (\S+)\n"))[1]
            os.write(here, CTRL_S)
            async with plain_client(url, "CP_2"), plain_client(url, "CP_2"):
                os.write(here, CTRL_Q)
                await central_system.until(r"(?s)CP_2 +connected.*CP_2 +connected")
            assert await central_system.ends(signal.SIGTERM) < SOON


async def test_a_charge_point_while_nobody_reads() -> None:
    """The other end: it answers the central system, and ends."""
    with pipe() as (here, there):
        async with CentralSystem() as central_system:
            async with paused(here, there, "charge-point", central_system.url) as charge_point:
                session = await central_system.connected("CP_1")
                async with asyncio.timeout(20):
                    for _ in range(MANY):
                        await session.call(m.GetConfigurationRequest(key=["HeartbeatInterval"]))
                assert await charge_point.ends(signal.SIGTERM) < SOON
