"""Headless Firefox with an empty profile, and a notebook of the site in it, driven over WebDriver BiDi.

Playwright drives only a Firefox of its own. The protocol is JSON over a WebSocket; of it a few commands are enough.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import connect

from tests.browser.lab import ADD_CELL, FAILED_CELLS, RUN, SETTLED
from tests.browser.site import OUTPUTS, SiteServer, text_of

FIND_FIREFOX = Path(__file__).parents[2] / "tools" / "find_firefox.sh"
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
VIEWPORT = {"width": 1280, "height": 900}
START_TIMEOUT = 60.0
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
FOCUS = """() => {
    const [notebook] = window.jupyterapp?.shell.widgets('main') ?? []
    notebook?.node.dispatchEvent(new FocusEvent('focus'))
    return window.jupyterapp?.shell.currentWidget !== null && notebook !== undefined
}"""
"""A window that nobody sees never has the focus, and JupyterLab goes by it to know which notebook is meant."""
COMMAND = "command => window.jupyterapp.commands.execute(command).then(() => null)"


def find_firefox() -> str | None:
    found = subprocess.run([FIND_FIREFOX], capture_output=True, text=True)
    return found.stdout.strip() or None


class Firefox:
    """One page of a new Firefox."""

    def __init__(self, program: str) -> None:
        self.program = program

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            profile = stack.enter_context(TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True))
            address = stack.enter_context(_started(self.program, profile))
            self._socket = stack.enter_context(connect(f"{address}/session", proxy=None, max_size=None))
            self._ids = count(1)
            self._command("session.new", capabilities={})
            [tree] = self._command("browsingContext.getTree", maxDepth=0)["contexts"]
            self._context = tree["context"]
            self._command("browsingContext.setViewport", context=self._context, viewport=VIEWPORT)
            self._ends = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self._command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """Call a JavaScript function in the page; what it gives, or its promise, as JSON."""
        code = f"Promise.resolve(({function})({json.dumps(argument)})).then(value => JSON.stringify(value ?? null))"
        came = self._command("script.evaluate", expression=code, target={"context": self._context}, awaitPromise=True)
        if came["type"] != "success":
            raise RuntimeError(came["exceptionDetails"]["text"])
        return json.loads(came["result"]["value"])

    def wait_for(self, condition: str, timeout: float) -> None:
        """Until a JavaScript function gives true; AssertionError if that takes longer than so many seconds."""
        deadline = time.monotonic() + timeout
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, f"waited {timeout:g} s for {condition}"
            time.sleep(0.1)

    def screenshot(self, target: Path) -> None:
        """What is in sight, as PNG."""
        came = self._command("browsingContext.captureScreenshot", context=self._context)
        target.write_bytes(base64.b64decode(came["data"]))

    def _command(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (came := json.loads(self._socket.recv(300))).get("id") != number:
            pass  # an event
        if came["type"] != "success":
            raise RuntimeError(f"{method}: {came['error']}: {came['message']}")
        return dict(came["result"])


@contextmanager
def _started(program: str, profile: str) -> Iterator[str]:
    """A process, until the end of the block; where it listens. Raises RuntimeError if it ends without listening."""
    command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"]
    with (Path(profile) / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            yield _address(process, Path(profile) / "log")
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if found := LISTENING.search(log.read_text(errors="replace")):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"Firefox did not listen within {START_TIMEOUT:g} s; it said:\n{log.read_text()[-3000:]}")


class FirefoxNotebook:
    """A notebook of the site."""

    def __init__(self, page: Firefox, server: SiteServer) -> None:
        self.page = page
        self.server = server

    def open(self, name: str) -> None:
        """Open it and wait for its kernel."""
        self.page.goto(f"{self.server.url}lab/index.html?path={name}")
        self.page.wait_for(FOCUS, 60.0)
        self.page.wait_for(IDLE, 120.0)

    def run_all(self, timeout: float) -> None:
        """Clear the stored outputs, run all cells, wait for the last."""
        self.page.evaluate(COMMAND, "notebook:clear-all-cell-outputs")
        self._run("notebook:run-all-cells", timeout)

    def say(self, code: str, timeout: float = 60.0) -> str:
        """Run code in a new cell at the end; what its outputs say as plain text."""
        self.page.evaluate(ADD_CELL, code)
        self._run("notebook:run-cell", timeout)
        return "\n".join(map(text_of, self.outputs()[-1]))

    def outputs(self) -> list[list[dict[str, Any]]]:
        """Of each code cell its outputs, as the notebook would be saved."""
        return list(self.page.evaluate(OUTPUTS))

    def failed_cells(self) -> list[str]:
        """First line and error of each cell that failed and is not tagged for it."""
        return list(self.page.evaluate(FAILED_CELLS))

    def _run(self, command: str, timeout: float) -> None:
        self.page.evaluate(RUN, command)
        self.page.wait_for("() => window.ran", timeout)
        self.page.wait_for(IDLE, timeout)
        self.page.evaluate(SETTLED, [1000, 10_000])
