"""`about`: what stands around a frame: a word for its direction, the charge point, the connection.

A word means nothing by itself: whether "send" is the charge point's or the central system's is found by vote, later.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

_WORD = re.compile(
    r"""
    charge\s?point\s*[-=]*[>→]+\s*central\s?system | central\s?system\s*[-=]*[>→]+\s*charge\s?point
    | \b(?:cp|evse|charger|chargepoint|charge_point|station|client|csms|cms|cs|server|backend|central_?system|proxy
        |gateway|upstream)
      \s*(?:[-=]*[>→]+|\sto\s)\s*
      (?:cp|evse|charger|chargepoint|charge_point|station|client|csms|cms|cs|server|backend|central_?system|proxy
        |gateway|upstream)\b
    | [-=]*>+\s*csms | [-=]*<+\s*csms
    | \bfrom\s(?:the\s)?(?:charge\s?point|charger|central\s?system|csms|server)\b
    | \bto\s(?:the\s)?(?:charge\s?point|charger|central\s?system|csms|server)\b
    | (?<![a-z])(?:receive[ds]?|receiving|recv|recvd|rcvd|incoming|inbound|rx|in|from
        | sen[dt]s?|sending|outgoing|outbound|tx|out|to|write|wrote|read)(?![a-z])
    | \bmask(?:\s*[=:]\s*(?:1|0|true|false)) | masked(?:\s*[=:]\s*(?:1|0|true|false))?
    | <+[-=]* | [-=]*>+ | [←→⇐⇒▶◀▲▼↑↓]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAME = r"[\w.*@#+-]{1,48}"
_KEY = (
    r"(?:charge[ _-]?(?:point|box|r)(?:[ _-]?(?:id|identity|identifier|name))?|cp[_ -]?id"
    r"|(?:charg(?:ing|e)[_ -]?)?station(?:[_ -]?(?:id|name))?|identity|identifier|client[_ -]?id"
    r"|evse[_ -]?id|ocpp[_ -]?id)"
)
_IDENTITY = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_KEY}[\"']?\s*[=:]\s*[\"']?({_NAME})",
        rf"\b(?:recv|sent|send|received|receive)(?:\s+json)?(?:\s+message)?(?:\s+(?:from|to))?\s+({_NAME})\s*:\s*$",
        rf"(?:^|[\s\]:])({_NAME}): (?:send|receive message|receive|received|sent):?\s*$",
        r"\b(?:from|to|for)\s+(?:charge ?point|charger|client|station|charge ?box)?\s*['\"\[]?"
        rf"(?:\d{{1,9}}:)?({_NAME})['\"\]]?\s*:?\s*$",
        rf"\"({_NAME})\"\s+(?:TX|RX)\b",
        rf"wss?://[^\s\"']+/({_NAME})(?=[\s\"',)\]]|$)",
        rf"(?:^|\s)[<>=!]\s+({_NAME})\s*$",
        rf"\b(CS-{_NAME})\s*\|",
        rf"\[({_NAME})\]\s*(?:[<>←→=-]+|send|sent|received?|recv|tx|rx|in|out)(?: (?:from|to) \w{{1,20}})?\s*:?\s*$",
        rf"^\s*({_NAME})\s*(?:[<>←→=-]+|send|sent|received|recv)\s*:?\s*$",
        rf"(?:^|[,;|\"'])\s*\[?({_NAME})\]?\s+(?:send|sent|received|recv)\s*:?\s*['\"]?$",
        # A table without a head.
        rf"(?:^|[,;|\t'\"])\s?({_NAME})['\"]?\s?[,;|\t]\s?['\"]?(?:send|sent|received?|recv|rx|tx|in|out|incoming|outgoing)"
        r"['\"]?\s?[,;|\t]\s?['\"]?$",
        # Shorter words may be anything's; a charge point has a digit in its name then.
        r"(?:^|[,;|\"'\s])\[?((?=[\w.-]*\d)[A-Za-z][\w.-]{2,47})\]?\s+"
        r"(?:[<>←→=-]+|\w{2,14}[-=]+>\w{2,14}|rx|tx|in|out|send|sent|receive[ds]?|recv)\s*:?\s*b?['\"]?$",
    )
)
_SURE = _IDENTITY[:3]
"""A key that says so, and what evcc and Home Assistant write: there it may be a mere number, or a plain word."""
_TO_WHOM = re.compile(r"\b(?:to|from)\s", re.IGNORECASE)
_PLAIN = frozenset({"charger"})
"""What people call the only one they have."""
_NOBODY = frozenset(
    """
    info debug trace warn warning error fatal critical notice verbose log ocpp ocpp16 ocpp16j ws wss websocket
    websockets server client central_system centralsystem csms cp cs charge_point chargepoint charger message messages
    mo send sent recv received receive sending text frame json request response call callresult callerror result the a
    backend gateway proxy upstream cloud host central client station
    payload data to from in out rx tx null none undefined stdout stderr main id websocketlogger
    de.rwth.idsg.steve.ocpp.ws.websocketlogger
    """.split()  # noqa: SIM905, thirty lines with one word each
)
_SESSION = re.compile(r"\b(?:session|conn(?:ection)?)[ _-]?(?:id)?[\"']?\s*[=:]\s*[\"']?([\w-]{1,64})", re.IGNORECASE)
_TROUBLE = re.compile(
    r"\berror\b|exception|traceback|\bfail|could ?n[o']t|cannot|can't|unable|\binvalid\b|\bunexpected|\bignor"
    r"|\bdropp|\bretry|\bresend|time[d -]*out|\bunhandled\b|\bunknown\b|\bwhile\b|\bqueued?\b|\bcaused? by\b",
    re.IGNORECASE,
)
_OPCODE = re.compile(r"<Opcode\.\w+: \d+>")
TAIL = 90
"""Characters in front of a frame in which its direction stands."""


class About(NamedTuple):
    """``quoted``: the line speaks of a frame in some trouble; the frame itself may have passed elsewhere."""

    word: str
    identity: str | None
    session: str
    quoted: bool


def about(before: str, after: str = "") -> About:
    """What the text in front of a frame says, and if that says nothing, the text behind it."""
    if "&" in before:  # of a page, where an arrow is &gt;
        before = html.unescape(before)
    tail = _OPCODE.sub("", before[-TAIL:])
    word = _last_word(tail) or _last_word(after[:TAIL])
    found = _SESSION.search(before)
    return About(word, identity_in(before), found[1] if found else "", bool(_TROUBLE.search(before)))


def _last_word(text: str) -> str:
    words = _WORD.findall(text)
    return " ".join(words[-1].lower().split()) if words else ""


def identity_in(text: str) -> str | None:
    """The charge point that a text names, if it does in one of the ways that loggers have."""
    for name, sure in _names(text):
        if sure and name.lower() in _PLAIN:
            return name
        if (
            any(map(str.isalnum, name))
            and name.lower() not in _NOBODY
            and (sure or len(name) >= 4 or not name.isdigit())
        ):
            return name
    return None


def _names(text: str) -> Iterator[tuple[str, bool]]:
    """What looks like one, and whether it stands where only a name does."""
    for pattern in _IDENTITY:
        if found := pattern.search(text):
            yield found[1].strip("."), pattern in _SURE and not _TO_WHOM.search(found.group())
