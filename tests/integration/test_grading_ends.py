"""However a grader ends, its children end with it, and what was graded is kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import submissions
from tests.house import ROOT


def processes_of(mark: str) -> list[str]:
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if mark in line and "ps -ww" not in line]


def wait_for(holds: Callable[[], bool], what: str) -> None:
    """Real processes: patience is long, and nothing depends on how long it takes."""
    patience = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < patience, what
        time.sleep(0.05)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends children with their parent")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_the_grader_and_what_was_graded_is_kept(tmp_path: Path, number: signal.Signals) -> None:
    folder, report, points = tmp_path / "class", tmp_path / "report.json", tmp_path / "points.csv"
    folder.mkdir()
    submissions.write(submissions.fresh(), folder, "a")
    endless = "import asyncio\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass"
    submissions.write(submissions.answered("4.1", tail=endless), folder, "b")
    line = [sys.executable, "-m", "ocpp_course", "grade", str(folder), "--json", str(report), "--csv", str(points)]
    line += ["--jobs", "1", "--seconds", "500"]
    grader = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        wait_for(lambda: report.is_file() and "a_04" in report.read_text(), "the first one is not in the report")
        wait_for(lambda: len(processes_of(str(folder))) > 1, "the second one does not run")
        grader.send_signal(number)
        text = grader.communicate(timeout=90)
    finally:
        grader.kill()
    wait_for(lambda: processes_of(str(folder)) == [], "processes are left")
    assert [each["name"][0] for each in json.loads(report.read_text())["submissions"]] == ["a"]
    assert "a_04" in points.read_text()
    if number != signal.SIGKILL:
        assert grader.returncode == 130
        assert "stopped; what was graded is in" in text[1]
