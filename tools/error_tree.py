"""The exceptions of ocpp_lab/errors.py as a tree, read from the source: what each means, and what is known then."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path("ocpp_lab/errors.py")


def drawn(root: Path) -> str:
    """One line for each exception: its name, what it means, and whether it is *definite* and *reported*."""
    tree = ast.parse((root / SOURCE).read_text(encoding="utf-8"))
    lines = list(_branch([node for node in tree.body if isinstance(node, ast.ClassDef)], "Exception", "", {}))
    wide = [max(len(line[column]) for line in lines) for column in range(2)]
    return "\n".join(f"{name:<{wide[0]}}  {means:<{wide[1]}}  {known}".rstrip() for name, means, known in lines)


def _branch(
    classes: list[ast.ClassDef], parent: str, indent: str, inherited: dict[str, object]
) -> Iterator[tuple[str, str, str]]:
    children = [node for node in classes if parent in {ast.unparse(base) for base in node.bases}]
    root = parent == "Exception"
    for node in children:
        last = node is children[-1]
        said = inherited | _said(node)
        yield indent + ("" if root else "└── " if last else "├── ") + node.name, _means(node), _known(said)
        yield from _branch(classes, node.name, indent + ("" if root else "    " if last else "│   "), said)


def _means(node: ast.ClassDef) -> str:
    """The first sentence of the docstring, without what it cites."""
    text = " ".join((ast.get_docstring(node) or "").split())
    return re.sub(r" \([^)]*\)", "", re.split(r"(?<=[^.])\.(?: |$)", text)[0])


def _said(node: ast.ClassDef) -> dict[str, object]:
    """What the class says of itself: ``definite = True``."""
    return {
        statement.targets[0].id: statement.value.value
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and isinstance(statement.value, ast.Constant)
    }


def _known(said: dict[str, object]) -> str:
    words = [{True: "definite", False: "indefinite"}[bool(said["definite"])]] if "definite" in said else []
    return ", ".join([*words, *(["reported"] if said.get("reported") else [])])
