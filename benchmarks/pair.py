"""`Pair`: the server and the client process of one contender."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple, Self


class End:
    """A child process that obeys: see `end`."""

    def __init__(self, *arguments: str, module: str = "end") -> None:
        self.name = " ".join([module, *arguments])
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def ask(self, verb: str, *arguments: Any) -> Any:
        """Have it do something and wait for the answer."""
        assert self.process.stdin and self.process.stdout
        with suppress(BrokenPipeError):  # a dead child reads nothing, and answers nothing either
            self.process.stdin.write(json.dumps([verb, *arguments]) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"expected {self.name} to answer {verb!r}, but it died; its error is above")
        return json.loads(answer)

    def stop(self) -> None:
        """Close its stdin, which ends it."""
        assert self.process.stdin and self.process.stdout
        with suppress(BrokenPipeError):  # it is dead already
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Window(NamedTuple):
    """What one measurement found."""

    rate: float  # round trips per second
    cpu: float  # CPU microseconds per round trip, both processes, user and system


class Pair:
    """Both ends of one contender, alive for the whole run, so that windows of all contenders can alternate."""

    def __init__(self, letter: str) -> None:
        self.server = End("server", letter)
        self.client = End("client", letter)
        self.port = self.server.ask("listen")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.client.stop()  # first, so that the server sees every connection close
        self.server.stop()

    def dial(self, connections: int) -> None:
        self.client.ask("dial", self.port, connections)

    def measure(self, kind: str, connections: int, seconds: float) -> Window:
        """Round trips back to back, for so long."""
        before = self.server.ask("cpu")
        trips, lasted, client_cpu = self.client.ask("run", kind, connections, seconds)
        server_cpu = self.server.ask("cpu") - before
        return Window(trips / lasted, (client_cpu + server_cpu) / trips * 1e6)
