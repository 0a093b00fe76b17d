"""Draw docs/architecture.svg from the imports of both packages and the map at the top of ocpp_lab/__init__.py, and
write the tree of errors in docs/architecture.md.

Usage: architecture.py [--check]. With --check nothing is written; exit code 1 if a file is not in step with the code.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import error_tree, rooms
from tools.drawing.house import House, Picture

PICTURE, PAGE = Path("docs/architecture.svg"), Path("docs/architecture.md")
BLOCK = re.compile(r"(?<=<!-- errors -->\n).*?(?=<!-- end of errors -->)", re.DOTALL)


def house(root: Path) -> House:
    """What is drawn: the rooms in their order, all imports, which rooms are folders, what the milestones are called."""
    stack = rooms.stack(root)
    names = sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.py"))
    return House(
        stack,
        rooms.graph(root),
        {
            f"{package}.{path.name}"
            for package in rooms.PACKAGES
            for path in (root / package).iterdir()
            if path.is_dir()
        },
        {int(name[:2]): name[3:].replace("_", " ") for name in names if int(name[:2])},
    )


def made(root: Path) -> dict[Path, str]:
    """What both files should hold."""
    page = (root / PAGE).read_text(encoding="utf-8")
    tree = error_tree.drawn(root)
    return {PICTURE: Picture(house(root)).svg(), PAGE: BLOCK.sub(lambda _: f"\n```text\n{tree}\n```\n\n", page)}


def main(arguments: list[str], root: Path = rooms.ROOT) -> int:
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    new = {name: text for name, text in made(root).items() if not _holds(root / name, text)}
    for name, text in new.items():
        if arguments:
            print(f"{name} is not in step with the code: `make map` draws it anew")
        else:
            (root / name).write_text(text, encoding="utf-8")
            print(f"{name}: written")
    return 1 if arguments and new else 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
