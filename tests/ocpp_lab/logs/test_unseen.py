"""What strangers' logs had in them, and was read or blamed wrongly once; all data here is invented."""

from __future__ import annotations

import gzip
import html
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ocpp_lab.logs import diagnose, read
from tests.ocpp_lab.logs.night import Night

BEAT = '[2,"7","Heartbeat",{}]'
ANSWER = '[3,"7",{"currentTime":"2031-03-14T07:59:50Z"}]'
LOG = f"2031-03-14 07:59:50 INFO ocpp:W1: receive message {BEAT}\n2031-03-14 07:59:50 INFO ocpp:W1: send {ANSWER}\n"


@pytest.mark.parametrize("name", ["charger", "240", "7"])
def test_a_plain_name_is_one_where_only_a_name_stands(name: str) -> None:
    evcc = f"[ocpp  ] TRACE 2031/03/14 07:59:50 recv {name}: {BEAT}\n[ocpp  ] TRACE 2031/03/14 07:59:50 send {name}: "
    assistant = f"2031-03-14 07:59:50 INFO (MainThread) [ocpp] {name}: receive message {BEAT}"
    assert read(evcc + ANSWER).identities == [name]
    assert read(assistant + "\n").identities == [name]


def test_a_word_that_says_to_whom_is_no_name() -> None:
    assert read(f"07:59:50 received from charger: {BEAT}\n07:59:50 sent to charger: {ANSWER}\n").identities == [None]


def test_the_time_of_a_row_stands_behind_its_last_frame() -> None:
    """A call and its answer side by side; the newest row is the first."""
    later = BEAT.replace("7", "8"), ANSWER.replace('"7"', '"8"').replace(":50Z", ":55Z")
    rows = (
        f"Heartbeat | W1 | {later[0]} | {later[1]} | 3/14/2031 1:29:55 PM\n-- | -- | -- | -- | --\n"
        f"Heartbeat | W1 | {BEAT} | {ANSWER} | 3/14/2031 1:29:50 PM\n"
    )
    log = read(rows)
    assert [f"{seen.at:%H:%M:%S}" for seen in log.seen if seen.at] == ["13:29:50"] * 2 + ["13:29:55"] * 2
    assert [seen.unique_id for seen in log.seen] == ["7", "7", "8", "8"] and log.newest_first


def test_a_syslog_has_the_year_of_its_payloads() -> None:
    log = read(f"Feb 29 07:59:49 pi app[1]: recv W1: {BEAT}\nMar  1 07:59:50 pi app[1]: send W1: {ANSWER}\n")
    assert [f"{seen.at:%Y-%m-%d}" for seen in log.seen if seen.at] == ["2031-03-01", "2031-03-01"]


def test_a_type_that_there_is_not_is_its_senders_fault() -> None:
    """The only line that shows it is the receiver's complaint."""
    frame = '[1,"a","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":0,"timestamp":"2031-03-14T07:59:50Z"}]'
    [finding] = diagnose(read(f"fail: Middleware\n   Receive16 => Unknown message type: 1 / Msg: {frame}\n"))
    assert (finding.rule, finding.side) == ("wrong-shape", "charge point")


def test_a_reply_is_not_blamed_for_the_id_of_its_call() -> None:
    """Too long, or a number: the end that sent the call chose it."""
    long = "a" * 40
    call = f'W1: send [2,"{long}","ClearCache",{{}}]\n'
    reply = f'W1: receive message [3,"{long}",{{"status":"Accepted"}}]\n'
    boot = 'W1: receive message [2,"7","Heartbeat",{}]\n'
    assert [each.side for each in diagnose(read(boot + call + reply)) if each.rule == "wrong-shape"] == [
        "central system"
    ]
    assert not [each for each in diagnose(read(boot + reply)) if each.rule == "wrong-shape"]


def test_a_reply_that_made_a_number_of_the_id_is_blamed() -> None:
    lines = 'W1: receive message [2,"7","Heartbeat",{}]\nW1: send [3,7,{"currentTime":"2031-03-14T07:59:50Z"}]\n'
    assert [each.side for each in diagnose(read(lines)) if each.rule == "wrong-shape"] == ["central system"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_however_it_was_saved(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(LOG.replace("\n", "\r\n").encode(encoding))
    assert [seen.unique_id for seen in read(path).seen] == ["7", "7"]


def test_a_packed_log_and_one_that_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    packed = gzip.compress(LOG.encode() * 500)
    path.write_bytes(packed)
    assert read(path).lines == 1000
    path.write_bytes(packed[: len(packed) - 9])
    assert read(path).identities in ([], ["W1"])
    path.write_bytes(b"\x1f\x8b that is none")
    with pytest.raises(OSError, match=r"."):
        read(path)


def test_a_pipe_that_has_a_name() -> None:
    """As a shell makes of <(docker logs …)."""
    end, other = os.pipe()
    os.write(other, LOG.encode())
    os.close(other)
    try:
        assert [seen.unique_id for seen in read(Path(f"/dev/fd/{end}")).seen] == ["7", "7"]
    finally:
        os.close(end)


@pytest.mark.parametrize("packed", [gzip.compress, lambda text: text.decode().encode("utf-16"), bytes])
def test_a_file_that_is_open(packed: Callable[[bytes], bytes]) -> None:
    """As standard input is: unpacked too, and left open."""
    for file in (io.BytesIO(packed(LOG.encode())), io.BufferedReader(io.BytesIO(packed(LOG.encode())))):  # type: ignore[arg-type]
        assert [seen.unique_id for seen in read(file).seen] == ["7", "7"]
        assert not file.closed


def test_a_reading_that_looks_like_a_frame_in_a_text_of_one() -> None:
    """A frame over several lines goes on where one of its texts has a bracket in it."""
    frame = [2, "7", "DataTransfer", {"vendorId": "x", "data": '[3,"9",{}]'}]
    [seen] = read(json.dumps(frame, indent=2)).seen
    assert seen.unique_id == "7" and seen.frame is not None


def test_what_follows_a_frame_of_several_lines_on_its_last() -> None:
    text = json.dumps(json.loads(BEAT), indent=1) + ANSWER
    assert [seen.kind for seen in read(text + "\n").seen] == [2, 3]


def test_a_paste_that_lost_its_line_breaks() -> None:
    """Any number of frames on a line, also after one that is spoilt."""
    cut = BEAT[:-4]
    frames = [f'<- {BEAT.replace("7", str(number))} -> [3,"{number}",{{}}]' for number in range(300)]
    log = read(f"{cut} {' '.join(frames)}\n")
    assert sum(seen.frame is not None for seen in log.seen) >= 600


def test_the_repr_of_a_text_with_a_quote_in_it() -> None:
    frame = json.dumps([2, "7", "DataTransfer", {"vendorId": "x", "data": 'it\'s "ü"'}], ensure_ascii=False)
    for text in (repr(frame), repr(frame.encode())):
        [seen] = read(f"W1 recv {text}\n").seen
        assert seen.payload["data"] == 'it\'s "ü"'


def test_a_column_tells_whose_a_frame_is_that_both_may_send() -> None:
    frame = json.dumps([2, "7", "DataTransfer", {"vendorId": "x"}]).replace('"', '""')
    head = "Timestamp;Sender;Message\n"
    boot = 'BootNotification"",{""chargePointVendor"":""A"",""chargePointModel"":""B""}]"'
    rows = f'2031-03-14T07:59:50Z;POLE;"[2,""6"",""{boot}\n2031-03-14T07:59:51Z;POLE;"{frame}"\n'
    assert [seen.sender for seen in read(head + rows).seen] == ["charge point"] * 2


def test_a_time_below_a_frame_is_not_taken_for_the_next_ones() -> None:
    """A browser prints it there. None is better than a wrong one."""
    log = read(f"{BEAT}\n07:59:50.100\n{ANSWER}\n07:59:50.900\n")
    assert [seen.at for seen in log.seen] == [None, None]


def test_two_loggers_of_which_one_says_no_name() -> None:
    """Two charge points with the same ids: what is kept of each frame is what says whose it is."""
    lines = [
        f"2031-03-14 07:59:5{second}.000 {logger} {frame}"
        for second in range(8)
        for name in ("W1", "W2")
        for word, arrow, frame in (("receive message", "<", BEAT), ("send", ">", ANSWER))
        for logger in (f"[websockets.server] {arrow} TEXT", f"[ocpp] {name}: {word}")
        for frame in [frame.replace('"7"', f'"{second}"')]
    ]
    log = read("\n".join(lines))
    assert log.identities == ["W1", "W2"] and len(log.seen) == 32


def test_a_ping_is_no_end() -> None:
    night = Night()
    for _ in range(12):
        night.lines.append(night.lines[-1].partition(" [")[0] + " [websockets.server] % sending keepalive ping")
        night.beat()
    log = read(night.text)
    assert len(log.connections) == 1 and diagnose(log) == []
    night.words("sent 1011 (internal error) keepalive ping timeout; no close frame received")
    night.beat()
    assert len(read(night.text).connections) == 2


@pytest.mark.parametrize(
    "twice", [lambda text: json.dumps(json.dumps(text)), lambda text: html.escape(html.escape(text))]
)
def test_what_was_escaped_twice_is_taken_to_its_end(twice: Callable[[str], str]) -> None:
    [seen] = read(f"W1 recv {twice(BEAT)}\n").seen
    assert seen.text.endswith("]") and seen.text.count("}") == 1


def test_an_elided_frame_whose_last_brackets_are_too_many() -> None:
    """What is left of it is JSON by accident, up to a bracket."""
    frame = '[2,"1","SetChargingProfile",{"connectorId":1,"...iod":0,"limit":8.6}]}}}]'
    for line in (f"> TEXT '{frame}' [279 bytes]\n", f"send {frame}\n"):
        [seen] = read(line).seen
        assert seen.condition == "elided"


@pytest.mark.parametrize("columns", range(40, 100, 7))
def test_a_frame_that_is_broken_in_front_of_a_time(columns: int) -> None:
    """What goes on with a time is no new line then."""
    frame = '[2,"7","StopTransaction",{"transactionId":3,"meterStop":5,"timestamp":"2031-03-14T20:00:00Z"}]'
    line = f"[MO] Send: {frame}"
    [seen] = read("\n".join(line[place : place + columns] for place in range(0, len(line), columns))).seen
    assert seen.payload["timestamp"] == "2031-03-14T20:00:00Z"


def test_what_cannot_be_read_is_not_blamed_for_its_payload() -> None:
    """A stop that the log shortens, and that is refused three times."""
    night = Night()
    for _ in range(3):
        unique_id = night.cp("StopTransaction", {"transactionId": 3, "meterStop": 5}, "InternalError")
        night.lines[-2] = f'{night.lines[-2].partition("[2")[0]}[2,"{unique_id}","StopTransaction",{{"transac'
    assert "refused-again-and-again" not in {finding.rule for finding in night.findings()}


def test_an_unknown_error_code_in_an_envelope() -> None:
    night = Night()
    night.cs("ClearCache", {}, "NotFound")
    log = read("\n".join(f"log {json.dumps(line)}" for line in night.lines))
    assert [finding.rule for finding in diagnose(log)] == ["unknown-error-code"]
