# %% [markdown]
# ![18:15 on Friday night. A typo in a release makes CP_1 deaf.](../notebooks/pictures/02.svg)
#
# [START](../START.ipynb) · [notebook 2](../notebooks/02_dispatch_and_router.ipynb) · **6 steps and a capstone, about 2 h 15, 20 points** · [exercise 3 →](03_session_reconnect.ipynb)
#
# # Exercise 2. Dispatch and router: which code answers this text, and what if none does?
#
# **18:15.** A new release of the central system sends an action with a typo, and then one with a missing field. `CP_1`
# answers with one long `if`. It crashes, and from then on `CP_1` answers nothing.
#
# You declare messages, sort what is wrong with a payload, and write a `Router` that answers every call. At the end your
# router runs a central system. First a live peer sends it 2,000 spoilt frames. Then it goes through fifty bad nights.
#
# - **Before:** notebook [2](../notebooks/02_dispatch_and_router.ipynb).
# - **Level:** Python classes, annotations, decorators and exceptions. From step 2.4 on you need `async`/`await`.
# - **Time:** about 2 h 15 min. This and the minutes of each step are estimates: you may well need half or twice as
#   long. There are six steps and a capstone, and 20 points. Take them in three sittings:
#
# | sitting | steps | about |
# |---|---|---|
# | 1 | 2.1 and 2.2: payloads | 45 min |
# | 2 | 2.3 and 2.4: the router | 40 min |
# | 3 | 2.5, 2.6 and the capstone: what goes wrong | 50 min |

# %% tags=["scaffold"]
from ocpp_course import lab
from ocpp_course import check, hint, mine, progress, solution, use_reference

guard = lab.Guard()
guard

# %% [markdown]
# Run a stub cell, then the cell below it: it says what is right, what is wrong, and why.
# Stuck? `hint("2.1")` gives one hint more each time. `solution("2.1")` shows our answer.
# `decode_payload = use_reference("2.2")` takes the package's piece, for no points.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper. A *connection* is one WebSocket
# between a charge point and its central system. The *wire* is what goes over it: JSON, with the specification's names.

# %% [markdown]
# ## 2.1 Two messages, declared
#
# The specification gives each payload as a table. A class can be that table. Here are three of the 78:
#
# | payload | wire name | Python name | type | |
# |---|---|---|---|---|
# | Authorize.req (core 6.1) | `idTag` | `id_tag` | text, at most 20 characters | required |
# | Authorize.conf (core 6.2) | `idTagInfo` | `id_tag_info` | IdTagInfo | required |
# | IdTagInfo (core 7.27) | `status` | `status` | Accepted, Blocked, Expired, Invalid or ConcurrentTx | required |
# | | `parentIdTag` | `parent_id_tag` | text, at most 20 characters | optional |
# | | `expiryDate` | `expiry_date` | instant with an offset | optional |
# | ChangeConfiguration.req (core 6.9) | `key` | `key` | text, at most 50 characters | required |
# | | `value` | `value` | text, at most 500 characters | required |
#
# No other field may be there (J-errata 3.1). Texts may be empty. If an optional field is absent, it is left out, and null
# is never written. In Python it is None, and None is its default. When you read, null in a required field is refused;
# null in an optional field may be refused or not.
#
# Three bases are given: `Payload`, `Request` and `Response`. They are msgspec structs, and do three things for you. They
# turn `id_tag` into `idTag` on the wire. They refuse fields that are not declared. They leave out a field that has its
# default. `Request[AuthorizeResponse]` says which response belongs to a request. `Timestamp` is an instant with an
# offset: an aware `datetime` in Python, a text on the wire.
#
# A struct checks nothing when you build it in Python. It is checked when it is read from JSON. So the stack reads back
# what it is about to send.

# %%
### STEP 2.1 · 2 points · 20 minutes
### HINT Write one class for each payload of the table, and in it one line for each field: the Python name, the type,
###      and a default if the field is optional. Begin with `class IdTagInfo(Payload, kw_only=True):`.
### HINT `Annotated[str, Meta(max_length=20)]` is a text of at most 20 characters, `Literal["Hard", "Soft"]` one of two
###      texts, and `… | None = None` an optional field.
### HINT `id_tag_info: IdTagInfo`, and in `IdTagInfo`: `parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None`
from typing import Annotated, Literal

from msgspec import Meta

from ocpp_lab.messages import ChangeConfigurationResponse, Payload, Request, Response, Timestamp


### BEGIN SOLUTION
class IdTagInfo(Payload, kw_only=True):
    """What the central system knows of an idTag (core 7.27)."""

    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    """Says whether this idTag may charge (core 6.2)."""

    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    """May the holder of this idTag start or stop charging? (core 6.1)"""

    id_tag: Annotated[str, Meta(max_length=20)]


class ChangeConfigurationRequest(Request[ChangeConfigurationResponse], kw_only=True):
    """Set one configuration key (core 6.9)."""

    key: Annotated[str, Meta(max_length=50)]
    value: Annotated[str, Meta(max_length=500)]


### WRONG snake-on-wire -> camel-on-wire: the wire says parentIdTag; the base renames once for all, build on it.
from msgspec import Struct


class IdTagInfo(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG wire-names-in-python -> camel-on-wire: in Python the field is called id_tag; the base renames it for the wire.
class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    idTag: Annotated[str, Meta(max_length=20)]


### WRONG no-limits -> schema-agrees: 21 characters were accepted; the limit belongs in the type.
class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: str


### WRONG none-is-null -> optional-absent: you sent parentIdTag, expiryDate null; the schema has no null.
from msgspec import Struct


class IdTagInfo(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG extra-allowed -> schema-agrees: an unknown field passed (additionalProperties is false).
from msgspec import Struct


class IdTagInfo(Struct, kw_only=True, rename="camel", omit_defaults=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG status-str -> schema-agrees: any text is a status; list the five.
class IdTagInfo(Payload, kw_only=True):
    status: str
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG naive-date -> aware-dates: a date without offset passed; nobody knows which instant it is. Timestamp wants one.
from datetime import datetime


class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: datetime | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG all-required -> optional-absent: parentIdTag and expiryDate may be absent.
class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None
    expiry_date: Timestamp | None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG status-has-default -> camel-on-wire: status is required, and was left out; a required field has no default.
class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"] = "Accepted"
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG empty-is-absent -> optional-absent: an empty parentIdTag was left out; it is a text, and not absent.
class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] = ""
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG field-of-ones-own -> schema-agrees: AuthorizeRequest has the field `pin`; the table has none of this name.
class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]
    pin: str | None = None


### WRONG field-in-the-response -> schema-agrees: AuthorizeResponse has the field `note`; the table has none of this name.
class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo
    note: str | None = None


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG null-as-id-tag -> schema-agrees: null was accepted as idTag; a required field is never null: no `| None` in its
###       type.
class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)] | None


### WRONG null-as-status -> schema-agrees: null was accepted as status; a required field is never null: no `| None` in its
###       type.
class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"] | None
    parent_id_tag: Annotated[str, Meta(max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### WRONG null-as-key -> schema-agrees: null was accepted as key; a required field is never null: no `| None` in its
###       type.
class ChangeConfigurationRequest(Request[ChangeConfigurationResponse], kw_only=True):
    key: Annotated[str, Meta(max_length=50)] | None
    value: Annotated[str, Meta(max_length=500)]


### WRONG no-empty-key -> schema-agrees: an empty key was refused; the table limits its length only above: an empty text
###       may come.
class ChangeConfigurationRequest(Request[ChangeConfigurationResponse], kw_only=True):
    key: Annotated[str, Meta(max_length=50, min_length=1)]
    value: Annotated[str, Meta(max_length=500)]


### WRONG no-empty-tag -> optional-absent: an empty parentIdTag was refused; the table limits its length only above: an
###       empty text may come.
class IdTagInfo(Payload, kw_only=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    parent_id_tag: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(min_length=1, max_length=20)]


### RIGHT aliases-and-unset
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

IdToken = Annotated[str, Meta(max_length=20)]
Key = Annotated[str, Meta(max_length=50)]
Value = Annotated[str, Meta(max_length=500)]
Instant = Annotated[datetime, Meta(tz=True)]


class IdTagInfo(Struct, rename="camel", forbid_unknown_fields=True):
    status: Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
    expiry_date: Instant | UnsetType = UNSET
    parent_id_tag: IdToken | UnsetType = UNSET


class AuthorizeResponse(Response):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse]):
    id_tag: IdToken


class ChangeConfigurationRequest(Request[ChangeConfigurationResponse]):
    key: Key
    value: Value


### RIGHT field-table
import types

from msgspec import defstruct


def up_to(limit):
    return Annotated[str, Meta(max_length=limit)]


def message(name, base, **fields):
    return types.new_class(name, (base,), {"kw_only": True}, lambda body: body.update(__annotations__=fields))


STATUS = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
OPTIONAL = [("parent_id_tag", up_to(20) | None, None), ("expiry_date", Timestamp | None, None)]
IdTagInfo = defstruct("IdTagInfo", [("status", STATUS), *OPTIONAL], bases=(Payload,), kw_only=True)
AuthorizeResponse = message("AuthorizeResponse", Response, id_tag_info=IdTagInfo)
AuthorizeRequest = message("AuthorizeRequest", Request[AuthorizeResponse], id_tag=up_to(20))
ChangeConfigurationRequest = message(
    "ChangeConfigurationRequest", Request[ChangeConfigurationResponse], key=up_to(50), value=up_to(500)
)


### RIGHT status-as-enum
import enum

Status = enum.Enum("Status", {name: name for name in ("Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx")})


class IdTagInfo(Payload, kw_only=True):
    status: Status
    parent_id_tag: Annotated[str, Meta(min_length=0, max_length=20)] | None = None
    expiry_date: Timestamp | None = None


class AuthorizeResponse(Response, kw_only=True):
    id_tag_info: IdTagInfo


class AuthorizeRequest(Request[AuthorizeResponse], kw_only=True):
    id_tag: Annotated[str, Meta(max_length=20)]


### END SOLUTION

# %%
check("2.1", AuthorizeRequest, AuthorizeResponse, ChangeConfigurationRequest)

# %% [markdown]
# ## 2.2 `decode_payload`: whose fault, which code
#
# A call whose payload breaks its declaration is answered with a CallError. The code says what kind of fault it was
# (J-spec 4.2.3). The specification names the codes, but not which violation gets which code. This is what we do:
#
# | violation | code | an example, and the type that was wanted |
# |---|---|---|
# | a field is missing | OccurenceConstraintViolation | `{}`, AuthorizeRequest |
# | a field is not declared | FormationViolation | `{"idTag": "TAG_A", "pin": 1234}`, AuthorizeRequest |
# | the payload itself is no object | FormationViolation | `["TAG_A"]`, AuthorizeRequest |
# | a field has the wrong JSON type | TypeConstraintViolation | `{"idTag": 4711}`, AuthorizeRequest |
# | … also one that should be an object | TypeConstraintViolation | `{"idTagInfo": "Accepted"}`, AuthorizeResponse |
# | a text is too long | PropertyConstraintViolation | `{"idTag": "TAG_ATAG_ATAG_ATAG_ATAG_A"}`, AuthorizeRequest |
# | a value is not in the enumeration | PropertyConstraintViolation | `{"type": "Sfot"}`, ResetRequest |
# | a text is no date | PropertyConstraintViolation | `{"currentTime": "yesterday"}`, HeartbeatResponse |
# | a number is out of range | PropertyConstraintViolation | `{"connectorId": 0}`, UnlockConnectorRequest |
#
# A payload may have two faults at once. Report one of them: its code, and the field of that one.
#
# There is a fifth code for payloads: ProtocolError, *the payload is incomplete*. We do not send it. Others may send it
# for a missing field. Three errata change some fields of smart charging (core errata 3.24, 3.38, 3.39). The classes in
# `ocpp_lab.messages` contain them already: you do nothing about them.
#
# Mind the spelling. Two codes are misspelt in the specification, and they stay so, because other stacks compare texts
# (J-errata 5.1, 5.2).
#
# `msgspec.convert` makes a typed payload of plain JSON, or raises `msgspec.ValidationError`. The text of that error says
# what is wrong, and where. Take care: it also repeats words of the peer. The peer may send a field that is called
# `missing`, or the value `forgot`, which has `got` in it. `read_timestamp` is the `dec_hook` that tells msgspec what a
# `Timestamp` is.

# %%
### STEP 2.2 · 3 points · 25 minutes
### HINT Ask in this order: is it an object, is every field there and known, is the type right? What remains is a value.
### HINT Print `str(error)` of `msgspec.convert(…)` for each example of the table. What do texts of one kind share?
### HINT They begin with "Object missing" · "Object contains unknown" · "Expected `object`, got …" and end there, with no
###      "at `$.…`" · "Expected …, got …". Everything else is a value: "of length", "Invalid enum value", "RFC3339", ">=".
import re

import msgspec

from ocpp_lab import PayloadError
from ocpp_lab.messages import Payload
from ocpp_lab.messages.base import read_timestamp


### BEGIN SOLUTION
_KINDS = (
    (r"Object missing", "OccurenceConstraintViolation"),
    (r"Object contains unknown", "FormationViolation"),
    (r"Expected `object`, got `\w+`$", "FormationViolation"),
    (r"Expected .*, got ", "TypeConstraintViolation"),
    (r"", "PropertyConstraintViolation"),
)


def decode_payload(payload_type: type[Payload], payload: object) -> Payload:
    """The typed payload of plain JSON, for any type in `ocpp_lab.messages`: ``msgspec.convert`` with a code.

    ``payload`` is what a JSON parser gives: dicts, lists, texts, numbers. None stands for ``{}`` (J-spec 4.2.1). Its texts
    can be written in UTF-8: lone surrogates are not tested.

    Raises ``PayloadError(code, description)``, and nothing else, whatever JSON the payload is:

    - The code is that of the table above. No word that the peer has sent changes it.
    - The description contains the wire name of the field that is wrong. If the field lies deeper, it contains the names
      of the objects around it too (``idTagInfo`` and ``status``).
    - If two things are wrong, code and description are those of one of them.
    """
    try:
        return msgspec.convert({} if payload is None else payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        said = str(error)
        code = next(code for pattern, code in _KINDS if re.match(pattern, said))
        raise PayloadError(code, said) from None


### WRONG all-formation -> four-codes: one code for everything tells the peer nothing; sort by kind.
def decode_payload(payload_type, payload):
    try:
        return msgspec.convert({} if payload is None else payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        raise PayloadError("FormationViolation", str(error)) from None


### WRONG expected-means-type -> four-codes: `of length <= 20` is the right type with a wrong value:
###       PropertyConstraintViolation.
_KINDS = (*_KINDS[:3], (r"Expected", "TypeConstraintViolation"), _KINDS[-1])


### WRONG correct-english -> exact-spelling: Occurence has one r in 1.6 (J-spec 4.2.3, J-errata 5.1).
_KINDS = ((r"Object missing", "OccurrenceConstraintViolation"), *_KINDS[1:])


### WRONG no-field -> names-the-field: say which field; the reader of the log has 12 of them.
_decode = decode_payload


def decode_payload(payload_type, payload):
    try:
        return _decode(payload_type, payload)
    except PayloadError as error:
        raise PayloadError(error.code, f"this is no {payload_type.__name__}") from None


### WRONG null-crashes -> null-is-empty: null stands for {} (J-spec 4.2.1).
def decode_payload(payload_type, payload):
    try:
        return msgspec.convert(payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        said = str(error)
        code = next(code for pattern, code in _KINDS if re.match(pattern, said))
        raise PayloadError(code, said) from None


### WRONG by-field-name -> four-codes: the code hangs on the kind of violation; right for the example of the text, wrong
###       elsewhere.
def decode_payload(payload_type, payload):
    try:
        return msgspec.convert({} if payload is None else payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        said = str(error)
    if said.startswith("Object missing required field `idTag`"):
        code = "OccurenceConstraintViolation"
    elif "pin" in said or said.endswith("got `array`"):
        code = "FormationViolation"
    elif "idTag" in said and "got" in said:
        code = "TypeConstraintViolation"
    elif any(name in said for name in ("idTag", "type", "currentTime", "connectorId")):
        code = "PropertyConstraintViolation"
    else:
        code = "FormationViolation"
    raise PayloadError(code, said)


### WRONG words-anywhere -> peers-words: a word of the peer was taken for a word of msgspec; look only at the beginning
###       of its text.
def decode_payload(payload_type, payload):
    try:
        return msgspec.convert({} if payload is None else payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        said = str(error)
    if "missing" in said:
        code = "OccurenceConstraintViolation"
    elif "unknown" in said or (said.startswith("Expected `object`") and " - at " not in said):
        code = "FormationViolation"
    elif "got" in said:
        code = "TypeConstraintViolation"
    else:
        code = "PropertyConstraintViolation"
    raise PayloadError(code, said)


### WRONG code-of-one-field-of-the-other -> two-faults: two faults at once: the code is that of one, and the description
###       names the field of the other.
_decode = decode_payload


def decode_payload(payload_type, payload):
    try:
        return _decode(payload_type, payload)
    except PayloadError as error:
        known = {field.encode_name for field in msgspec.structs.fields(payload_type)}
        if isinstance(payload, dict) and not payload.keys() <= known:
            raise PayloadError("FormationViolation", error.description) from None
        raise


### WRONG missing-is-formation -> four-codes: a missing field gets OccurenceConstraintViolation; this one says
###       FormationViolation.
_KINDS = ((r"Object", "FormationViolation"), *_KINDS[2:])


### RIGHT starts-and-ends
def decode_payload(payload_type, payload):
    """Typed."""
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        raise PayloadError("FormationViolation", f"expected an object, came {type(payload).__name__}")
    try:
        return msgspec.convert(payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as problem:
        raise PayloadError(code_of(str(problem)), str(problem)) from problem


def code_of(said):
    if said.startswith("Object missing required field"):
        return "OccurenceConstraintViolation"
    if said.startswith("Object contains unknown field"):
        return "FormationViolation"
    if said.startswith("Expected") and "got" in said:
        return "TypeConstraintViolation"
    return "PropertyConstraintViolation"


### RIGHT keys-first
def decode_payload(payload_type, payload):
    payload = payload or {} if payload is None or isinstance(payload, dict) else payload
    if not isinstance(payload, dict):
        raise PayloadError("FormationViolation", "a payload is a JSON object")
    known = {field.encode_name: field.required for field in msgspec.structs.fields(payload_type)}
    for name in payload:
        if name not in known:
            raise PayloadError("FormationViolation", f"{name}: no such field")
    for name, required in known.items():
        if required and name not in payload:
            raise PayloadError("OccurenceConstraintViolation", f"{name}: missing")
    try:
        return msgspec.convert(payload, payload_type, dec_hook=read_timestamp)
    except msgspec.ValidationError as error:
        match str(error).split():
            case ["Object", "missing", *_]:
                code = "OccurenceConstraintViolation"
            case ["Object", *_]:
                code = "FormationViolation"
            case ["Expected", *rest] if "got" in rest:
                code = "TypeConstraintViolation"
            case _:
                code = "PropertyConstraintViolation"
        raise PayloadError(code, str(error)) from error


### END SOLUTION

# %%
check("2.2", decode_payload)

# %% [markdown]
# ## 2.3 `Router.on`: registration
#
# A `Router` knows which coroutine, the *handler*, answers which request. `ACTIONS` is the map of OCPP: for each action
# its `request` and `response` type and its `sender`: `"ChargePoint"`, `"CentralSystem"`, or `"both"`. A request type
# knows its `action` and its `response_type`.
#
# What can be known about a handler is checked when it is registered. If it were checked when the first call comes, the
# error would come at three in the morning. This is how a router is used, in this step and in the next ones:
#
# ```python
# router = Router("ChargePoint")
#
# @router.on(ResetRequest)
# async def on_reset(request: ResetRequest) -> ResetResponse:
#     return ResetResponse(status="Accepted")
# ```
#
# `@router.on(ResetRequest)` above a function means: `on_reset = router.on(ResetRequest)(on_reset)`. So `on` returns a
# function that takes the handler and gives it back.

# %%
### STEP 2.3 · 3 points · 20 minutes
### HINT `on` returns an inner function, `register(handler)`. It checks the five points of the docstring one after the
###      other, raises TypeError for the first that does not hold, then puts the handler into a dict, and returns it.
### HINT `inspect.iscoroutinefunction(handler)`, `typing.get_type_hints(handler)`, `ACTIONS[request_type.action].sender`
### HINT `if request_type.action in self._handlers: raise TypeError(f"{request_type.action} is handled already")`; an
###      action whose sender is `self.role` never arrives here.
import inspect
from typing import Literal, get_type_hints

from ocpp_lab import ACTIONS
from ocpp_lab.messages import Request


### BEGIN SOLUTION
class Router:
    """Which coroutine answers which request."""

    def __init__(self, role: Literal["ChargePoint", "CentralSystem"]) -> None:
        """``role`` is who we are: a charge point's router answers what a central system sends, and vice versa."""
        self.role = role
        self._handlers = {}

    def on(self, request_type: type[Request]):
        """A decorator that registers ``async def handler(request)`` for this request, and returns the handler itself.

        Raises TypeError, at ``on`` or when the handler is decorated, with a text that says what was expected and what
        came, if

        - ``request_type`` is no subclass of ``Request`` (of `ocpp_lab.messages`)
        - its action never reaches this role, because our own side sends it
        - its action has a handler already (to look at `on` is enough)
        - the handler is not ``async def``
        - the parameter is annotated with another type than ``request_type``, or the return value with another than
          ``request_type.response_type``

        A missing annotation is fine. An annotation may stand in quotes (``"ResetRequest"``), as all do under
        ``from __future__ import annotations``. A method can be a handler too. Two routers share nothing. What is refused
        is not registered: the right handler can still come.
        """

        def register(handler):
            self._check(request_type, handler)
            self._handlers[request_type.action] = request_type, handler
            return handler

        return register

    def _check(self, request_type, handler):
        if not (isinstance(request_type, type) and issubclass(request_type, Request)):
            raise TypeError(f"expected a Request type such as ResetRequest, came {request_type!r}")
        action = request_type.action
        if ACTIONS[action].sender == self.role:
            raise TypeError(f"expected what a {self.role} receives; {action} is what it sends")
        if action in self._handlers:
            raise TypeError(f"expected one handler for {action}; {self._handlers[action][1].__name__} is there already")
        if not inspect.iscoroutinefunction(handler):
            raise TypeError(f"expected `async def {handler.__name__}`, came a function that cannot be awaited")
        hints = get_type_hints(handler)
        returned = hints.pop("return", request_type.response_type)
        if returned is not request_type.response_type or any(each is not request_type for each in hints.values()):
            raise TypeError(f"expected {action}'s types on {handler.__name__}, came {hints} and {returned}")


### WRONG class-level-dict -> independent: both routers share one table; it belongs to the instance, not to the class.
class Router(Router):
    handlers = {}  # noqa: RUF012

    def __init__(self, role):
        self.role = role
        self._handlers = self.handlers


### WRONG last-wins -> refuses-second: a second handler for one action was taken without a word; say so when it is
###       registered.
class Router(Router):
    def _check(self, request_type, handler):
        self._handlers.pop(getattr(request_type, "action", None), None)
        super()._check(request_type, handler)


### WRONG no-decorator -> independent: `on` takes the request type alone, and returns a function that takes the handler
###       and gives it back.
class Router(Router):
    def on(self, request_type, handler=None):
        self._handlers[request_type.action] = request_type, handler


### WRONG loses-function -> returns-handler: the name is now None and cannot be tested.
class Router(Router):
    def on(self, request_type):
        def register(handler):
            self._check(request_type, handler)
            self._handlers[request_type.action] = request_type, handler

        return register


### WRONG checks-at-call -> refuses-sync: a function that cannot be awaited was taken; its first call would fail. Check when
###       it is registered.
class Router(Router):
    def _check(self, request_type, handler):
        async def later(request):
            return handler(request)

        super()._check(request_type, handler if inspect.iscoroutinefunction(handler) else later)


### WRONG no-direction -> refuses-direction: a central system never receives Reset; that handler would never run.
class Router(Router):
    def _check(self, request_type, handler):
        role, self.role = self.role, None
        try:
            super()._check(request_type, handler)
        finally:
            self.role = role


### WRONG any-annotation -> refuses-annotation: the annotation of the parameter says another type; this handler was
###       written for something else.
class Router(Router):
    def _check(self, request_type, handler):
        async def bare(request): ...

        super()._check(request_type, bare if inspect.iscoroutinefunction(handler) else handler)


### WRONG no-quotes -> accepts: quoted annotations were refused; they are the right types. `get_type_hints` resolves the
###       quotes.
class Router(Router):
    def _check(self, request_type, handler):
        if any(isinstance(each, str) for each in getattr(handler, "__annotations__", {}).values()):
            raise TypeError("expected types as annotations")
        super()._check(request_type, handler)


### WRONG wraps-handler -> returns-handler: return the function that came; the name below is the handler's own.
class Router(Router):
    def on(self, request_type):
        def register(handler):
            self._check(request_type, handler)

            async def checked(request):
                return await handler(request)

            self._handlers[request_type.action] = request_type, checked
            return checked

        return register


### WRONG anything-goes -> refuses-stranger: a handler for what is no Request type will never be called; refuse it.
class Router(Router):
    def _check(self, request_type, handler):
        if getattr(request_type, "action", None) in self._handlers or hasattr(request_type, "response_type"):
            super()._check(request_type, handler)
        elif not hasattr(request_type, "action"):
            request_type.action = "?"


### WRONG sides-turned-round -> independent: it refuses what the other side sends and takes what its own side sends; turn
###       that round.
class Router(Router):
    def __init__(self, role):
        super().__init__({"ChargePoint": "CentralSystem", "CentralSystem": "ChargePoint"}[role])


### WRONG registers-first -> changes-nothing: a handler that was refused is in the table all the same; check first, then
###       register.
class Router(Router):
    def on(self, request_type):
        def register(handler):
            async def bare(request): ...

            self._check(request_type, bare)
            self._handlers[request_type.action] = request_type, handler
            Router(self.role)._check(request_type, handler)
            return handler

        return register


### WRONG trusts-methods -> refuses-annotation: the handler is a method, and its parameter is annotated with another type;
###       check methods too.
class Router(Router):
    def _check(self, request_type, handler):
        if inspect.ismethod(handler):
            handler = type(self).stand_in
        super()._check(request_type, handler)

    async def stand_in(request):
        """Without annotations."""


### WRONG looks-at-self -> refuses-annotation: the handler is a method, and its parameter is annotated with another type;
###       check methods too.
class Router(Router):
    def _check(self, request_type, handler):
        hints = get_type_hints(handler)
        parameter = next(iter(handler.__code__.co_varnames), None)
        if parameter != "self":
            super()._check(request_type, handler)
        elif hints.get("return", request_type.response_type) is not request_type.response_type:
            raise TypeError(f"expected {request_type.response_type}, came {hints['return']}")
        elif hints.get(parameter, request_type) is not request_type:
            raise TypeError(f"expected {request_type}, came {hints[parameter]}")


### WRONG returns-no-decorator -> independent: `on` takes the request type alone, and returns a function that takes the
###       handler and gives it back.
class Router(Router):
    def on(self, request_type):
        super().on(request_type)


### RIGHT routes-in-a-list
class Router:
    def __init__(self, role):
        self.role, self.routes = role, []

    def on(self, request_type):
        sendable = [action.request for action in ACTIONS.values() if action.sender in ("both", self._peer)]
        if not any(request_type is each for each in sendable):
            raise TypeError(f"expected a request that a {self._peer} sends, came {request_type!r}")
        for route in self.routes:
            if route[0] is request_type:
                raise TypeError(f"{request_type.__name__} has a handler: {route[1]!r}")
        return lambda handler: self.take(request_type, handler)

    @property
    def _peer(self):
        return {"ChargePoint": "CentralSystem", "CentralSystem": "ChargePoint"}[self.role]

    def take(self, request_type, handler):
        if not inspect.iscoroutinefunction(handler):
            raise TypeError(f"expected a coroutine function, came {handler!r}")
        signature = inspect.signature(handler, eval_str=True)
        said = [each.annotation for each in signature.parameters.values()] + [signature.return_annotation]
        for annotation, wanted in zip(said, (request_type, request_type.response_type), strict=True):
            if annotation not in (inspect.Signature.empty, wanted):
                raise TypeError(f"expected {wanted.__name__}, is annotated with {annotation!r}")
        self.routes.append((request_type, handler))
        return handler


### RIGHT closure-over-a-dict
class Router:
    def __init__(self, role: str) -> None:
        self.role = role
        self.handlers: dict[type, object] = {}

    def on(self, request_type):
        def decorate(handler):
            match handler, self.problem(request_type, handler):
                case _, str(problem):
                    raise TypeError(problem)
                case handler, None:
                    return self.handlers.setdefault(request_type, handler)

        return decorate

    def problem(self, request_type, handler):
        if not inspect.isclass(request_type) or Request not in request_type.__mro__ or request_type is Request:
            return f"{request_type} is no request"
        action = next((each for each in ACTIONS.values() if each.request is request_type), None)
        if action is None or (action.sent_by(self.role) and action.sender != "both"):
            return f"{request_type.__name__} never arrives at a {self.role}"
        if request_type in self.handlers:
            return f"{request_type.__name__}: second handler"
        if not inspect.iscoroutinefunction(handler):
            return f"{handler} is not async"
        types = get_type_hints(handler)
        if types.pop("return", action.response) is not action.response:
            return "wrong return annotation"
        if types and list(types.values()) != [request_type]:
            return "wrong parameter annotation"
        return None


### END SOLUTION

# %%
check("2.3", Router)

# %% [markdown]
# ## 2.4 `Router.answer`: the good path
#
# Now the router answers. A `Call` has `unique_id`, `action` and `payload` (plain JSON). `answer` returns the frame that
# goes back: `CallResult(unique_id, payload)` or `CallError(unique_id, code, description)`. A description may be left
# out. Several calls may be in `answer` at once, and a handler that waits holds up no other.
#
# There are three steps, and two of them have a fault of their own. The payload may break its declaration: that is the
# peer's fault, and `decode_payload` names the code. The response may break its own: that is our fault, and the peer gets
# InternalError. `encode_payload(response)` gives the JSON for a CallResult. It raises `PayloadError` if the response
# breaks its declaration, because structs check nothing when they are built.
#
# Your class begins with `class Router(mine("2.3")):`. So it has your `on`, and you write only `answer`. (If 2.3 has not
# passed, `mine("2.3")` is the package's class, which can answer already. What builds on that earns no points.) The same
# holds for `decode_payload`, but there the package's piece costs you nothing.
#
# What a handler raises leaves `answer` in this step; step 2.6 mends that. An action without a handler is step 2.5.

# %%
### STEP 2.4 · 3 points · 20 minutes
### HINT Write three steps, and for each its fault. (1) Read the payload that came; if it is no good, return the peer's
###      CallError. (2) Await the handler. (3) Look at the response; if it is no good, return InternalError.
### HINT `decode_payload(request_type, call.payload)` and `encode_payload(response)` both raise `PayloadError`; the first
###      is the peer's fault, the second ours. And ask `isinstance(response, request_type.response_type)`.
### HINT Two `try` blocks. The first: `except PayloadError as error: return CallError(call.unique_id, error.code,
###      error.description)`. The second returns `CallError(call.unique_id, "InternalError")`.
from ocpp_lab import ACTIONS, Call, CallError, CallResult, PayloadError, encode_payload

decode_payload = mine("2.2")


### BEGIN SOLUTION
class Router(mine("2.3")):
    """The router of step 2.3, and it answers."""

    async def answer(self, call: Call) -> CallResult | CallError:
        """The reply to a call, under the unique id of the call.

        - The payload is decoded for the request type of the action; the handler gets the typed request.
        - If the payload breaks its declaration: a CallError with code and description of the `PayloadError`, and no
          handler runs.
        - The handler runs once for every call. What it returns goes out as a CallResult; the payload is
          ``encode_payload(response)``.
        - If the handler returns anything but a ``response_type`` of its request, or one that breaks its declaration:
          CallError "InternalError".
        - What the handler raises leaves ``answer`` as it is. (A `PayloadError` of the handler may also be answered with
          its code and description.)
        """
        request_type, handler = self._handlers[call.action]
        try:
            request = decode_payload(request_type, call.payload)
        except PayloadError as error:
            return CallError(call.unique_id, error.code, error.description)
        response = await handler(request)
        try:
            return CallResult(call.unique_id, self._checked(response, request_type.response_type))
        except PayloadError:
            return CallError(call.unique_id, "InternalError")

    def _checked(self, response, response_type):
        if not isinstance(response, response_type):
            raise PayloadError("InternalError", f"expected {response_type.__name__}, came {type(response).__name__}")
        return encode_payload(response)


### WRONG by-suffix -> right-handler: StatusNotification's handler also got another action; compare whole names.
class Router(Router):
    async def answer(self, call):
        for action in self._handlers:
            if call.action.endswith(action):
                return await super().answer(Call(call.unique_id, action, call.payload))


### WRONG dict-to-handler -> right-handler: the handler got a dict; the type is the point.
class Router(Router):
    async def answer(self, call):
        response = await self._handlers[call.action][1](call.payload)
        return CallResult(call.unique_id, encode_payload(response))


### WRONG new-id -> same-id: a reply carries the caller's id.
import uuid


class Router(Router):
    async def answer(self, call):
        return await super().answer(Call(str(uuid.uuid4()), call.action, call.payload))


### WRONG remembers-the-call -> side-by-side: two calls at once, and one got the other's answer; keep what belongs to a
###       call in local variables.
class Router(Router):
    async def answer(self, call):
        self.call = call
        reply = await super().answer(call)
        if isinstance(reply, CallResult):
            return CallResult(self.call.unique_id, reply.payload)
        return reply


### WRONG one-at-a-time -> side-by-side: one call waited for the other; `answer` must not wait for another `answer`.
import asyncio


class Router(Router):
    def __init__(self, role):
        super().__init__(role)
        self.lane = asyncio.Lock()

    async def answer(self, call):
        async with self.lane:
            return await super().answer(call)


### WRONG any-response -> checks-own-reply: the handler returned another response, and it went out; ask whether it is a
###       `response_type`.
from ocpp_lab.messages import Response


class Router(Router):
    def _checked(self, response, response_type):
        return super()._checked(response, Response)


### WRONG registers-first -> first-stays: the second handler was refused, and answers all the same; check first, then
###       register.
class Router(Router):
    def on(self, request_type):
        register = super().on(request_type)

        def decorate(handler):
            try:
                return register(handler)
            finally:
                self._handlers[request_type.action] = request_type, handler

        return decorate


### WRONG remembers-the-answer -> each-call-anew: the handler runs once for every call; here it did not.
class Router(Router):
    def __init__(self, role):
        super().__init__(role)
        self.known = {}

    async def answer(self, call):
        if call.action not in self.known:
            self.known[call.action] = await super().answer(call)
        reply = self.known[call.action]
        if isinstance(reply, CallError):
            return self.known.pop(call.action)
        return CallResult(call.unique_id, reply.payload)


### WRONG sends-the-first-again -> each-call-anew: an old response went out; what the handler returns for this call is the
###       answer to it.
class Router(Router):
    first = None

    async def answer(self, call):
        reply = await super().answer(call)
        if call.action == "GetLocalListVersion" and isinstance(reply, CallResult):
            self.first = self.first or reply.payload
            return CallResult(call.unique_id, self.first)
        return reply


### WRONG snake-result -> camel-result: the wire says listVersion; `encode_payload` knows the names of the wire.
import msgspec


class Router(Router):
    def _checked(self, response, response_type):
        encode_payload(response)
        return {name: value for name, value in msgspec.structs.asdict(response).items() if value is not None}


### WRONG no-code -> payload-error-code: an exception left `answer`; a PayloadError becomes a CallError with its code.
class Router(Router):
    async def answer(self, call):
        decode_payload(self._handlers[call.action][0], call.payload)
        return await super().answer(call)


### WRONG trusts-own-reply -> checks-own-reply: structs do not check when built; encode and validate before sending.
import msgspec

from ocpp_lab.messages.base import write_timestamp


class Router(Router):
    def _checked(self, response, response_type):
        if not isinstance(response, response_type):
            raise PayloadError("InternalError", "another type")
        return msgspec.Raw(msgspec.json.encode(response, enc_hook=write_timestamp))


### WRONG none-is-ok -> checks-own-reply: a handler that returns nothing is our fault: InternalError.
class Router(Router):
    def _checked(self, response, response_type):
        return {} if response is None else super()._checked(response, response_type)


### WRONG blames-the-peer -> checks-own-reply: PropertyConstraintViolation blames the peer; a reply of ours that is no
###       good is InternalError.
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            response = await handler(decode_payload(request_type, call.payload))
            return CallResult(call.unique_id, self._checked(response, request_type.response_type))
        except PayloadError as error:
            return CallError(call.unique_id, error.code, error.description)


### WRONG catches-too-early -> raised-leaves: the handler raised KeyError, and `answer` returned a frame; in this step it
###       leaves `answer` (2.6 catches it).
_RouterThatRaises = Router


class Router(_RouterThatRaises):
    async def answer(self, call):
        try:
            return await super().answer(call)
        except Exception:
            return CallError(call.unique_id, "InternalError", "")


### WRONG our-fault-if-it-raises -> raised-leaves: the handler raised PayloadError, and `answer` returned a frame; in this
###       step it leaves `answer` (2.6 catches it).
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            request = decode_payload(request_type, call.payload)
        except PayloadError as error:
            return CallError(call.unique_id, error.code, error.description)
        try:
            response = await handler(request)
            return CallResult(call.unique_id, self._checked(response, request_type.response_type))
        except PayloadError:
            return CallError(call.unique_id, "InternalError")


### RIGHT bound-at-registration
from functools import partial


class Router(Router):
    def on(self, request_type):
        register = super().on(request_type)

        def decorate(handler):
            self._handlers[request_type.action + " "] = partial(self.work, request_type, register(handler))
            return handler

        return decorate

    async def work(self, request_type, handler, call):
        response = await handler(decode_payload(request_type, call.payload))
        try:
            if type(response) is not request_type.response_type:
                raise TypeError(type(response))
            sent = msgspec.json.decode(encode_payload(response))
        except Exception:
            return CallError(unique_id=call.unique_id, code="InternalError", description="our own reply was no good")
        return CallResult(unique_id=call.unique_id, payload=sent)

    async def answer(self, call):
        try:
            return await self._handlers[call.action + " "](call)
        except PayloadError as error:
            return CallError(call.unique_id, error.code, error.description)


### RIGHT decodes-its-own-reply
import msgspec

from ocpp_lab.messages.base import write_timestamp


class Router(Router):
    async def answer(self, call):
        match self._handlers.get(call.action):
            case kind, handler:
                try:
                    request = decode_payload(kind, call.payload)
                except PayloadError as error:
                    return CallError(call.unique_id, error.code, error.description, {})
                response = await handler(request)
                try:
                    plain = msgspec.to_builtins(response, enc_hook=write_timestamp)
                    again = decode_payload(kind.response_type, plain)
                except Exception:
                    return CallError(call.unique_id, "InternalError", "")
                if response is None or type(again) is not type(response):
                    return CallError(call.unique_id, "InternalError", "")
                return CallResult(call.unique_id, plain)


### END SOLUTION

# %%
check("2.4", Router)

# %% [markdown]
# ## 2.5 Nobody home: NotImplemented, NotSupported
#
# There are two codes for a call that nobody serves (J-spec 4.2.3). *NotImplemented*: OCPP does not know this action.
# *NotSupported*: OCPP knows it, and we do not serve it, or it came from the wrong side. `ACTIONS` has all that OCPP
# knows, by the exact name.
#
# Your class begins with `class Router(mine("2.4")):`. `await super().answer(call)` answers what has a handler.

# %%
### STEP 2.5 · 2 points · 15 minutes
### HINT Ask two questions about the action, before you look at anything else. Has it a handler? If not: does OCPP know
###      it?
### HINT `call.action in self._handlers`, or whatever your 2.3 calls its table · `call.action in ACTIONS`
### HINT `code = "NotSupported" if call.action in ACTIONS else "NotImplemented"`, and a CallError with it; else
###      `return await super().answer(call)`.
from ocpp_lab import ACTIONS, Call, CallError, CallResult


### BEGIN SOLUTION
class Router(mine("2.4")):
    """The router of step 2.4, for every action that may come."""

    async def answer(self, call: Call) -> CallResult | CallError:
        """As in 2.4, and for an action without a handler a CallError: never an exception.

        - OCPP does not know the action: "NotImplemented". Names are compared whole, and upper and lower case differ.
        - OCPP knows it, and it has no handler here or our own side sends it: "NotSupported".

        The action is looked at first. If it is not served, its payload does not matter.
        """
        if call.action not in self._handlers:
            code = "NotSupported" if call.action in ACTIONS else "NotImplemented"
            return CallError(call.unique_id, code, "nobody answers this action here")
        return await super().answer(call)


### WRONG one-for-both -> unhandled: OCPP knows this action, we do not serve it: NotSupported.
class Router(Router):
    async def answer(self, call):
        if call.action not in self._handlers:
            return CallError(call.unique_id, "NotImplemented")
        return await super().answer(call)


### WRONG swapped -> unknown: NotImplemented is for what OCPP does not know.
class Router(Router):
    async def answer(self, call):
        if call.action not in self._handlers:
            return CallError(call.unique_id, "NotImplemented" if call.action in ACTIONS else "NotSupported")
        return await super().answer(call)


### WRONG misspells -> unknown: 'NotImplmented' is none of the ten error codes (J-spec 4.2.3); mind the spelling.
class Router(Router):
    async def answer(self, call):
        if call.action not in ACTIONS:
            return CallError(call.unique_id, "NotImplmented")
        return await super().answer(call)


### WRONG casefolds -> case-matters: actions are case-sensitive.
class Router(Router):
    async def answer(self, call):
        known = {action.lower(): action for action in ACTIONS}
        return await super().answer(Call(call.unique_id, known.get(call.action.lower(), call.action), call.payload))


### WRONG by-ending -> unknown: Notification is only a part of names that OCPP knows; compare whole names.
class Router(Router):
    async def answer(self, call):
        if call.action and any(name.endswith(call.action) for name in ACTIONS) and call.action not in self._handlers:
            return CallError(call.unique_id, "NotSupported", "no handler")
        return await super().answer(call)


### WRONG payload-first -> order: complained about the payload of an action that is not served; look at the action first.
class Router(Router):
    async def answer(self, call):
        if not isinstance(call.payload, dict):
            return CallError(call.unique_id, "FormationViolation", "a payload is an object")
        return await super().answer(call)


### WRONG decodes-first -> order: complained about the payload of an action that is not served; look at the action first.
class Router(Router):
    async def answer(self, call):
        if call.action in ACTIONS:
            try:
                decode_payload(ACTIONS[call.action].request, call.payload)
            except PayloadError as error:
                return CallError(call.unique_id, error.code, error.description)
        return await super().answer(call)


### WRONG raises -> unknown: the peer gets no answer; return a CallError.
class Router(Router):
    async def answer(self, call):
        if call.action not in self._handlers:
            raise LookupError(f"nobody answers {call.action}")
        return await super().answer(call)


### WRONG wrong-side-unknown -> wrong-direction: OCPP knows this action, and it never arrives here: NotSupported.
class Router(Router):
    async def answer(self, call):
        if call.action in ACTIONS and ACTIONS[call.action].sender == self.role:
            return CallError(call.unique_id, "NotImplemented", "this never arrives here")
        return await super().answer(call)


### WRONG details-none -> unknown: the details of a CallError are an object; {} if there is nothing to say.
class Router(Router):
    async def answer(self, call):
        if call.action not in self._handlers:
            return CallError(call.unique_id, "NotSupported" if call.action in ACTIONS else "NotImplemented", "", None)
        return await super().answer(call)


### RIGHT two-sets
class Router(Router):
    KNOWN = frozenset(ACTIONS)

    async def answer(self, call):
        served = set(self._handlers)
        if call.action in self.KNOWN - served:
            return CallError(call.unique_id, "NotSupported", f"{call.action}: no handler", {})
        if call.action not in served:
            return CallError(call.unique_id, "NotImplemented", f"{call.action}: no such action", {})
        return await super().answer(call)


### RIGHT one-dict
class Router(Router):
    def __init__(self, role):
        super().__init__(role)
        self.fate = dict.fromkeys(ACTIONS, "NotSupported")

    def on(self, request_type):
        register = super().on(request_type)

        def decorate(handler):
            register(handler)
            self.fate[request_type.action] = "served"
            return handler

        return decorate

    async def answer(self, call: Call):
        match self.fate.get(call.action, "NotImplemented"):
            case "served":
                return await super().answer(call)
            case code:
                return CallError(call.unique_id, code)


### END SOLUTION

# %%
check("2.5", Router)

# %% [markdown]
# ## 2.6 Handlers that fail
#
# A handler is somebody's code, and it fails in one of two ways.
#
# - It means it. It raises `PayloadError(code, description)` or `CallFailed(code, description, details)`, and that goes
#   to the peer.
# - It does not mean it. Then the peer gets InternalError and nothing else, because it cannot use a traceback, and may be
#   hostile. Your log gets the traceback.
#
# Your class begins with `class Router(mine("2.5")):`. What a handler raises leaves your `answer` of 2.4, so you can catch
# it around `await super().answer(call)`.

# %%
### STEP 2.6 · 3 points · 20 minutes
### HINT Write one `try` around `await super().answer(call)`, with two `except` clauses: one for exceptions that a handler
###      means, one for all others. CancelledError is neither; it must pass through.
### HINT `except (PayloadError, CallFailed) as error:` … `except Exception:` … The second does not catch CancelledError.
###      `CallError(unique_id, code, description, details)` takes details, too.
### HINT `log.exception("handler for %s failed", call.action)` logs the traceback.
import logging

from ocpp_lab import Call, CallError, CallFailed, CallResult, PayloadError

log = logging.getLogger("ocpp_lab.my_router")


### BEGIN SOLUTION
class Router(mine("2.5")):
    """The router of step 2.5, whatever its handlers raise."""

    async def answer(self, call: Call) -> CallResult | CallError:
        """As in 2.5, whatever ``Exception`` the handler raises; CancelledError passes through.

        - An action without a handler is answered as in 2.5.
        - `PayloadError` or `CallFailed`: a CallError with its code and description, and the details of a `CallFailed`
          (else ``{}``).
        - Any other exception: "InternalError", with no description or a fixed text, nothing of the exception. It is
          logged with its traceback on the logger ``ocpp_lab`` or one below it (``log`` is one).
        - A handler runs once for each call, also after it has failed.
        - A response that is no good is "InternalError", as before.
        """
        try:
            return await super().answer(call)
        except (PayloadError, CallFailed) as error:
            return CallError(call.unique_id, error.code, error.description, getattr(error, "details", {}))
        except Exception:
            log.exception("handler for %s failed", call.action)
            return CallError(call.unique_id, "InternalError")


### WRONG leaks-text -> nothing-leaked: `str(error)` went to the peer, with a file path in it.
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            response = await handler(decode_payload(request_type, call.payload))
        except (PayloadError, CallFailed) as error:
            return CallError(call.unique_id, error.code, error.description, getattr(error, "details", {}))
        except Exception as error:
            log.exception("handler for %s failed", call.action)
            return CallError(call.unique_id, "InternalError", str(error))
        return CallResult(call.unique_id, self._checked(response, request_type.response_type))


### WRONG leaks-type -> nothing-leaked: the text for the peer differs from exception to exception; use a fixed one, or
###       none.
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            response = await handler(decode_payload(request_type, call.payload))
        except (PayloadError, CallFailed) as error:
            return CallError(call.unique_id, error.code, error.description, getattr(error, "details", {}))
        except Exception as error:
            log.exception("handler for %s failed", call.action)
            return CallError(call.unique_id, "InternalError", type(error).__name__)
        return CallResult(call.unique_id, self._checked(response, request_type.response_type))


### WRONG eats-cancel -> cancel-passes: a cancelled handler answered InternalError; shutdown would hang.
class Router(Router):
    async def answer(self, call):
        try:
            return await super().answer(call)
        except BaseException:
            return CallError(call.unique_id, "InternalError")


### WRONG returns-nothing-when-cancelled -> cancel-passes: `answer` was cancelled, and returned as if all were well;
###       CancelledError must pass through.
import asyncio


class Router(Router):
    async def answer(self, call):
        try:
            return await super().answer(call)
        except asyncio.CancelledError:
            return None


### WRONG swallows -> logged: the peer knows it failed and you do not; log the traceback.
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            response = await handler(decode_payload(request_type, call.payload))
        except (PayloadError, CallFailed) as error:
            return CallError(call.unique_id, error.code, error.description, getattr(error, "details", {}))
        except Exception:
            return CallError(call.unique_id, "InternalError")
        return CallResult(call.unique_id, self._checked(response, request_type.response_type))


### WRONG all-internal -> own-code: the handler said PropertyConstraintViolation and meant it.
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            request = decode_payload(request_type, call.payload)
        except PayloadError as error:
            return CallError(call.unique_id, error.code, error.description)
        try:
            return CallResult(call.unique_id, self._checked(await handler(request), request_type.response_type))
        except Exception:
            log.exception("handler for %s failed", call.action)
            return CallError(call.unique_id, "InternalError")


### WRONG reraises -> next-call-lives: the exception left `answer` and would end the reader.
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            response = await handler(decode_payload(request_type, call.payload))
        except (PayloadError, CallFailed) as error:
            return CallError(call.unique_id, error.code, error.description, getattr(error, "details", {}))
        except Exception:
            log.exception("handler for %s failed", call.action)
            raise
        return CallResult(call.unique_id, self._checked(response, request_type.response_type))


### WRONG one-try-for-all -> own-reply: PropertyConstraintViolation blames the peer for our own reply; that is
###       InternalError.
class Router(Router):
    async def answer(self, call):
        request_type, handler = self._handlers[call.action]
        try:
            response = await handler(decode_payload(request_type, call.payload))
            return CallResult(call.unique_id, self._checked(response, request_type.response_type))
        except (PayloadError, CallFailed) as error:
            return CallError(call.unique_id, error.code, error.description, getattr(error, "details", {}))
        except Exception:
            log.exception("handler for %s failed", call.action)
            return CallError(call.unique_id, "InternalError")


### WRONG tries-again -> next-call-lives: 2 runs for 1 call; a handler runs once for each call, also after it has failed.
class Router(Router):
    async def answer(self, call):
        reply = await super().answer(call)
        if isinstance(reply, CallError) and reply.code == "InternalError":
            return await super().answer(call)
        return reply


### WRONG none-is-empty -> own-reply: the handler returned what is no ResetResponse, and it went out as one.
class Router(Router):
    def _checked(self, response, response_type):
        return encode_payload(response) if response is not None else {}


### WRONG timeouts-pass -> next-call-lives: the handler raised TimeoutError, and it left `answer`: catch whatever
###       `Exception` a handler raises.
_Router = Router


class Router(_Router):
    async def answer(self, call):
        request_type, handler = self._handlers.get(call.action, (None, None))
        if handler is None:
            return await super().answer(call)
        try:
            response = await handler(decode_payload(request_type, call.payload))
        except (PayloadError, CallFailed) as error:
            return CallError(call.unique_id, error.code, error.description, getattr(error, "details", {}))
        except TimeoutError:
            raise
        except Exception:
            log.exception("handler for %s failed", call.action)
            return CallError(call.unique_id, "InternalError")
        try:
            return CallResult(call.unique_id, self._checked(response, request_type.response_type))
        except PayloadError:
            return CallError(call.unique_id, "InternalError")


### WRONG from-2-4 -> nobody-home: MakeCoffee got InternalError: OCPP does not know it, so the answer is NotImplemented, as
###       in 2.5. What does your class begin with?
class Router(Router):
    async def answer(self, call):
        try:
            self._handlers[call.action]
        except KeyError:
            log.exception("no handler for %s", call.action)
            return CallError(call.unique_id, "InternalError")
        return await super().answer(call)


### RIGHT wrapped-at-registration
import functools
import traceback


def tame(handler):
    @functools.wraps(handler)
    async def tamed(request):
        try:
            return await handler(request)
        except PayloadError as meant:
            return meant.code, meant.description, {}
        except CallFailed as meant:
            return meant.code, meant.description, meant.details
        except Exception:
            logging.getLogger("ocpp_lab").error("a handler failed:\n%s", traceback.format_exc())
            return "InternalError", "the handler failed", {}

    return tamed


class Router(Router):
    def on(self, request_type):
        def register(handler):
            self._check(request_type, handler)
            self._handlers[request_type.action] = request_type, tame(handler)
            return handler

        return register

    async def answer(self, call):
        request_type, handler = self._handlers.get(call.action, (None, None))
        if handler is None:
            return CallError(call.unique_id, "NotSupported" if call.action in ACTIONS else "NotImplemented")
        try:
            request = decode_payload(request_type, call.payload)
        except PayloadError as error:
            return CallError(call.unique_id, error.code, error.description)
        match await handler(request):
            case str(code), str(description), details:
                return CallError(call.unique_id, code, description, details)
            case response:
                try:
                    return CallResult(call.unique_id, self._checked(response, request_type.response_type))
                except Exception:
                    log.error("bad response", exc_info=True)
                    return CallError(call.unique_id, "InternalError")


### RIGHT context-manager
from contextlib import contextmanager


class Router(Router):
    @contextmanager
    def guard(self, call, replies, *meant):
        try:
            yield
        except meant as error:
            replies.append(CallError(call.unique_id, error.code, error.description, getattr(error, "details", {})))
        except Exception as error:
            log.warning("%s failed", call.action, exc_info=error)
            replies.append(CallError(call.unique_id, "InternalError", "something is wrong here"))

    async def answer(self, call):
        replies = []
        if call.action not in self._handlers:
            return await super().answer(call)
        request_type, handler = self._handlers[call.action]
        with self.guard(call, replies, PayloadError, CallFailed):
            response = await handler(decode_payload(request_type, call.payload))
        if not replies:
            with self.guard(call, replies):
                replies.append(CallResult(call.unique_id, self._checked(response, request_type.response_type)))
        return replies[0]


### END SOLUTION

# %%
check("2.6", Router)

# %% [markdown]
# ## Capstone: your router in a central system
#
# `CentralSystem(router=…)` takes anything that has `answer`. Yours goes in here. If 2.6 has not passed yet, the package's
# goes in. Four handlers are enough for `CP_1` to boot. One of them fails when its database fails.

# %% tags=["scaffold"]
import asyncio
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from random import Random

from IPython.display import display

from ocpp_lab import Call, CentralSystem, ChargePoint, OcppError, decode, encode
from ocpp_lab import messages as m
from ocpp_lab.charge_point.dial import dial
from ocpp_course.checks.dispatch_and_router.mutations import answers, answers_due, mutated

YourRouter = mine("2.6")
router = YourRouter("CentralSystem")


@router.on(m.BootNotificationRequest)
async def on_boot(request: m.BootNotificationRequest) -> m.BootNotificationResponse:
    return m.BootNotificationResponse(status="Accepted", current_time=datetime.now(UTC), interval=300)


@router.on(m.HeartbeatRequest)
async def on_heartbeat(request: m.HeartbeatRequest) -> m.HeartbeatResponse:
    return m.HeartbeatResponse(current_time=datetime.now(UTC))


@router.on(m.StatusNotificationRequest)
async def on_status(request: m.StatusNotificationRequest) -> m.StatusNotificationResponse:
    return m.StatusNotificationResponse()


heartbeat = await router.answer(Call("by hand", "Heartbeat", {}))
print("your router answers a Heartbeat with a", type(heartbeat).__name__)

# %% [markdown]
# The fourth handler asks a database. Then both ends start.


# %% tags=["scaffold"]
@router.on(m.AuthorizeRequest)
async def on_authorize(request: m.AuthorizeRequest) -> m.AuthorizeResponse:
    if request.id_tag == "TAG_DB":
        raise OSError("db-3 refuses user ocpp, password letmein")
    return m.AuthorizeResponse(id_tag_info=m.IdTagInfo(status="Accepted"))


central_system = await CentralSystem(router=router).start()
charge_point = await ChargePoint(central_system.url, "CP_1", timeout=1.0).start()
await charge_point.wait_for("online")
print("CP_1 is", charge_point.state)

# %% [markdown]
# The row below the panel counts on both sides: what your router has answered, and what `CP_1` made of it.


# %% tags=["scaffold"]
def counted(what):
    """On this connection: what your router has answered, or what CP_1 made of the answers."""
    if "CP_1" not in central_system or not charge_point.session:
        return 0
    side = central_system["CP_1"] if what == "answered" else charge_point.session
    return side.counts[what] + side.pending.counts[what]


await lab.until(lambda: counted("answered") == counted("resolved") == 3)  # boot, 2 statuses
panel = lab.FaultPanel(central_system)
kinds = ("answered", "resolved", "malformed", "bad frame", "timeout", "repeated")
watch = lab.Watch({what: partial(counted, what) for what in kinds}, "your Router and CP_1")
display(panel, watch)

# %% [markdown]
# Your router answers, and the panel spoils the answer on its way out: first with *wrong payload*, then with *garbage*.
# The third Authorize reaches the handler while its database is down. After each Authorize comes a Heartbeat, which is
# not spoilt. **Predict** what the caller of each Authorize is told.


# %% tags=["scaffold"]
async def told(request):
    """What a caller is told: the name of the response, or the error."""
    try:
        return type(await charge_point.call(request)).__name__
    except OcppError as error:
        return type(error).__name__ + (f" {error.code}" if hasattr(error, "code") else "")


start = lab.now()
panel.set(action="Authorize")
for fault in ("wrong payload", "garbage", None):
    if fault:
        panel.toggle(fault)
    first = await told(m.AuthorizeRequest(id_tag="TAG_A" if fault else "TAG_DB"))
    panel.clear()
    print(f"{fault or 'the database is down':22}{first:28}then {await told(m.HeartbeatRequest())}")
lab.ladder(charge_point, central_system, since=start, title="Three bad ends, and each time the next call is answered")

# %% [markdown]
# Now a peer of another make dials in. It boots, and then sends 2,000 mutated frames: payloads with one thing wrong,
# actions that nobody knows, frames with an element too many, splinters of JSON. It does not wait for answers.
#
# **Predict.** How many of the 2,000 get no answer although their sender waits for one?

# %% tags=["scaffold"]
pipe = await dial(f"{central_system.url}/STRANGER")
heard = []


async def listen():
    async for text in pipe:
        heard.append(text)


listener = asyncio.create_task(listen())
boot = Call("boot", "BootNotification", {"chargePointVendor": "Strange", "chargePointModel": "S-1"})
texts = [encode(boot), *mutated(Random(7), 2_000)]
due = answers_due(texts)
for text in texts:
    await pipe.send(text)
await lab.until(lambda: len(heard) >= due.total(), timeout=60)
got = answers(heard)
print(f"{len(texts) - 1:,} frames; {due.total() - 1:,} of them are Calls whose id can be told")
print(f"without an answer: {(due - got).total()}; with one too many: {(got - due).total()}")
await pipe.send(encode(Call("valid", "Heartbeat", {})))
await lab.until(lambda: len(heard) > due.total(), timeout=60)
print("then a valid Heartbeat gets a", type(decode(heard[-1])).__name__)

# %% tags=["scaffold"]
import msgspec

replies = Counter(frame[2] if frame[0] == 4 else "CallResult" for frame in map(msgspec.json.decode, heard))
names, counts = zip(*replies.most_common(), strict=True)
fig, ax = lab.subplots(height=260)
looks = [lab.OUTCOMES["result" if name == "CallResult" else "CallError"] for name in names]
for row, (count, look) in enumerate(zip(counts, looks, strict=True)):
    ax.barh(row, count, color=look.colour, hatch=look.hatch, edgecolor="white")
ax.set_yticks(range(len(names)), names)
ax.invert_yaxis()
ax.set_xlabel("answers")
lab.title(ax, f"{len(heard):,} answers in {len(names)} kinds, and not one call without")
lab.figure(fig, alt="Answers to the stranger's calls, by code: " + ", ".join(names) + ".")

# %% [markdown]
# **Your turn.** From now on `CP_1` sends a Heartbeat each second. Press a fault above, press it again to end it, and
# watch the counts: what your router has *answered*, and behind it what `CP_1` made of that.

# %% tags=["scaffold"]
panel.set(action="any call")
await central_system["CP_1"].call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="1"))

# %% [markdown]
# ### Your drill
#
# Here are six broken routers of a central system. Each serves BootNotification, Heartbeat and Authorize, and does one
# thing wrong. `TAG_DB` makes the handler of Authorize fail, as above.
#
# - **A**: upper and lower case of an action do not matter.
# - **B**: for an action that OCPP knows and nobody serves here, it says NotImplemented.
# - **C**: it gives back only 32 characters of an id.
# - **D**: it refuses null as a payload.
# - **E**: it accepts an idTag that is too long.
# - **F**: when a handler has failed, it answers every later call with InternalError.
#
# **Choose** at most ten calls, so that each of the six answers at least one of them otherwise than a right router does.
# **Predict** how many calls you need. `drilled` plays them and says what they do not show yet. It earns no points.
#
# <details><summary>How few are enough?</summary>
# Five. One Heartbeat can have null as its payload and an id of 36 characters. Only F needs two calls, and the second may
# be one that shows something else.</details>

# %% tags=["scaffold"]
from ocpp_course.checks.dispatch_and_router import drilled

# %% tags=["exercise-only"]
drill = []  # Call("1", "Heartbeat", {}), …

# %% tags=["solution-only"]
drill = [
    Call("1", "heartbeat", {}),
    Call("2", "Reset", {"type": "Soft"}),
    Call("3", "Authorize", {"idTag": "T" * 21}),
    Call("4", "Authorize", {"idTag": "TAG_DB"}),
    Call("5" * 36, "Heartbeat", None),
]

# %% tags=["scaffold"]
drilled(drill)

# %% [markdown]
# ### The last check
#
# It puts your router under a session that reads 2,000 mutated frames on either side. Every Call whose id can be told must
# get exactly one answer. Then your router runs a central system in fifty simulated nights of chaos: slow handlers, wrong
# payloads, garbage, cuts, crashes. A failure names the seed and shows the frames around it.

# %%
### STEP 2.capstone · 4 points · 15 minutes
# The check takes your `Router` of 2.6.
### BEGIN SOLUTION
### WRONG one-at-a-time -> slow-handlers: quick calls waited for the slow one; `answer` must not wait for another `answer`.
import asyncio


class Router(Router):
    def __init__(self, role):
        super().__init__(role)
        self.lane = asyncio.Lock()

    async def answer(self, call):
        async with self.lane:
            return await super().answer(call)


### WRONG busy -> slow-handlers: a valid call got an error; each is handled, however many are at work.
class Router(Router):
    at_work = 0

    async def answer(self, call):
        if self.at_work >= 10:
            return CallError(call.unique_id, "GenericError", "too much to do")
        self.at_work += 1
        try:
            return await super().answer(call)
        finally:
            self.at_work -= 1


### WRONG chokes-on-odd-names -> fuzzed: Calls stay without an answer; whatever comes, `answer` returns a frame.
class Router(Router):
    async def answer(self, call):
        log.info("answering %s", call.action.encode("ascii"))
        return await super().answer(call)


### END SOLUTION

# %%
check("2.capstone", Router)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>A request has an optional field that holds null. Which code?</summary>
# The schema has no null, so a strict receiver says TypeConstraintViolation. The package reads it as absent.</details>
# <details><summary>The action is <code>reset</code>, and its payload is broken. Which code?</summary>
# NotImplemented. OCPP has no such action, so there is no rule that its payload could break.</details>
# <details><summary>Your handler returns a status that is not in the enumeration. Who is told what?</summary>
# The peer gets InternalError: the fault is ours. The log gets the field and the value.</details>
# <details><summary>Why is a second handler for one action an error, and not a replacement?</summary>
# Two modules that both register Reset do not know of each other. The last import would win, and nobody would see it.</details>
# <details><summary>Why must <code>answer</code> let CancelledError pass?</summary>
# The session cancels its handlers when it ends, and waits for them. One that answers instead holds up the end.</details>
#
# **Further questions.** They have no answers here. Take one to a colleague, or into your own stack.
#
# - A payload has two faults. Which of them would you rather find in the log at night?
# - A vendor adds one field to StartTransaction, and your router answers FormationViolation. What does the charge point do
#   next, and what does it cost whom?
# - A handler takes 40 s, and the peer gives up after 30 s. Who notices, and what has been done?
# - Your router says NotSupported. Should the peer ask again after the next release of yours? How would it know?
# - One handler fails for one charge point in a hundred. Which number would show it to you?

# %% [markdown] tags=["solution-only"]
# ## Beside the package
#
# `ocpp_lab/messages/` declares all 78 payloads as in 2.1; tests prove them equal to the official schemas.
#
# `ocpp_lab/codec.py` sorts violations by msgspec's wording, too. It then looks the field up in the declaration, so that
# a description says what was expected and what came, not only where. A timestamp without an offset is read as UTC and
# counted, for real charge points send them.
#
# `ocpp_lab/router.py` is the same dict with the same checks. `include` registers every `on_…` method of an object by
# its annotation; `add(…, replace=True)` takes a handler's place on purpose.
#
# libocpp has a table of allowed messages for each feature profile and one switch (`handle_message`); most violations
# get FormationViolation, with the text of the exception.

# %% tags=["scaffold"]
closing = lab.Closing(guard, pipe, lambda: listener, watch, panel, charge_point, central_system)
closing

# %% [markdown]
# | before | how far you are | after |
# | :--- | :---: | ---: |
# | [← Notebook 2<br>Dispatch and router](../notebooks/02_dispatch_and_router.ipynb) | [**START**<br>your lamps and points](../START.ipynb) | [19:02 →<br>Session reconnect](../notebooks/03_session_reconnect.ipynb) |
