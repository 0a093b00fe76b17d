"""`interpret`: a text that may begin with a frame, as what it is: whole, mended, elided, broken, or not complete yet.

Loggers do a lot to a frame: they escape it, print it as Python, double its quotes for CSV, lose commas in a
spreadsheet, cut it. What has one reading only is mended; nothing is guessed.
"""

from __future__ import annotations

import ast
import html
import json
import re
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from .seen import Condition

CANDIDATE = re.compile(
    r"""\[\s{0,20},?\s{0,20}\d\s{0,20},\s{0,20}(?:
        (?:\\{0,7}["'“”„]|&(?:amp;){0,2}(?:quot|\#34|\#x22|\#39|apos|ldquo|rdquo);)(?!,)
        | -?\d{1,20}\s{0,20},\s{0,20}[\\"'{] | null\s{0,20},\s{0,20}["{]
    )""",
    re.VERBOSE,
)
"""What may be a frame: a bracket, a digit, a comma, and then something like an id."""
HEAD = re.compile(
    r"""\[\s{0,20},?\s{0,20}(?P<kind>\d)\s{0,20},\s{0,20}(?:\\{0,7}["'“”„]{1,2}|&[#\w;]{1,20};)?(?P<id>[^"'\\“”,&]{1,64})
        (?:(?:\\{0,7}["'“”]{1,2}|&[#\w;]{1,20};)?\s{0,20},\s{0,20}(?:\\{0,7}["'“”„]{1,2}|&[#\w;]{1,20};)(?P<action>[A-Za-z]{3,40})
        (?=["'\\“”&]))?""",
    re.VERBOSE,
)
"""What can be told of a broken one."""
BYTES = re.compile(r"[\]}]{0,12}\s{0,9}['\"]?\s{0,9}\[(\d{1,9}) bytes")
ELIDED = re.compile(r"\.\.\.|…|<truncated>|\[truncated\]")
MOST_DEEP = 200
"""Brackets in each other; no frame of OCPP has a tenth of that."""
MOST_TO_MEND = 200_000
"""Characters of a text that mending is tried on."""


class Piece(NamedTuple):
    """``raw``: the list, if it could be read. ``end``: where it ends in the text."""

    condition: Condition
    raw: Any
    end: int
    mended: tuple[str, ...] = ()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_json = json.JSONDecoder(parse_constant=_no_constant)


def interpret(text: str) -> Piece | None:
    """The frame at the beginning of ``text``; None if it is not complete, and more lines may help."""
    if (plain := _decoded(text)) is not None:
        return _measured(text, plain)
    if ELIDED.search(text):
        return Piece("elided", None, _rough_end(text))
    for name, mend in MENDS:
        if len(text) <= MOST_TO_MEND and (mended := mend(text)) is not None:
            return Piece("mended", mended[0], mended[1], (name,))
    return None if unclosed(text) else Piece("broken", None, _rough_end(text))


def cheap(text: str) -> Piece | None:
    """What can be read without trying much: a frame as it was, or escaped."""
    if (plain := _decoded(text)) is not None:
        return _measured(text, plain)
    mended = _escaped(text)
    return None if mended is None else Piece("mended", mended[0], mended[1], ("escaped",))


def _decoded(text: str) -> tuple[Any, int] | None:
    try:
        raw, end = _json.raw_decode(text)
        if "\\u" in text:
            json.dumps(raw, ensure_ascii=False).encode()  # half a character breaks whoever prints it
    except (ValueError, RecursionError):
        return None
    return (raw, end) if isinstance(raw, list) else None


def _measured(text: str, plain: tuple[Any, int]) -> Piece:
    """An elided frame may be valid JSON: then only the count of bytes beside it tells, or a name with dots in it."""
    raw, end = plain
    counted = BYTES.match(text, end)
    # The brackets of what was left out may stand behind what happens to be JSON.
    short = counted and int(counted[1]) != len(text[:end].encode(errors="replace"))
    named = any(isinstance(part, str) and ELIDED.search(part) for part in raw[1:3])
    rest = text[end : end + 1] in ("]", "}") and ELIDED.search(text[:end]) is not None
    return Piece("elided" if short or named or rest else "whole", raw, end)


def _rough_end(text: str) -> int:
    """Of what cannot be read: before the count of bytes, or at the end."""
    counted = re.search(r"['\"]?\s{0,9}\[\d{1,9} bytes", text)
    return counted.start() if counted else len(text)


# -- what is mended: each takes the text, and gives the list and where it ends, or None


def _escaped(text: str) -> tuple[Any, int] | None:
    r"""``[2,\"1\",\"Heartbeat\",{}]``, as in a string of JSON or C, once or twice."""
    whole = text
    for _ in range(3):
        if '\\"' not in text[:40]:
            return None
        if '\\""' in text[:40]:  # in a cell of CSV besides
            text = text.replace('""', '"')
        inner = re.sub(r'\\(["\\/])', r"\1", text)
        if (read := _decoded(inner)) is not None:
            return read[0], _place(whole, inner, read[1])
        text = inner
    return None


def _place(text: str, inner: str, end: int) -> int:
    """Where in ``text`` what ends at ``end`` of ``inner`` ends: as many closing brackets later."""
    wanted = inner.count("]", 0, end)
    place = -1
    for _ in range(wanted):
        place = text.find("]", place + 1)
    return place + 1 if place >= 0 else len(text)


def _doubled(text: str) -> tuple[Any, int] | None:
    """``[2,""1"",""Heartbeat"",{}]``, as in CSV."""
    if not re.match(r'\[\s*\d\s*,\s*""', text):
        return None
    inner = text.replace('""', '"')
    read = _decoded(inner)
    return None if read is None else (read[0], _place(text, inner, read[1]))


def _python(text: str) -> tuple[Any, int] | None:
    """``[2, '1', 'Heartbeat', {}]``."""
    if "'" not in text[:20]:
        return None
    end = _closing(text, quotes="'\"")
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes that Python does not know
            raw = ast.literal_eval(text[:end])
        json.dumps(raw, ensure_ascii=False).encode()
    except Exception:  # whatever somebody wrote there, it is no frame printed by Python
        return None
    return (raw, end) if isinstance(raw, list) else None


def _replaced(text: str, change: Callable[[str], str]) -> tuple[Any, int] | None:
    inner = change(text)
    if inner == text or (read := _decoded(inner)) is None:
        return None
    return read[0], _place(text, inner, read[1])


def _string_of_python(text: str) -> tuple[Any, int] | None:
    r"""``[2,"1","Heartbeat",{"a":"it\\'s \\xfc"}]``: in a ``repr`` of the text, or of its bytes."""
    if "\\" not in text or (end := _unescaped_quote(text)) < 0:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            inner = ast.literal_eval(f"'{text[:end]}'")
        if text.isascii() and "\\x" in text:
            inner = inner.encode("latin-1").decode()
    except Exception:  # as above
        return None
    read = _decoded(inner)
    return None if read is None else (read[0], end)


def _unescaped_quote(text: str) -> int:
    found = re.match(r"(?:[^'\\]++|\\.)*+'", text, re.DOTALL)
    return found.end() - 1 if found else -1


def _html(text: str) -> tuple[Any, int] | None:
    """Once, or as it is when a page shows a page."""
    whole = text
    for _ in range(3):
        if "&" not in text:
            return None
        inner = html.unescape(text)
        if inner == text:
            return None
        if (read := _decoded(inner)) is not None:
            return read[0], _place(whole, inner, read[1])
        text = inner
    return None


def _typographic(text: str) -> tuple[Any, int] | None:
    return _replaced(text, lambda old: re.sub("[“”„]", '"', old))


_LOST = re.compile(r'("(?:[^"\\]|\\.)*"|[\d}\]]|true|false|null)\s+(?=["{])')


def _comma(text: str) -> tuple[Any, int] | None:
    """Lost after a value, as by a spreadsheet; or one too many."""
    fewer = re.sub(r"([\[{])\s*,", r"\1", re.sub(r",\s*([\]}])", r"\1", text))
    return _replaced(text, lambda old: fewer) or _replaced(text, lambda old: _LOST.sub(r"\1,", fewer))


def _apart(text: str) -> tuple[Any, int] | None:
    """A line that was broken inside of a text by a terminal, with the break left in."""
    return _replaced(text, lambda old: re.sub(r"[\r\n\t]+\s*", "", old)) if "\n" in text or "\t" in text else None


MENDS: tuple[tuple[str, Callable[[str], tuple[Any, int] | None]], ...] = (
    ("escaped", _escaped),
    ("doubled quotes", _doubled),
    ("Python", _python),
    ("Python", _string_of_python),
    ("HTML", _html),
    ("typographic quotes", _typographic),
    ("comma", _comma),
    ("broken line", _apart),
)
"""By name, in the order in which they are tried."""


# -- whether it is complete

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*("?)|[\[\]{}]')


class Balance:
    """How many brackets are open in a text that is fed line by line, and whether a string is."""

    def __init__(self) -> None:
        self.depth = 0  # brackets that are open; `feed` counts
        self.in_text = False  # whether a string is, at the end of what was fed so far

    def holds(self, line: str, place: int) -> bool:
        """Whether what is at that place of the next line begins nothing new: it is in a string, or behind an end."""
        balance = Balance()
        balance.depth, balance.in_text = self.depth, self.in_text
        return balance.feed(line[:place]) >= 0 or balance.in_text

    def feed(self, line: str) -> int:
        """Take one more line. Returns where the outermost bracket closed in it, or -1."""
        start = 0
        if self.in_text:
            closed = re.match(r'(?:[^"\\]|\\.)*"', line)
            if closed is None:
                return -1
            start, self.in_text = closed.end(), False
        for token in _TOKENS.finditer(line, start):
            found = token.group()
            if found[0] == '"':
                self.in_text = not token[1]
            else:
                self.depth += 1 if found in "[{" else -1
                if self.depth <= 0:
                    return token.end()
        return -1


def unclosed(text: str) -> bool:
    """Whether brackets or a string are open at its end."""
    if '\\"' in text[:40]:
        text = re.sub(r'\\(["\\])', r"\1", text)
    return Balance().feed(text) < 0


def _closing(text: str, quotes: str) -> int:
    depth, quote, skip = 0, "", False
    for place, character in enumerate(text):
        if skip:
            skip = False
        elif quote:
            skip = character == "\\"
            quote = "" if character == quote else quote
        elif character in quotes:
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
            if not depth:
                return place + 1
    return len(text)
