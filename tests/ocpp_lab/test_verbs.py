"""What an operator types: every verb is an order, or says what it expected; Tab and the help know them all."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, Policy
from ocpp_lab.cli.completion import completed, endings
from ocpp_lab.cli.console import Console
from ocpp_lab.cli.typed import TypedLines
from ocpp_lab.cli.verb import identity_named
from ocpp_lab.cli.verbs import OPERATOR_VERBS, verb_named
from ocpp_lab.cli.word_kinds import Limit, limit, number, span
from tests.fakes import Failing
from tests.operated import answering, operated, sent, starts
from tests.pair import on, simulated

OK = {"status": "Accepted"}
REFUSED = "NotSupported"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


class Desk:
    """A console whose lines come from the test, and what it said."""

    def __init__(self, central_system: CentralSystem, group: asyncio.TaskGroup) -> None:
        self.said: list[str] = []
        self.shown = ""
        self.console = Console(central_system, group, lambda mark, text: self.said.append(f"{mark} {text}"), self._show)

    def _show(self, text: str) -> None:
        self.shown += text

    def type(self, line: str) -> None:
        self.console.typed(line)

    async def asks(self, peer: Any, line: str, *answers: Any) -> list[tuple[str, Any]]:
        """What the charge point was asked because of this line."""
        self.type(line)
        asked = await answering(peer, *answers)
        await peer.is_served()
        return asked


@asynccontextmanager
async def desk(**options: Any) -> AsyncIterator[tuple[Desk, Any]]:
    async with operated(**options) as (_, peer), asyncio.TaskGroup() as group:
        yield Desk(peer.ours, group), peer


CALLS: list[tuple[str, Any, str, dict[str, Any]]] = [
    ("start CP_1 TAG_A 1", OK, "RemoteStartTransaction", {"idTag": "TAG_A", "connectorId": 1}),
    ("start cp TAG_A", OK, "RemoteStartTransaction", {"idTag": "TAG_A"}),
    ("stop CP_1 17", OK, "RemoteStopTransaction", {"transactionId": 17}),
    ("unlock CP_1 1", {"status": "Unlocked"}, "UnlockConnector", {"connectorId": 1}),
    ("reset CP_1", OK, "Reset", {"type": "Soft"}),
    ("reset CP_1 hard", OK, "Reset", {"type": "Hard"}),
    ("service CP_1 2 off", OK, "ChangeAvailability", {"connectorId": 2, "type": "Inoperative"}),
    ("get CP_1", {}, "GetConfiguration", {}),
    ("get CP_1 A B", {}, "GetConfiguration", {"key": ["A", "B"]}),
    ("set CP_1 A b c", OK, "ChangeConfiguration", {"key": "A", "value": "b c"}),
    ("clear CP_1", OK, "ClearCache", {}),
    ("trigger CP_1 heartbeat", OK, "TriggerMessage", {"requestedMessage": "Heartbeat"}),
    (
        "reserve CP_1 1 TAG_A 10m",
        OK,
        "ReserveNow",
        {"connectorId": 1, "idTag": "TAG_A", "expiryDate": "2030-06-01T12:10:00.000Z", "reservationId": 1},
    ),
    ("cancel CP_1 3", OK, "CancelReservation", {"reservationId": 3}),
    ("limit CP_1 1 off", OK, "ClearChargingProfile",
     {"connectorId": 1, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}),
    ("schedule CP_1 0 2h", {"status": "Rejected"}, "GetCompositeSchedule", {"connectorId": 0, "duration": 7200}),
    ("list CP_1 full", OK, "SendLocalList", {"listVersion": 1, "updateType": "Full"}),
    ("list CP_1 version", {"listVersion": 7}, "GetLocalListVersion", {}),
    ("firmware CP_1 http://h/f", {}, "UpdateFirmware",
     {"location": "http://h/f", "retrieveDate": "2030-06-01T12:00:00.000Z"}),
    ("diagnostics CP_1 http://h/", {}, "GetDiagnostics", {"location": "http://h/"}),
    ("log CP_1 http://h/ security", OK, "GetLog",
     {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": "http://h/"}}),
    (f"key CP_1 {'0A' * 16}", OK, "ChangeConfiguration", {"key": "AuthorizationKey", "value": "0A" * 16}),
    ("security CP_1 1", OK, "ChangeConfiguration", {"key": "SecurityProfile", "value": "1"}),
    ('CP_1 Reset {"type": "Soft"}', OK, "Reset", {"type": "Soft"}),
    ("cp ClearCache", OK, "ClearCache", {}),
]  # fmt: skip


@simulated
@pytest.mark.parametrize(("line", "answer", "action", "payload"), CALLS, ids=[each[0] for each in CALLS])
async def test_a_line_and_what_the_charge_point_hears(line: str, answer: Any, action: str, payload: Any) -> None:
    async with desk() as (operator, peer):
        assert await operator.asks(peer, line, answer) == [(action, payload)]
        assert [each for each in operator.said if each.startswith("!")] == []


def test_every_verb_but_those_about_us_is_tried() -> None:
    tried = {line.split()[0] for line, *_ in CALLS} | {"limit", "clear-cache", "trust"}
    assert set(OPERATOR_VERBS) - tried == {"who", "show", "boot", "tag", "help"}


@simulated
async def test_limits_are_profiles() -> None:
    """For a connector the default of its transactions, for 0 the maximum of all (core 3.13.1)."""
    async with desk() as (operator, peer):
        [(action, payload)] = await operator.asks(peer, "limit CP_1 1 11kW", OK)
        profile = payload["csChargingProfiles"]
        assert (action, payload["connectorId"]) == ("SetChargingProfile", 1)
        assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
        assert profile["chargingSchedule"]["chargingRateUnit"] == "W"
        assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 11000.0}]
        [(_, payload)] = await operator.asks(peer, "limit CP_1 0 32A", {"status": "NotSupported"})
        assert payload["csChargingProfiles"]["chargingProfilePurpose"] == "ChargePointMaxProfile"
        assert operator.said == [
            "= profile 1, a TxDefaultProfile: Accepted",
            "= profile 2, a ChargePointMaxProfile: NotSupported",
        ]


@simulated
async def test_what_is_said_beside_the_frames() -> None:
    async with desk(policy=Policy(id_tags={"A": "Blocked"})) as (operator, peer):
        await operator.asks(peer, "reserve CP_1 1 TAG_A 10m", OK)
        await operator.asks(peer, "reserve CP_1 1 TAG_A 10m", {"status": "Occupied"})
        await operator.asks(peer, "list CP_1", OK)
        await operator.asks(peer, "list CP_1")
        setting = {"key": "A", "readonly": True, "value": "1"}
        await operator.asks(peer, "get CP_1 A B", {"configurationKey": [setting], "unknownKey": ["B"]})
        await operator.asks(peer, "diagnostics CP_1 http://h/", {"fileName": "d.zip"})
        assert operator.said == [
            "= reservation 1: Accepted; cancel CP_1 1",
            "= reservation 2: Occupied",
            "= version 1: Accepted, in 1 requests",
            "= version 1 is there, and nothing has changed; list CP_1 full sends it again",
            "= A = 1 (read-only)",
            "= B: unknown",
            "= job 1: answered, file d.zip",
        ]


@simulated
async def test_a_setting_without_a_value_and_one_that_nobody_may_read() -> None:
    """Whitepaper 7.2: an AuthorizationKey cannot be read; a charge point that tells it all the same is not quoted."""
    async with desk() as (operator, peer):
        told = [
            {"key": "authorizationkey", "readonly": False, "value": "0A" * 16},
            {"key": "AuthorizationKey", "readonly": False},
            {"key": "Lamp", "readonly": True},
        ]
        await operator.asks(peer, "get CP_1", {"configurationKey": told})
        assert operator.said == [
            "= authorizationkey = ***",
            "= AuthorizationKey has no value",
            "= Lamp has no value (read-only)",
        ]


@simulated
@pytest.mark.parametrize("line", ["unlock CP_1 1", 'CP_1 UnlockConnector {"connectorId": 1}'])
async def test_an_answer_of_the_wrong_shape_says_what_is_wrong(line: str) -> None:
    async with desk() as (operator, peer):
        await operator.asks(peer, line, {"status": "Open"})
        [said] = operator.said
        assert "UnlockConnectorResponse: status: expected one of" in said and said.startswith(("! unlock", "! Unlock"))


SURROGATE = "\\ud800"  # half a character: JSON can write it, UTF-8 cannot


@simulated
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f'CP_1 DataTransfer {{"vendorId": "{SURROGATE}"}}', "! DataTransfer: "),
        (f'CP_1 ChangeConfiguration {{"key": "AuthorizationKey", "value": "{SURROGATE}"}}', "! ChangeConfiguration: "),
    ],
)
async def test_what_cannot_be_sent_is_told(line: str, said: str) -> None:
    """J-spec 4.1.2: frames are UTF-8. Nothing is sent, and the central system goes on."""
    async with desk() as (operator, peer):
        operator.type(line)
        await peer.is_served()
        [told] = operator.said
        assert told.startswith(said) and sent(peer.ours) == []


@simulated
@pytest.mark.parametrize("line", ["reset CP_1", 'CP_1 Reset {"type": "Soft"}'])
async def test_a_bug_of_ours_ends_no_central_system(
    line: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """DESIGN.md, decision 13: it is told, and where it is stands in the log."""
    async with desk() as (operator, peer):
        monkeypatch.setattr(peer.session, "call", lambda request: 1 / 0)
        operator.type(line)
        await peer.is_served()
        [told] = operator.said
        assert "eset failed: ZeroDivisionError" in told and "Traceback" in caplog.text


@simulated
@pytest.mark.parametrize("line", ["reset CP_1", 'CP_1 ChangeConfiguration {"key": "SecurityProfile", "value": "1"}'])
async def test_our_own_file_fails(line: str) -> None:
    """Nothing was sent, and that is said; of a call as it is, too."""
    async with desk() as (operator, peer):
        peer.ours.ledger.before = Failing(1, once=False)
        operator.type(line)
        await peer.is_served()
        [said] = operator.said
        assert said.endswith("database or disk is full") and said.startswith(("! reset:", "! ChangeConfiguration:"))
        assert sent(peer.ours) == []
        peer.ours.ledger.before = lambda sql: None


@simulated
async def test_a_stop_without_a_number() -> None:
    """The one that runs; two are a question."""
    async with desk() as (operator, peer):
        first = (await starts(peer))["transactionId"]
        assert await operator.asks(peer, "stop CP_1", OK) == [("RemoteStopTransaction", {"transactionId": first})]
        await starts(peer, connector=2)
        operator.type("stop CP_1")
        await peer.is_served()
        assert re.search("there is not only one at CP_1: 1, 2", operator.said[-1])


@simulated
async def test_of_two_on_one_connector_the_newer_runs() -> None:
    """The stop of the first is missing (core 4.8): so the second is the only one."""
    async with desk() as (operator, peer):
        await starts(peer)
        second = (await starts(peer, at=1))["transactionId"]
        assert await operator.asks(peer, "stop CP_1", OK) == [("RemoteStopTransaction", {"transactionId": second})]
        operator.type("show CP_1")
        await peer.is_served()
        assert "transaction 1 on connector 1" in operator.said[0] and "its stop is missing" in operator.said[0]
        assert "transaction 2 on connector 1" in operator.said[1] and "missing" not in operator.said[1]


@simulated
async def test_what_waited_while_the_connection_ended() -> None:
    """The first was sent, and the trace tells of its end; the second was not."""
    async with desk() as (operator, peer):
        operator.type("reset CP_1")
        await peer.hear()
        operator.type("unlock CP_1 1")
        await asyncio.sleep(1)
        await on("cp", peer.websocket.close())
        await asyncio.sleep(1)
        assert operator.said == ["! UnlockConnector was not sent: the session with CP_1 is over"]


@simulated
async def test_who_has_left_while_it_charged() -> None:
    async with desk() as (operator, peer):
        await starts(peer)
        await on("cp", peer.websocket.close())
        await asyncio.sleep(1)
        operator.type("who")
        await asyncio.sleep(1)
        assert operator.said == ["= nobody is connected", "= not connected, and charging when last heard of: CP_1"]


@simulated
async def test_who_and_show() -> None:
    async with desk() as (operator, peer):
        for connector, status, error in ((0, "Available", "NoError"), (1, "Charging", "NoError"),
                                         (2, "Faulted", "GroundFailure")):  # fmt: skip
            told = {"connectorId": connector, "status": status, "errorCode": error}
            await peer.ask(f"status {connector}", "StatusNotification", told)
        await starts(peer, at=-5)
        await operator.asks(peer, "reserve CP_1 2 TAG_B 10m", OK)
        await operator.asks(peer, "limit CP_1 1 16A", OK)
        await operator.asks(peer, "list CP_1", OK)
        await operator.asks(peer, "log CP_1 http://h/", OK)
        event = {"type": "FirmwareUpdated", "timestamp": "2030-06-01T12:00:00Z"}
        await peer.ask("event", "SecurityEventNotification", event)
        operator.said.clear()
        operator.type("who")
        await peer.is_served()
        assert operator.said == [
            "= 1 connected",
            "= CP_1                 Accepted",
            "=     1  Charging        transaction 1 with TAG_A, for 5 min",
            "=     2  Faulted (GroundFailure)",
        ]
        operator.said.clear()
        operator.type("show CP_9")
        await peer.is_served()
        assert operator.said == ["= nothing is known of CP_9"]
        operator.type("show CP_1")
        await peer.is_served()
        text = "\n".join(operator.said)
        for line in (
            "transaction 1 on connector 1 with TAG_A since 2030",
            "reservation 1 of connector 2, for TAG_B until 2030",
            "profile 1, a TxDefaultProfile of level 0 on connector 1",
            "list of version 1, 0 tags",
            "job 1, log: accepted",
            "event FirmwareUpdated at 2030",
            "order GetLog at 2030",
        ):
            assert line in text


@simulated
async def test_who_is_pending_is_set_up_and_accepted() -> None:
    """Core 4.2, 5.17: asked to boot again, and then accepted."""
    async with desk() as (operator, peer):
        peer.ours.policy.registration = "Pending"
        booting = {"chargePointVendor": "V", "chargePointModel": "M"}
        assert (await peer.ask("first", "BootNotification", booting))[2]["status"] == "Pending"
        operator.type("boot cp accepted")
        await asyncio.sleep(1)
        expected = "= the next boot of CP_1 gets Accepted; now it is Pending; trigger CP_1 BootNotification"
        assert operator.said == [expected]
        operator.type(operator.said[0].split("; ")[-1])
        [(action, _)] = await answering(peer, OK)
        assert action == "TriggerMessage"
        assert (await peer.ask("second", "BootNotification", booting))[2]["status"] == "Accepted"
        operator.type("boot CP_9 Rejected")
        await asyncio.sleep(1)
        assert operator.said[-1] == "= the next boot of CP_9 gets Rejected; now it is not booted"


@simulated
async def test_tags_of_the_policy() -> None:
    async with desk() as (operator, peer):
        for line in ("tag TAG_A", "tag TAG_A blocked", "tag tag_a"):
            operator.type(line)
            await peer.is_served()
        assert operator.said == ["= TAG_A is Accepted", "= TAG_A is Blocked", "= tag_a is Blocked"]
        assert peer.ours.policy.id_tags == {"TAG_A": "Blocked"} == peer.ours.ledger.records.tags.all()
        peer.ours.ledger.before = Failing(1)
        operator.type("tag TAG_A Accepted")
        await peer.is_served()
        assert operator.said[-1].startswith("! tag: ") and peer.ours.policy.id_tags == {"TAG_A": "Blocked"}
        operator.type("tag tag_A Expired")
        await peer.is_served()
        assert peer.ours.ledger.records.tags.all() == {"tag_A": "Expired"}


@simulated
async def test_a_certificate_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "root.pem"
    file.write_text(PEM)
    async with desk() as (operator, peer):
        [(action, payload)] = await operator.asks(peer, f"trust CP_1 {file} manufacturer", OK)
        assert action == "InstallCertificate"
        assert payload == {"certificateType": "ManufacturerRootCertificate", "certificate": PEM}
        operator.type(f"trust CP_1 {tmp_path}/none.pem")
        assert re.search("expected a file with a certificate .*No such file", operator.said[-1])


WRONG = [
    ("sart CP_1", "expected a verb, came sart; there are who, show, start"),
    ("s CP_1", "expected a verb, s may be show, start, stop"),
    (
        "start",
        "start: expected a charge point that is connected, came nothing; type: start CP TAG [CONNECTOR], such as",
    ),
    ("start CP_1", "start: expected a tag of at most 20 characters, came nothing"),
    ("start CP_1 TAG_A one", "start: expected a connector's number, from 1 on, came one; type: start CP TAG"),
    ("start CP_1 TAG_A ²", "start: expected a connector's number"),
    ("start CP_1 TAG_A 1 2", "start: expected no more words, came 2"),
    ("start CP_1 TAG_A 0", "start: expected a connector's number, from 1 on, came 0; type: start CP TAG [CONNECTOR]"),
    ("tag TAG_45678901234567890 Blocked", "tag: expected a tag of at most 20 characters, came TAG_45678901234567890"),
    ("unlock CP_1 0", "unlock: expected a connector's number, from 1 on, came 0"),
    ("trigger CP_1 MeterValues 0", "trigger: expected a connector's number, from 1 on, came 0"),
    ("limit CP_1 x 16A", "limit: expected a connector's number, or 0 for the whole charge point, came x"),
    ("stop CP_1", "! stop: expected the number of a transaction, for none is known to run at CP_1"),
    ('CP_9 Reset {"type": "Soft"}', "Reset was not sent: 'CP_9' is not connected; connected now: CP_1"),
    ("start CP_9 TAG_A", "start was not sent: 'CP_9' is not connected; connected now: CP_1"),
    ("reserve CP_1 1 TAG_A 10", "reserve: expected a time such as 90s, 10m, 2h, came 10"),
    ("reserve CP_1 1 TAG_A 0m", "reserve: expected a time such as"),
    ("limit CP_1 1 16", "limit: expected a limit such as 16A, 11kW, or off, came 16"),
    ("reset CP_1 warm", "reset: expected one of Soft, Hard, came warm"),
    ("trigger CP_1 BootNotification", "trigger: CP_1 was accepted: it is not asked to boot again (core errata 3.40)"),
    ("boot CP_1 yes", "boot: expected one of Accepted, Pending, Rejected, came yes"),
    ("help me", "help: expected a verb, came me"),
    ("CP_1", 'expected an identity, an action and its payload, such as: CP_1 Reset {"type": "Soft"}'),
    ("CP_1 Restart", "expected an action that a central system may send, came Restart"),
]


@simulated
@pytest.mark.parametrize(("line", "said"), WRONG, ids=[each[0] for each in WRONG])
async def test_a_line_that_is_wrong_says_what_was_expected(line: str, said: str) -> None:
    async with desk() as (operator, peer):
        operator.type(line)
        await peer.is_served()
        [answer] = operator.said
        assert answer.startswith("! ") and said in answer


@simulated
async def test_help() -> None:
    """All verbs, with their usage; and one of them with its example, which is right."""
    async with desk() as (operator, peer):
        operator.type("help")
        await peer.is_served()
        for verb in OPERATOR_VERBS.values():
            assert any(line.startswith(f"= {verb.usage} ") for line in operator.said)
        operator.said.clear()
        operator.type("help start")
        await peer.is_served()
        assert operator.said == [
            "= start CP TAG [CONNECTOR]: Start charging.",
            "=   CP: a charge point that is connected",
            "=   TAG: a tag of at most 20 characters",
            "=   CONNECTOR: a connector's number, from 1 on",
            "= such as: start CP_1 TAG_A 1",
        ]


@pytest.mark.parametrize("name", sorted(set(OPERATOR_VERBS) - {"trust"}))
def test_examples_are_understood(name: str) -> None:
    verb = OPERATOR_VERBS[name]
    first, *words = verb.example.split()
    assert first == name and None not in verb.read(words, ["CP_1"])[: len(words)]


def test_numbers_times_and_limits() -> None:
    assert (number("0"), number("17")) == (0, 17)
    assert (span("90s"), span("2h"), span("1d")) == (timedelta(seconds=90), timedelta(hours=2), timedelta(days=1))
    assert limit("16a") == Limit("A", 16.0) and limit("7.4kW") == Limit("W", 7400.0)
    assert limit("3680W") == Limit("W", 3680.0) and limit("OFF") is None
    for wrong in ("-1", "1.5", "9" * 19, "x"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            number(wrong)


def test_the_beginning_of_a_name_is_enough() -> None:
    names = ["CP_1", "CP_10", "BUS_2"]
    assert identity_named("CP_1", names) == "CP_1"
    assert identity_named("b", names) == "BUS_2"
    assert identity_named("TRAM", names) == "TRAM"
    with pytest.raises(ValueError, match="CP may be any of CP_1, CP_10"):
        identity_named("CP", names)
    with_spaces = ["RDAM 123", "RDAM 124", "RDAM%20125"]
    assert identity_named("RDAM%20123", with_spaces) == "RDAM 123"
    assert identity_named("rdam%20125", with_spaces) == identity_named("RDAM%20125", with_spaces) == "RDAM%20125"
    assert identity_named("RDAM%209", with_spaces) == "RDAM 9"
    with pytest.raises(ValueError, match="any of RDAM%20123, RDAM%20124, RDAM%20125"):
        identity_named("RDAM", with_spaces)
    assert verb_named("st" + "ar") == "start" and verb_named("WHO") == "who"


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("unl", "unlock "),
        ("sta", "start "),
        ("unlock C", "unlock CP_"),
        ("unlock b", "unlock BUS_2 "),
        ("reset CP_1 s", "reset CP_1 Soft "),
        ("service CP_1 1 o", "service CP_1 1 o"),
        ("trigger CP_1 heart", "trigger CP_1 Heartbeat "),
        ("BUS_2 Clear", "BUS_2 ClearC"),
        ("BUS_2 ClearCa", "BUS_2 ClearCache "),
        ("help res", "help rese"),
        ("BUS_2 Reset {", "BUS_2 Reset {"),
        ("nothing CP", "nothing CP"),
        ("reset R", "reset RDAM%20123 "),
        ("RDAM%20123 ClearCa", "RDAM%20123 ClearCache "),
        ("", ""),
    ],
)
def test_what_a_tab_makes_of_it(line: str, becomes: str) -> None:
    words = endings(line, ["CP_1", "CP_2", "BUS_2", "RDAM 123"])
    assert completed(line, words) == becomes


def test_what_may_follow() -> None:
    assert endings("unlock ", ["CP_1", "CP_2"]) == ["CP_1", "CP_2"]
    assert endings("reset CP_1 ", ["CP_1"]) == ["Soft", "Hard"]
    assert endings("start CP_1 ", ["CP_1"]) == []  # a tag: only the driver knows
    assert endings("who ", ["CP_1"]) == []


@simulated
async def test_lines_from_a_pipe() -> None:
    """No Tab there: it is a space. What comes in pieces is one line; the last may lack its end."""
    read, write = os.pipe()
    async with desk() as (operator, peer):
        lines = TypedLines(operator.type, operator.said.append, read, tab=operator.console.tab)
        for piece in (b"unl", b"ock\tCP_1", b" 1\nreset CP_1"):
            os.write(write, piece)
            lines._readable()
        os.close(write)
        lines._readable()
        asked = await answering(peer, REFUSED, REFUSED)
        assert {action for action, _ in asked} == {"UnlockConnector", "Reset"}
    os.close(read)
