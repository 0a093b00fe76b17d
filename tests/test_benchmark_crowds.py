"""Live charge points and storms: small ones, to say that they do, count and end as the page claims. No speed."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import ocpp_lab.messages as m
from benchmarks import boot_storm, live, site
from benchmarks.commits import Commits
from benchmarks.crowd import Station
from benchmarks.descriptors import too_few
from benchmarks.pair import End
from benchmarks.plan import plan
from benchmarks.progress import Progress
from ocpp_lab import Ledger
from ocpp_lab.clock import utc_now


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Ledgers lie in a folder of the test, and nothing has to be filled first."""
    monkeypatch.setattr(site, "FOLDER", tmp_path)
    monkeypatch.setattr(live, "WARM_UP", 10)
    return tmp_path


# -- what charge points do


def test_everybody_keeps_the_intervals() -> None:
    """60 s of 30: six heartbeats and one reading of each, the heartbeats 10 s apart, all in order."""
    due = plan(30, 60.0, seed=1)
    assert Counter(each.kind for each in due) == {"heartbeat": 180, "meter_values": 30}
    assert due == sorted(due)
    for number in range(30):
        times = [each.at for each in due if each.number == number and each.kind == "heartbeat"]
        assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([10.0] * 5)


def test_there_is_no_beat() -> None:
    """Each tenth of the interval has a tenth of the heartbeats; the instants are those of the seed."""
    due = [each for each in plan(100, 10.0, seed=1) if each.kind == "heartbeat"]
    assert Counter(int(each.at) for each in due) == dict.fromkeys(range(10), 10)
    assert plan(100, 10.0, seed=1) == plan(100, 10.0, seed=1) != plan(100, 10.0, seed=2)


class Wire:
    """A WebSocket whose other end says these frames."""

    def __init__(self, *frames: Any) -> None:
        self.frames = list(frames)
        self.sent: list[Any] = []

    async def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def recv(self) -> str:
        frame = self.frames.pop(0)
        return json.dumps([3, self.sent[0][1], {"status": "Accepted"}] if frame == "answer" else frame)


async def test_a_call_that_comes_before_the_answer_is_answered() -> None:
    """A central system without time asks for the boot that is on its way (TriggerMessage): no reason to die."""
    wire: Any = Wire([2, "7", "TriggerMessage", {"requestedMessage": "BootNotification"}], "answer")
    station = Station(wire)
    await station.boot()
    assert wire.sent[1:] == [[3, "7", {"status": "Rejected"}]]
    assert station.asked == 1


async def test_what_is_no_answer_ends_the_measurement() -> None:
    """A refusal would be quick: it must not count as a latency."""
    wire: Any = Wire([4, "7", "InternalError", "", {}])
    with pytest.raises(RuntimeError, match="expected an answer to BootNotification"):
        await Station(wire).boot()


# -- commits


def _start(ledger: Ledger) -> int:
    return ledger.start(
        "CP_1", m.StartTransactionRequest(connector_id=1, id_tag="A", meter_start=0, timestamp=utc_now())
    )


def test_commits_are_counted(tmp_path: Path) -> None:
    """A statement by itself is one, a transaction of several is one, reading is none."""
    ledger, commits = Ledger(str(tmp_path / "ledger.db")), Commits()
    ledger.before = commits
    ledger.register("CP_1", "Accepted")
    transaction_id = _start(ledger)
    assert commits.count == 2
    ledger.rows()
    assert commits.count == 2
    ledger.stop("CP_1", m.StopTransactionRequest(transaction_id=transaction_id, meter_stop=9, timestamp=utc_now()))
    assert commits.count == 3
    ledger.close()


def test_what_is_undone_is_no_commit() -> None:
    commits = Commits()
    for sql in ("BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)", "ROLLBACK", "INSERT INTO t VALUES (1)"):
        commits(sql)
    assert commits.count == 1


def test_a_slow_disk_takes_its_time_over_each_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    commits = Commits()
    commits.delay = 0.02
    for sql in ("BEGIN", "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)", "COMMIT", "SELECT 1", "DELETE FROM t"):
        commits(sql)
    assert slept == [0.02, 0.02]


# -- processes


def test_too_few_descriptors_are_told_of() -> None:
    """Before the run, with what is needed, what there is, and what to do."""
    assert too_few(5000, 5100) == "" == too_few(5000, -1)  # -1: without limit
    told = too_few(5000, 4096)
    assert "5,100" in told and "4,096" in told and "--quick" in told


def test_a_child_that_is_busy_ends_with_its_parent() -> None:
    """All that a child of a dead parent learns is that its stdin ends; it does not wait for the end of its work."""
    with site.Site("memory") as here:
        here.crowd.ask("grow", here.port, 1)
        assert here.crowd.process.stdin
        here.crowd.process.stdin.write(json.dumps(["live", 3600.0, 1]) + "\n")
        here.crowd.process.stdin.flush()
    assert (here.crowd.process.returncode, here.host.process.returncode) == (0, 0)


def test_a_child_leaves_ctrl_c_to_its_parent() -> None:
    """The terminal sends it to all; a child that died of it would print a traceback over the parent's last word."""
    end = End(module="crowd")
    assert end.ask("close") is None
    end.process.send_signal(signal.SIGINT)
    assert end.ask("close") is None
    end.stop()
    assert end.process.returncode == 0


def test_a_child_that_dies_is_told_of(small: Path) -> None:
    """And nothing is left: no process, no file."""
    with pytest.raises(RuntimeError, match="expected crowd to answer 'grow', but it died"), site.Site("file") as here:
        here.crowd.process.kill()
        here.crowd.process.wait()
        here.crowd.ask("grow", here.port, 1)
    assert here.host.process.returncode == 0
    assert list(small.iterdir()) == []


# -- small measurements


@pytest.mark.soak
def test_twenty_live_for_two_seconds(small: Path) -> None:
    """Every ledger in every round: 4 heartbeats and a reading, each reading kept, nothing left behind."""
    scale = live.Scale((10, 20), 1, 2.0)
    progress = Progress(scale.steps)
    found = live.live(scale, progress)
    assert progress.done == progress.steps
    assert {(window.ledger, window.charge_points) for window in found} == {
        (ledger, size) for ledger in live.LEDGERS for size in (10, 20)
    }
    for window in found:
        assert window.heartbeats == window.charge_points / 5
        assert 0 < window.p50 <= window.p99 <= window.worst < window.seconds
        assert window.cpu > 0 and window.memory > 1_000_000
        assert (window.readings > 0) == (window.commits > 0) and window.commits <= window.readings
    assert list(small.iterdir()) == []


def test_a_slow_commit_is_waited_for() -> None:
    """Nobody is accepted before the commit of the boot: no disk, however quick, makes that sooner."""
    with site.Site("file") as here:
        here.host.ask("slow", 0.2)
        sample, spent = here.watch("storm", here.port, 1)
    assert sample["accepted"][0] >= 0.2 and spent.commits == 1


class Asked:
    """A site that writes down what its host is asked."""

    def __init__(self) -> None:
        self.host = self
        self.said: list[Any] = []

    def ask(self, verb: str, *arguments: Any) -> int:
        self.said.append([verb, *arguments])
        return 0

    def watch(self, verb: str, *arguments: Any) -> tuple[dict[str, Any], site.Spent]:
        self.said.append([verb, *arguments])
        zeros = dict.fromkeys(("p50", "p99", "worst", "heartbeats", "readings", "late"), 0)
        return {"seconds": 8.0, **zeros}, site.Spent(0.5, 0)


def test_the_disk_is_slow_in_its_own_windows_only() -> None:
    """Or growing to the next size would take minutes, and the plain file would be slow too."""
    here: Any = Asked()
    for ledger in ("slow", "file"):
        live._window(here, ledger, 10, 0, 1.0)
    assert [said for said in here.said if said[0] in ("slow", "live")] == [
        ["slow", 0.02], ["live", 1.0, 0], ["slow", 0.0],
        ["slow", 0.0], ["live", 1.0, 0], ["slow", 0.0],
    ]  # fmt: skip


def test_cpu_is_that_of_the_calls() -> None:
    """Half a second for the calls of one second is half a core, although a busy machine took eight over them."""
    here: Any = Asked()
    assert live._window(here, "file", 10, 0, 1.0).cpu == 0.5


def test_thirty_boot_at_once(small: Path) -> None:
    """Each is accepted and kept, with both ledgers."""
    scale = boot_storm.Scale(30, 1)
    progress = Progress(scale.steps)
    found = boot_storm.boot_storm(scale, progress)
    assert progress.done == progress.steps
    assert {storm.ledger for storm in found} == set(boot_storm.LEDGERS)
    for storm in found:
        assert len(storm.accepted) == 30 and storm.accepted == sorted(storm.accepted)
        assert 0 < storm.commits <= 30 and storm.cpu > 0
    assert list(small.iterdir()) == []


def test_of_many_acceptances_a_hundred_are_kept() -> None:
    """The last is one of them: it is the result."""
    kept = boot_storm.thinned([float(number) for number in range(2000)])
    assert len(kept) == 100 and kept[0] == 19.0 and kept[-1] == 1999.0


async def test_nobody_starts_while_a_call_is_under_way() -> None:
    """J-spec 4.1.1: a charge point that wants to call waits for its answer first."""
    station = Station(Wire())  # type: ignore[arg-type]
    async with station.lane:
        call = asyncio.create_task(station.heartbeat(), name="heartbeat")
        await asyncio.sleep(0)
        assert station.websocket.sent == []  # type: ignore[attr-defined]
        call.cancel()
