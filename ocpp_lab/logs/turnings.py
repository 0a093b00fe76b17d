"""`Turning`: a line that says that a connection began or ended, in the words of many loggers."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, NamedTuple

from ..trace import redact

_OPENS = re.compile(
    r"\bconnected\b(?! to (?:the )?(?:database|mqtt|broker))"
    r"|connection (?:is )?(?:now )?(?:open|opened|established|accepted)"
    r"|new (?:web ?socket )?(?:connection|session)\b|handshake (?:ok|complete|success)|\bopening handshake succeeded"
    r"|upgrad(?:ed|e) to websocket|HTTP/1\.1 101|\bafterConnectionEstablished|New connection from",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"\bdisconnect|connection (?:\S+ ){0,3}?(?:lost|closed|reset|aborted|dropped|terminated)"
    r"|\bclosed (?:the )?connection|\bclose[d]? (?:code|status|frame)|\bws closed|websocket (?:is )?clos"
    r"|clos(?:ed|ing) (?:the )?(?:web ?socket|session)"
    r"|\bCLOSE \d{4}|\bcode ?[=:]? ?(?:1000|1001|1006|1011|1002|3000)\b|going away|broken pipe|ECONNRESET|EOF\b"
    # What the log itself left out: nothing is known to go on from before it.
    r"|^\W*(?:\.{3}|…|snip|cut)\W*$|(?:events|lines|messages|entries) (?:are|were) (?:missing|lost|dropped|suppressed)"
    r"|Suppressed \d{1,9} messages"
    r"|no close frame|power cut|ping timeout|pong timeout|keepalive ping (?:timed|fail)|\(lost\)|\(stop\)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"(?:\bno\b|\bnot\b|\bunsupported|\bmissing|\bmismatch|\bunknown|\bwithout|\binvalid|\bfailed)[^\[{]{0,60}sub-?protocol"
    r"|sub-?protocol[^\[{]{0,60}(?:\bnot\b|unsupported|missing|mismatch|unknown|invalid|failed|none\b)"
    r"|handshake[^\[{]{0,40}\b(?:4\d\d|50\d)\b",
    re.IGNORECASE,
)
_NEVER_OPENS = re.compile(
    r"not connected|dis-?connected|\bfail|reconnect|un-?able|connecting|EV connected|vehicle|cable|plug", re.IGNORECASE
)
_OTHERS = re.compile(
    r"mqtt|modbus|\bbroker|database|\bsql|jdbc|hikari|\bredis|rabbit|kafka|influx|\bcar\b|vehicle|cable|\bgun\b"
    r"|\bplug(?:ged)?\b(?![-\w])|(?-i:\bEV\b)(?! ?charg)",
    re.IGNORECASE,
)
"""What else connects and disconnects in such a log."""
_LOGGER = re.compile(
    r"\([\w-]{1,40}\) \[([\w.-]{1,80})\] "  # Home Assistant
    r"|^\W{0,4}\[([\w.-]{1,12})\s{0,8}\] (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b"  # evcc
    r"|\b((?:org\.(?:apache|eclipse|hibernate|jooq|springframework)|com\.(?:zaxxer|mysql)|io\.(?:netty|lettuce))[\w.]{1,80})"
)
"""Who says it, where one log has many programs in it."""
_OURS = re.compile(r"ocpp|web_?socket(?!_api)|charg|csms|centralsystem", re.IGNORECASE)
_SECRET = re.compile(r"(Basic\s+)[A-Za-z0-9+/=]{6,}|(://[^/\s:@]*:)[^/\s@]+(?=@)", re.IGNORECASE)


class Turning(NamedTuple):
    """A line that says that a connection began or ended."""

    kind: Literal["opened", "closed", "refused"]
    line: int
    at: datetime | None
    identity: str | None
    session: str
    text: str


def masked(text: str) -> str:
    """A line of words without what nobody may see: the header of HTTP Basic, passwords in URLs, keys."""
    return redact(_SECRET.sub(lambda found: (found[1] or found[2]) + "***", text))


def turning_in(text: str) -> Literal["opened", "closed", "refused"] | None:
    """What a line that has no frame says of a connection."""
    if _REFUSED.search(text):
        return "refused"
    if _CLOSES.search(text):
        return None if _of_another(text) else "closed"
    opens = _OPENS.search(text) and not _NEVER_OPENS.search(text)
    return "opened" if opens and not _of_another(text) else None


def _of_another(text: str) -> bool:
    """Whether it is another connection that it speaks of: of a car, of a database, of the browser of who looks on."""
    if _OTHERS.search(text):
        return True
    logger = _LOGGER.search(text)
    return logger is not None and not any(map(_OURS.search, filter(None, logger.groups())))


def named_beside(text: str) -> str | None:
    """The charge point that such a line names: ``charge point connected, registering: ID``."""
    found = re.search(
        r"(?:registering:|(?:charge ?point|charger|client|station|charge ?box)) '?([\w.*-]{3,48})'?", text
    )
    name = found[1] if found else None
    return (
        name
        if name and not re.fullmatch(r"(?i)connected|disconnected|connection|with|has|is|closed|from|at", name)
        else None
    )
