"""The operator's verbs in a real program: typed into a pipe, and into a terminal where Tab completes; its metrics."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.wire import BOOT, plain_client
from tests.program import listening, running

pytestmark = pytest.mark.sockets("another process")


async def test_a_transaction_by_verbs() -> None:
    """Who, a start, a verb that is wrong, and help: what the charge point answers is its affair."""
    async with running("central-system", "--port", "0") as central_system:
        url = await listening(central_system)
        await central_system.until("type help, who, or a call such as")
        async with running("charge-point", url, "--identity", "CP_1") as charge_point:
            await charge_point.until(r"> CP_1 +StatusNotification +connectorId=1")
            await central_system.until(r"< CP_1 +StatusNotification +connectorId=1")
            await central_system.type("who")
            await central_system.until(r"= 1 connected")
            await central_system.until(r"= CP_1 +Accepted")
            await central_system.type("start cp TAG_A 1")
            await central_system.until(r"> CP_1 +RemoteStartTransaction +connectorId=1 idTag=TAG_A")
            await central_system.until(r"< CP_1 +RemoteStartTransaction +CallResult .*status=")
            await central_system.type("unlock CP_1")
            await central_system.until(
                r"! unlock: expected a connector's number.*came nothing; type: unlock CP CONNECTOR"
            )
            await central_system.type("help reserve")
            await central_system.until(r"= reserve CP CONNECTOR/0 TAG TIME: Keep a connector, 0 for any")
            assert await charge_point.stop() == 0
        assert await central_system.stop() == 0
    assert "Traceback" not in central_system.said


async def test_what_was_decided_holds_after_a_restart_too(tmp_path: Path) -> None:
    """What was typed is in the ledger; without a file it is not."""
    for options, worth, boot in (
        (["--ledger", str(tmp_path / "book")], "Blocked", "Rejected"),
        ([], "Accepted", "Accepted"),
    ):
        async with running("central-system", "--port", "0", *options) as central_system:
            await listening(central_system)
            await central_system.type("tag TAG_A Blocked")
            await central_system.until("= TAG_A is Blocked")
            await central_system.type("boot CP_1 Rejected")
            await central_system.until("= the next boot of CP_1 gets Rejected; now it is not booted")
            assert await central_system.stop() == 0
        async with running("central-system", "--port", "0", *options) as central_system:
            url = await listening(central_system)
            await central_system.type("tag TAG_A")
            await central_system.until(f"= TAG_A is {worth}")
            async with running("charge-point", url, "--identity", "CP_1"):
                await central_system.until(f"> CP_1 +BootNotification +CallResult .*status={boot}")
            assert await central_system.stop() == 0


async def test_the_page_of_the_metrics() -> None:
    """On the port of the charge points; without the option there is none."""
    for options, status in ((["--metrics"], b"200"), ([], b"426")):
        async with running("central-system", "--port", "0", *options) as central_system:
            if options:
                where = await central_system.until(r"metrics at http://127\.0\.0\.1:(\d+)/metrics")
            else:
                where = await central_system.until(r"listens on ws://127\.0\.0\.1:(\d+)")
            reader, writer = await asyncio.open_connection("127.0.0.1", int(where[1]))
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = await reader.read()
            writer.close()
            assert answer.split()[1] == status
            assert (b"ocpp_connected_charge_points 0" in answer) == bool(options)
            assert await central_system.stop() == 0


class Typed:
    """A program in a terminal of its own, in whose foreground it is."""

    def __init__(self, here: int) -> None:
        self.here = here
        self.said = ""

    def type(self, text: str) -> None:
        os.write(self.here, text.encode())

    async def until(self, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(15):
            while not (found := re.search(pattern, self.said)):
                self.said += (await asyncio.to_thread(os.read, self.here, 4096)).decode()
        self.said = self.said[found.end() :]
        return found


@asynccontextmanager
async def in_a_terminal() -> AsyncIterator[tuple[Typed, int, asyncio.subprocess.Process]]:
    here, there = pty.openpty()
    command = (sys.executable, "-m", "ocpp_lab", "central-system", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, preexec_fn=lambda: os.login_tty(there))
    try:
        yield Typed(here), there, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(here)
        os.close(there)


async def test_tab_in_a_terminal() -> None:
    """A verb, a name, all names; and the terminal is as before when it is over."""
    async with in_a_terminal() as (typed, there, process):
        before = termios.tcgetattr(there)
        url = (await typed.until(r"listens on (\S+)"))[1]
        await typed.until("stop with Ctrl-C")
        assert termios.tcgetattr(there)[3] == before[3], "the terminal goes on editing lines, and echoes"
        async with plain_client(url, "CP_1") as websocket, plain_client(url, "CP_2") as other:
            for each in (websocket, other):
                await each.send(json.dumps([2, "boot", "BootNotification", BOOT]))
                await each.recv()
            await typed.until("CP_2 +BootNotification +CallResult")
            typed.type("clear-c\t")
            await typed.until(r"\r\x1b\[Kclear-cache $")
            typed.type("C\t")
            await typed.until(r"\r\x1b\[Kclear-cache CP_$")
            typed.type("\t")
            await typed.until(r" CP_1, CP_2\r\n")
            await typed.until(r"\r\x1b\[Kclear-cache CP_$")
            typed.type("1\n")
            async with asyncio.timeout(10):
                assert json.loads(await websocket.recv())[2] == "ClearCache"
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(15):
            assert await process.wait() == 0
        assert termios.tcgetattr(there) == before
