"""Nothing in a file can hang or crash the reader or a rule, and what is read stays as it was whatever surrounds it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocpp_lab.logs import chapters, diagnose, exchanges, merge, read, statuses, transactions
from tests.house import scaled
from tests.integration.mutations import mutants, mutate_tree
from tests.ocpp_lab.logs.conversation import FORMATS, conversation
from tests.ocpp_lab.logs.night import Night

MANY = scaled(60, 600)


def everything(text: str) -> None:
    """All that there is to ask of a log."""
    log = read(text)
    assert [seen.index for seen in log.seen] == list(range(len(log.seen)))
    assert all(1 <= seen.line <= seen.last_line <= log.lines for seen in log.seen)
    exchanges(log), transactions(log), statuses(log), str(log.viewpoint)
    for finding in diagnose(log):
        finding.what.encode()
        assert all(0 <= index < len(log.seen) for index in finding.seen)


def _night() -> str:
    """With something for every rule to look at."""
    night = Night()
    night.charge()
    night.charge(8, 2)
    key = {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "6"}
    night.cs("GetConfiguration", {}, {"configurationKey": [key], "unknownKey": ["x"]})
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}
    profile = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile",
               "chargingProfileKind": "Relative", "chargingSchedule": schedule}  # fmt: skip
    start = night.start(9)
    night.cp("StartTransaction", start, "InternalError")
    for status in ("Accepted", "Rejected"):
        night.cs("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}, {"status": status})
        for _ in range(3):
            night.now += 60
            night.read(16, 9, measurand="Current.Import", unit="A")
    night.read(5000, None)
    night.cs("RemoteStopTransaction", {"transactionId": 9}, {"status": "Rejected"})
    night.cs("RemoteStartTransaction", {"connectorId": 2, "idTag": "CARD"}, {"status": "Accepted"})
    night.cs("TriggerMessage", {"requestedMessage": "MeterValues"}, {"status": "Accepted"})
    night.cp("Authorize", {"idTag": "CARD"}, {"idTagInfo": {"status": "ConcurrentTx"}})
    night.boot("Pending", 60)
    night.reconnect()
    night.beat(3)
    return night.text


NIGHT = _night()


@settings(max_examples=MANY, deadline=None)
@given(
    st.lists(mutants("ChargePoint") | mutants("CentralSystem"), min_size=1, max_size=6),
    st.sampled_from(["send", "<", ""]),
)
def test_spoilt_frames(spoilt: list[tuple[object, bytes]], word: str) -> None:
    """Frames that were changed at will, between whole ones."""
    lines = NIGHT.split("\n")
    for number, (_, data) in enumerate(spoilt):
        place = 3 * number + 4
        lines.insert(place, f"{lines[place][:23]} CP_1: {word} {data.decode(errors='surrogateescape')}")
    everything("\n".join(lines))


@settings(max_examples=3 * MANY, deadline=None)
@given(st.data())
def test_spoilt_payloads(data: st.DataObject) -> None:
    """A night in which any value may be of any kind: no rule trusts a payload."""
    lines = NIGHT.split("\n")
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(lines) - 1))
        before, bracket, text = lines[place].partition("CP_1: ")
        word, _, frame = text.partition(" [")
        if not frame:
            continue
        spoilt = json.loads("[" + frame)
        mutate_tree(data.draw, spoilt)
        lines[place] = f"{before}{bracket}{word} {json.dumps(spoilt)}"
    everything("\n".join(lines))


@settings(max_examples=MANY, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.data())
def test_spoilt_logs(name: str, data: st.DataObject) -> None:
    """Any log, with pieces cut out, doubled, or put elsewhere."""
    text = FORMATS[name].render(conversation())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        to = min(len(text), at + data.draw(st.integers(0, 200)))
        piece = data.draw(
            st.sampled_from(["", text[at:to] * 2, "\n", "[2,", '"', "\\", "[" * 50, "\0\x1b[", "…", "}]"])
        )
        text = text[:at] + piece + text[to:]
    everything(text)


@settings(max_examples=MANY, deadline=None)
@given(st.text(st.characters()) | st.text("[]{}\",:0123456789.eE+-nul\\' \n<>=") | st.binary().map(repr))
@example("[2,\n" * 50)
@example('[2,"a","b",' + "[" * 5000)
@example('{"log":' * 300)
@example("[2,'" + "(" * 500)
@example('[2,"1","Heartbeat",{"a":' + "9" * 6000 + "}]")
@example('[2,"\\ud800","Heartbeat",{}]')
@example('1970-13-45 25:61:61 [3,"1",{}]')
def test_noise(text: str) -> None:
    everything(text)


@pytest.mark.parametrize(
    "line",
    [
        "[2," * 100_000,
        '[2,"a' * 50_000,
        "[" + " " * 300_000 + "2",
        '[2,"1","Heartbeat",{}] ' * 20_000,
        "\x1b]" * 100_000,
        "2031-03-14 20:00:00 " * 20_000 + '[2,"1","Heartbeat",{}]',
        "from " * 60_000 + '[3,"1",{}]',
        '[2,\\"' * 50_000,
        "[2,'1','" + "'," * 90_000,
        '[2,"1","MeterValues",' + '"a" ' * 40_000,
        "&" * 200_000 + "[2,&quot;1&quot;," + "&" * 100_000,
        "{" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        "<" * 200_000 + "</td>",
        "a" * 1_000_000,
    ],
    ids=lambda line: line[:12],
)
def test_no_line_takes_for_ever(line: str) -> None:
    """Every pattern and every mend is linear, or works on a piece of bounded length."""
    began = process_time()
    everything("\n".join([line, line, '[2,"9","Heartbeat",{}]']))
    assert process_time() - began < 20


def test_an_endless_frame_ends() -> None:
    """What was never closed swallows no more than a bounded piece of the log."""
    text = '[2,"1","DataTransfer",{"vendorId":"x","data":[\n' + "1,\n" * 20_000
    everything(text + '[2,"2","Heartbeat",{}]')


def test_chapters_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long log in pieces: the same findings, and never all of it in memory."""
    monkeypatch.setattr("ocpp_lab.logs.reader.A_CHAPTER", 400)
    monkeypatch.setattr("ocpp_lab.logs.reader.OVERLAP", 120)
    night = Night()
    for number in range(1, 60):
        night.charge(number, meter=3000 * number)
        night.beat(3)
        if number in (20, 41):
            night.start(0, number, meter=number)
    path = tmp_path / "long.log"
    path.write_text(night.text)
    told: list[int] = []
    pieces = list(chapters(path, progress=told.append))
    assert len(pieces) > 2 and all(len(log.seen) <= 520 for log in pieces)
    assert pieces[-1].lines == len(night.lines) and told[-1] == len(night.text)
    merged = merge(finding for log in pieces for finding in diagnose(log))
    whole = night.findings()
    assert [(one.rule, one.side) for one in merged] == [(one.rule, one.side) for one in whole]
    assert {line for one in merged for line in one.lines} >= {line for one in whole for line in one.lines}


def test_what_is_secret_is_masked() -> None:
    """AuthorizationKey, passwords in URLs, headers of HTTP Basic (whitepaper A01.FR.09)."""
    night = Night()
    night.cs(
        "ChangeConfiguration", {"key": "AuthorizationKey", "value": "0a1b2c3d4e5f60718293"}, {"status": "Accepted"}
    )
    night.cs("UpdateFirmware", {"location": "ftp://me:hunter2@example.org/f", "retrieveDate": "2031-03-14T20:00:00Z"})
    night.say("cp", '[2,"x","DataTransfer",{"vendorId":"a","data":{"key":"WifiPassword","value":"hunter2","b":')
    night.words("connection closed: Authorization: Basic bWU6aHVudGVyMg==, wss://me:hunter2@example.org/CP_1")
    log = read(night.text)
    kept = json.dumps([[seen.text, str(seen.frame), str(seen.raw)] for seen in log.seen] + [str(log.connections)])
    kept += str(diagnose(log))
    assert not re.search("hunter2|bWU6|0a1b2c", kept)
    assert "AuthorizationKey" in kept and "***" in kept


def test_no_frames() -> None:
    log = read("yesterday it stopped charging at 22:00\nand this morning it was offline [3, 4]")
    assert not log.seen and log.format == "prose" and diagnose(log) == []
    advice = log.no_frames_advice()
    for software in ("SteVe", "Home Assistant", "evcc", "MicroOcpp", "EVerest", "mobilityhouse"):
        assert software in advice
    assert read(NIGHT).no_frames_advice() == ""


def test_a_path_a_text_lines_and_bytes_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "night.log"
    path.write_text(NIGHT)
    wide = tmp_path / "powershell.log"
    wide.write_text(NIGHT, encoding="utf-16")
    logs = [
        read(NIGHT),
        read(path),
        read(str(path)),
        read(NIGHT.split("\n")),
        read(wide),
        read(NIGHT.encode().splitlines()),
    ]
    assert {tuple(seen.text for seen in log.seen) for log in logs} == {tuple(seen.text for seen in logs[0].seen)}
    assert [log.source for log in logs] == ["text", str(path), str(path), "text", str(wide), "text"]
    with pytest.raises(OSError):
        read(tmp_path / "missing.log")
