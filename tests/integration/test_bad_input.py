"""What bad input gets, at the wire, from a peer without a stack. After each row the next valid call is answered."""

from __future__ import annotations

import asyncio
import logging

import pytest

from ocpp_lab import ACTIONS, CentralSystem
from ocpp_lab import messages as m
from tests.integration.wire import BOOT, ENDS, facing, facing_central_system
from tests.schemas import full_payload

LONGEST, TOO_LONG = "i" * 36, "i" * 37
DEEP = 1_100  # more than Python's own recursion limit, less than any parser's
DEEPER = 130_000  # two brackets each: just below the limit for a frame

NOT_ANSWERED: dict[str, str | bytes] = {
    # not JSON (J-spec 4.1.2)
    "empty text": "",
    "blanks": " \n ",
    "a word": "hello",
    "cut off": '[2,"id","Heartbeat",{}',
    "two frames in one": '[2,"id","Heartbeat",{}][2,"id","Heartbeat",{}]',
    "single quotes": "[2,'id','Heartbeat',{}]",
    "NaN": '[2,"id","DataTransfer",{"vendorId":NaN}]',
    "-Infinity": "[-Infinity]",
    "a number beyond all range": '[2,"id","Heartbeat",{"x":1e999}]',
    "a number of 5,000 digits": '[2,"id","Heartbeat",{"x":%s}]' % ("9" * 5_000),
    "half a surrogate pair in the payload": r'[2,"id","Authorize",{"idTag":"\ud83d"}]',
    "half a surrogate pair in the id": r'[2,"\udc00","Heartbeat",{}]',
    "arrays without end": "[" * DEEPER,
    "arrays of a depth that nobody parses": "[" * DEEPER + "]" * DEEPER,
    # a byte order mark is no JSON whitespace (RFC 8259, 8.1)
    "byte order mark": '\ufeff[2,"id","Heartbeat",{}]',
    # not an array
    "an object": '{"messageTypeId":2,"uniqueId":"id","action":"Heartbeat"}',
    "a string": '"Heartbeat"',
    "null": "null",
    "an empty array": "[]",
    # unknown message type: the payload is to be ignored (J-spec 4.1.3)
    "type 1": '[1,"id","Heartbeat",{}]',
    "type 5": '[5,"id","Heartbeat",{}]',
    "type -2": '[-2,"id","Heartbeat",{}]',
    "type 2.5": '[2.5,"id","Heartbeat",{}]',
    "type is text": '["2","id","Heartbeat",{}]',
    "type is true": '[true,"id","Heartbeat",{}]',
    "type is an array": '[[2],"id","Heartbeat",{}]',
    "type is an array of great depth": "[" * DEEP + "]" * DEEP,
    "type is an array of greater depth": "[" * 5_000 + "]" * 5_000,
    # a Call that nobody can answer: its id is no string (J-spec 4.1.4)
    "id is a number": '[2,7,"Heartbeat",{}]',
    "id is null": '[2,null,"Heartbeat",{}]',
    "id is an object": '[2,{"id":"id"},"Heartbeat",{}]',
    "no id": "[2]",
    # CallResult and CallError are never answered (J-spec 4.2.3); see test_correlation for those that name a call
    "CallResult without payload": '[3,"id"]',
    "CallResult with four elements": '[3,"id",{},{}]',
    "CallResult with an array": '[3,"id",[]]',
    "CallResult with a numeric id": "[3,7,{}]",
    "CallResult with an id too long": f'[3,"{TOO_LONG}",{{}}]',
    "CallError with three elements": '[4,"id","GenericError"]',
    "CallError with six elements": '[4,"id","GenericError","",{},{}]',
    "CallError with a numeric code": '[4,"id",404,"",{}]',
    "CallError without id": "[4]",
    # OCPP-J is text (J-spec 4.1.2)
    "binary frame": b'[2,"id","Heartbeat",{}]',
    "empty binary frame": b"",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("row", NOT_ANSWERED)
async def test_not_answered(end: str, row: str, caplog: pytest.LogCaptureFixture) -> None:
    """J-spec 4.1.3, 4.2: what is no frame is counted and logged, not answered, and the session lives on."""
    async with ENDS[end]() as peer:
        with caplog.at_level(logging.WARNING, "ocpp_lab"):
            await peer.raw(NOT_ANSWERED[row])
            await peer.is_served()
        assert peer.session.counts["bad frame"] == 1
        assert len([record for record in caplog.records if "bad frame" in record.getMessage()]) == 1
        assert len([event for event in peer.ours.trace if event.mark == "!" and "bad frame" in event.text]) == 1


FORMATION, PROPERTY = "FormationViolation", "PropertyConstraintViolation"
OCCURENCE, TYPE = "OccurenceConstraintViolation", "TypeConstraintViolation"

REFUSED: dict[str, tuple[str, str, str, str]] = {
    # text, the id that comes back, code, what the description says
    "two elements": ('[2,"id"]', "id", FORMATION, "exactly 4 elements"),
    "three elements": ('[2,"id","Heartbeat"]', "id", FORMATION, "exactly 4 elements"),
    "five elements": ('[2,"id","Heartbeat",{},{}]', "id", FORMATION, "exactly 4 elements"),
    "action is a number": ('[2,"id",7,{}]', "id", FORMATION, "a string as action"),
    "action is null": ('[2,"id",null,{}]', "id", FORMATION, "a string as action"),
    "action is an array of great depth": (
        '[2,"id",%s,{}]' % ("[" * DEEP + "]" * DEEP), "id", FORMATION, "a string as action",
    ),
    "payload is an array": ('[2,"id","Heartbeat",[]]', "id", FORMATION, "an object as payload"),
    "payload is an array of great depth": (
        '[2,"id","Heartbeat",%s]' % ("[" * DEEP + "]" * DEEP), "id", FORMATION, "an object as payload",
    ),
    "payload is text": ('[2,"id","Heartbeat","{}"]', "id", FORMATION, "an object as payload"),
    "payload is a number": ('[2,"id","Heartbeat",0]', "id", FORMATION, "an object as payload"),
    "payload is false": ('[2,"id","Heartbeat",false]', "id", FORMATION, "an object as payload"),
    "37 characters of id": (f'[2,"{TOO_LONG}","Heartbeat",{{}}]', TOO_LONG, PROPERTY, "36 characters, came 37"),
    "too long an id, and more that is wrong": (f'[2,"{TOO_LONG}"]', TOO_LONG, PROPERTY, "36 characters, came 37"),
    "an id of 100,000 characters": ('[2,"%s","X",{}]' % ("x" * 100_000), "x" * 100_000, PROPERTY, "came 100000"),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("row", REFUSED)
async def test_refused_with_its_id(end: str, row: str) -> None:
    """J-spec 4.2.1, 4.2.3: a Call that can be told apart is answered with a CallError, under the id it came with."""
    text, unique_id, code, words = REFUSED[row]
    async with ENDS[end]() as peer:
        await peer.raw(text)
        kind, came_id, came_code, description, details = await peer.hear()
        assert (kind, came_id, came_code, details) == (4, unique_id, code, {})
        assert words in description
        assert peer.session.counts["bad frame"] == 1
        await peer.is_served()


ODD_BUT_GOOD: dict[str, tuple[str, str]] = {
    # text, id; `%s` stands for an action that this end answers
    "null as payload": ('[2,"id","%s",null]', "id"),
    "blanks and line ends": (' [ 2 ,\n"id",\t"%s",\r\n{ } ] ', "id"),
    "36 characters of id": (f'[2,"{LONGEST}","%s",{{}}]', LONGEST),
    "36 characters outside of the basic plane": (f'[2,"{"😀" * 36}","%s",{{}}]', "😀" * 36),
    "an empty id": ('[2,"","%s",{}]', ""),
    "an id with everything in it": (r'[2,"\"\\\/\b\u0000\u00e9\ud83d\ude00é\u2028","%s",{}]', '"\\/\b\0é😀é\u2028'),
    "id twice, one after the other": ('[2,"the next valid call","%s",{}]', "the next valid call"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("row", ODD_BUT_GOOD)
async def test_odd_but_good(end: str, row: str) -> None:
    """J-spec 4.2.1 reads null as ``{}``; the rest is JSON as RFC 8259 has it, and ids come back unharmed."""
    text, unique_id = ODD_BUT_GOOD[row]
    async with ENDS[end]() as peer:
        await peer.raw(text.replace("%s", peer.valid))
        reply = await peer.hear()
        assert reply[:2] == [3, unique_id]
        await peer.is_served()


async def test_text_in_any_script_and_keys_that_come_twice() -> None:
    """RFC 8259: any Unicode text is fine; of a name that comes twice the last one counts, as nearly everywhere."""
    async with facing_central_system() as peer:
        peer.ours.policy.id_tags["żółw 🐢"] = "Blocked"
        for payload in (
            '{"idTag":"żółw 🐢"}',
            r'{"idTag":"\u017c\u00f3\u0142w \ud83d\udc22"}',
            '{"idTag":"x","idTag":"ŻÓŁW 🐢"}',
        ):
            await peer.raw(f'[2,"id","Authorize",{payload}]')
            assert await peer.hear() == [3, "id", {"idTagInfo": {"status": "Blocked"}}]


@pytest.mark.parametrize("end", ENDS)
async def test_actions_that_are_not_served(end: str) -> None:
    """J-spec 4.2.3: NotImplemented is what OCPP does not know, NotSupported what it knows and this end does not do.

    Actions are case-sensitive (J-spec 4.2.1). Neither looks at the payload.
    """
    async with ENDS[end]() as peer:
        wrong_way = [name for name, action in ACTIONS.items() if action.sender == peer.ours.router.role]
        unhandled = [name for name in ACTIONS if name not in peer.ours.router.actions and name not in wrong_way]
        rows = dict.fromkeys(["", "MakeCoffee", peer.valid.lower(), f" {peer.valid}", "Ação 😀"], "NotImplemented")
        for action, code in (rows | dict.fromkeys(wrong_way + unhandled, "NotSupported")).items():
            for payload in ({}, {"surprise": 1}, full_payload(action) if action in ACTIONS else {}):
                reply = await peer.ask(f"my {action}"[:36], action, payload)
                assert reply[:3] == [4, f"my {action}"[:36], code]
                assert action in reply[3]
        assert wrong_way
        await peer.is_served()


@pytest.mark.parametrize("end", ENDS)
async def test_unique_id_that_is_still_being_handled(end: str) -> None:
    """J-spec 4.2.3: the same id again meanwhile gets GenericError, and the first call its normal answer."""
    go_on, began = asyncio.Event(), asyncio.Event()

    async def slowly(request: m.DataTransferRequest) -> m.DataTransferResponse:
        began.set()
        await go_on.wait()
        return m.DataTransferResponse(status="Accepted", data=request.vendor_id)

    async with ENDS[end]() as peer:
        peer.ours.router.add(m.DataTransferRequest, slowly, replace=True)
        await peer.say(2, "twin", "DataTransfer", {"vendorId": "the first"})
        await began.wait()
        for action, payload in (("DataTransfer", {"vendorId": "the second"}), (peer.valid, {}), ("MakeCoffee", {})):
            reply = await peer.ask("twin", action, payload)
            assert reply[:3] == [4, "twin", "GenericError"]
        await peer.is_served()  # under another id
        go_on.set()
        assert await peer.hear() == [3, "twin", {"status": "Accepted", "data": "the first"}]
        assert peer.session.counts["duplicate id"] == 3
        assert (await peer.ask("twin", peer.valid, {}))[0] == 3  # and now the id is free again


@pytest.mark.parametrize("end", ENDS)
async def test_handler_that_raises(end: str, caplog: pytest.LogCaptureFixture) -> None:
    """J-spec 4.2.3: InternalError. The traceback is for our log; the peer learns nothing of our inside."""

    async def broken(request: m.DataTransferRequest) -> m.DataTransferResponse:
        raise RuntimeError("secret detail")

    async with ENDS[end]() as peer:
        peer.ours.router.add(m.DataTransferRequest, broken, replace=True)
        assert await peer.ask("id", "DataTransfer", {"vendorId": "x"}) == [4, "id", "InternalError", "", {}]
        assert "secret detail" in caplog.text
        await peer.is_served()


async def test_any_payload_of_an_unknown_shape_from_many_peers() -> None:
    """One peer's bad input is no other's trouble."""
    async with CentralSystem() as central_system:
        async with facing(central_system, "bad") as bad, facing(central_system, "good") as good:
            for text in NOT_ANSWERED.values():
                await bad.raw(text)
                await good.is_served()
            reply = await bad.ask("boot again", "BootNotification", BOOT)
            assert reply[2]["status"] == "Accepted"
            assert bad.session.counts["bad frame"] == len(NOT_ANSWERED)
            assert good.session.counts["bad frame"] == 0
