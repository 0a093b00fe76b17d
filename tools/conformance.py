"""`docs/conformance.md`: what holds, where the documents ask for it, and which test proves it; from tests/compliance.

``python tools/conformance.py`` writes the tables anew, ``--check`` says whether they are in step. What is around the
marks is written by hand.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
TABLES = re.compile(r"(?<=<!-- tests -->\n).*?(?=\n<!-- end of tests -->)", re.DOTALL)
SECTION = re.compile(r"(?:core errata|J-errata|J-spec|core|whitepaper)\s[A-Z]?\d[\w.]*(?:,\s\d[\w.]*)*", re.IGNORECASE)


class Rule(NamedTuple):
    """One test: what it is called, what its docstring says, how many cases it has at least."""

    name: str
    text: str

    @property
    def capability(self) -> str:
        """The name of the test, as words."""
        words = self.name.removeprefix("test_").replace("_", " ")
        return words[0].upper() + words[1:]

    @property
    def sections(self) -> str:
        """The sections of the documents that the docstring names."""
        return "; ".join(dict.fromkeys(match[0].rstrip(".,") for match in SECTION.finditer(self.text)))


def rules(module: ast.Module) -> Iterator[Rule]:
    """The tests of a module, in their order."""
    for node in module.body:
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and node.name.startswith("test_"):
            yield Rule(node.name, " ".join((ast.get_docstring(node) or "").split()))


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """All modules with compliance tests."""
    for path in sorted((ROOT / "tests" / "compliance").glob("test_*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def tables() -> str:
    """A table for each module, under what its docstring says."""
    parts = []
    for path, module in modules():
        title = (ast.get_docstring(module) or "").split("\n\n")[0].replace("\n", " ").rstrip(".")
        where = path.relative_to(ROOT).as_posix()
        rows = [f"| {rule.capability} | {rule.sections} | `{rule.name}` |" for rule in rules(module)]
        parts.append(
            "\n".join(
                [
                    f"### {title}",
                    "",
                    f"[{where}](../{where})",
                    "",
                    "| what holds | where it is asked for | test |",
                    "|---|---|---|",
                    *rows,
                ]
            )
        )
    return "\n\n".join(parts)


def page() -> str:
    """The page with tables that are in step. Raises ValueError if it has no place for them."""
    made, places = TABLES.subn(lambda _: tables(), PAGE.read_text(encoding="utf-8"))
    if places != 1:
        raise ValueError(f"{PAGE.name}: expected <!-- tests --> and <!-- end of tests --> once, came {places} times")
    return made


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is in step; the exit code."""
    wanted = page()
    if arguments == ["--check"]:
        return int(PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
