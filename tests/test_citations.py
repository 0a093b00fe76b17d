"""Every citation is known: somebody has read that section and wrote down what it says (data/citations.toml)."""

from __future__ import annotations

import pytest

from tests import citations
from tests.citations import Citation

FORMS = {
    "(core 4.8)": ["core 4.8"],
    "as core 4.2 says.": ["core 4.2"],
    "(core 5.2).": ["core 5.2"],
    "(core 3.7.1, 4.8)": ["core 3.7.1", "core 4.8"],
    "Core 4.8, 4.10 and core errata 3.18": ["core 4.8", "core 4.10", "core errata 3.18"],
    "(core 4, 5): 13 of 39": ["core 4", "core 5"],
    "(core 4.9, F2)": ["core 4.9"],
    "(core 4.8; 5 s)": ["core 4.8"],
    "J-spec 4.1.1": ["J-spec 4.1.1"],
    "J-spec 4.2.1 to 4.2.3": ["J-spec 4.2.1", "J-spec 4.2.2", "J-spec 4.2.3"],
    "(J-spec 4.2.3, J-errata 5.1, 5.2)": ["J-spec 4.2.3", "J-errata 5.1", "J-errata 5.2"],
    "# as it stands there (J-spec\n# 5.3).": ["J-spec 5.3"],
    "###      what is sent (core errata\n###      3.18)": ["core errata 3.18"],
    '"the order of J-spec "\n    "4.2"': ["J-spec 4.2"],
    "whitepaper A00.FR.205": ["whitepaper A00.FR.205"],
    "whitepaper A00.FR.202 to A00.FR.204": [f"whitepaper A00.FR.20{n}" for n in (2, 3, 4)],
    "whitepaper A01.FR.08 to A01.FR.10": [f"whitepaper A01.FR.{n}" for n in ("08", "09", "10")],
    "core 6.1 to 6.3, 7.1 to 7.2": ["core 6.1", "core 6.2", "core 6.3", "core 7.1", "core 7.2"],
    "no key in it (A01.FR.12)": ["whitepaper A01.FR.12"],
    "(core 9, J-spec 7, whitepaper 7)": ["core 9", "J-spec 7", "whitepaper 7"],
    "RFC 6455 7.4": ["RFC 6455 7.4"],
    "RFC 3339 wants an offset": ["RFC 3339"],
    "OCPP 2.0.1 part 4, 5.3": ["OCPP 2.0.1 part 4 5.3"],
    "OCPP 1.6, step 3.5, a score of 4.2, about 5.3 s": [],
    "(see 3.5)": [],
}


def found(text: str) -> list[str]:
    return [str(Citation("x", *each[1:])).removeprefix("x: ") for each in citations.in_text(text)]


@pytest.mark.parametrize("text", FORMS)
def test_each_form_is_understood(text: str) -> None:
    assert found(text) == FORMS[text]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("(core 5.25)", "core 5.25: read that section"),
        ("(core 4.8, 5.25)", "core 5.25: read that section"),
        ("(whitepaper A00.FR.2xx)", "whitepaper A00.FR.2xx: read that section"),
        ("(errata 3.23)", "errata 3.23: no document of that name"),
        ("(J-sepc 4.1.1)", "J-sepc 4.1.1: no document of that name"),
        ("the specification 4.2 says", "specification 4.2: no document of that name"),
        ("RFC 9999", "RFC 9999: no document of that name"),
        ("no such code (J4.2.3, E5.2)", "J 4.2.3: no document of that name"),
        ("no such code (J-spec 4.2.3, E5.2)", "E 5.2: no document of that name"),
    ],
)
def test_what_nobody_has_read_fails(text: str, complaint: str) -> None:
    complaints = list(citations.complaints([*citations.in_text(text, "a.py")], citations.listed()))
    assert [each for each in complaints if each.startswith(f"a.py:1: {complaint}")], complaints[:3]


def test_a_line_that_nothing_cites_fails() -> None:
    known = {("core", "4.8"): "StartTransaction", ("core", "4.9"): "StatusNotification"}
    one = [Citation("a.py:1", "core", "4.8")]
    assert list(citations.complaints(one, known)) == ["citations.toml: nothing cites core 4.9"]


def test_a_citation_is_told_with_its_line() -> None:
    (first, second) = citations.in_text("# one\n# two (core\n# 4.2)\n\n# core 4.6\n", "a.py")
    assert (first.place, second.place) == ("a.py:2", "a.py:5")


def test_all_sources_are_read() -> None:
    """The search itself must not come back empty-handed."""
    folders = {citation.place.partition("/")[0] for citation in citations.cited()}
    assert set(citations.FOLDERS) <= folders
    assert len(citations.cited()) > 600


def test_every_citation_is_of_a_section_that_was_read() -> None:
    """The list has what the section says; whoever cites a new one reads it first."""
    complaints = sorted(citations.complaints(citations.cited(), citations.listed()))
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("document", sorted({document for document, _ in citations.listed()}))
def test_each_line_says_something_of_its_own(document: str) -> None:
    says = {section: text for (name, section), text in citations.listed().items() if name == document}
    short = [section for section, text in says.items() if len(text) < 20]
    assert not short, f"{document} {', '.join(short)}: say in a line what is relied on"
    assert len(set(says.values())) == len(says), "two sections have one paraphrase"
