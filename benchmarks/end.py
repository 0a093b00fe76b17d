"""One end of the wire, in a process of its own: ``python -m benchmarks.end server d``.

Obeys its parent: a line of JSON comes in on stdin, ``["run", "heartbeat", 50, 1.0]``, and a line of JSON goes out on
stdout. When stdin ends, so does the process.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from .contenders import CONTENDERS, Caller, Contender
from .flooders import Flood

PAUSE = 0.002
"""Seconds between two round trips whose latency is measured."""


def resident() -> int:
    """Bytes of this process that are in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Server:
    """Listens, and tells what it costs."""

    def __init__(self, contender: Contender) -> None:
        self.module = contender.load()

    async def listen(self) -> Any:
        return await self.module.serve()

    async def cpu(self) -> float:
        """Seconds of CPU so far, user and system, of all threads."""
        return time.process_time()

    async def memory(self) -> int:
        """Resident bytes, garbage apart."""
        await asyncio.sleep(0.2)  # whatever just closed or arrived settles first
        gc.collect()
        return resident()

    async def close(self) -> None:
        """The listening socket and its connections end with the process."""


class Client:
    """Holds connections and makes round trips over them."""

    def __init__(self, contender: Contender) -> None:
        self.module = contender.load()
        self.callers: list[Caller] = []

    async def dial(self, port: int, connections: int) -> int:
        """Open so many more connections, fifty at a time: a listening socket's backlog is 100."""
        first = len(self.callers)
        for start in range(first, first + connections, 50):
            numbers = range(start, min(start + 50, first + connections))
            self.callers += await asyncio.gather(*(self.module.Caller.dial(port, number) for number in numbers))
        return len(self.callers)

    async def trips(self, kind: str, count: int) -> int:
        """So many round trips on every connection."""
        for _ in range(count):
            await asyncio.gather(*(getattr(caller, kind)() for caller in self.callers))
        return count

    async def run(self, kind: str, connections: int, seconds: float) -> tuple[int, float, float]:
        """Round trips back to back on each of so many connections: how many, in what time (s), at what CPU time (s)."""
        start, cpu = time.perf_counter(), time.process_time()
        end = start + seconds

        async def back_to_back(caller: Caller) -> int:
            trip, count = getattr(caller, kind), 0
            while time.perf_counter() < end:
                await trip()
                count += 1
            return count

        counts = await asyncio.gather(*(back_to_back(caller) for caller in self.callers[:connections]))
        return sum(counts), time.perf_counter() - start, time.process_time() - cpu

    async def latency(self, kind: str, seconds: float) -> float:
        """The median of what a round trip takes (s), on one connection that makes one every now and then."""
        end, took = time.perf_counter() + seconds, []
        while (start := time.perf_counter()) < end:
            await getattr(self.callers[0], kind)()
            took.append(time.perf_counter() - start)
            await asyncio.sleep(PAUSE)
        return median(took)

    async def close(self) -> None:
        for start in range(0, len(self.callers), 50):
            await asyncio.gather(*(caller.close() for caller in self.callers[start : start + 50]))


class Obedient(Protocol):
    """Its coroutine methods are the verbs; ``close`` is called at the end."""

    async def close(self) -> None: ...


async def obey(end: Obedient) -> None:
    """Do what the lines on stdin say, one after the other. When stdin ends, whatever is being done is given up."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    line = await lines.readline()
    while line:
        verb, *arguments = json.loads(line)
        ahead = asyncio.create_task(lines.readline(), name="next line")
        work = asyncio.create_task(getattr(end, verb)(*arguments), name=verb)
        await asyncio.wait({ahead, work}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and not ahead.result():  # the parent is gone, or has had enough
            work.cancel()
            await asyncio.wait({work})
            break
        print(json.dumps(await work), flush=True)
        line = await ahead
    await end.close()


def run(work: Coroutine[Any, Any, None], loop: str = "asyncio") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the parent hears it, and closes our stdin
    if loop == "uvloop":
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)


def main(role: str, letter: str) -> None:
    contender = CONTENDERS[letter]
    ends: dict[str, Callable[[], Obedient]] = {
        "server": lambda: Server(contender),
        "client": lambda: Client(contender),
        "flooders": Flood,
    }

    async def live() -> None:
        await obey(ends[role]())

    run(live(), contender.loop)


if __name__ == "__main__":
    main(*sys.argv[1:])
