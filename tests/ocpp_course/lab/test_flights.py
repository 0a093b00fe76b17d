"""What became of each frame, from what both ends and the faults wrote down."""

from __future__ import annotations

from typing import Any

from ocpp_course.lab.flights import Flight, Flights, Hold, Mark
from ocpp_lab.faults import Fault
from ocpp_lab.frames import Call
from ocpp_lab.trace import Event

CALL = '[2,"1","Heartbeat",{}]'
RESULT = '[3,"1",{"currentTime":"2026-01-01T00:00:00Z"}]'


def story(*lines: tuple[str, str, str], identity: str = "CP_1") -> Flights:
    """``(end, mark, text)``, where end is cp or cs."""
    flights = Flights("CP_1")
    tell(flights, *lines, identity=identity)
    return flights


def tell(flights: Flights, *lines: tuple[str, str, str], identity: str = "CP_1") -> None:
    hear = {"cp": flights.charge_point, "cs": flights.central_system}
    for number, (end, mark, text) in enumerate(lines):
        hear[end](Event(float(number), identity, mark, text))


def flown(flights: Flights) -> list[tuple[Any, ...]]:
    return [(each.way, each.kind, each.label, each.fate) for each in flights.take() if isinstance(each, Flight)]


def test_a_call_and_its_answer_arrive() -> None:
    flights = story(("cp", ">", CALL), ("cs", "<", CALL), ("cs", ">", RESULT), ("cp", "<", RESULT))
    assert flown(flights) == [("up", "call", "Heartbeat", ""), ("down", "result", "result", "")]
    assert flights.counts == {"calls": 1, "result": 1}
    assert flights.take() == []


def test_what_is_under_way_is_drawn_in_two_halves() -> None:
    flights = story(("cp", ">", CALL))
    assert flown(flights) == [("up", "call", "Heartbeat", "fade")]
    tell(flights, ("cs", "<", CALL))
    assert flown(flights) == [("up", "call", "Heartbeat", "arrive")]


def test_what_dies_with_the_connection_drops_and_its_call_is_lost() -> None:
    lost = '[4,"1","ConnectionClosed","the connection died",{}]'
    flights = story(("cp", ">", CALL), ("cp", "!", lost), ("cp", "=", "online → waiting (lost)"))
    first, mark = flights.take()
    assert isinstance(first, Flight) and first.fate == "drop"
    assert isinstance(mark, Mark) and (mark.kind, mark.words) == ("lost", "Heartbeat was lost")
    assert flights.counts == {"calls": 1, "lost": 1}


def test_the_fault_itself_says_whom_it_hit() -> None:
    """Two calls, one of them ignored: a counter could not tell which."""
    other = '[2,"2","Authorize",{"idTag":"A"}]'
    flights = story(("cp", ">", CALL), ("cs", "<", CALL), ("cp", ">", other), ("cs", "<", other))
    flights.fault(Fault("ignore"), "CP_1", Call("1", "Heartbeat"))
    flights.fault(Fault("delay", options={"seconds": 0.5}), "CP_1", Call("2", "Authorize"))
    flights.fault(Fault("ignore"), "CP_2", Call("2", "Authorize"))
    flights.fault(Fault("refuse"), "CP_1", None)
    first, second, hold = flights.take()
    assert isinstance(first, Flight) and isinstance(second, Flight)
    assert (first.fate, second.fate) == ("hole", "")
    assert isinstance(hold, Hold) and hold.seconds == 0.5


def test_a_timeout_is_a_mark_and_the_late_answer_a_stray() -> None:
    timeout = '[4,"1","Timeout","no answer within 1 s",{}]'
    late = ("cp", "!", f"late reply: {RESULT}")
    flights = story(("cp", ">", CALL), ("cs", "<", CALL), ("cp", "!", timeout))
    assert flights.counts == {"calls": 1, "timeout": 1}
    assert [each.words for each in flights.take() if isinstance(each, Mark)] == ["Heartbeat timed out"]
    tell(flights, ("cs", ">", RESULT), ("cp", "<", RESULT), late)
    assert flown(flights) == [("down", "stray", "late", "")]
    assert flights.counts == {"calls": 1, "timeout": 1, "stray": 1}


def test_a_malformed_reply_is_no_result() -> None:
    bad = '[3,"1",{"surprise":true}]'
    story_ = [("cp", ">", CALL), ("cs", "<", CALL), ("cs", ">", bad), ("cp", "<", bad)]
    flights = story(*story_, ("cp", "!", f"malformed reply: {bad}"))
    assert flown(flights)[-1] == ("down", "stray", "malformed", "")
    assert +flights.counts == {"calls": 1, "stray": 1}


def test_a_reply_that_nobody_waits_for_is_a_stray_and_no_result() -> None:
    """Sent past the session, so there is no call that waits; the trace has the frame all the same."""
    flights = story(("cp", ">", CALL), ("cp", "<", RESULT), ("cp", "!", f"orphan reply: {RESULT}"))
    assert +flights.counts == {"calls": 1, "stray": 1}


def test_labels_say_what_a_frame_says() -> None:
    refused = '[4,"1","InternalError","",{}]'
    blocked = '[3,"2",{"idTagInfo":{"status":"Blocked"}}]'
    flights = story(
        ("cs", ">", refused), ("cs", ">", blocked), ("cs", ">", '{"no": frame'), ("cs", ">", '[3,"3",null]')
    )
    assert [(kind, label) for _, kind, label, _ in flown(flights)] == [
        ("error", "InternalError"),
        ("result", "Blocked"),
        ("garbage", "no frame"),
        ("result", "result"),
    ]


def test_others_are_left_out_and_a_flood_is_bounded() -> None:
    flights = story(("cs", ">", RESULT), identity="CP_2")
    assert flights.take() == []
    tell(flights, *(("cp", ">", f'[2,"{number}","Heartbeat",{{}}]') for number in range(1000)))
    assert flights.counts["calls"] == 1000
    assert len(flights.take()) == 200
