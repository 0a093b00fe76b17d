"""2.1: a message is its declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import inspect

from ocpp_lab import messages as m
from ocpp_lab.messages.base import read_timestamp, write_timestamp

from ..kit import NOON, Kit
from ..step import Step, Wrong
from .payloads import drawn, spoilt, text

NAMES = ("AuthorizeRequest", "AuthorizeResponse", "ChangeConfigurationRequest")
OURS = {name: getattr(m, name) for name in NAMES}

step = Step(
    "2.1",
    "Two messages, declared",
    NAMES,
    points=2,
    minutes=20,
    reference=lambda: tuple(OURS.values()),
)

STATUSES = ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")
TEXTS: tuple[tuple[str, str, int, Callable[[Any], Any]], ...] = (
    ("AuthorizeRequest", "idTag", 20, lambda text: {"idTag": text}),
    ("ChangeConfigurationRequest", "key", 50, lambda text: {"key": text, "value": "1"}),
    ("ChangeConfigurationRequest", "value", 500, lambda text: {"key": "k", "value": text}),
    ("AuthorizeResponse", "parentIdTag", 20, lambda text: info(parentIdTag=text)),
)
"""Which text, how long at most, and a payload with it."""
FIELDS = {"idTag", "idTagInfo", "status", "parentIdTag", "expiryDate", "key", "value"}
"""What the table has, by the names of the wire."""


def info(**fields: Any) -> dict[str, Any]:
    """An AuthorizeResponse on the wire."""
    return {"idTagInfo": {"status": "Accepted"} | fields}


def read(message: Any, payload: Any) -> Any:
    """As the stack reads: None if the declaration refuses it."""
    try:
        return msgspec.convert(payload, message, dec_hook=read_timestamp)
    except msgspec.ValidationError:
        return None


def written(message: Any) -> Any:
    """As it goes over the wire, as plain JSON."""
    return msgspec.json.decode(msgspec.json.encode(message, enc_hook=write_timestamp))


def made(kit: Kit, message: Any, **fields: Any) -> Any:
    """A message built in Python."""
    try:
        return message(**fields)
    except TypeError as error:
        kit.require(False, str(error), _misnamed(message, fields, str(error)))


def _misnamed(message: Any, fields: dict[str, Any], problem: str) -> str:
    """What is said of a message that cannot be built with the names of the table."""
    there = getattr(message, "__struct_fields__", ())
    for name in fields:
        if f"'{name}'" in problem:
            if _wire_name(name) in there:
                return f"in Python the field is called {name}; the base renames it for the wire."
            return f"{message.__name__} has no field {name}; its fields are: {', '.join(there) or 'none'}."
    return f"{message.__name__} has fields that the table has not: {problem}."


def _wire_name(name: str) -> str:
    """``id_tag`` to ``idTag``."""
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def info_type(my: Any, kit: Kit) -> Any:
    """The learner's struct for the idTagInfo."""
    fields = {field.name: field.type for field in inspect.type_info(my.AuthorizeResponse).fields}  # type: ignore[attr-defined]
    said = "AuthorizeResponse has one field, `id_tag_info`, a struct of its own."
    if isinstance(fields.get("id_tag_info"), inspect.UnionType):
        said = "id_tag_info is required: no default, and no `| None`."
    kit.require(isinstance(fields.get("id_tag_info"), inspect.StructType), f"fields: {', '.join(fields)}", said)
    return fields["id_tag_info"].cls


@step.check("a request knows its action and the type of its answer")
def knows_its_answer(my: Any, kit: Kit) -> str:
    """The action is the name of the request (J-spec 4.2.1); its answer has a type of its own (core 6.1, 6.2)."""
    wanted = [(my.AuthorizeRequest, "Authorize", my.AuthorizeResponse)]
    wanted += [(my.ChangeConfigurationRequest, "ChangeConfiguration", m.ChangeConfigurationResponse)]
    for message, action, response_type in wanted:
        base = f"class {action}Request(Request[{action}Response])"
        kit.require(getattr(message, "action", None) == action, f"no action {action}", f"build on the base: {base}.")
        right = getattr(message, "response_type", None) is response_type
        kit.require(right, "another response type", f"the base says which answer belongs to it: {base}.")
    return "both do"


@step.check("idTag, idTagInfo, parentIdTag, expiryDate")
def camel_on_wire(my: Any, kit: Kit) -> str:
    """On the wire the fields have the names of the specification: camelCase (core 6.1, 6.2, 7.27)."""
    request = made(kit, my.AuthorizeRequest, id_tag="TAG_A")
    fields = {"status": "Accepted", "parent_id_tag": "GROUP", "expiry_date": NOON}
    response = made(kit, my.AuthorizeResponse, id_tag_info=made(kit, info_type(my, kit), **fields))
    setting = made(kit, my.ChangeConfigurationRequest, key="HeartbeatInterval", value="60")
    sent = [written(each) for each in (request, response, setting)]
    keys = [*sent[0], *sent[1], *sent[1].get("idTagInfo", {}), *sent[2]]
    wanted = ("idTag", "idTagInfo", "parentIdTag", "expiryDate", "status", "key", "value")
    for name in wanted:
        said = f"the wire says {name}; the base renames once for all, build on it."
        if name.islower():  # the same in Python
            said = f"{name} is required, and was left out; a required field has no default."
        kit.require(name in keys, ", ".join(keys), said)
    return "as the specification says"


@step.check("an optional field that is absent is left out, not null")
def optional_absent(my: Any, kit: Kit) -> str:
    """The schema of idTagInfo knows no null: what is absent is not there (core 7.27)."""
    response = read(my.AuthorizeResponse, info())
    kit.require(response is not None, "refused without parentIdTag", "parentIdTag and expiryDate may be absent.")
    there = written(response)["idTagInfo"]
    nulls = [name for name in ("parentIdTag", "expiryDate") if name in there]
    said = f"you sent {', '.join(nulls)} null; the schema has no null."
    kit.require(not nulls, f"{', '.join(nulls)} is there", said)
    said = "an idTagInfo with a parentIdTag was refused; is this its name on the wire, and is it a text?"
    kit.require(read(my.AuthorizeResponse, info(parentIdTag="GROUP")) is not None, "a parentIdTag was refused", said)
    empty = read(my.AuthorizeResponse, info(parentIdTag=""))
    said = "an empty parentIdTag was refused; the table limits its length only above: an empty text may come."
    kit.require(empty is not None, 'parentIdTag "" was refused', said)
    there = written(empty)["idTagInfo"]
    said = "an empty parentIdTag was left out; it is a text, and not absent."
    kit.require("parentIdTag" in there, "an empty text is left out", said)
    return "left out"


@step.check("the same verdict as the official schema, for 200 payloads")
def schema_agrees(my: Any, kit: Kit) -> str:
    """Lengths, enumerations, required fields, and no additional ones (core 6.1, 6.2, 6.9, J-errata 3.1)."""
    _limits(my, kit)
    _no_more(my, kit)
    for message, wrong in ((my.AuthorizeRequest, {"idTag": "T", "pin": 1}), (my.AuthorizeResponse, info(pin=1))):
        said = "an unknown field passed (additionalProperties is false)."
        kit.require(read(message, wrong) is None, "an unknown field passed", said)
    _statuses(my, kit)
    return _compare(my, kit, 200)


def _limits(my: Any, kit: Kit) -> None:
    for name, field, limit, payload in TEXTS:
        message, more = getattr(my, name), limit + 1
        said = f"{more} characters were accepted; the limit belongs in the type."
        kit.require(read(message, payload("x" * more)) is None, f"{field}: {more} characters pass", said)
        said = f"{field} may have {limit} characters; {limit} were refused."
        whole = payload(text(kit.rng, limit))
        kit.require(read(message, whole) is not None, f"{field}: {limit} characters refused", said)
        said = f"an empty {field} was refused; the table limits its length only above: an empty text may come."
        kit.require(read(message, payload("")) is not None, f'{field} "" was refused', said)


def _no_more(my: Any, kit: Kit) -> None:
    """No field that the table has not, and no null where it is required."""
    for kind in (my.AuthorizeRequest, my.AuthorizeResponse, info_type(my, kit), my.ChangeConfigurationRequest):
        fields = {field.encode_name for field in inspect.type_info(kind).fields}  # type: ignore[attr-defined]
        more = sorted(fields - FIELDS)
        said = f"{kind.__name__} has the field `{more[0] if more else ''}`; the table has none of this name."
        kit.require(not more, f"fields: {', '.join(sorted(fields))}", said)
    nulls = [(name, field, payload(None)) for name, field, _, payload in TEXTS if field != "parentIdTag"]
    for name, field, payload in [*nulls, ("AuthorizeResponse", "status", info(status=None))]:
        said = f"null was accepted as {field}; a required field is never null: no `| None` in its type."
        kit.require(read(getattr(my, name), payload) is None, f"{field} null passed", said)


def _statuses(my: Any, kit: Kit) -> None:
    for status in ("accepted", "Sfot", text(kit.rng, 8)):
        said = "any text is a status; list the five."
        kit.require(read(my.AuthorizeResponse, info(status=status)) is None, f"the status {status!r} passed", said)
    for status in STATUSES:
        got = read(my.AuthorizeResponse, info(status=status))
        kit.require(got is not None, f"{status} refused", f"{status} is one of the five; it was refused.")


def _compare(my: Any, kit: Kit, many: int) -> str:
    """Drawn payloads, valid and spoilt."""
    pool = _payloads(kit)
    for _ in range(many):
        name, what, payload = next(pool)
        verdict, wanted = read(getattr(my, name), payload) is not None, read(OURS[name], payload) is not None
        got = f"{name}: {what} {'passed' if verdict else 'was refused'}"
        kit.require(verdict == wanted, got, f"{what} {'must not pass' if verdict else 'is right, and was refused'}.")
    return f"{many} of {many}"


def _payloads(kit: Kit) -> Iterator[tuple[str, str, Any]]:
    while True:
        for name, message in OURS.items():
            yield name, "a valid payload", drawn(message, kit.rng)
            for each in spoilt(message, kit.rng):
                yield name, each.kind, each.payload


@step.check("what was read and written again is the same, in the fields that the text names")
def round_trip(my: Any, kit: Kit) -> str:
    """A declaration works in both directions."""
    for _ in range(20):
        for name, message in OURS.items():
            payload = drawn(message, kit.rng, full=True)
            first = read(getattr(my, name), payload)
            again = read(getattr(my, name), written(first))
            kit.require(again is not None and first == again, f"{name} has changed on the way")
    said = "the fields are id_tag, key, value, and in id_tag_info: status, parent_id_tag, expiry_date."
    tag, key = text(kit.rng, 9), text(kit.rng, 12)
    try:
        got = [read(my.AuthorizeRequest, {"idTag": tag}).id_tag]
        setting = read(my.ChangeConfigurationRequest, {"key": key, "value": tag})
        got += [setting.key, setting.value]
        inside = read(my.AuthorizeResponse, info(parentIdTag=tag)).id_tag_info
        got += [getattr(inside.status, "value", inside.status), inside.parent_id_tag]
    except AttributeError as error:
        raise Wrong(str(error), said) from None
    kit.equal(got, [tag, key, tag, "Accepted", tag])
    return "60 payloads"


@step.check("expiryDate: an offset is needed, and the datetime is aware")
def aware_dates(my: Any, kit: Kit) -> str:
    """A date without offset says no instant. RFC 3339 wants one; core 3.15 wants ISO 8601, which need not have it."""
    at = NOON + timedelta(seconds=kit.rng.randrange(10**6))
    naive = at.replace(tzinfo=None).isoformat()
    said = "a date without offset passed; nobody knows which instant it is. Timestamp wants one."
    kit.require(read(my.AuthorizeResponse, info(expiryDate=naive)) is None, "a date without offset passed", said)
    east = (at + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"
    for written_at in (at.isoformat().replace("+00:00", "Z"), east):
        got = read(my.AuthorizeResponse, info(expiryDate=written_at))
        kit.require(got is not None, "a date with an offset was refused", "this date has an offset, and was refused.")
        date = got.id_tag_info.expiry_date
        aware = isinstance(date, datetime) and date.tzinfo is not None
        kit.require(aware, f"a {type(date).__name__}", "expiry_date is an aware datetime.")
        kit.require(date == at, "another instant")
    return "aware"
