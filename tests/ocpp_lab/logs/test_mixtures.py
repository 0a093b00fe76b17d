"""Logs with more in them than one conversation, or less: other programs' lines, pieces twice, a filter.

Nobody is blamed for what whoever pasted it did.
"""

from __future__ import annotations

import json
import re

import pytest

from ocpp_lab.logs import Log, diagnose, read
from tests.ocpp_lab.logs.night import SILENCE, Night, stamp


def many(charges: int = 6) -> Night:
    """An ordinary night."""
    night = Night()
    for number in range(charges):
        night.charge(20 + number, 1, 1000 + 3000 * number)
        night.beat(2)
    return night


def rules(log: Log) -> list[str]:
    return [finding.rule for finding in diagnose(log)]


STRANGERS = [
    "DEBUG (MainThread) [homeassistant.components.websocket_api.http.connection] [5478] 10.0.0.9: Disconnected",
    "INFO (MainThread) [homeassistant.components.mqtt.client] Disconnected from MQTT server core:1883 (7)",
    "ERROR (MainThread) [homeassistant.components.tuya] Connection lost",
    "WARNING (SyncWorker_1) [pymodbus.client] Connection to (10.0.0.5, 502) closed",
    "INFO car disconnected",
    "WARN com.zaxxer.hikari.pool.PoolBase - No operations allowed after connection closed.",
    "ERROR org.eclipse.jetty.io - java.io.EOFException: Closed",
]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_other_connections_end_too(stranger: str) -> None:
    night = many()
    lines = [text for line in night.lines for text in (line, f"{line[:23]} {stranger}")]
    log = read("\n".join(lines))
    assert len(log.connections) == 1 and diagnose(log) == []


def test_the_car_of_evcc_is_no_charge_point() -> None:
    night = many()
    for place in range(3, len(night.lines), 3):
        night.lines[place] += "\n[lp-1  ] INFO 2031/03/14 20:00:01 car disconnected"
    assert len(read(night.text).connections) == 1


@pytest.mark.parametrize("line", ["Charge point CP_1 disconnected", "[CP_1] connection closed, code 1006", "..."])
def test_what_ends_it_still_does(line: str) -> None:
    night = many(1)
    night.lines.append(line)
    night.beat()
    assert len(read(night.text).connections) == 2


def test_pieces_that_overlap() -> None:
    lines = many().lines
    log = read("\n".join([*lines[:100], "and then:", *lines[40:]]))
    assert len(log.seen) == len(lines) and diagnose(log) == [] and log.notes


def test_pieces_that_overlap_without_times() -> None:
    lines = [line.partition("[ocpp] ")[2] for line in many().lines]
    assert len(read("\n".join([*lines[:100], *lines[40:]])).seen) == len(lines)


def test_the_same_again_at_once_is_no_piece() -> None:
    """Somebody answers twice in the same instant: that stays."""
    night = many(1)
    night.lines.append(night.lines[-1])
    night.beat()
    assert "answered-twice" in rules(read(night.text))


@pytest.mark.parametrize("place", range(24, 130, 12))
def test_newer_files_before_older_ones(place: int) -> None:
    """``cat steve.log steve.log.1``."""
    lines = many().lines
    log = read("\n".join([*lines[place:], *lines[place // 2 : place], *lines[: place // 2]]))
    assert [seen.text for seen in log.seen] == [seen.text for seen in read("\n".join(lines)).seen]
    assert diagnose(log) == []


def test_a_clock_that_is_set_back_is_no_older_file() -> None:
    """What was asked before is answered after it."""
    night = many(2)
    place = len(night.lines) // 2
    place += "send [3" not in night.lines[place]
    back = [line.replace("2031-03-14 20:", "2031-03-14 18:") for line in night.lines[place:]]
    log = read("\n".join([*night.lines[:place], *back]))
    assert [seen.line for seen in log.seen] == list(range(1, len(night.lines) + 1))


# -- a filter


def test_no_heartbeats() -> None:
    """Their calls have the word, their answers have not. That the log is not whole is said, and nobody is blamed."""
    night = many()
    night.status(1, "Preparing", SILENCE)
    night.beat(4)
    lines = [line for line in night.lines if "Heartbeat" not in line]
    [finding] = diagnose(read("\n".join(lines)))
    assert (finding.rule, finding.side) == ("reply-to-nothing", "the log")


def test_calls_only() -> None:
    night = many()
    for _ in range(5):
        night.cs("GetConfiguration", {"key": ["HeartbeatInterval"]}, {"unknownKey": ["HeartbeatInterval"]})
    lines = [line for line in night.lines if '[2,"' in line]
    assert {finding.side for finding in diagnose(read("\n".join(lines)))} == {"the log"}


# -- a crowd


def crowd(words: str) -> str:
    """Two of them, each with a night of its own, in a log that has no names; ``words`` stands for each line's own."""
    one, other = many(3), Night(boot=False, quiet=True)
    other.now = 3.3
    other.boot()
    for number in range(3):
        other.charge(70 + number, 1, 50_000 + 3000 * number, "OTHER")
        other.beat(1, 37)
    lines = []
    for name, night in (("a1", one), ("b2", other)):
        for line in night.lines:
            text = re.sub(r'^\[(\d),"', rf'[\1,"{name}-', line.partition("message ")[2] or line.partition("send ")[2])
            text = text.replace('"Acme"', f'"Acme","chargePointSerialNumber":"{name}"')
            lines.append(f"{line[:23]} {words.format(name)}{'in' if 'message' in line else 'out'} {text}")
    return "\n".join(sorted(lines))


def test_what_follows_what_is_not_known_in_a_crowd() -> None:
    log = read(crowd(""))
    assert log.crowd and diagnose(log) == []


def test_what_a_frame_proves_is_told_in_a_crowd_too() -> None:
    bad = {"connectorId": 1, "errorCode": "None", "status": "Available", "timestamp": stamp(900)}
    text = f"{crowd('')}\n2031-03-14 20:40:00.000 in {json.dumps([2, 'x', 'StatusNotification', bad])}"
    assert rules(read(text)) == ["payload"]


def test_connections_that_go_on_side_by_side_tell_a_crowd_apart() -> None:
    log = read(crowd("sessionId={} "))
    assert sorted(map(str, log.identities)) == ["a1", "b2"] and not log.crowd
    assert len(log.connections) == 2 and diagnose(log) == []


# -- another version


LATER = """\
INFO:ocpp:CP_1: receive message [2,"a","BootNotification",{"chargingStation":{"model":"M","vendorName":"V"},"reason":1}]
INFO:ocpp:CP_1: send [3,"a",{"currentTime":"2031-03-14T07:59:50Z","interval":10,"status":"Accepted"}]
INFO:ocpp:CP_1: send [2,"b","GetVariables",{"getVariableData":[]}]
INFO:ocpp:CP_1: receive message [3,"b",{"getVariableResult":[]}]
"""


def test_a_log_of_2_0_1_is_nobodys_fault() -> None:
    log = read(LATER)
    assert diagnose(log) == [] and any("2.0.1" in note for note in log.notes)


def test_two_versions_that_do_not_understand_each_other_are() -> None:
    refused = re.sub(r'\[3,"(.)",.*\]', r'[4,"\1","NotImplemented","",{}]', LATER)
    assert "unknown-action" in rules(read(refused))


def test_a_log_in_a_comment() -> None:
    text = LATER.replace('"a",', '"a",\n', 1)
    assert [seen.frame for seen in read(re.sub("(?m)^", "# ", text)).seen] == [seen.frame for seen in read(text).seen]


# -- a log that tells nothing of connections: one may have been lost anywhere


def test_one_reply_that_is_missing_among_many_proves_nothing() -> None:
    night = many()
    night.cp("Heartbeat", {}, SILENCE)
    night.beat(5)
    assert night.findings() == []
    night.reconnect()
    night.cp("Heartbeat", {}, SILENCE)
    night.beat(5)
    assert [(finding.rule, finding.certainty) for finding in night.findings()] == [("never-answered", "proved")]


def test_what_is_never_answered_at_all_is_likely() -> None:
    night = many()
    night.cs("GetConfiguration", {"key": []}, {"unknownKey": []})
    night.cs("ClearCache", {}, SILENCE)
    night.beat(5)
    night.cs("GetConfiguration", {"key": []}, {"unknownKey": []})
    night.beat(3)
    assert [(finding.rule, finding.side, finding.certainty) for finding in night.findings()] == [
        ("never-answered", "charge point", "likely")
    ]


def test_a_status_after_an_hour_may_have_others_before_it() -> None:
    for pause, expected in ((5, ["order-of-statuses"]), (3600, [])):
        night = Night()
        night.status(1, "Preparing")
        night.now += pause
        night.status(1, "Reserved")
        assert [finding.rule for finding in night.findings()] == expected


def test_a_copy_may_be_one_whose_answer_was_lost() -> None:
    for told, expected in ((False, "likely"), (True, "proved")):
        night = Night()
        if told:
            night.reconnect()
        payload = night.start()
        night.now += 60
        night.cp("StartTransaction", payload, {"transactionId": 7, "idTagInfo": {"status": "Accepted"}})
        night.beat(2)
        [finding] = night.findings()
        assert (finding.rule, finding.certainty) == ("sent-again-after-its-answer", expected)


def test_counters_that_go_on_side_by_side_are_a_crowd() -> None:
    """No boot, no serial number: the unique ids of each charge point are counted by itself."""
    lines = [
        f'2031-03-14 20:{minute:02}:0{place}.000 {word} [{kind},"{first + minute}",{rest}]'
        for minute in range(20)
        for place, first in enumerate((100, 5000))
        for word, kind, rest in (("in", 2, '"Heartbeat",{}'), ("out", 3, '{"currentTime":"2031-03-14T20:00:00Z"}'))
    ]
    assert read("\n".join(lines)).crowd
    assert not read("\n".join(line for line in lines if '"5' not in line)).crowd


def test_a_boot_that_is_triggered_later_may_be_asked_of_a_new_connection() -> None:
    """As Home Assistant does at the beginning of each."""
    for pause, expected in ((1, ["boot-triggered-again"]), (900, [])):
        night = Night()
        for _ in range(2):
            night.now += pause
            night.cs("TriggerMessage", {"requestedMessage": "BootNotification"}, {"status": "Rejected"})
        assert [finding.rule for finding in night.findings()] == expected


def test_a_stop_that_may_stand_in_a_piece_that_is_cut_out() -> None:
    """With a pause in front of the connector's end, a start without a stop is likely and not proved."""
    for pause, expected in ((5, "proved"), (1800, "likely")):
        night = Night()
        for number in (7, 8):
            night.status(1, "Preparing")
            night.start(number, meter=1000 * number)
            night.status(1, "Charging")
            night.now += pause
            night.status(1, "Finishing")
            night.status(1, "Available")
        assert [(one.rule, one.certainty) for one in night.findings()] == [("left-open", expected)]


def test_a_reply_behind_a_piece_that_is_cut_out_answers_nobody_before_it() -> None:
    night = many(2)
    night.beat(5)
    night.cp("Heartbeat", {}, SILENCE)
    night.now += 1800
    night.say("cs", [3, "elsewhere", {"currentTime": stamp(night.now)}])
    night.beat(2)
    assert {finding.certainty for finding in night.findings()} <= {"likely"}


def test_an_elided_value_is_nobodys() -> None:
    """What websockets shortened, and a terminal cut: no count of bytes is left of it."""
    night = Night(boot=False)
    answer = '[3,"b",{"status":"Accepted","currentTime":"...00:01Z","interval":300}]'
    night.cp("BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "Wall"}, SILENCE, unique_id="b")
    night.say("cs", answer)
    night.beat(2)
    assert night.findings() == []
