"""A JupyterLab server on loopback and a headless Chromium page, both with nothing of the user's own settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright.sync_api import Page, sync_playwright

FIND_CHROMIUM = Path(__file__).parents[2] / "tools" / "find_chromium.sh"
CHROMIUM_ARGS = [
    "--no-sandbox",  # root may not start it otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {  # no question about news, no autosave over the copy, every cell in the page even if it is out of sight
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
START_TIMEOUT = 90.0
WIDTH, HEIGHT = 1280, 900


def find_chromium() -> str | None:
    found = subprocess.run([FIND_CHROMIUM], capture_output=True, text=True, env=os.environ | {"CI": ""})
    return found.stdout.strip() or None


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page in a new headless Chromium with an empty profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGS)
        try:
            yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        finally:
            browser.close()


class LabServer:
    """JupyterLab on a free loopback port, with settings of its own, over a copy of a folder or of one notebook."""

    def __init__(self, source: Path) -> None:
        self.source = source.resolve()
        self.token = os.urandom(16).hex()
        self.url = ""

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True)
        self.home = Path(self._temporary.name)
        self._copy_source()
        self._write_settings()
        self._log = (self.home / "server.log").open("wb")
        self._process = subprocess.Popen(self._command(), env=self.environment(), stdout=self._log, stderr=self._log)
        try:
            self.url = self._wait_for_url()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()  # the server stops its kernels first
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._temporary.cleanup()

    def _copy_source(self) -> None:
        self.root = self.home / "root"
        if self.source.is_dir():
            shutil.copytree(self.source, self.root, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
        else:
            self.root.mkdir()
            shutil.copy(self.source, self.root)

    def _write_settings(self) -> None:
        for name, values in SETTINGS.items():
            file = self.home / "settings" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))

    def _command(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": "0",
            "ServerApp.root_dir": str(self.root),
            "ServerApp.allow_root": "True",
            "ServerApp.jpserver_extensions": "{'ocpp_course.saving': True}",  # as `make lab` has it
            "IdentityProvider.token": self.token,
        }
        options_ = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", *options_]

    def environment(self) -> dict[str, str]:
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        return os.environ | {name: str(self.home / folder) for name, folder in own.items()}

    def _wait_for_url(self) -> str:
        """The address, which the server writes into its runtime folder when it listens."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            for file in (self.home / "runtime").glob("jpserver-*.json"):
                try:
                    return str(json.loads(file.read_text())["url"])
                except json.JSONDecodeError:
                    pass  # half written
            time.sleep(0.1)
        log = (self.home / "server.log").read_text(errors="replace")[-3000:]
        raise RuntimeError(f"JupyterLab did not start within {START_TIMEOUT:g} s; the end of its log:\n{log}")
