"""What `make lab` starts: START, trusted, without news, one line in the terminal, whatever the path and the port."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.house import ROOT

pytestmark = pytest.mark.browser

LINE = re.compile(r"^== JupyterLab: (http://\S+:(\d+)/lab/tree/START\.ipynb\?token=\w+)$", re.M)


@contextmanager
def lab(folder: Path, *arguments: str) -> Iterator[list[str]]:
    """tools/lab.py of a copy of the project, with settings of its own; its first two lines.

    A real copy: JupyterLab serves no picture through a link that leads out of its root.
    """
    shutil.copy(ROOT / "START.ipynb", folder)
    for part in ("notebooks", "exercises", "ocpp_course", "ocpp_lab", "tools"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "my_stack"))
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, folder / "tools" / "lab.py", "--no-browser", *arguments]
    log = (folder / "log").open("w+")
    process = subprocess.Popen(command, env=os.environ | own, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout
    try:
        yield [process.stdout.readline(), process.stdout.readline()]
        assert (folder / "log").read_text() == ""
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
        log.close()


def there(folder: Path) -> Path:
    folder.mkdir()
    return folder


def address(lines: list[str]) -> str:
    found = LINE.match(lines[0])
    assert found, lines
    return found[1]


def test_it_opens_start_dressed_and_without_news(page: Page, tmp_path: Path) -> None:
    with lab(there(tmp_path / "my courses"), "--ServerApp.port=0") as lines:
        assert lines[1] == "== stop it with Ctrl-C twice\n"
        page.goto(address(lines))
        page.locator(".start .card.here").wait_for(timeout=60_000)
        loaded = "[...document.querySelectorAll('.ol.start img')].every(image => image.naturalWidth > 0)"
        page.wait_for_function(loaded)
        page.wait_for_timeout(1_000)  # JupyterLab asks about news once all is restored, and tells nobody when
        expect(page.locator(".Toastify__toast")).to_have_count(0)
        page.screenshot(path=ROOT / "screenshots" / "make_lab.png")


def test_a_port_that_is_taken_is_no_trouble(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with lab(there(tmp_path / "course"), f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1") as lines:
            assert f":{port}/" not in address(lines)


def test_an_error_is_still_told(tmp_path: Path) -> None:
    """The port is taken, and no other may be tried."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = [f"--ServerApp.port={taken.getsockname()[1]}", "--ServerApp.port_retries=0", "--ip=127.0.0.1"]
        with pytest.raises(AssertionError, match="is not available"):
            with lab(there(tmp_path / "course"), *options) as lines:
                assert lines == ["", ""]
