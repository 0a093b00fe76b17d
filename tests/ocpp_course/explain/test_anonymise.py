"""A log that may be shown: names replaced, the same one always by the same, secrets gone, frames still frames."""

from __future__ import annotations

import json

import pytest

from ocpp_course.explain.anonymise import Anonymiser, anonymised
from ocpp_lab.logs import Log, Seen

STEVE = "[INFO ] 2026-06-06 20:20:00,123 WebSocketLogger - [chargeBoxId=BERLIN-17, sessionId=9] Received: {}\n"


def shown(lines: list[str], *identities: str) -> list[str]:
    """A log in which these charge points were seen."""
    seen = [Seen(text="", line=0, last_line=0, identity=identity) for identity in identities]
    return list(anonymised(lines, Log("x", len(lines), seen)))


def one(line: str, *identities: str) -> str:
    """A log of one line."""
    return "".join(shown([line], *identities))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('{"idTag":"04A1B2C3"}', '{"idTag":"TAG_1"}'),
        (r'"{\"idTag\":\"04A1B2C3\"}"', r'"{\"idTag\":\"TAG_1\"}"'),
        ('x,"{""idTag"":""04A1B2C3""}"', 'x,"{""idTag"":""TAG_1""}"'),
        ("{&quot;idTag&quot;:&quot;04A1B2C3&quot;}", "{&quot;idTag&quot;:&quot;TAG_1&quot;}"),
        ("Authorize(id_tag='04A1B2C3')", "Authorize(id_tag='TAG_1')"),
        ("{'idTag': '04A1B2C3'}", "{'idTag': 'TAG_1'}"),
        ('  "parentIdTag" : "GROUP 7"', '  "parentIdTag" : "TAG_1"'),
        ('{"chargePointSerialNumber":"SN 9"}', '{"chargePointSerialNumber":"SERIAL_1"}'),
        ('{"iccid":"8949"}', '{"iccid":"SIM_1"}'),
    ],
)
def test_what_a_key_holds_is_replaced_in_whatever_quotes(line: str, wanted: str) -> None:
    assert one(line) == wanted


def test_one_name_has_one_replacement_wherever_it_stands() -> None:
    """Also in prose, and in other letters: tags are compared without regard to case (core 7.28)."""
    lines = [STEVE.format('[2,"1","Authorize",{"idTag":"04A1B2C3"}]'), "card 04a1b2c3 of BERLIN-17 seen\n"]
    first, second = shown(lines, "BERLIN-17")
    assert "chargeBoxId=STATION_1," in first and '{"idTag":"TAG_1"}' in first
    assert second == "card TAG_1 of STATION_1 seen\n"


def test_frames_stay_frames() -> None:
    text = '[2,"1","StartTransaction",{"connectorId":1,"idTag":"1","meterStart":1,"timestamp":"2026-06-06T20:20:01Z"}]'
    told = json.loads(one(text))
    assert told[3] == {"connectorId": 1, "idTag": "TAG_1", "meterStart": 1, "timestamp": "2026-06-06T20:20:01Z"}


def test_a_tag_that_is_a_word_does_not_eat_the_log() -> None:
    line = '[3,"1",{"idTagInfo":{"status":"Accepted","parentIdTag":"Accepted"}}]'
    assert json.loads(one(line))[2]["idTagInfo"]["status"] == "Accepted"
    value = '{"idTag":"value","value":"5"}'
    assert json.loads(one(value)) == {"idTag": "TAG_1", "value": "5"}


@pytest.mark.parametrize(
    "lines",
    [
        ['[2,"9","ChangeConfiguration",{"key":"AuthorizationKey","value":"hunter2hunter2"}]\n'],
        [r'TX: "[2,\"9\",\"ChangeConfiguration\",{\"key\":\"AuthorizationKey\",\"value\":\"hunter2hunter2\"}]"'],
        ['  "key": "AuthorizationKey",\n', '  "value": "hunter2hunter2"\n'],
        ["GetDiagnostics to ftp://me:hunter2hunter2@host/x\n"],
        ["Authorization: Basic aHVudGVyMmh1bnRlcjI=\n"],
        ['{""key"":""WifiPassword"",""value"":""hunter2hunter2""}'],
    ],
)
def test_no_secret_is_left(lines: list[str]) -> None:
    told = "".join(shown(lines))
    assert "hunter2" not in told and "aHVudGVy" not in told
    assert "***" in told


def test_the_value_of_another_key_stays() -> None:
    lines = ['"key": "AuthorizationKey",\n', '"value": "x"\n', '"value": "60"\n']
    assert shown(lines)[2] == '"value": "60"\n'


def test_addresses_are_replaced_and_version_numbers_are_none() -> None:
    assert one("from /203.0.113.9:5000, firmware 1.2.3.4\n") == "from /192.0.2.1:5000, firmware 1.2.3.4\n"


def test_masked_names_are_left_as_they_are() -> None:
    assert one('{"idTag":"***"}') == '{"idTag":"***"}'


def test_it_counts_what_it_replaced() -> None:
    made = Anonymiser(["A-1", "A-2"])
    made.learn('{"idTag":"T-1"} {"idTag":"T-1"}')
    assert made.names == {"STATION": 2, "TAG": 1}


def test_a_length_that_the_logger_tells_stays_true() -> None:
    frame = '[2,"1","Authorize",{"idTag":"04A1B2C3D4"}]'
    told = one(f"< TEXT '{frame}' [{len(frame)} bytes]")
    assert told == '< TEXT \'[2,"1","Authorize",{"idTag":"TAG_1"}]\' [37 bytes]'


def test_a_name_that_is_broken_over_two_lines_is_found() -> None:
    seen = Seen(text='[2,"1","Authorize",{"idTag":"04A1B2C3"}]', line=2, last_line=3)
    lines = ["one\n", 'x.c:7:-> [2,"1","Authorize",{"idTag":"04A1\n', 'x.c:7:B2C3"}]\n', "four\n"]
    assert list(anonymised(lines, Log("x", 4, [seen]))) == [
        "one\n", 'x.c:7:-> [2,"1","Authorize",{"idTag":"TAG_1"}]\n', "four\n",
    ]  # fmt: skip
