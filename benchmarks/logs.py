"""How fast logs are read and diagnosed, on one core, and in how much memory: written as SteVe, evcc and others do."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from .progress import Progress

BEGIN = datetime(2031, 3, 14, tzinfo=UTC)
STEVE = "[INFO ] {time},000 de.rwth.idsg.steve.ocpp.ws.WebSocketLogger (qtp-{n}) - [chargeBoxId={who}, sessionId=s1]"
FORMATS = {
    "SteVe": (STEVE + " Received: {frame}", STEVE + " Sending: {frame}"),
    "evcc": ("[ocpp  ] TRACE {time} recv {who}: {frame}", "[ocpp  ] TRACE {time} send {who}: {frame}"),
    "Home Assistant": (
        "{time}.000 INFO (MainThread) [ocpp] {who}: receive message {frame}",
        "{time}.000 INFO (MainThread) [ocpp] {who}: send {frame}",
    ),
}
"""By name: how a frame of the charge point and one of the central system are written."""


class Scale(NamedTuple):
    megabytes: int

    @property
    def steps(self) -> int:
        """What a progress line counts: logs."""
        return len(FORMATS)


FULL = Scale(200)
QUICK = Scale(10)


class LogRead(msgspec.Struct, frozen=True):
    """One log. Times are of the processor, in seconds."""

    format: str
    megabytes: float
    frames: int
    reading: float
    """To find all frames (`frames`)."""
    diagnosing: float
    """To read it in chapters and ask all rules."""
    memory: float
    """Megabytes that the process had at most, of which it had `before` when it began."""
    before: float
    findings: int


def logs(scale: Scale, progress: Progress) -> list[LogRead]:
    """Each in a process of its own, for its memory."""
    found = []
    for name in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "night.log"
            write(path, name, scale.megabytes)
            told = subprocess.run(
                [sys.executable, "-m", "benchmarks.logs", str(path), name], capture_output=True, check=True
            )
        found.append(msgspec.json.decode(told.stdout, type=LogRead))
        progress.step(f"log of {scale.megabytes} MB, {name}")
    return found


def write(path: Path, name: str, megabytes: int) -> None:
    """A log of this size: transactions with readings of 650 bytes, one after the other, at three charge points."""
    size, at = 0, 0.0
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, 10**9):
            for line, after in _transaction(name, number, at):
                size += file.write(line)
                at = after
            if size > megabytes * 1_000_000:
                return


def _transaction(name: str, number: int, at: float) -> Iterator[tuple[str, float]]:
    theirs, ours = FORMATS[name]
    who = f"CP_{number % 3}"

    def said(pattern: str, frame: list[object]) -> str:
        text = json.dumps(frame, separators=(",", ":"))
        stamp = (BEGIN + timedelta(seconds=at)).strftime("%Y-%m-%d %H:%M:%S")
        return pattern.format(time=stamp, n=number % 8, who=who, frame=text) + "\n"

    for place, (action, request, response) in enumerate(_calls(number, at)):
        at += 20
        yield said(theirs, [2, f"{number}-{place}", action, request]), at
        yield said(ours, [3, f"{number}-{place}", response]), at
    yield said(ours.replace("{frame}", "{who} is well"), []), at


def _calls(number: int, at: float) -> Iterator[tuple[str, dict[str, object], dict[str, object]]]:
    from .payloads import meter_values

    def stamp(seconds: float) -> str:
        return (BEGIN + timedelta(seconds=at + seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    accepted = {"idTagInfo": {"status": "Accepted"}}
    status = {"connectorId": 1, "errorCode": "NoError"}
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 15_000, "timestamp": stamp(20)}
    yield "StatusNotification", status | {"status": "Preparing"}, {}
    yield "StartTransaction", start, accepted | {"transactionId": number}
    for reading in range(6):
        payload = meter_values() | {"transactionId": number}
        payload["meterValue"][0]["timestamp"] = stamp(60 + 20 * reading)
        yield "MeterValues", payload, {}
    yield "StopTransaction", {"transactionId": number, "meterStop": 16_000, "timestamp": stamp(200)}, accepted
    yield "StatusNotification", status | {"status": "Available"}, {}


def _measure(path: Path, name: str) -> LogRead:
    from ocpp_lab.logs import chapters, diagnose, merge
    from ocpp_lab.logs.lines import lines_of
    from ocpp_lab.logs.reader import frames

    before = _peak()
    start = time.process_time()
    count = sum(1 for _ in frames(lines_of(path)))
    middle = time.process_time()
    found = merge(finding for log in chapters(path) for finding in diagnose(log))
    end = time.process_time()
    size = path.stat().st_size / 1e6
    return LogRead(name, size, count, middle - start, end - middle, _peak(), before, len(found))


def _peak() -> float:
    """Megabytes that this program had at most. On Linux `ru_maxrss` knows of who started it too, which may be large."""
    status = Path("/proc/self/status")
    if status.exists():
        [peak] = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(peak) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_measure(Path(sys.argv[1]), sys.argv[2])))
