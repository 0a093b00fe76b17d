"""`unwrap`: the line of a log without what others put around it: docker, journald, compose, JSON, colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from .prefix import _NOBODY

_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b\][^\x07]{0,200}\x07")
_TAGS = re.compile(r"</?(?:table|tr|t[dh]|pre|code|span|div|p|b|br|li|font)\b[^>]{0,200}>", re.IGNORECASE)
_DUMP = re.compile(
    r'\{\s?(?:"\w{1,30}"\s?:\s?"?[^"{}]{0,60}"?\s?,\s?){0,6}'
    r'"(?:CallType|callType|MessageTypeId|messageTypeId|MessageType|messageType)"'
)
_AROUND = re.compile(
    r"""^(?:
        [A-Z][a-zä]{2}[a-z]?\.?\s+\d{1,2}\s\d\d:\d\d:\d\d\s\S+\s[^\s\[\]:]+\[\d+\]:\s    # journald, syslog
        | \d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)\s\S+\s[^\s\[\]:]+\[\d+\]:\s         # the same, with ISO time
        | [\w.-]{1,40}\s{1,20}\|\s                                                         # docker compose
        | \d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)\s(?:stdout|stderr)\s[FP]\s           # kubernetes
        | >\s                                                                              # quoted in a mail
        | (?:\#{1,2}|//)\s?(?!\d{3}\[)                                                     # a comment in a program
    )""",
    re.VERBOSE,
)
_TIMES = (
    *("time", "timestamp", "ts", "@timestamp", "@t", "date", "datetime", "created", "created_at", "createdat", "at"),
    *("__realtime_timestamp", "eventtime", "logtime", "received_at"),
)
_NAMES = (
    *("identity", "chargepoint", "chargepointid", "charge_point", "charge_point_id", "chargeboxid", "cp", "cpid"),
    *("station", "stationid", "station_id", "charger", "chargerid", "charger_id", "clientid", "client_id", "ocppid"),
    *("cp_id", "_cp", "_cp_id", "chargestationid", "chargingstationid", "charging_station_id", "charge_station_id"),
    *("identifier", "charge_box_id", "chargebox", "evse_id", "ocpp_id", "ocpp_identity", "device_id", "deviceid"),
)
_LABELS = ("labels", "stream", "fields", "attributes", "context", "metadata", "tags", "extra", "properties")
"""Objects beside a line, in which its charge point may be named."""
_WORDS = ("mark", "direction", "dir", "type", "origin", "sender", "from", "source", "event", "opcode", "masked")


class Unwrapped(NamedTuple):
    """``text`` is the line itself, ``around`` what stood in front of it. The rest is known if the wrapping says so."""

    text: str
    around: str = ""
    time: str = ""
    identity: str | None = None
    word: str = ""


def unwrap(line: str) -> Iterator[Unwrapped]:
    """One line, or several, if a JSON document is what the line holds."""
    if "\x1b" in line:
        line = _COLOUR.sub("", line)
    if "</" in line:
        line = _TAGS.sub(" ", line)
    if line.startswith(("{", "[{")) and (inside := _object(line)) is not None:
        yield from inside
        return
    if "ype" in line and (dump := _DUMP.search(line)):
        rest = line[dump.start() :]
        if (inside := _object(rest[: rest.rfind("}") + 1])) is not None:
            yield from (each._replace(around=line[: dump.start()]) for each in inside)
            return
    if found := _AROUND.match(line):
        yield Unwrapped(line[found.end() :], line[: found.end()])
        return
    yield Unwrapped(line)


def _object(line: str, depth: int = 0) -> list[Unwrapped] | None:
    """The texts in a line that is JSON; None if it is none, or has nothing of ours."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    found = list(in_document(value, depth))
    return found or None


def in_document(value: Any, depth: int = 0) -> Iterator[Unwrapped]:
    """The frames in a JSON document: HAR, docker's log, a list of frames, JSON lines of any kind."""
    if depth > 12:
        return
    if isinstance(value, list):
        if _is_frame(value):
            yield Unwrapped(_text(value))
            return
        if _is_line(value):  # a time and a line, of Loki
            yield from (Unwrapped(part, "", value[0]) for part in value[1].rstrip("\n").split("\n"))
            return
        for item in value:
            if isinstance(item, str) and "[" in item:
                yield Unwrapped(item)
            yield from in_document(item, depth + 1)
    elif isinstance(value, dict):
        yield from _in_object(value, depth)


def _in_object(value: dict[str, Any], depth: int) -> Iterator[Unwrapped]:
    lower = {str(key).lower().replace("-", "_"): each for key, each in value.items()}
    time = next((str(lower[key]) for key in _TIMES if isinstance(lower.get(key), str | int | float)), "")
    name = _name(lower) or next(filter(None, (_name(lower[key]) for key in _LABELS if key in lower)), None)
    word = next((str(lower[key]) for key in _WORDS if isinstance(lower.get(key), str | int)), "")
    if frame := _dumped(lower):
        yield Unwrapped(_text(frame), "", time, name, word)
        return
    for key, each in lower.items():
        if isinstance(each, str) and key not in _TIMES + _NAMES + _WORDS:
            if each.startswith(("{", "[{")) and (inside := _object(each, depth + 1)) is not None:
                yield from (_inherits(inner, time, name, word) for inner in inside)
            elif "[" in each or "log" in key or "text" in key or "mess" in key or "msg" in key:
                yield from (Unwrapped(part, "", time, name, word) for part in each.rstrip("\n").split("\n"))
        elif isinstance(each, list) and _is_frame(each):
            yield Unwrapped(_text(each), "", time, name, word)
        elif isinstance(each, list | dict):
            yield from (_inherits(inner, time, name, word) for inner in in_document(each, depth + 1))


def _inherits(inner: Unwrapped, time: str, name: str | None, word: str) -> Unwrapped:
    return inner._replace(time=inner.time or time, identity=inner.identity or name, word=inner.word or word)


def _name(value: Any) -> str | None:
    """The charge point that an object names."""
    if not isinstance(value, dict):
        return None
    lower = {str(key).lower().replace("-", "_"): each for key, each in value.items()}
    return next((lower[key] for key in _NAMES if isinstance(lower.get(key), str)), None)


def _is_line(value: list[Any]) -> bool:
    return len(value) == 2 and all(isinstance(part, str) for part in value) and value[0].isdigit() and len(value[0]) > 9


def _is_frame(value: list[Any]) -> bool:
    return len(value) >= 3 and type(value[0]) is int and 0 <= value[0] <= 9 and isinstance(value[1], str)


def _dumped(lower: dict[str, Any]) -> list[Any] | None:
    """A frame that somebody printed as an object with names."""
    kind = next((lower[key] for key in ("calltype", "messagetypeid", "messagetype") if key in lower), None)
    unique_id = next((lower[key] for key in ("uniqueid", "uuid", "messageid", "id") if key in lower), None)
    if kind not in (2, 3, 4) or not isinstance(unique_id, str):
        return None
    payload: Any = next((lower[key] for key in ("payload", "data", "body") if key in lower), {})
    match kind:
        case 2:
            return [2, unique_id, lower.get("action"), payload]
        case 3:
            return [3, unique_id, payload]
        case _:
            return [
                4,
                unique_id,
                lower.get("errorcode", lower.get("errcode")),
                lower.get("errordescription", lower.get("errdescription", "")),
                lower.get("errordetails", {}),
            ]


def _text(value: list[Any]) -> str:
    return msgspec.json.encode(value).decode()


def is_nobody(name: str) -> bool:
    """Whether a name is a word that no charge point has as its identity."""
    return name.lower() in _NOBODY
