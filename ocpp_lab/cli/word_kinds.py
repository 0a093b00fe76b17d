"""What the words of a typed line stand for: numbers, times, limits. Each reads a word, or says what it expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, get_args

from .. import messages as m

MOST_DIGITS = 18  # of a number; it has to fit into the ledger
LONGEST_TAG = 20  # characters (core 7.28)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
FACTORS = {"A": ("A", 1), "W": ("W", 1), "KW": ("W", 1000)}


class Limit(NamedTuple):
    """A limit of charging; ``unit`` is A (of each phase) or W (of all)."""

    unit: Any
    value: float


class WordKind(NamedTuple):
    """``read`` gives what a word stands for; raises ValueError, or LookupError, if that is nothing. ``words``: all that
    there are, if they are a few."""

    expects: str
    read: Callable[[str], Any]
    words: tuple[str, ...] = ()


def number(word: str) -> int:
    """A whole number of 0 or more. Raises ValueError."""
    if not word.isascii() or not word.isdigit() or len(word) > MOST_DIGITS:
        raise ValueError(word)
    return int(word)


def above_zero(word: str) -> int:
    """The same of 1 or more: of a connector, where the whole charge point cannot be meant. Raises ValueError."""
    if found := number(word):
        return found
    raise ValueError(word)


def id_tag(word: str) -> str:
    """A tag. Raises ValueError for one that is too long (core 7.28)."""
    if len(word) > LONGEST_TAG:
        raise ValueError(word)
    return word


def span(word: str) -> timedelta:
    """``90s``, ``10m``, ``2h`` or ``1d``. Raises ValueError for anything else, and for no time at all."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", word, re.ASCII)
    if not found or not int(found[1]):
        raise ValueError(word)
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


def limit(word: str) -> Limit | None:
    """``16A``, ``11kW``, ``3680W``; ``off`` is none. Raises ValueError for anything else."""
    if word.lower() == "off":
        return None
    found = re.fullmatch(r"(\d{1,7}(?:\.\d)?)(A|W|kW)", word, re.ASCII | re.IGNORECASE)
    if not found:
        raise ValueError(word)
    unit, factor = FACTORS[found[2].upper()]
    return Limit(unit, float(found[1]) * factor)


def file_text(word: str) -> str:
    """What is in this file. Raises ValueError if it cannot be read as text."""
    try:
        return Path(word).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(error.strerror) from None


def choice(words: Iterable[str]) -> WordKind:
    """One of these words, however its case."""
    by_fold = {word.casefold(): word for word in words}
    names = tuple(by_fold.values())
    return WordKind(f"one of {', '.join(names)}", lambda word: by_fold[word.casefold()], names)


WORD_KINDS: dict[str, WordKind] = {
    "CP": WordKind("a charge point that is connected", str),
    "CONNECTOR": WordKind("a connector's number, from 1 on", above_zero),
    "CONNECTOR/0": WordKind("a connector's number, or 0 for the whole charge point", number),
    "TRANSACTION": WordKind("a transaction's number", number),
    "RESERVATION": WordKind("a reservation's number", number),
    "TAG": WordKind("a tag of at most 20 characters", id_tag),
    "TIME": WordKind("a time such as 90s, 10m, 2h", span),
    "LIMIT": WordKind("a limit such as 16A, 11kW, or off", limit),
    "URL": WordKind("a URL such as http://127.0.0.1:8000/", str),
    "KEY": WordKind("a configuration key", str),
    "VALUE": WordKind("a value", str),
    "HEX": WordKind("32 to 40 hex digits", str),
    "FILE": WordKind("a file with a certificate (PEM)", file_text),
    "MESSAGE": choice([*get_args(m.MessageTrigger), *get_args(m.MessageTriggerEnumType)]),
    "STATUS": choice(get_args(m.AuthorizationStatus)),
    "VERB": WordKind("a verb", str),
}
"""By the name that stands for a word in a verb's usage; ``a|b`` there is a choice, see `kind_of`."""


def kind_of(name: str) -> WordKind:
    """The kind of a word in a usage."""
    return choice(name.split("|")) if "|" in name else WORD_KINDS[name]
