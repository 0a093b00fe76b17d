"""Each rule by hand: a night in which it is broken, and a night that looks like it and is right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ocpp_lab.logs.rule import Rule
from ocpp_lab.logs.rules import ALL_RULES
from tests.house import ROOT
from tests.ocpp_lab.logs.night import ACCEPTED, SILENCE, Night, stamp

type Story = Callable[[Night], object]

CP, CS, LINK, LOG = "charge point", "central system", "the link", "the log"


def steps(*stories: Story) -> Story:
    """One after the other."""

    def all_of_them(night: Night) -> None:
        for story in stories:
            story(night)

    return all_of_them


def calm(night: Night) -> None:
    """The log runs on for ten minutes."""
    night.beat(10)


def retry(first: object, second: object, *, reconnect: bool = False, beats: int = 0) -> Story:
    """A start twice, with these answers."""

    def story(night: Night) -> None:
        payload = night.start(answer=first)
        night.beat(beats)
        if reconnect:
            night.reconnect()
        night.now += 30
        night.cp("StartTransaction", payload, second)

    return story


def started(number: int = 7) -> dict[str, object]:
    return ACCEPTED | {"transactionId": number}


def profile(**more: object) -> Story:
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.6}]}
    changed = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    } | {name: value for name, value in more.items() if name != "answer"}
    answer = more.get("answer", {"status": "Rejected"})
    return lambda night: night.cs("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": changed}, answer)


def drawing(*amperes: float) -> Story:
    """Readings of the current, a minute apart."""

    def story(night: Night) -> None:
        for each in amperes:
            night.now += 60
            night.read(each, measurand="Current.Import", unit="A", phase="L1")

    return story


def plugged(night: Night) -> None:
    night.status(1, "Preparing")


def remote_start(night: Night) -> None:
    night.cs("RemoteStartTransaction", {"connectorId": 1, "idTag": "CARD"}, {"status": "Accepted"})


def crossing(night: Night) -> None:
    """Both ends call at once."""
    night.now += 1
    night.say("cp", [2, "a", "Heartbeat", {}])
    night.say("cs", [2, "a", "ClearCache", {}])
    night.now += 1
    night.say("cs", [3, "a", {"currentTime": stamp(night.now)}])
    night.say("cp", [3, "a", {"status": "Accepted"}])


def two_at_once(night: Night) -> None:
    night.now += 1
    night.say("cp", [2, "p", "Heartbeat", {}])
    night.say("cp", [2, "q", "Heartbeat", {}], night.now + 0.3)
    for unique_id in "pq":
        night.say("cs", [3, unique_id, {"currentTime": stamp(night.now + 1)}], night.now + 1)


def offline(count: int) -> Story:
    """Events of an hour without a connection, all sent now."""

    def story(night: Night) -> None:
        night.reconnect()
        for number in range(count):
            ago = 3600 - 400 * number
            night.start(50 + number, meter=9000 + 100 * number, timestamp=stamp(night.now - ago))
            night.stop(50 + number, 9050 + 100 * number, timestamp=stamp(night.now - ago + 300))

    return story


def with_clock(offset: float, zone: str = "Z") -> Story:
    def story(night: Night) -> None:
        for status in ("Preparing", "Available") * 5:
            night.now += 40
            night.status(1, status, at=stamp(night.now + 1 + offset, zone))

    return story


def many_connections(night: Night) -> None:
    for _ in range(6):
        night.boot()
        night.words("Connection CP_1 closed: code 1006")
        night.now += 8
        night.words("Charge point CP_1 connected")


BROKEN: dict[str, tuple[str, Story]] = {
    "no-transaction-id": (CS, lambda night: night.start(0)),
    "stop-without-its-id": (CP, steps(lambda night: night.start(), lambda night: night.stop(-1))),
    "two-ids-for-one-start": (CS, retry(SILENCE, started(8), beats=0, reconnect=True)),
    "one-id-for-two-starts": (CS, steps(lambda night: night.charge(5), lambda night: night.start(5, meter=3000))),
    "stopped-twice": (
        CP,
        steps(lambda night: night.charge(), lambda night: night.stop(meter=3100, reason="PowerLoss")),
    ),
    "sent-again-after-its-answer": (CP, retry(None, started())),
    "left-open": (CP, steps(lambda night: night.start(7), calm, lambda night: night.start(8, meter=2000))),
    "register": (CP, steps(lambda night: night.start(meter=5000), lambda night: night.stop(meter=4000))),
    "readings-outside": (CP, steps(lambda night: night.charge(), calm, lambda night: night.read(3200))),
    "tag-refused": (
        CS,
        steps(
            lambda night: night.cp("Authorize", {"idTag": "CARD"}, ACCEPTED),
            lambda night: night.start(answer={"idTagInfo": {"status": "Invalid"}, "transactionId": 7}),
        ),
    ),
    "concurrent-with-nothing": (
        CS,
        steps(
            lambda night: night.charge(),
            lambda night: night.cp("Authorize", {"idTag": "CARD"}, {"idTagInfo": {"status": "ConcurrentTx"}}),
        ),
    ),
    "profile-without-effect": (
        CP,
        steps(lambda night: night.start(), profile(answer={"status": "Accepted"}), drawing(16, 16, 15.8)),
    ),
    "refused-again-and-again": (
        CS,
        lambda night: [
            night.cp("StopTransaction", {"transactionId": 3, "meterStop": 5, "timestamp": stamp(0)}, "InternalError")
            for _ in range(3)
        ],
    ),
    "never-answered": (CS, steps(Night.reconnect, lambda night: night.cp("Heartbeat", {}, SILENCE), calm)),
    "reply-to-nothing": (CS, steps(calm, lambda night: night.say("cs", [3, "who?", {}]), calm)),
    "answered-twice": (
        CS,
        steps(lambda night: night.status(1, "Preparing"), lambda night: night.say("cs", [3, "n5", {}]), calm),
    ),
    "second-call-too-early": (CP, two_at_once),
    "id-used-again": (
        CP,
        steps(
            lambda night: night.reconnect(),
            lambda night: night.cp("Heartbeat", {}, {"currentTime": stamp(9)}, unique_id="same"),
            lambda night: night.cp("Heartbeat", {}, {"currentTime": stamp(9)}, unique_id="same"),
        ),
    ),
    "wrong-shape": (CS, steps(lambda night: night.say("cs", [3, "n2", {}, {}]), calm)),
    "unknown-error-code": (CP, lambda night: night.cs("ClearCache", {}, "NotFound")),
    "payload": (
        CP,
        lambda night: night.cp("Authorize", {"idTag": "a tag that is much longer than twenty"}, ACCEPTED),
    ),
    "time-without-zone": (CP, with_clock(0, zone="")),
    "unknown-action": (CP, lambda night: night.cp("heartbeat", {}, "NotImplemented")),
    "wrong-direction": (CP, steps(calm, lambda night: night.cp("ClearCache", {}, "NotImplemented"))),
    "core-not-supported": (CP, lambda night: night.cs("GetConfiguration", {}, "NotSupported")),
    "remote-stop-rejected": (
        CS,
        steps(
            lambda night: night.start(7),
            lambda night: night.cs("RemoteStopTransaction", {"transactionId": 1}, {"status": "Rejected"}),
        ),
    ),
    "remote-start-and-nothing": (CP, steps(plugged, remote_start, calm)),
    "trigger-and-nothing": (
        CP,
        steps(
            lambda night: night.cs("TriggerMessage", {"requestedMessage": "MeterValues"}, {"status": "Accepted"}), calm
        ),
    ),
    "profile-rejected": (CS, steps(lambda night: night.charge(), profile())),
    "talks-before-accepted": (
        CP,
        steps(lambda night: night.boot("Rejected", 60), lambda night: night.status(1, "Available")),
    ),
    "orders-before-accepted": (CS, steps(lambda night: night.boot("Pending", 60), remote_start)),
    "boot-too-early": (CP, lambda night: [(night.beat(), night.boot("Rejected", 600)) for _ in range(4)]),
    "boot-triggered-again": (
        CS,
        lambda night: [
            night.cs("TriggerMessage", {"requestedMessage": "BootNotification"}, {"status": "Rejected"}) for _ in "ab"
        ],
    ),
    "connection-storm": (LINK, many_connections),
    "boot-storm": (CP, lambda night: [night.boot() for _ in range(5)]),
    "status-of-connector-zero": (CP, lambda night: night.status(0, "Charging")),
    "order-of-statuses": (
        CP,
        steps(lambda night: night.status(1, "Preparing"), lambda night: night.status(1, "Reserved")),
    ),
    "no-subprotocol": (CP, lambda night: night.words("Websocket client sent no subprotocol, closing")),
    "clock-never-set": (CP, steps(calm, lambda night: night.status(1, "Preparing", at="1970-01-01T00:12:00Z"))),
    "clock-off": (CP, with_clock(7200)),
    "time-goes-back": (CP, steps(lambda night: night.start(), lambda night: night.stop(timestamp=stamp(-500)))),
    "overtaken": (
        CP,
        steps(
            lambda night: setattr(night, "kept", night.start(answer="InternalError")),
            lambda night: night.stop(8),
            lambda night: night.cp("StartTransaction", getattr(night, "kept"), started()),  # noqa: B009
        ),
    ),
    "thrown-away": (
        CP,
        steps(
            calm,
            lambda night: night.start(answer=SILENCE),
            lambda night: night.reconnect(),
            lambda night: night.start(8, 2),
        ),
    ),
    "retry-too-early": (
        CP,
        steps(
            lambda night: night.cs(
                "GetConfiguration",
                {},
                {"configurationKey": [{"key": "TransactionMessageRetryInterval", "readonly": False, "value": "60"}]},
            ),
            retry("InternalError", started()),
        ),
    ),
    "never-given-up": (
        CP,
        lambda night: [
            night.cp("StopTransaction", {"transactionId": 3, "meterStop": 5, "timestamp": stamp(0)}, "InternalError")
            for _ in range(11)
        ],
    ),
    "one-direction-only": (LOG, lambda night: None),
    "late-after-reconnect": (CS, lambda night: None),
    "not-json": (CP, lambda night: None),
    "deaf-from-here": (CP, lambda night: None),
}
"""By rule: whose fault, and how. Those that need a log of another kind are below."""

OF_THEIR_OWN = {"one-direction-only", "late-after-reconnect", "not-json", "deaf-from-here"}


def test_every_rule_has_a_night() -> None:
    assert BROKEN.keys() == {rule.name for rule in ALL_RULES}


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - OF_THEIR_OWN))
def test_it_is_found(name: str) -> None:
    side, story = BROKEN[name]
    night = Night()
    if name == "two-ids-for-one-start":
        payload = night.start(answer=started(7))
        night.reconnect()
        night.cp("StartTransaction", payload, started(8))
    else:
        story(night)
    found = [finding for finding in night.findings() if finding.rule == name]
    assert [finding.side for finding in found] == [side], [str(finding) for finding in night.findings()]
    for finding in found:
        assert finding.what and finding.do and (finding.lines or name == "no-subprotocol")
        assert all(0 < line <= len(night.lines) for line in finding.lines)


RIGHT: dict[str, Story] = {
    "a whole night": steps(lambda night: night.charge(), calm, lambda night: night.charge(8, 2, 400)),
    "no boot after a reconnect": steps(calm, lambda night: night.reconnect(), lambda night: night.charge()),
    "crossing calls, under one id": steps(crossing, calm),
    "a retry after a lost answer": steps(calm, retry(SILENCE, started(), reconnect=True)),
    "a retry after an error": steps(retry("InternalError", started()), calm),
    "-1, for no id was ever given": steps(
        calm, lambda night: night.start(answer="InternalError"), lambda night: night.stop(-1)
    ),
    "an offline queue": steps(calm, offline(4), calm),
    "a call at the end of the log": steps(calm, lambda night: night.cp("Heartbeat", {}, SILENCE)),
    "a call that is lost with its connection": steps(
        calm, lambda night: night.cp("Heartbeat", {}, SILENCE), lambda night: night.reconnect(), calm
    ),
    "a remote start without a car": steps(remote_start, calm),
    "a remote start whose car leaves": steps(plugged, remote_start, lambda night: night.status(1, "Available"), calm),
    "a remote start that works": steps(plugged, remote_start, lambda night: night.start(), calm),
    "a remote stop for what has ended": steps(
        lambda night: night.charge(),
        lambda night: night.cs("RemoteStopTransaction", {"transactionId": 7}, {"status": "Rejected"}),
    ),
    "a remote stop after a reset": steps(
        lambda night: night.start(),
        lambda night: night.cs("Reset", {"type": "Soft"}, {"status": "Accepted"}),
        lambda night: night.cs("RemoteStopTransaction", {"transactionId": 7}, {"status": "Rejected"}),
        calm,
    ),
    "a trigger that works": steps(
        lambda night: night.cs("TriggerMessage", {"requestedMessage": "StatusNotification"}, {"status": "Accepted"}),
        lambda night: night.status(1, "Available"),
        calm,
    ),
    "a profile for what runs, at 8.6 A": steps(lambda night: night.start(), profile(answer={"status": "Accepted"})),
    "a limit that is kept": steps(
        lambda night: night.start(), profile(answer={"status": "Accepted"}), drawing(16, 8.6, 8.4, 8.5)
    ),
    "a tag that charges already": steps(
        lambda night: night.start(),
        lambda night: night.cp("Authorize", {"idTag": "CARD"}, {"idTagInfo": {"status": "ConcurrentTx"}}),
    ),
    "a blocked tag": steps(
        lambda night: night.cp("Authorize", {"idTag": "CARD"}, {"idTagInfo": {"status": "Blocked"}}), calm
    ),
    "other profiles are optional": steps(
        lambda night: night.cs("GetLocalListVersion", {}, "NotSupported"),
        lambda night: night.cp(
            "SecurityEventNotification", {"type": "StartupOfTheDevice", "timestamp": stamp(5)}, "NotImplemented"
        ),
        calm,
    ),
    "what Pending is asked for": steps(
        lambda night: night.boot("Pending", 60),
        lambda night: night.cs("TriggerMessage", {"requestedMessage": "StatusNotification"}, {"status": "Accepted"}),
        lambda night: night.status(1, "Available"),
        lambda night: setattr(night, "now", night.now + 60),
        lambda night: night.boot(),
    ),
    "boots after a Rejected, in time": steps(
        lambda night: night.boot("Rejected", 60), lambda night: setattr(night, "now", night.now + 60), Night.boot
    ),
    "a clock that is a few seconds off": with_clock(-4),
    "a log in local time": with_clock(0),
    "readings in kWh, with their unit": steps(
        lambda night: night.start(meter=5000),
        lambda night: night.read(5.2, unit="kWh"),
        lambda night: night.stop(meter=5300),
    ),
    "a reading by clock, without an id": steps(
        lambda night: night.start(), lambda night: night.read(1100, None, context="Sample.Clock")
    ),
    "the main meter, during a transaction": steps(
        lambda night: night.start(), lambda night: night.read(88_000, None, 0), lambda night: night.stop()
    ),
    "a status again": steps(lambda night: night.status(1, "Available"), lambda night: night.status(1, "Available")),
    "a status after a time offline": steps(
        lambda night: night.status(1, "Preparing"),
        lambda night: night.reconnect(),
        lambda night: night.status(1, "Reserved"),
    ),
    "the same id after a reboot": steps(
        lambda night: night.cp("Heartbeat", {}, {"currentTime": stamp(9)}, unique_id="1000"),
        lambda night: night.reconnect(),
        Night.boot,
        lambda night: night.cp("Heartbeat", {}, {"currentTime": stamp(9)}, unique_id="1000"),
    ),
    "the same tag, twice": steps(
        lambda night: night.charge(7),
        lambda night: night.charge(8, meter=3000),
        lambda night: night.charge(9, meter=5000),
    ),
    "starts without a clock, alike": lambda night: [
        (
            night.start(number, meter=0, timestamp="2031-03-14T20:00:00Z"),
            night.stop(number, 10, timestamp="2031-03-14T20:00:00Z"),
        )
        for number in (1, 2)
    ],
    "a start after a reset, whose stop came": steps(
        lambda night: night.start(7),
        lambda night: night.cs("Reset", {"type": "Hard"}, {"status": "Accepted"}),
        lambda night: night.reconnect(),
        Night.boot,
        lambda night: night.stop(7, reason="HardReset"),
        lambda night: night.start(8, meter=3000),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_not_blamed(name: str) -> None:
    night = Night()
    RIGHT[name](night)
    assert [f"{finding.rule}: {finding.what}" for finding in night.findings()] == []


def test_a_profile_for_what_began_before_the_log() -> None:
    night = Night(boot=False, quiet=True)
    night.beat(2)
    profile()(night)
    assert night.findings() == []


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_where_it_is_taught_is_there(rule: Rule) -> None:
    """The notebook, and the heading in it."""
    notebook, heading = rule.taught
    text = (ROOT / "notebooks" / f"{notebook}.py").read_text(encoding="utf-8")
    assert f"# ## {heading}" in text
    assert 0 < rule.weight <= 100 and rule.hits.__doc__


def test_a_log_of_one_direction() -> None:
    night = Night()
    night.charge()
    night.beat(3)
    night.lines = [line for line in night.lines if "receive" in line]
    [finding] = night.findings()
    assert (finding.rule, finding.side, finding.certainty) == ("one-direction-only", LOG, "likely")


def test_an_end_that_answers_nothing() -> None:
    night = Night()
    for _ in range(6):
        night.cs("GetConfiguration", {}, SILENCE)
        night.beat()
    assert [(one.rule, one.side) for one in night.findings()] == [("one-direction-only", CP)]


def test_an_end_that_falls_silent() -> None:
    night = Night()
    night.cs("ClearCache", {}, {"status": "Accepted"})
    for _ in range(6):
        night.cs("GetConfiguration", {}, SILENCE)
        night.beat()
    assert [(one.rule, one.side) for one in night.findings()] == [("deaf-from-here", CP)]


def test_a_reply_after_a_reconnect() -> None:
    night = Night()
    unique_id = night.cp("Heartbeat", {}, SILENCE)
    night.reconnect()
    night.say("cs", [3, unique_id, {"currentTime": stamp(night.now)}])
    night.beat(3)
    assert [(one.rule, one.side) for one in night.findings()] == [("late-after-reconnect", CS)]


def test_a_frame_that_was_cut_on_the_wire() -> None:
    night = Night()
    night.say("cp", '[2,"cut","StatusNotification",{"connectorId":1,"errorCode":"NoEr', night.now + 1)
    night.say("cs", [4, "cut", "FormationViolation", "no JSON", {}], night.now + 0.1)
    night.beat(3)
    assert [(one.rule, one.side) for one in night.findings()] == [("not-json", CP)]


def test_a_frame_that_was_cut_by_the_logger() -> None:
    night = Night()
    night.say("cp", '[2,"cut","StatusNotification",{"connectorId":1,"errorCode":"NoEr', night.now + 1)
    night.say("cs", [3, "cut", {}], night.now + 0.1)
    night.beat(3)
    assert night.findings() == []


def refused(night: Night) -> None:
    night.cs("RemoteStopTransaction", {"transactionId": 7}, {"status": "Rejected"})


def test_a_remote_stop_that_is_refused_while_it_runs() -> None:
    night = Night()
    night.start()
    night.beat()
    refused(night)
    night.beat(3)
    night.stop()
    assert [(one.rule, one.side) for one in night.findings()] == [("remote-stop-rejected", CP)]


def test_a_remote_stop_that_came_too_late() -> None:
    """The transaction had ended, and its stop waited in a queue."""
    night = Night()
    night.start()
    night.beat()
    ended = stamp(night.now - 5)
    refused(night)
    night.stop(timestamp=ended)
    assert night.findings() == []


def test_calls_that_were_held_up_come_at_once() -> None:
    """The link stood still for a minute: both calls had their timeout, each after the other."""
    night = Night()
    night.now += 60
    for unique_id in "xyz":
        night.say("cp", [2, unique_id, "Heartbeat", {}], night.now + 0.001)
    for unique_id in "xyz":
        night.say("cs", [3, unique_id, {"currentTime": stamp(night.now)}], night.now + 0.2)
    night.beat(3)
    assert night.findings() == []
