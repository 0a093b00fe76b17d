"""`Anonymiser`: the log itself, with identities, tags and numbers of devices replaced, and secrets masked.

Replaced by place: whatever a key such as ``idTag`` holds, in whatever quotes; then, wherever else it stands, each name
that is long enough to be no accident. The same name gets the same replacement, so the log can still be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ocpp_lab.logs import Log, Seen
from ocpp_lab.messages import ACTIONS
from ocpp_lab.trace import redact

KEYS = {
    "id_?tag|parent_?id_?tag": "TAG",
    "charge_?point_?serial_?number|charge_?box_?serial_?number|meter_?serial_?number|serial_?number": "SERIAL",
    "iccid|imsi": "SIM",
    "charge_?box_?id(?:entity)?": "STATION",
}
"""What a key's value is replaced by, and a number behind it."""
QUOTE = r"""(?:\\*["']|&(?:amp;)?quot;|&#34;|&#39;)+"""
"""Of JSON, of JSON in a string, of a CSV's cell, of Python, of a page."""
SHORTEST = 3
"""Characters of a name that is replaced wherever it stands; a shorter one only behind its key."""
WORDS = {"accepted", "local", "remote", "available", "charging", "none", "null", "true", "false", "central system"}
"""What no tag should be called, and some are; replacing it everywhere would destroy the log."""
ADDRESS = re.compile(r"(?<=/)\d{1,3}(?:\.\d{1,3}){3}\b|\b\d{1,3}(?:\.\d{1,3}){3}(?=:\d)")
FRAME = re.compile(r"\[\s*\d|\[\s*$")
"""Where a frame begins, as far as its first line shows."""
BASIC = re.compile(r"(Basic\s+)[A-Za-z0-9+/=]{6,}")
LENGTH = re.compile(r"(?<=\[)\d+(?= bytes\])|(?<=\blen:)\d+")
"""What some loggers say of a frame: it is compared with the frame, and so has to grow and shrink with it."""
SECRET_KEY = re.compile(r"authorizationkey|password", re.IGNORECASE)
VALUE = re.compile(rf"({QUOTE}value{QUOTE}\s*[:=]\s*)({QUOTE})(?:(?!{QUOTE}).)*({QUOTE})", re.IGNORECASE)

_BY_KEY = [
    (re.compile(rf"((?:{QUOTE})?\b(?:{keys})\b(?:{QUOTE})?\s*[:=]\s*{QUOTE})([^\"'\\&]+)", re.IGNORECASE), kind)
    for keys, kind in KEYS.items()
]


class Anonymiser:
    """``learn`` every line, then ``line`` gives each its new text. ``identities`` are names known from the frames."""

    def __init__(self, identities: Iterable[str]) -> None:
        self._new: dict[str, str] = {}  # by the old name in lower case: tags are compared without regard to case
        self._counts: dict[str, int] = {}  # how many of a kind there are
        self._everywhere: re.Pattern[str] | None = None  # built once all names are known
        self._secret_above = False  # the line before named a key whose value may stand on this one
        for identity in identities:
            self._name(identity, "STATION")

    def learn(self, line: str) -> None:
        """Take the names from a line."""
        for pattern, kind in _BY_KEY:
            for found in pattern.finditer(line):
                self._name(found[2], kind)

    def line(self, line: str) -> str:
        """The line with new names and without secrets."""
        old, line = line, self._masked(line)
        for pattern, _ in _BY_KEY:
            line = pattern.sub(lambda found: found[1] + self._new.get(found[2].casefold(), found[2]), line)
        if pattern_everywhere := self._pattern():
            line = pattern_everywhere.sub(lambda found: self._new[found[0].casefold()], line)
        line = ADDRESS.sub("192.0.2.1", line)
        return _measured(line, len(line) - len(old))

    @property
    def names(self) -> dict[str, int]:
        """How many of each kind were replaced."""
        return dict(self._counts)

    def _masked(self, line: str) -> str:
        end = line[len(line.rstrip("\r\n")) :]
        masked = BASIC.sub(r"\1***", line)
        named = bool(SECRET_KEY.search(masked))
        if named or self._secret_above:
            masked = VALUE.sub(r"\1\2***\3", masked)
        self._secret_above = named and not VALUE.search(line)
        return redact(masked.rstrip("\r\n")) + end if named or "@" in masked else masked

    def _name(self, old: str, kind: str) -> None:
        key = old.strip().casefold()
        if not key or "***" in key or key in self._new or key in WORDS:
            return
        self._counts[kind] = self._counts.get(kind, 0) + 1
        self._new[key] = f"{kind}_{self._counts[kind]}"
        self._everywhere = None

    def _pattern(self) -> re.Pattern[str] | None:
        actions = {action.casefold() for action in ACTIONS}
        if self._everywhere is None:
            long = [name for name in self._new if _is_a_name(name, self._new[name]) and name not in actions]
            if long:
                either = "|".join(map(re.escape, sorted(long, key=len, reverse=True)))
                self._everywhere = re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])", re.IGNORECASE)
        return self._everywhere


def _measured(line: str, longer: int) -> str:
    """The line with the length of its frame put right, where the logger told it."""
    return LENGTH.sub(lambda found: str(int(found[0]) + longer), line, count=1) if longer else line


def _is_a_name(old: str, new: str) -> bool:
    """Whether it may be replaced wherever it stands: a tag of letters alone may be a word of the log."""
    return len(old) >= SHORTEST and (new.startswith("STATION") or any(letter.isdigit() for letter in old))


def flattened(lines: Iterable[str], frames: Iterable[Seen]) -> Iterator[str]:
    """The lines with each frame of several lines on its first: a name that the logger broke in two is one again."""
    wrapped = {seen.line: seen for seen in frames if seen.last_line > seen.line}
    skip = 0
    for number, line in enumerate(lines, 1):
        if seen := wrapped.get(number):
            skip = seen.last_line
            begin = FRAME.search(line)
            yield f"{line[: begin.start()] if begin else line.rstrip()}{seen.text}\n"
        elif number > skip:
            yield line


def anonymised(lines: Sequence[str], log: Log) -> Iterator[str]:
    """All lines anew; ``log`` is what was read of them."""
    anonymiser = Anonymiser(each for each in log.identities if each)
    flat = list(flattened(lines, log.seen))
    for line in flat:
        anonymiser.learn(line)
    yield from map(anonymiser.line, flat)
