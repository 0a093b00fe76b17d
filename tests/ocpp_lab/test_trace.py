"""`Trace`: what passed and when, in a bounded ring, and never a password."""

from __future__ import annotations

import asyncio
import json
import logging
import tracemalloc
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab.frames import Call, CallResult, encode
from ocpp_lab.trace import Event, Trace, redact
from tests.simulated import simulated

KEY = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"


@simulated
async def test_the_ring_keeps_the_newest() -> None:
    """DESIGN.md, decision 9: bounded everywhere."""
    trace = Trace(limit=3)
    for number in range(10):
        trace.note("CP_1", "=", str(number))
    assert [event.text for event in trace] == ["7", "8", "9"]
    assert len(trace) == 3


# Bounded by bytes -----------------------------------------------------------------------------------------------------


def memory_of(trace: Trace, texts: Iterator[str], number: int) -> int:
    """Bytes that so many events of one charge point leave behind, each at an instant of its own."""
    trace._time = count(0.5).__next__
    tracemalloc.start()
    try:
        for text in islice(texts, number):
            trace.note("CP_1", "<", text)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


TEXTS: dict[str, Any] = {
    "short": lambda: (encode(Call(str(n), "Heartbeat")) for n in count()),
    "long": lambda: (f"{n:060000}" for n in count()),
    "not ASCII": lambda: (f"{n} 🔌" + "x" * 300 for n in count()),
    "Latin-1": lambda: (f"{n} é" + "x" * 300 for n in count()),
}


@pytest.mark.parametrize("kind", TEXTS)
@simulated(seed=1)
async def test_the_ring_is_bounded_by_the_memory_that_it_takes(kind: str) -> None:
    """However long the texts of a peer are, and in whatever letters: flat, and near to what was asked for."""
    trace, texts = Trace(max_bytes=200_000), TEXTS[kind]()
    memory_of(trace, texts, 2_000)  # it is full
    assert len(trace) < 2_000
    assert memory_of(trace, texts, 4_000) < 220_000


@simulated
async def test_the_newest_event_is_kept_however_long_it_is() -> None:
    """Of a frame that is larger than the ring somebody wants to know; and what was counted is not counted for ever."""
    trace = Trace(max_bytes=10_000)
    trace.note("CP_1", "<", "x" * 100_000)
    assert [len(event.text) for event in trace] == [100_000]
    trace.note("CP_1", "<", "short")
    assert [event.text for event in trace] == ["short"]
    trace.events.clear()
    for _ in range(10):
        trace.note("CP_1", "<", "y" * 500)
    assert len(trace) == 10


@simulated
async def test_a_charge_point_has_a_small_one() -> None:
    """A fleet has a thousand of them, and their central system one."""
    assert ChargePoint("ws://cs", "CP_1").trace.max_bytes * 8 == CentralSystem().trace.max_bytes


@simulated
async def test_an_event_knows_when_who_and_what() -> None:
    """Times are the loop's, in seconds; a text that is a frame can be had as one."""
    trace = Trace()
    await asyncio.sleep(1.5)
    trace.note("CP_1", "<", encode(Call("1", "Heartbeat")))
    trace.note("CP_1", "!", "not JSON")
    heard, trouble = trace
    assert (heard.at, heard.identity, heard.mark) == (1.5, "CP_1", "<")
    assert heard.frame == Call("1", "Heartbeat")
    assert trouble.frame is None
    assert str(heard).split() == ["1.500", "<", "CP_1", '[2,"1","Heartbeat",{}]']


@simulated
async def test_a_listener_is_told_at_once() -> None:
    heard: list[Event] = []
    trace = Trace(listener=heard.append)
    trace.note("CP_1", "=", "online")
    assert heard == list(trace)


@simulated
async def test_several_may_listen_and_each_may_end(caplog: pytest.LogCaptureFixture) -> None:
    """A ring forgets; who subscribed was told. One who raises harms neither the connection nor the others."""
    first: list[Event] = []
    second: list[Event] = []

    def fails(event: Event) -> None:
        raise LookupError("a bug of the listener")

    trace = Trace(limit=1)
    ends = [trace.subscribe(each) for each in (first.append, fails, second.append)]
    for word in ("one", "two"):
        trace.note("CP_1", "=", word)
    ends[0]()
    ends[0]()
    trace.note("CP_1", "=", "three")
    assert [event.text for event in first] == ["one", "two"]
    assert [event.text for event in second] == ["one", "two", "three"]
    assert trace.listener_failures == 3 and len(trace) == 1 and "a bug of the listener" in caplog.text


@simulated
async def test_the_log_tells_the_same_story(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, on the logger ``ocpp_lab``: mark, identity, text."""
    with caplog.at_level(logging.DEBUG, logger="ocpp_lab"):
        Trace().note("CP_1", ">", "hello")
    assert "> CP_1 hello" in caplog.messages


# No AuthorizationKey gets in (whitepaper A01.FR.12) -------------------------------------------------------------------

SECRETS = [
    # a text, and what in it must not be seen
    (encode(Call("1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": KEY})), KEY),
    (encode(Call("1", "ChangeConfiguration", {"value": KEY, "key": "AuthorizationKey"})), KEY),
    (f'[2, "1", "ChangeConfiguration", {{ "key" : "AuthorizationKey" , "value" : "{KEY}" }}]', KEY),
    (f'[2, "1", "ChangeConfiguration", {{ "value"\n:\t"{KEY}", "key" :"AuthorizationKey"}}]', KEY),
    (f'[2,"1","ChangeConfiguration",{{"key":"authorizationKEY","value":"{KEY}"}}]', KEY),
    # a quote, a backslash and a brace in the key
    (r'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"ab\"tail-of-it"}]', "tail-of-it"),
    (r'[2,"1","ChangeConfiguration",{"value":"ab\"tail-of-it","key":"AuthorizationKey"}]', "tail-of-it"),
    (r'[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":"ab\\\"tail-of-it"}]', "tail-of-it"),
    ('[2,"1","ChangeConfiguration",{"value":"ab}{tail-of-it","key":"AuthorizationKey"}]', "tail-of-it"),
    # letters written as escapes
    (rf'[2,"1","ChangeConfiguration",{{"key":"Authorization\u004bey","value":"{KEY}"}}]', KEY),
    (rf'[2,"1","ChangeConfiguration",{{"k\u0065y":"AuthorizationKey","value":"{KEY}"}}]', KEY),
    (rf'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","v\u0061lue":"{KEY}"}}]', KEY),
    # among other keys, in an answer that should not have it
    (
        encode(
            CallResult(
                "1",
                {
                    "configurationKey": [
                        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
                        {"key": "AuthorizationKey", "readonly": False, "value": KEY},
                    ]
                },
            )
        ),
        KEY,
    ),
    # broken JSON, cut short or run on
    (f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{KEY}', KEY),
    (f'[2,"1","ChangeConfiguration",{{"value":"{KEY}","key":"AuthorizationKey"', KEY),
    (f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{KEY}"}}]]', KEY),
    # a frame inside of a line of trouble
    (f'late reply: [3,"1",{{"configurationKey":[{{"key":"AuthorizationKey","value":"{KEY}"}}]}}]', KEY),
    # a value that is no string
    ('[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":["tail-of-it"]}]', "tail-of-it"),
    ('[2,"1","ChangeConfiguration",{"key":"AuthorizationKey","value":{"x":"tail-of-it"}}]', "tail-of-it"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
@simulated
async def test_no_key_is_kept_or_logged(text: str, secret: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the order, the spelling and the escapes: neither in the ring nor in the log nor at the listener."""
    told: list[Event] = []
    trace = Trace(listener=told.append)
    with caplog.at_level(logging.DEBUG, logger="ocpp_lab"):
        trace.note("CP_1", ">", text)
    assert secret not in str(told) + str(list(trace)) + caplog.text
    assert "***" in told[0].text
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","ChangeConfiguration",{"key":"HeartbeatInterval","value":"300"}]',
        '[2,"1","DataTransfer",{"vendorId":"AuthorizationKey","data":"x"}]',
        '[3,"1",{"unknownKey":["AuthorizationKey"]}]',
        "online → waiting (lost): closed with 1001 'new AuthorizationKey'",
        'not JSON, "value":"300"',
        '{"value":"\\u00e9"}',
    ],
)
@simulated
async def test_everything_else_is_kept_as_it_is(text: str) -> None:
    trace = Trace()
    trace.note("CP_1", ">", text)
    assert trace.events[0].text == text


@simulated
async def test_other_keys_in_the_same_frame_stay_readable() -> None:
    """The story stays useful: only the one value goes, and the frame is still a frame."""
    keys = [{"key": "AuthorizationKey", "value": KEY}, {"key": "HeartbeatInterval", "value": "300"}]
    trace = Trace()
    trace.note("CP_1", "<", encode(CallResult("1", {"configurationKey": keys})))
    kept = json.loads(trace.events[0].text)
    assert kept == [3, "1", {"configurationKey": [{"key": "AuthorizationKey", "value": "***"}, keys[1]]}]
