"""One run of the command line, as a person meets it: a process of its own, its output line by line, Ctrl-C."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class Program:
    """One run of the command line; ``said`` is what it has written so far, errors included."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def until(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Read on until a line matches, or so many of them; returns the last match."""
        assert self.process.stdout
        with suppress(TimeoutError):
            async with asyncio.timeout(15):
                while line := (await self.process.stdout.readline()).decode():
                    self.said += line
                    if found := re.search(pattern, line):
                        times -= 1
                        if not times:
                            return found
        raise AssertionError(f"expected a line with {pattern!r}; it said:\n{self.said}")

    async def type(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    async def stop(self, signum: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, and the exit code; the rest of the output is read to its end."""
        self.process.send_signal(signum)
        assert self.process.stdout
        async with asyncio.timeout(15):
            self.said += (await self.process.stdout.read()).decode()
            return await self.process.wait()


@asynccontextmanager
async def running(*arguments: str | Path) -> AsyncIterator[Program]:
    """``python -m ocpp_lab …`` in a process of its own, which does not outlive the block."""
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    command = [sys.executable, "-W", "error", "-m", "ocpp_lab", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=both)
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def listening(central_system: Program) -> str:
    """The endpoint, once it listens."""
    return (await central_system.until(r"listens on (\S+)"))[1]
