"""`Call`, `CallResult` and `CallError` as text: what is read, what is refused, who is answered (J-spec 4.1, 4.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocpp_lab.errors import FrameError
from ocpp_lab.frames import CORRECT_ENGLISH, ERROR_CODES, Call, CallError, CallResult, Frame, decode, encode
from tests.house import scaled

FORMATION, PROPERTY = "FormationViolation", "PropertyConstraintViolation"
ID36, ID37 = "i" * 36, "i" * 37

_texts = st.text(max_size=8)
_numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_scalars = st.none() | st.booleans() | _numbers | _texts
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4), max_leaves=8
)
_objects = st.dictionaries(_texts, _json, max_size=4)
_ids = st.text(max_size=36) | st.just(ID36)
_frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Call, _ids, _texts, _objects),
    st.builds(CallResult, _ids, _objects),
    st.builds(CallError, _ids, _texts, _texts, _objects),
)


# What is read ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Call("19223201", "Heartbeat"), '[2,"19223201","Heartbeat",{}]'),
        (Call("1", "Reset", {"type": "Soft"}), '[2,"1","Reset",{"type":"Soft"}]'),
        (CallResult("1"), '[3,"1",{}]'),
        (CallResult("1", {"status": "Accepted"}), '[3,"1",{"status":"Accepted"}]'),
        (CallError("1", "NotSupported"), '[4,"1","NotSupported","",{}]'),
        (CallError("1", "GenericError", "Straße", {"a": [1]}), '[4,"1","GenericError","Straße",{"a":[1]}]'),
    ],
)
def test_on_the_wire(frame: Frame, text: str) -> None:
    """J-spec 4.2.1 to 4.2.3: four, three and five elements, in this order, without blanks."""
    assert encode(frame) == text
    assert decode(text) == frame


@given(_frames)
@settings(max_examples=scaled(200, 1_000))
def test_round_trip(frame: Frame) -> None:
    assert decode(encode(frame)) == frame
    assert json.loads(encode(frame))  # another reader agrees that it is JSON


READ: list[tuple[str, Frame]] = [
    (' [ 2 , "1" , "A" , { } ] \n', Call("1", "A")),
    ('[2,"1","A",null]', Call("1", "A")),  # J-spec 4.2.1 tolerates null for an empty payload
    ('[3,"1",null]', CallResult("1")),
    ('[4,"1","GenericError","",null]', CallError("1", "GenericError")),
    (f'[2,"{ID36}","A",{{}}]', Call(ID36, "A")),
    (f'[2,"{"😀" * 36}","A",{{}}]', Call("😀" * 36, "A")),  # characters, not bytes
    ('[2,"","A",{}]', Call("", "A")),
    ('[2,"1","",{}]', Call("1", "")),
    ('[2,"1","A",{"k":1,"k":2}]', Call("1", "A", {"k": 2})),  # RFC 8259 4 leaves it open: the last one wins
    ('[2,"1","A",{"k":"\\ud83d\\ude00"}]', Call("1", "A", {"k": "😀"})),
    (f'[2,"1","A",{{"k":{10**30}}}]', Call("1", "A", {"k": 10**30})),
    ('[4,"1","FormatViolation","",{}]', CallError("1", "FormationViolation")),
    ('[4,"1","OccurrenceConstraintViolation","",{}]', CallError("1", "OccurenceConstraintViolation")),
    ('[4,"1","FormationViolation","",{}]', CallError("1", "FormationViolation")),
    ('[4,"1","SomethingElse","why",{"k":1}]', CallError("1", "SomethingElse", "why", {"k": 1})),
]


@pytest.mark.parametrize(("text", "frame"), READ, ids=lambda part: str(part)[:40])
def test_tolerated(text: str, frame: Frame) -> None:
    """What other stacks send and the specification tolerates, or leaves open."""
    assert decode(text) == frame


def test_error_codes() -> None:
    """J-spec 4.2.3 has ten; J-errata 5.1, 5.2: the two misspelt ones stay misspelt in 1.6."""
    assert len(ERROR_CODES) == 10
    assert set(CORRECT_ENGLISH.values()) <= ERROR_CODES
    assert not set(CORRECT_ENGLISH) & ERROR_CODES


# What is refused ------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str | bytes, str, str | None, str | None, str]] = [
    # text, code, unique id to answer, unique id that it replied to, part of the description
    # Nobody can be answered: no JSON, no array, no type, no id (J-spec 4.1.2, 4.1.3).
    ("", FORMATION, None, None, "expected JSON"),
    ("hello", FORMATION, None, None, "expected JSON"),
    ('[2,"1","A",{}', FORMATION, None, None, "expected JSON"),
    ('[2,"1","A",{}]]', FORMATION, None, None, "expected JSON"),
    ("[2,'1','A',{}]", FORMATION, None, None, "expected JSON"),
    ('\ufeff[2,"1","A",{}]', FORMATION, None, None, "expected JSON"),
    ('[2,"1","A",{"k":NaN}]', FORMATION, None, None, "expected JSON"),
    ('[2,"1","A",{"k":Infinity}]', FORMATION, None, None, "expected JSON"),
    ('[2,"1","A",{"k":1e999}]', FORMATION, None, None, "expected JSON"),  # RFC 8259 6: a reader may limit the range
    ('[2,"1","A",{"k":' + "9" * 5000 + "}]", FORMATION, None, None, "expected JSON"),
    ('[2,"1","A",{"k":"\\ud800"}]', FORMATION, None, None, "expected JSON"),  # a lone surrogate, escaped
    ('[2,"1","A",{"k":"\ud800"}]', FORMATION, None, None, "expected JSON"),  # and as it is
    ('[2,"\x00","A",{}]', FORMATION, None, None, "expected JSON"),
    ("[" * 100_000, FORMATION, None, None, "expected JSON"),
    ('[2,"1","A",{"k":' + "[" * 100_000, FORMATION, None, None, "expected JSON"),
    ("null", FORMATION, None, None, "came null"),
    ("true", FORMATION, None, None, "came a boolean"),
    ("2", FORMATION, None, None, "came a number"),
    ('"[]"', FORMATION, None, None, "came a string"),
    ('{"2":"1"}', FORMATION, None, None, "came an object"),
    ("[]", FORMATION, None, None, "came an array of 0"),
    ('[1,"1","A",{}]', FORMATION, None, None, "message type 2, 3 or 4, came 1"),
    ('[5,"1","A",{}]', FORMATION, None, None, "message type 2, 3 or 4, came 5"),
    ('[2.0,"1","A",{}]', FORMATION, None, None, "message type 2, 3 or 4, came 2.0"),
    ('[true,"1","A",{}]', FORMATION, None, None, "message type 2, 3 or 4, came True"),
    ('["2","1","A",{}]', FORMATION, None, None, "message type 2, 3 or 4, came '2'"),
    ('[null,"1","A",{}]', FORMATION, None, None, "message type 2, 3 or 4, came None"),
    (f'[{10**4000},"1","A",{{}}]', FORMATION, None, None, "message type 2, 3 or 4, came 1000"),
    ("[" * 1000 + "]" * 1000, FORMATION, None, None, "message type 2, 3 or 4, came an array of 1"),
    ("[2]", FORMATION, None, None, "a string as unique id, came nothing"),
    ('[2,1,"A",{}]', FORMATION, None, None, "a string as unique id, came a number"),
    ('[2,null,"A",{}]', FORMATION, None, None, "a string as unique id, came null"),
    ("[3,1,{}]", FORMATION, None, None, "a string as unique id, came a number"),
    # A Call whose id can be told is answered (J-spec 4.2.3).
    ('[2,"1"]', FORMATION, "1", None, "exactly 4 elements for message type 2, came 2"),
    ('[2,"1","A"]', FORMATION, "1", None, "exactly 4 elements for message type 2, came 3"),
    ('[2,"1",{}]', FORMATION, "1", None, "exactly 4 elements for message type 2, came 3"),
    ('[2,"1","A",{},{}]', FORMATION, "1", None, "exactly 4 elements for message type 2, came 5"),
    ('[2,"1",5,{}]', FORMATION, "1", None, "a string as action, came a number"),
    ('[2,"1",null,{}]', FORMATION, "1", None, "a string as action, came null"),
    ('[2,"1","A",[]]', FORMATION, "1", None, "an object as payload, came an array of 0"),
    ('[2,"1","A","{}"]', FORMATION, "1", None, "an object as payload, came a string"),
    ('[2,"1","A",false]', FORMATION, "1", None, "an object as payload, came a boolean"),
    (f'[2,"{ID37}","A",{{}}]', PROPERTY, ID37, None, "at most 36 characters, came 37"),
    (f'[2,"{ID37}"]', PROPERTY, ID37, None, "at most 36 characters, came 37"),
    # A spoilt reply is never answered, but its pending call should know.
    ('[3,"1"]', FORMATION, None, "1", "exactly 3 elements for message type 3, came 2"),
    ('[3,"1",{},{}]', FORMATION, None, "1", "exactly 3 elements for message type 3, came 4"),
    ('[3,"1",[]]', FORMATION, None, "1", "an object as payload, came an array of 0"),
    (f'[3,"{ID37}",{{}}]', PROPERTY, None, ID37, "at most 36 characters, came 37"),
    (f'[4,"{ID37}","GenericError","",{{}}]', PROPERTY, None, ID37, "at most 36 characters, came 37"),
    ('[4,"1","GenericError"]', FORMATION, None, "1", "exactly 5 elements for message type 4, came 3"),
    ('[4,"1","GenericError","",{},{}]', FORMATION, None, "1", "exactly 5 elements for message type 4, came 6"),
    ('[4,"1",5,"",{}]', FORMATION, None, "1", "a string as error code, came a number"),
    ('[4,"1","GenericError",null,{}]', FORMATION, None, "1", "a string as error description, came null"),
    ('[4,"1","GenericError","",[]]', FORMATION, None, "1", "an object as error details, came an array of 0"),
    # OCPP-J knows no binary frames (J-spec 4.1.2), whatever is in them.
    (b'[2,"1","A",{}]', FORMATION, None, None, "a text frame, came a binary frame of 14 bytes"),
    (b"\xff", FORMATION, None, None, "a text frame, came a binary frame of 1 bytes"),
]


@pytest.mark.parametrize(
    ("text", "code", "unique_id", "reply_to", "part"), REFUSED, ids=lambda part: ascii(part)[:40] if part else "-"
)
def test_refused(text: str | bytes, code: str, unique_id: str | None, reply_to: str | None, part: str) -> None:
    """Each malformed text is refused with the right code, and says who is to be answered, if anybody."""
    with pytest.raises(FrameError) as refused:
        decode(text)
    error = refused.value
    assert (error.code, error.unique_id, error.reply_to) == (code, unique_id, reply_to)
    assert part in error.description
    assert len(error.description) < 300


# Whatever comes -------------------------------------------------------------------------------------------------------


def _read_or_refused(text: Any) -> None:
    try:
        frame = decode(text)
    except FrameError as error:
        assert error.code in {FORMATION, PROPERTY}
        assert error.unique_id is None or error.reply_to is None
        if error.unique_id is not None or error.reply_to is not None:
            raw = json.loads(text)
            assert (raw[0] == 2) == (error.unique_id is not None)
            assert raw[1] == (error.unique_id if raw[0] == 2 else error.reply_to)
    else:
        assert len(frame.unique_id) <= 36
        assert decode(encode(frame)) == frame


@given(st.text(st.characters()) | st.text('[]{}",:0123456789.eE+-ntrufals\\ ') | st.binary())
@example("\ud800")
@settings(max_examples=scaled(200, 1_500))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    """`decode` raises `FrameError` and nothing else."""
    _read_or_refused(text)


_nearly = st.tuples(st.sampled_from([2, 3, 4]) | _json, st.sampled_from(["1", ID36, ID37]) | _json).flatmap(
    lambda head: st.lists(st.just("A") | st.just({}) | _json, max_size=4).map(lambda tail: [*head, *tail])
)


@given(_json | _nearly)
@settings(max_examples=scaled(200, 1_500))
def test_any_json_is_read_or_refused(value: Any) -> None:
    """The same for texts that are JSON, most of them nearly frames."""
    _read_or_refused(json.dumps(value))


@given(_frames, st.data())
@settings(max_examples=scaled(150, 1_500))
def test_any_damage_is_read_or_refused(frame: Frame, data: st.DataObject) -> None:
    """The same for valid frames with a piece cut out and another put in."""
    text = encode(frame)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 8)))
    _read_or_refused(text[:start] + data.draw(st.text(max_size=4)) + text[end:])
