"""A trace as a file: what is written can be read, a bad line is named, no secret gets in, no disk stops an end."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_lab.cli.inputs import BadInput, open_trace_file
from ocpp_lab.trace import Event, Trace
from ocpp_lab.trace_file import A_PIECE, TraceFile, read_trace
from tests.program import listening, running
from tests.simulated import simulated

BEAT = Event(1.25, "CP_1", ">", '[2,"1","Heartbeat",{}]')
STORY = [
    Event(0.5, "CP_1", "=", "booting → online (accepted)"),
    BEAT,
    Event(1.5, "CP_1", "<", '[3,"1",{"currentTime":"2025-06-06T20:20:00Z"}]'),
    Event(2.0, "CP_1", "!", 'no frame: "\x00\n東😀"'),
]
AT_NIGHT = datetime(2025, 6, 6, 20, 20, 0, 123_000, tzinfo=UTC)
GOOD = BEAT.line().encode()


@simulated
async def test_what_is_saved_is_what_is_read(tmp_path: Path) -> None:
    """Whatever a text holds; a line of the file is a line."""
    trace = Trace()
    trace.events.extend(STORY)
    trace.save(tmp_path / "night.jsonl")
    assert read_trace(tmp_path / "night.jsonl") == STORY
    assert len((tmp_path / "night.jsonl").read_bytes().splitlines()) == len(STORY)


def test_half_a_character_does_not_spoil_the_file(tmp_path: Path) -> None:
    (tmp_path / "night.jsonl").write_text(BEAT._replace(text="a\ud800b").line())
    assert [event.text for event in read_trace(tmp_path / "night.jsonl")] == ["a?b"]


def test_a_line_says_when_to_people_and_to_programs(tmp_path: Path) -> None:
    with TraceFile(tmp_path / "night.jsonl", now=lambda: AT_NIGHT) as file:
        file.tell(BEAT)
    [line] = (tmp_path / "night.jsonl").read_text().splitlines()
    assert json.loads(line) == {"time": "2025-06-06T20:20:00.123Z"} | BEAT._asdict()


def test_each_event_is_there_at_once_and_a_second_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    with TraceFile(path) as file:
        for number, event in enumerate(STORY, 1):
            file.tell(event)
            assert len(read_trace(path)) == number
    with TraceFile(path) as file:
        file.tell(BEAT)
    assert read_trace(path) == [*STORY, BEAT]


# --- files that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "came"),
    [
        (b"hello\n", "'hello'"),
        (b"\n", "''"),
        (b"[1,2]\n", r"'\[1,2\]'"),
        (b'{"at":1}\n', "missing required field"),
        (b'{"at":"1","identity":"CP_1","mark":">","text":""}\n', "Expected `float`"),
        (b'{"at":1,"identity":"CP_1","mark":"?","text":""}\n', "Invalid enum value"),
        (b"\xff\xfe\n", r"\\ufffd"),
        (b"[" * 9000 + b"\n", r"\[\[\["),
    ],
)
def test_a_bad_line_is_named(line: bytes, came: str, tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    path.write_bytes(GOOD * 2 + line + GOOD)
    with pytest.raises(
        ValueError, match=rf"night.jsonl, line 3: expected \{{\"at\": seconds, .*{came}.*remove that line"
    ):
        read_trace(path)
    path.write_bytes(line)
    with pytest.raises(ValueError, match=rf"line 1: .*{came}.*is this a trace file\?"):
        read_trace(path)


def test_a_line_that_a_power_cut_left_unfinished_is_left_out(tmp_path: Path) -> None:
    """And the next run takes it away, or it would stand in the middle."""
    path = tmp_path / "night.jsonl"
    path.write_bytes(GOOD + GOOD[:20])
    assert read_trace(path) == [BEAT]
    with TraceFile(path) as file:
        file.tell(BEAT)
    assert read_trace(path) == [BEAT, BEAT]


def test_an_unfinished_line_may_be_long_or_the_only_one(tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    long = BEAT._replace(text="x" * 3 * A_PIECE).line().encode()
    for whole, torn in [(GOOD, long[:-5]), (long, GOOD[:-1]), (b"", long[:-5]), (b"", GOOD[:3])]:
        path.write_bytes(whole + torn)
        with TraceFile(path) as file:
            file.tell(BEAT)
        assert len(read_trace(path)) == (2 if whole else 1)


def test_an_empty_file_is_a_short_trace(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert read_trace(tmp_path / "empty") == []
    with TraceFile(tmp_path / "empty") as file:
        file.tell(BEAT)
    assert read_trace(tmp_path / "empty") == [BEAT]


@pytest.mark.parametrize("content", [b"CP_1:00112233\nCP_2:44556677\n", b"a key without end", b"\n", b'{"a": 1}\n'])
def test_what_is_no_trace_does_not_grow(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"--trace-file .*keys.txt: expected a new file or a trace .* came another file"):
        open_trace_file(path, print)
    assert path.read_bytes() == content


def test_a_place_where_nothing_can_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"expected a file that can be written, came: No such file .*; choose another"):
        open_trace_file(tmp_path / "none" / "night.jsonl", print)
    with pytest.raises(BadInput, match="Is a directory"):
        open_trace_file(tmp_path, print)
    assert open_trace_file(None, print) is None


# --- a full disk ----------------------------------------------------------------------------------------------------


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: writes fail as they do on a full disk, also half way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_once_and_counted(tmp_path: Path) -> None:
    """No half a line stays; when there is room again, the file itself says what is missing in it."""
    path, said = tmp_path / "night.jsonl", list[str]()
    with TraceFile(path, alarm=said.append, now=lambda: AT_NIGHT) as file:
        with room_for(2 * len(BEAT.line(time="2025-06-06T20:20:00.123Z")) + 30):
            for _ in range(5):
                file.tell(BEAT)
            assert read_trace(path) == [BEAT, BEAT]
        assert file.missed == 3
        file.tell(BEAT)
    assert said == [f"{path}: File too large; events are missing in it"]
    assert [event.text for event in read_trace(path)[2:]] == [
        "3 events are missing here: they could not be written",
        BEAT.text,
    ]


async def test_both_ends_live_on_a_full_disk() -> None:
    """DESIGN.md, decision 13: our own side fails too."""
    with TraceFile("/dev/full") as file:
        trace = Trace(listener=file.tell)
        async with CentralSystem(trace=trace) as central_system:
            async with ChargePoint(central_system.url, "CP_1", trace=Trace(listener=file.tell)) as charge_point:
                await charge_point.wait_for("online")
                assert (await charge_point.call(m.HeartbeatRequest())).current_time
    assert file.missed > 10
    assert trace.listener_failures == 0


# --- no secrets -----------------------------------------------------------------------------------------------------

SECRET = "hush-hush-0001"
TOLD: list[tuple[str, dict[str, Any]]] = [
    ("ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}),
    ("ChangeConfiguration", {"key": "WifiPassword", "value": SECRET}),
    ("GetDiagnostics", {"location": f"ftp://operator:{SECRET}@192.0.2.1/logs"}),
    ("UpdateFirmware", {"location": f"https://operator:{SECRET}@example.com/fw.bin", "retrieveDate": "2025-06-06"}),
]


@pytest.mark.parametrize(("action", "payload"), TOLD)
@pytest.mark.parametrize("shape", ["{}", "late reply: {}", "{}]", "escaped"])
@simulated
async def test_no_secret_gets_into_a_file(action: str, payload: dict[str, Any], shape: str, tmp_path: Path) -> None:
    """Neither into one that is written live nor into one that is saved, whatever is around it."""
    frame = json.dumps([2, "1", action, payload])
    text = frame.replace("/", r"\/") if shape == "escaped" else shape.format(frame)
    with TraceFile(tmp_path / "live") as file:
        trace = Trace(listener=file.tell)
        trace.note("CP_1", "<", text)
    trace.save(tmp_path / "saved")
    for name in ("live", "saved"):
        assert SECRET not in (tmp_path / name).read_text()
        assert "***" in (tmp_path / name).read_text()


def test_a_file_that_somebody_else_wrote_is_masked_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text(BEAT._replace(text=json.dumps([2, "1", *TOLD[0]])).line())
    [event] = read_trace(tmp_path / "theirs")
    assert SECRET not in event.text


@simulated
async def test_a_url_without_a_password_stays(tmp_path: Path) -> None:
    trace = Trace()
    for text in (
        '["ftp://192.0.2.1/a@b"]',
        '["https://example.com:8080/x"]',
        '["me@example.com/2"]',
        '["ftp://me@h/"]',
    ):
        trace.note("CP_1", ">", text)
        assert trace.events[-1].text == text


# --- on the command line --------------------------------------------------------------------------------------------


async def test_both_ends_write_their_night(tmp_path: Path) -> None:
    """Two programs on one machine have one clock: what is sent is sent before it arrives."""
    one, other = tmp_path / "central_system.jsonl", tmp_path / "charge_point.jsonl"
    async with running("central-system", "--port", "0", "--trace-file", one) as central_system:
        url = await listening(central_system)
        async with running("charge-point", url, "--trace-file", other) as charge_point:
            await charge_point.until(r"< CP_1 +StatusNotification +CallResult")
            assert await charge_point.stop() == 0
        await central_system.until(r"= CP_1 +disconnected")
        assert await central_system.stop() == 0
    sent = next(event for event in read_trace(other) if event.mark == ">")
    heard = next(event for event in read_trace(one) if event.mark == "<")
    assert (sent.text, sent.identity) == (heard.text, "CP_1")
    assert "BootNotification" in sent.text
    assert sent.at <= heard.at
    assert read_trace(other)[-1].text == "online → stopped (stop)"


async def test_a_disk_that_is_full_is_said_and_the_charge_point_lives() -> None:
    async with running("central-system", "--port", "0") as central_system:
        url = await listening(central_system)
        async with running("charge-point", url, "--trace-file", "/dev/full") as charge_point:
            await charge_point.until(r"! --trace-file /dev/full: No space left on device; events are missing in it")
            await charge_point.until(r"< CP_1 +StatusNotification +CallResult")
            assert await charge_point.stop() == 0
            assert "Traceback" not in charge_point.said
            assert "events are missing in it" in charge_point.said.splitlines()[-1]
