"""Every citation in the sources, as document and section; the list of them is ``tests/data/citations.toml``.

A citation is the name of a document and its sections: "core 4.2", "core 6.1, 6.2", "J-spec 4.2.1 to 4.2.3",
"whitepaper A00.FR.205". A requirement of the whitepaper may stand alone ("A01.FR.12"). Comments wrap, so a line break
may come anywhere in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.house import ROOT

FOLDERS = ("ocpp_lab", "ocpp_course", "notebooks", "solutions", "docs")
MEASURED = "docs/performance.md"
"""Versions and numbers, which look like sections and are none."""
LIST = ROOT / "tests" / "data" / "citations.toml"

NAME = r"J-spec|J-errata|core errata|core|whitepaper|RFC \d+|OCPP 2\.0\.1 part \d"
NUMBER = r"\d+(?:\.\d+)*"
REQUIREMENT = r"[A-Z]\d\d(?:\.FR\.\d+)?"
WHOLE = r"(?!\.?\w)"  # "A00.FR.2xx" names no section, and must not pass for A00
SECTION = rf"(?:{REQUIREMENT}|{NUMBER}){WHOLE}"
BETWEEN = r"\s*(?:,|\bto\b|\band\b|\bor\b)\s*"
SECTIONS = rf"(?:{SECTION}(?:{BETWEEN}{SECTION})*|[A-Z]?\d[^\s,;)]*)"  # the last: what nobody can read is found, too
CITED = re.compile(rf"\b(?P<name>{NAME}),?\s+(?P<sections>{SECTIONS})", re.IGNORECASE)
REQUIRED = re.compile(r"\b[A-Z]\d\d\.FR\.\w+")
WHOLE_RFC = re.compile(r"\bRFC \d+\b")
DOTTED = rf"(?:{REQUIREMENT}|\d+(?:\.\d+)+){WHOLE}"
IN_BRACKETS = rf"(?<=\()(?!OCPP |see |step |exercise )[A-Za-z][\w-]+(?=\s+{DOTTED}\s*[),;])"
ANYWHERE = r"(?<![\w-])[\w-]*(?:spec|specification|errata|erratum|paper)"
# No name of ours, or one that could be of two documents: "errata 3.23", "the specification 4.2", "(J-sepc 4.2)".
SHORT = r"(?<=[( ])[JE](?=\d\.\d)"  # "J4.2.3", which only its writer understands
STRANGE = re.compile(rf"(?:(?P<name>{IN_BRACKETS}|{ANYWHERE}),?\s+|(?P<short>{SHORT}))(?P<section>{DOTTED})")
WRAP = re.compile(r'"?[ \t]*\n[ \t]*(?:#+|f?"(?!""))?')


class Citation(NamedTuple):
    place: str
    document: str
    section: str

    def __str__(self) -> str:
        return f"{self.place}: {self.document} {self.section}".rstrip()


def sources() -> list[Path]:
    """What is read: both packages, the notebooks' and exercises' sources, and what is written about them."""
    found = (path for folder in FOLDERS for kind in ("*.py", "*.md") for path in (ROOT / folder).rglob(kind))
    return sorted({*found, ROOT / "README.md"} - {ROOT / MEASURED})


def cited() -> list[Citation]:
    """All of them, in the order of the files."""
    return [each for path in sources() for each in in_text(path.read_text("utf-8"), str(path.relative_to(ROOT)))]


def in_text(text: str, path: str = "") -> Iterator[Citation]:
    """The citations in a text, each once for every time that it is there."""
    flat = WRAP.sub(lambda wrap: " " * len(wrap.group()), text)  # as long as before: an offset still tells the line
    for offset, document, section in _found(flat):
        yield Citation(f"{path}:{text.count(chr(10), 0, offset) + 1}", document, section)


def _found(flat: str) -> Iterator[tuple[int, str, str]]:
    """Where, which document, which section."""
    for match in CITED.finditer(flat):
        yield from ((match.start(), _document(match["name"]), section) for section in _each(match["sections"]))
    rest = CITED.sub(lambda match: "_" * len(match.group()), flat)
    yield from ((match.start(), "whitepaper", match.group()) for match in REQUIRED.finditer(rest))
    yield from ((match.start(), match.group(), "") for match in WHOLE_RFC.finditer(rest))
    yield from ((match.start(), match["name"] or match["short"], match["section"]) for match in STRANGE.finditer(rest))


def _document(name: str) -> str:
    """A name as the list spells it, however it is written at the start of a sentence."""
    name = " ".join(name.split())
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def _each(sections: str) -> Iterator[str]:
    """Two sections of "4.8, 4.10", five of "7.15 to 7.19"."""
    words = re.split(r"[\s,]+", sections)
    for place, word in enumerate(words):
        if word == "to":
            yield from _between(words[place - 1], words[place + 1])
        elif word not in ("and", "or"):
            yield word


def _between(first: str, last: str) -> Iterator[str]:
    """What a range leaves out; its ends differ in their last number only."""
    stem, begin, end = re.sub(r"\d+$", "", first), re.findall(r"\d+$", first)[0], re.findall(r"\d+$", last)[0]
    for number in range(int(begin) + 1, int(end)):
        yield f"{stem}{number:0{len(begin)}}" if begin.startswith("0") else f"{stem}{number}"


def listed() -> dict[tuple[str, str], str]:
    """What is known: document and section to what that section says, in our words."""
    documents = tomllib.loads(LIST.read_text("utf-8"))
    return {(name, section): says for name, sections in documents.items() for section, says in sections.items()}


def complaints(found: list[Citation], known: dict[tuple[str, str], str]) -> Iterator[str]:
    """Citations of what is not in the list, and lines of the list that nothing cites."""
    documents = {document for document, _ in known}
    for each in found:
        if each.document not in documents:
            yield f"{each}: no document of that name is in {LIST.name}"
        elif (each.document, each.section) not in known:
            yield f"{each}: read that section, and add to {LIST.name} what it says"
    for document, section in known.keys() - {(each.document, each.section) for each in found}:
        yield f"{LIST.name}: nothing cites {document} {section}".rstrip()
