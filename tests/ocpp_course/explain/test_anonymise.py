"""A log that may be shown: names replaced, the same one always by the same, secrets gone, frames still frames."""

from __future__ import annotations

import json

import pytest

from ocpp_course.explain.anonymise import Anonymiser, anonymised

STEVE = "[INFO ] 2026-06-06 20:20:00,123 WebSocketLogger - [chargeBoxId=BERLIN-17, sessionId=9] Received: {}\n"


def one(line: str, *identities: str) -> str:
    """A log of one line."""
    return "".join(anonymised([line], identities))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('{"idTag":"04A1B2C3"}', '{"idTag":"TAG_1"}'),
        (r'"{\"idTag\":\"04A1B2C3\"}"', r'"{\"idTag\":\"TAG_1\"}"'),
        ('x,"{""idTag"":""04A1B2C3""}"', 'x,"{""idTag"":""TAG_1""}"'),
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
    first, second = anonymised(lines, ["BERLIN-17"])
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
    told = "".join(anonymised(lines, []))
    assert "hunter2" not in told and "aHVudGVy" not in told
    assert "***" in told


def test_the_value_of_another_key_stays() -> None:
    lines = ['"key": "AuthorizationKey",\n', '"value": "x"\n', '"value": "60"\n']
    assert list(anonymised(lines, []))[2] == '"value": "60"\n'


def test_addresses_are_replaced_and_version_numbers_are_none() -> None:
    assert one("from /203.0.113.9:5000, firmware 1.2.3.4\n") == "from /192.0.2.1:5000, firmware 1.2.3.4\n"


def test_masked_names_are_left_as_they_are() -> None:
    assert one('{"idTag":"***"}') == '{"idTag":"***"}'


def test_it_counts_what_it_replaced() -> None:
    made = Anonymiser(["A-1", "A-2"])
    made.learn('{"idTag":"T-1"} {"idTag":"T-1"}')
    assert made.names == {"STATION": 2, "TAG": 1}
