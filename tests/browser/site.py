"""A built site on a free loopback port, counted, and a notebook in it as a reader has it."""

from __future__ import annotations

import functools
import gzip
import http.server
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.sync_api import Page

from tests.browser.lab import LabNotebook

KINDS = {
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".ipynb": "application/json",
}
OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .map(cell => cell.model).filter(cell => cell.type === 'code').map(cell => cell.outputs.toJSON())"""
HEARTBEAT = "/api/service-worker-heartbeat"
RUN_ALL = """() => {
    window.ran = false
    window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ran = true })
}"""
FIRST = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .some(cell => cell.model.type === 'code' && cell.model.outputs.length > 0)"""


def text_of(output: dict[str, Any]) -> str:
    """What is compared of an output: what was printed, the plain text of what was shown, or the error."""
    text = output.get("text") or output.get("data", {}).get("text/plain") or output.get("evalue", "")
    return text if isinstance(text, str) else "".join(text)


class SiteServer:
    """Serves a folder as any static host would. ``sent`` has the compressed bytes of each file that was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sent: dict[str, int] = {}

    def __enter__(self) -> Self:
        handler = functools.partial(_Handler, server_of=self, directory=str(self.folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="site", daemon=True)
        self._thread.start()
        # A folder below the root: whoever publishes it has rarely a host of their own.
        self.url = f"http://127.0.0.1:{self._server.server_port}/below/"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def count(self, path: str) -> None:
        """Remember that this file was sent."""
        if path not in self.sent and Path(path).is_file():
            raw = Path(path).read_bytes()
            self.sent[path] = min(len(raw), len(gzip.compress(raw, 6)))

    @property
    def megabytes(self) -> float:
        """What was asked for until now, as a host sends it: compressed."""
        return sum(self.sent.values()) / 1e6


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | KINDS

    def __init__(self, *args: Any, server_of: SiteServer, **kwargs: Any) -> None:
        self.server_of = server_of
        super().__init__(*args, **kwargs)

    def translate_path(self, path: str) -> str:
        if not path.startswith("/below/"):
            return str(self.server_of.folder / "no such file")
        return super().translate_path(path.removeprefix("/below"))

    def do_GET(self) -> None:
        self.server_of.count(self.translate_path(self.path))
        with suppress(ConnectionError):  # whoever leaves a page does not wait for the rest of it
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class SiteNotebook(LabNotebook):
    """A notebook of the site. ``outside`` has every address that is not the site's own and was asked for."""

    def __init__(self, page: Page, server: SiteServer) -> None:
        super().__init__(page, server)
        self.outside: list[str] = []
        page.context.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.server.url, "data:", "blob:")):
            self.outside.append(url)

    def open(self, name: str) -> None:
        """Open it and wait for its kernel."""
        self.page.goto(f"{self.server.url}lab/index.html?path={name}")
        self.panel.locator(".jp-Cell").first.wait_for(timeout=60_000)
        self.page.evaluate("window.jupyterapp.shell.collapseLeft()")
        self._wait_for("session?.kernel?.status === 'idle'", 120.0, "the kernel to be idle")

    def run_to_first_output(self) -> None:
        """Clear the stored outputs and begin to run all cells; the rest goes on."""
        self._command("notebook:clear-all-cell-outputs")
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function(FIRST, timeout=60_000)

    def run_to_the_end(self, timeout: float = 120.0) -> None:
        """Wait for what `run_to_first_output` has begun."""
        self.page.wait_for_function("window.ran", timeout=timeout * 1000)
        self.settle()

    def say(self, code: str, timeout: float = 60.0) -> str:
        """Run code in a new cell at the end; what its outputs say as plain text."""
        self.add_cell(code)
        self._run("notebook:run-cell", timeout)
        return "\n".join(map(text_of, self.outputs()[-1]))

    def strangers(self) -> list[str]:
        """What was asked of others. JupyterLite asks its own service worker from the root of the host: that is none."""
        return [url for url in self.outside if not url.endswith(HEARTBEAT)]

    def outputs(self) -> list[list[dict[str, Any]]]:
        """Of each code cell its outputs, as the notebook would be saved."""
        return list(self.page.evaluate(OUTPUTS))
