"""The reference: `reference/`, a page for each file of the stack with its public names, and the map as the index.

pdoc makes it from the docstrings, with the templates beside this file. It runs in a process of its own, because it
imports all that it writes about.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.rooms import ROOT, sources, stack
from tools.site import parts
from tools.site.pages import colours

STACK = ROOT / "ocpp_lab"
TEMPLATES = Path(__file__).parent / "reference"
_TAGS = r"(?:<[^>]*>|\s)*"
_MODULE = re.compile(rf"&lt;{_TAGS}module{_TAGS}'(\w+)'{_TAGS}from{_TAGS}'[^']*'{_TAGS}&gt;")
"""What pdoc takes for the type `datetime` of a named tuple: the module, with its path on the machine that made it."""
type Line = tuple[str, str, str, list[str]]
"""Band, room, what it is for, and the names of it that `ocpp_lab` has."""


def reference(site: Path) -> None:
    """Write ``reference/`` into the site. Raises RuntimeError with what pdoc said if it failed."""
    with TemporaryDirectory() as folder:
        templates = Path(folder) / "templates"
        shutil.copytree(TEMPLATES, templates)
        (templates / "map.jinja2").write_text(f"{{% set map = {the_map()!r} %}}\n", encoding="utf-8")
        (templates / "syntax-highlighting.css").write_text(colours(".pdoc-code"), encoding="utf-8")
        options = ("--docformat", "markdown", "--template-directory", templates, "--output-directory")
        parts.run(sys.executable, "-m", "pdoc", *options, site / "reference", *modules())
    for page in [*(site / "reference").rglob("*.html"), site / "reference" / "search.js"]:
        page.write_text(_MODULE.sub(r"\1", page.read_text(encoding="utf-8")), encoding="utf-8")


def modules() -> list[str]:
    """Every module of the stack; of those that only import the others, the folders."""
    files = [path.relative_to(ROOT).with_suffix("") for path in sources() if path.is_relative_to(STACK)]
    found = {".".join(path.parts).removesuffix(".__init__") for path in files} - {"ocpp_lab"}
    return sorted(name for name in found if "._" not in name)


def the_map() -> list[Line]:
    """The rooms, bottom to top, each with its public names."""
    names = public_names()
    return [(room.band, room.name, room.purpose, names.get(room.name, [])) for room in stack() if room.name[0] != "_"]


def public_names() -> dict[str, list[str]]:
    """Of each room what ``from ocpp_lab import …`` finds of it, in the order of its import there."""
    tree = ast.parse((STACK / "__init__.py").read_text(encoding="utf-8"))
    imported = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    return {str(node.module): [alias.name for alias in node.names] for node in imported}
