"""What gives false findings to whoever is not careful: each trap once, and what it must not do."""

from __future__ import annotations

import json

import pytest

from ocpp_lab.logs import diagnose, exchanges, read
from tests.ocpp_lab.logs.conversation import CP, FORMATS, conversation
from tests.ocpp_lab.logs.night import ACCEPTED, SILENCE, Night, stamp


def test_an_elided_frame_may_be_valid_json() -> None:
    """The count of bytes beside it tells, or the dots in a name."""
    log = read('> TEXT \'[2,"a1","GetC...eProfiles"]\' [181 bytes]\n< TEXT \'[3,"a1",{"k":"v"}]\' [90 bytes]\n')
    assert [seen.condition for seen in log.seen] == ["elided", "elided"]
    assert diagnose(log) == []


def test_an_elided_frame_that_is_none_is_kept() -> None:
    log = read(
        '< TEXT \'[2,"5191e2e7","Mete... 0,"transactionId": 0}]\' [304 bytes]\n> TEXT \'[3,"5191e2e7",{}]\' [17 bytes]'
    )
    assert [(seen.kind, seen.unique_id, seen.condition) for seen in log.seen] == [
        (2, "5191e2e7", "elided"),
        (3, "5191e2e7", "whole"),
    ]
    [exchange] = exchanges(log)
    assert exchange.fate == "answered"


def test_two_loggers_tell_each_frame_once() -> None:
    """Home Assistant with both loggers on: the whole one is kept, the shortened one is not counted."""
    lines = []
    for one in conversation():
        time = one.at.isoformat(" ", "milliseconds")[:-6]
        words = ("receive message", "<") if one.sender == CP else ("send", ">")
        short = one.text if len(one.text) < 60 else f"{one.text[:40]}...{one.text[-12:]}"
        lines.append(f"{time} DEBUG (MainThread) [websockets.server] {words[1]} TEXT '{short}' [{len(one.text)} bytes]")
        lines.append(f"{time} INFO (MainThread) [ocpp] WALL-0815: {words[0]} {one.text}")
    log = read("\n".join(lines))
    assert [seen.text for seen in log.seen] == [one.text for one in conversation()]
    assert diagnose(log) == [] and log.notes


def test_both_ends_in_one_log() -> None:
    """What one end sends, the other receives: each frame is told twice, and is one."""
    lines = []
    for one in conversation():
        time = one.at.isoformat(" ", "milliseconds")[:-6]
        lines += [f"{time} INFO:ocpp:W1: {word} {one.text}" for word in ("send", "receive message")]
    log = read("\n".join(lines))
    assert [(seen.text, seen.sender) for seen in log.seen] == [(one.text, one.sender) for one in conversation()]


def test_doubled_rows() -> None:
    lines = FORMATS["CSV"].render(conversation()).splitlines()
    log = read("\n".join([lines[0], *(line for row in lines[1:] for line in (row, row))]))
    assert len(log.seen) == 20 and diagnose(log) == []


def test_a_frame_in_an_error_line_is_a_mention() -> None:
    night = Night()
    night.charge()
    quoted = night.lines[8].partition("message ")[2]
    night.words(f"Error while handling request '{quoted}'")
    night.words(f"Could not parse {quoted}")
    log = read(night.text)
    assert len(log.seen) == len(night.lines) - 2 and diagnose(log) == []


def test_a_reply_whose_call_cannot_be_read_is_no_orphan() -> None:
    night = Night()
    night.beat(30)
    unique_id = night.cp("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})
    night.lines[-2] = night.lines[-2][:-70] + "…"
    night.beat(3)
    assert unique_id in night.text and night.findings() == []


def test_calls_that_are_missing_altogether() -> None:
    """A log of replies only, or of one direction: nothing is an orphan then."""
    night = Night()
    night.beat(40)
    night.lines = [line for line in night.lines if "receive" not in line]
    assert [one.rule for one in night.findings()] == []


def test_the_zone_of_the_log_is_not_a_clock_that_is_wrong() -> None:
    """Local time in front, UTC in the payloads: the difference is the log's."""
    night = Night()
    for _ in range(6):
        night.charge()
    local = night.text.replace("2031-03-14 20:", "2031-03-14 22:").replace("2031-03-14 21:", "2031-03-14 23:")
    assert [one.rule for one in diagnose(read(local)) if one.rule.startswith("clock")] == []


def test_a_head_is_whole_cells() -> None:
    """A line with the word "message" in it is no head of a table."""
    night = Night()
    night.lines.insert(0, "time, then what it says, a receive message or a send, and its payload")
    log = read(night.text)
    assert log.identities == ["CP_1"]


def test_more_than_one_charge_point() -> None:
    one, other = Night(), Night()
    for night in (one, other):
        night.charge()
    other.lines = [line.replace("CP_1", "CP_2") for line in other.lines]
    mixed = sorted(one.lines + other.lines)
    log = read("\n".join(mixed))
    assert log.identities == ["CP_1", "CP_2"] and diagnose(log) == []
    assert {exchange.fate for exchange in exchanges(log)} == {"answered"}


def test_newest_first() -> None:
    night = Night()
    night.charge()
    log = read("\n".join(reversed(night.lines)))
    assert log.newest_first and diagnose(log) == []
    assert [seen.action for seen in log.seen][:2] == ["BootNotification"] * 2


def test_connections_are_told_apart() -> None:
    night = Night()
    night.beat(2)
    night.reconnect()
    night.beat(2)
    log = read(night.text)
    assert [each.number for each in log.connections] == [0, 1]
    assert "disconnected, code 1006" in log.connections[0].closing
    assert [seen.connection for seen in log.seen][-4:] == [1] * 4


def test_a_new_session_is_a_new_connection() -> None:
    """SteVe names the session of each frame."""
    text = FORMATS["SteVe"].render(conversation())
    lines = text.split("\n")
    lines[10:] = [line.replace("5f3c-11", "77aa-12") for line in lines[10:]]
    log = read("\n".join(lines))
    assert [seen.connection for seen in log.seen] == [0] * 10 + [1] * 10


def test_our_own_trace_says_what_it_knows() -> None:
    """A timeout that was noted is no frame, and a lost connection is one that ended."""
    events = [
        (0, "=", "connecting → booting (opened)"),
        (1, ">", '[2,"1","Heartbeat",{}]'),
        (31, "!", '[4,"1","Timeout","no answer within 30 s",{}]'),
        (40, "=", "online → closing (lost)"),
    ]
    lines = [json.dumps({"at": at, "identity": "CP_9", "mark": mark, "text": text}) for at, mark, text in events]
    log = read("\n".join(lines))
    assert [seen.action for seen in log.seen] == ["Heartbeat"]
    assert [each.closing for each in log.connections] == ["online → closing (lost)"]


def test_our_own_command_line_in_words() -> None:
    """Without ids: the replies are paired by their action."""
    lines = [
        "20:00:00.100 < CP_1     BootNotification     chargePointVendor=Acme chargePointModel=Wall",
        "20:00:00.200 > CP_1     BootNotification     CallResult after 1 ms status=Accepted interval=300",
        "20:00:01.100 < CP_1     Heartbeat",
        "20:00:01.200 > CP_1     Heartbeat            CallResult after 1 ms currentTime=2031-03-14T20:00:01Z",
    ]
    log = read("\n".join(lines))
    assert [(one.action, one.fate) for one in exchanges(log)] == [
        ("BootNotification", "answered"),
        ("Heartbeat", "answered"),
    ]
    assert diagnose(log) == []


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (r"[2,\"1\",\"Heartbeat\",{}]", "escaped"),
        ('[2,""1"",""Heartbeat"",{}]', "doubled quotes"),
        ("[2, '1', 'Heartbeat', {}]", "Python"),
        ("[2,&quot;1&quot;,&quot;Heartbeat&quot;,{}]", "HTML"),
        ("[2,“1”,“Heartbeat”,{}]", "typographic quotes"),
        ('[2,\t"1"\t"Heartbeat"\t{}]', "comma"),
        ('[,2,"1","Heartbeat",{}]', "comma"),
        ('[2,"1","Heartbeat",{},]', "comma"),
        ('[2,"1","Heart\nbeat",{}]', "several lines"),
        ('[\n  2,\n  "1",\n  "Heartbeat",\n  {}\n]', "several lines"),
    ],
)
def test_what_can_be_mended(text: str, mended: str) -> None:
    [seen] = read(text).seen
    assert seen.frame is not None and seen.action == "Heartbeat" and seen.unique_id == "1"
    assert seen.condition == "mended" and mended in seen.mended


@pytest.mark.parametrize("text", ["[3, 4, 5]", "[2, 3]", "currents: [13.3 13.3 13.3]A", "[1, 2, 3, 4]", "x[2]", "[2,]"])
def test_what_only_looks_like_a_frame(text: str) -> None:
    assert not read(text).seen


@pytest.mark.parametrize("text", ['[2,"17","StatusNotification",{"connec', "[2,'17','StatusNotification',{'con"])
def test_what_is_cut_keeps_its_head(text: str) -> None:
    [seen] = read(text).seen
    assert (seen.kind, seen.unique_id, seen.action, seen.condition) == (2, "17", "StatusNotification", "broken")


def test_an_answer_at_the_end_may_still_come() -> None:
    """Never answered is provable only if the log runs on."""
    night = Night()
    night.beat(5)
    night.cp("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}, SILENCE)
    assert exchanges(read(night.text))[-1].fate == "the log ends"
    night.beat(5)
    assert [one.fate for one in exchanges(read(night.text)) if one.reply is None] == ["timed out"]


def test_the_viewpoint_is_voted_for() -> None:
    night = Night()
    night.charge()
    view = read(night.text).viewpoint
    assert view.side == "central system" and view.certain and view.votes_against == 0


def test_a_gap_that_the_log_tells_of_blames_nobody() -> None:
    night = Night()
    night.beat(3)
    night.cp("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}, SILENCE)
    night.words("17 events are missing here: they could not be written")
    night.beat(5)
    assert night.findings() == []


def test_a_reading_that_was_asked_for_overtakes_older_ones() -> None:
    """Core 5.17: it is sent at once, and shows more energy and a later time than what still waits in the queue."""
    night = Night()
    night.now = 500.0

    def reading(seconds: float, wh: int, context: str, **more: int) -> None:
        sampled = [{"value": str(wh), "context": context}]
        meter_value = [{"timestamp": stamp(seconds), "sampledValue": sampled}]
        night.cp("MeterValues", {"connectorId": 1, "meterValue": meter_value, **more})

    start = {"connectorId": 1, "idTag": "TAG_A", "meterStart": 0, "timestamp": stamp(10)}
    night.cp("StartTransaction", start, {"transactionId": 4, **ACCEPTED})
    reading(490, 154, "Trigger")
    reading(100, 45, "Sample.Periodic", transactionId=4)
    assert night.findings() == []


def test_an_order_crosses_the_end_of_what_it_is_about() -> None:
    """The stop was on its way when the operator pressed the button; another car charges at the other connector."""
    for later, rules in ((1.0, []), (600.0, ["remote-stop-rejected"])):
        night = Night()
        for connector, number in ((1, 4), (2, 5)):
            start = {
                "connectorId": connector,
                "idTag": f"TAG_{connector}",
                "meterStart": 0,
                "timestamp": stamp(night.now),
            }
            night.cp("StartTransaction", start, {"transactionId": number, **ACCEPTED})
            night.now += 10
        night.cp("StopTransaction", {"transactionId": 4, "meterStop": 100, "timestamp": stamp(night.now)}, {})
        night.now += later
        night.cs("RemoteStopTransaction", {"transactionId": 4}, {"status": "Rejected"})
        assert [one.rule for one in night.findings() if one.rule == "remote-stop-rejected"] == rules
