"""`docs/conformance.md` is in step with the tests, and each test names the section that it proves."""

from __future__ import annotations

from tools import conformance


def test_the_page_is_in_step() -> None:
    assert conformance.main(["--check"]) == 0, "run .venv/bin/python tools/conformance.py"


def test_every_compliance_test_says_what_it_proves() -> None:
    """Its docstring names a section, or, where the documents are silent, says why it is so."""
    silent = [rule.name for _, module in conformance.modules() for rule in conformance.rules(module) if not rule.text]
    assert not silent


def test_there_are_many() -> None:
    """And no two of one name in a module: the second would hide the first."""
    for _, module in conformance.modules():
        names = [rule.name for rule in conformance.rules(module)]
        assert len(names) == len(set(names))
    assert sum(1 for _, module in conformance.modules() for _ in conformance.rules(module)) >= 170
