"""2.2: whose fault, and which code."""

from __future__ import annotations

from typing import Any

import msgspec

from ocpp_lab import messages as m
from ocpp_lab.codec import decode_payload
from ocpp_lab.errors import PayloadError
from ocpp_lab.frames import CORRECT_ENGLISH

from ..kit import Kit, short
from ..step import Step, Wrong
from .payloads import CODES, FORMATION, OCCURENCE, PROPERTY, TYPE, Spoilt, drawn, spoilt, text, typed

step = Step(
    "2.2",
    "`decode_payload`: whose fault, which code",
    ("decode_payload",),
    points=3,
    minutes=25,
    reference=lambda: decode_payload,
)

EXAMPLES: dict[str, tuple[type[m.Payload], Any]] = {
    "a missing field": (m.AuthorizeRequest, {}),
    "an undeclared field": (m.AuthorizeRequest, {"idTag": "TAG_A", "pin": 1234}),
    "a payload that is no object": (m.AuthorizeRequest, ["TAG_A"]),
    "a field of the wrong JSON type": (m.AuthorizeRequest, {"idTag": 4711}),
    "a field that should be an object": (m.AuthorizeResponse, {"idTagInfo": "Accepted"}),
    "a text that is too long": (m.AuthorizeRequest, {"idTag": "TAG_A" * 5}),
    "a value outside of the enumeration": (m.ResetRequest, {"type": "Sfot"}),
    "a text that is no date": (m.HeartbeatResponse, {"currentTime": "yesterday"}),
    "a number out of range": (m.UnlockConnectorRequest, {"connectorId": 0}),
}
"""Those that the exercise shows."""

FOOLS: tuple[tuple[type[m.Payload], Spoilt], ...] = tuple(
    (m.ResetRequest, Spoilt("a value outside of the enumeration", ("type",), {"type": word}))
    for word in ("forgot", "missing", "Object missing required field", "unknown field", "Expected `str`, got `int`")
) + tuple(
    (m.AuthorizeRequest, Spoilt("an undeclared field", (word,), {"idTag": "TAG_A", word: 1}))
    for word in ("missing", "got", "required", "Expected", "length", "enum")
)
"""The peer's words are in msgspec's text too: what is said of them must not hang on a word anywhere in it."""

TWO: tuple[tuple[type[m.Payload], Any, dict[str, tuple[str, ...]]], ...] = (
    (m.AuthorizeRequest, {"pin": 1}, {OCCURENCE: ("idTag",), FORMATION: ("pin",)}),
    (m.AuthorizeRequest, {"idTag": "x" * 21, "pin": 1}, {PROPERTY: ("idTag",), FORMATION: ("pin",)}),
    (m.UnlockConnectorRequest, {"connectorId": "1", "pin": 1}, {TYPE: ("connectorId",), FORMATION: ("pin",)}),
    (m.ChangeConfigurationRequest, {"key": 7}, {TYPE: ("key",), OCCURENCE: ("value",)}),
    (m.ChangeConfigurationRequest, {"value": "x" * 501}, {PROPERTY: ("value",), OCCURENCE: ("key",)}),
    (
        m.AuthorizeResponse,
        {"idTagInfo": {"status": "Sfot", "parentIdTag": 7}},
        {PROPERTY: ("idTagInfo", "status"), TYPE: ("idTagInfo", "parentIdTag")},
    ),
)
"""Two faults at once, and what may be said: the code of either, with the field of that one."""

_WRONG_TYPE = "a field of the wrong JSON type"
JSON_TYPES = (
    (m.UnlockConnectorRequest, Spoilt(_WRONG_TYPE, ("connectorId",), {"connectorId": "1"})),
    (m.UnlockConnectorRequest, Spoilt(_WRONG_TYPE, ("connectorId",), {"connectorId": True})),
    (m.DataTransferRequest, Spoilt(_WRONG_TYPE, ("vendorId",), {"vendorId": 17})),
    (m.KeyValue, Spoilt(_WRONG_TYPE, ("readonly",), {"key": "k", "readonly": "true"})),
)
"""Where a parser that means well would let something pass."""

SIX: tuple[type[m.Payload], ...] = (
    m.StartTransactionRequest,
    m.StatusNotificationRequest,
    m.MeterValuesRequest,
    m.BootNotificationRequest,
    m.SendLocalListRequest,
    m.AuthorizeResponse,
)


def others(kit: Kit) -> list[type[m.Payload]]:
    """Six messages that are always tried, and six that are drawn."""
    every = [kind for action in m.ACTIONS.values() for kind in (action.request, action.response)]
    return [*SIX, *kit.rng.sample(every, 6)]


def error_for(my: Any, kit: Kit, kind: str, payload_type: type[m.Payload], payload: Any) -> PayloadError:
    """What the answer says of a spoilt payload."""
    try:
        got = my.decode_payload(payload_type, payload)
    except PayloadError as error:
        return error
    except Exception as error:
        raise Wrong(type(error).__name__, f"{kind} raises {type(error).__name__}; raise PayloadError.") from None
    if isinstance(got, Exception):
        raise Wrong(f"returned {type(got).__name__}", "the error came back as a result; `raise` it.")
    raise Wrong("no error", f"{kind} passed without an error.")


@step.check("each kind of violation gets its code, in any message")
def four_codes(my: Any, kit: Kit) -> str:
    """The code says what kind of fault it was (J-spec 4.2.3)."""
    shown = {kind: _code(my, kit, kind, *example) for kind, example in EXAMPLES.items()}
    tried: list[tuple[type[m.Payload], Spoilt]] = [*JSON_TYPES]
    tried += [(kind, each) for kind in others(kit) for each in spoilt(kind, kit.rng)]
    seen = [(kind, each, _code(my, kit, each.kind, kind, each.payload)) for kind, each in tried]
    every = {*shown.values(), *(code for _, _, code in seen)}
    said = "one code for everything tells the peer nothing; sort by kind."
    kit.require(len(every) > 1, f"always {next(iter(shown.values()))}", said)
    if shown["a text that is no date"] == TYPE and shown["a text that is too long"] == PROPERTY:
        kit.require(False, f"a bad date: {TYPE}", _of_a_bad_date(my))
    wrong = {each.kind: (code, kind.__name__) for kind, each, code in seen if code != each.code}
    wrong |= {kind: (code, EXAMPLES[kind][0].__name__) for kind, code in shown.items() if code != CODES[kind]}
    _judge(kit, shown, wrong)
    return "all of them"


def _of_a_bad_date(my: Any) -> str:
    try:
        my.decode_payload(m.HeartbeatResponse, {"currentTime": "2030-06-01T12:00:00Z"})
    except Exception:
        return f"a bad date is a {PROPERTY}; give msgspec the `dec_hook`."
    return f"a text that is no date is a text all the same: {PROPERTY}, not {TYPE}."


def _judge(kit: Kit, shown: dict[str, str], wrong: dict[str, tuple[str, str]]) -> None:
    """Say which mistake it is: the codes of the examples that are ``shown``, and the ``wrong`` ones, with a message."""
    only_values = all(CODES[kind] == PROPERTY and code == TYPE for kind, (code, _) in wrong.items())
    if "a text that is too long" in wrong and only_values:
        said = "`of length <= 20` is the right type with a wrong value: PropertyConstraintViolation."
        kit.require(False, f"{', '.join(wrong)}: {TYPE}", said)
    for kind, (code, name) in wrong.items():
        said = f"{kind} gets {CODES[kind]}; this one says {code}."
        if shown[kind] == CODES[kind]:
            said = "the code hangs on the kind of violation; right for the example of the text, wrong elsewhere."
        kit.require(False, f"{kind} in a {name}: {code}", said)


def _code(my: Any, kit: Kit, kind: str, payload_type: type[m.Payload], payload: Any) -> str:
    code = error_for(my, kit, kind, payload_type, payload).code
    return CORRECT_ENGLISH.get(code, code)  # the spelling is another check's matter


@step.check("the four codes, spelt as in 1.6")
def exact_spelling(my: Any, kit: Kit) -> str:
    """The misspelt codes stay misspelt in 1.6: other stacks compare texts (J-spec 4.2.3, J-errata 5.1, 5.2)."""
    for kind, (payload_type, payload) in EXAMPLES.items():
        code = error_for(my, kit, kind, payload_type, payload).code
        if code == "OccurrenceConstraintViolation":
            kit.require(False, code, "Occurence has one r in 1.6 (J-spec 4.2.3, J-errata 5.1).")
        said = "it is FormationViolation in 1.6, where one would expect Format (J-spec 4.2.3, J-errata 5.2)."
        kit.require(code != "FormatViolation", code, said)
        kit.require(code in (FORMATION, OCCURENCE, PROPERTY, TYPE), code)
    return "exact"


@step.check("the description has the field's wire name, and those of the objects around it")
def names_the_field(my: Any, kit: Kit) -> str:
    """Who reads the log must find the place (J-spec 4.2.3: the description says more)."""
    nested = Spoilt("a value outside of the enumeration", ("idTagInfo", "status"), {"idTagInfo": {"status": "Sfot"}})
    tried: list[tuple[type[m.Payload], Spoilt]] = [(m.AuthorizeResponse, nested)]
    tried += [(kind, each) for kind in others(kit) for each in spoilt(kind, kit.rng)]
    for payload_type, each in tried:
        said = error_for(my, kit, each.kind, payload_type, each.payload).description
        text_of_it = said if isinstance(said, str) else repr(said)
        missing = [name for name in each.path if name not in text_of_it]
        here = ".".join(each.path)
        told = "say which field; the reader of the log has 12 of them."
        if missing and each.path[-1] in text_of_it:
            told = "the field is named, and the objects around it are not; there may be several fields of this name."
        kit.require(not missing, f"{here} is not named", told)
    return "named"


@step.check("null reads as {}")
def null_is_empty(my: Any, kit: Kit) -> str:
    """A payload of null stands for an empty object (J-spec 4.2.1)."""
    empty = [action.request for action in m.ACTIONS.values() if not action.request.__struct_fields__]
    for payload_type in (m.HeartbeatRequest, kit.rng.choice(empty), m.StatusNotificationResponse):
        try:
            got = my.decode_payload(payload_type, None)
        except Exception as error:
            raise Wrong(f"{type(error).__name__}", "null stands for {} (J-spec 4.2.1).") from None
        kit.require(isinstance(got, payload_type), f"a {type(got).__name__}", "null stands for {} (J-spec 4.2.1).")
    falsy: tuple[Any, ...] = ([], "", 0, False)
    for other in falsy:
        code = error_for(my, kit, f"the payload {other!r}", m.HeartbeatRequest, other).code
        kit.require(code == FORMATION, f"{other!r}: {code}", "only null stands for {}; this payload is no object.")
    code = error_for(my, kit, "null where a field is required", m.AuthorizeRequest, None).code
    kit.require(code != FORMATION, code, "null stands for {} (J-spec 4.2.1), and in {} a field is missing.")
    return "{}"


@step.check("valid payloads are decoded, with every field")
def good_passes(my: Any, kit: Kit) -> str:
    """What the declaration allows passes, typed (J-spec 4.2.1)."""
    for action in m.ACTIONS.values():
        for payload_type in (action.request, action.response):
            payload = drawn(payload_type, kit.rng)
            try:
                got = my.decode_payload(payload_type, payload)
            except PayloadError as error:
                said = f"a valid {payload_type.__name__} was refused: {error.description}"
                raise Wrong("refused", said) from None
            typed_so = isinstance(got, payload_type)
            kit.require(typed_so, f"a {type(got).__name__}", "the result is a typed payload of the type asked for.")
            kit.equal(got, typed(payload_type, payload))
    return "78 of 78"


@step.check("a payload, or PayloadError; never anything else")
def nothing_else_raised(my: Any, kit: Kit) -> str:
    """A malformed payload must not end the reader; the peer may send any JSON (J-spec 4.2.3)."""
    for payload_type in others(kit):
        for _ in range(20):
            payload = _anything(kit, drawn(payload_type, kit.rng, full=True))
            try:
                got = my.decode_payload(payload_type, payload)
            except PayloadError as error:
                kit.require(
                    error.code in CODES.values(),
                    str(error.code),
                    "a bad payload gets one of the four codes of the text's table.",
                )
            except Exception as error:
                raise Wrong(type(error).__name__, f"{type(error).__name__} left it; raise PayloadError.") from None
            else:
                kit.require(isinstance(got, payload_type), f"a {type(got).__name__}")
    return "nothing else"


@step.check("a peer's words do not change the code: the value forgot, a field called missing")
def peers_words(my: Any, kit: Kit) -> str:
    """The text of an error repeats what the peer has sent, and the peer may send any word (J-spec 4.2.3)."""
    for payload_type, each in FOOLS:
        code = _code(my, kit, each.kind, payload_type, each.payload)
        said = "a word of the peer was taken for a word of msgspec; look only at the beginning of its text."
        kit.require(code == each.code, f"{short(each.payload)}: {code}", said)
    return "they do not"


@step.check("two faults at once: the code of one, and its field")
def two_faults(my: Any, kit: Kit) -> str:
    """Code and description belong together, or the reader of the log looks for a fault that is not there."""
    for payload_type, payload, faults in TWO:
        error = error_for(my, kit, "a payload with two faults", payload_type, payload)
        code = CORRECT_ENGLISH.get(error.code, error.code)
        kinds = " and ".join(faults)
        said = f"this payload has two faults, for {kinds}; the code is one of these two, not {code}."
        kit.require(code in faults, f"{short(payload)}: {code}", said)
        missing = [name for name in faults[code] if name not in str(error.description)]
        said = "two faults at once: the code is that of one, and the description names the field of the other."
        kit.require(not missing, f"{short(payload, 40)}: {code}, {short(error.description, 40)}", said)
    return "one of the two"


def _anything(kit: Kit, payload: dict[str, Any]) -> Any:
    """A payload with something in the place of one of its parts."""
    deep: Any = "end"
    for _ in range(200):
        deep = [deep]
    strange = [None, 0, -1, 10**30, 1e300, "", text(kit.rng, 40), "9999-12-31T23:59:59-01:00", [], [None], {}, deep]
    strange += [{"": {}}, {"status": None}, "\x00", "2030-01-01T00:00:00"]
    value = kit.rng.choice(strange)
    if not payload or kit.rng.random() < 0.1:
        return value
    keys = [*payload, "surprise"]
    key = kit.rng.choice(keys)
    inside = payload.get(key)
    if isinstance(inside, dict) and inside and kit.rng.random() < 0.7:
        return payload | {key: _anything(kit, inside)}
    if isinstance(inside, list) and inside and isinstance(inside[0], dict) and kit.rng.random() < 0.7:
        return payload | {key: [_anything(kit, inside[0])]}
    return msgspec.to_builtins(payload | {key: value})
