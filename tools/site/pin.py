"""The end of `make pins`: wheels.txt and builder.txt anew, at the versions of constraints.txt.

Usage: python -m tools.site.pin. A package that constraints.txt does not name keeps its version; so does the builder,
but for the widgets, of which page and kernel need one edition. Raises NotFetched if a version has no wheel for the tab.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.utils import canonicalize_name

from tools.site import parts
from tools.site.parts import HERE, ROOT

PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
SHARED = {"jupyterlab-widgets"}
"""What builder.txt and constraints.txt both name, and have to name alike."""


def main() -> int:
    versions = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    wheels, builder = HERE / "wheels.txt", HERE / "builder.txt"
    wheels.write_text(tab(wheels.read_text(encoding="utf-8"), versions, digest), encoding="utf-8")
    builder.write_text(build(builder.read_text(encoding="utf-8"), versions), encoding="utf-8")
    return 0


def pins(text: str) -> dict[str, str]:
    """The version of each package, by canonical name."""
    return {canonicalize_name(name): version for name, version in PIN.findall(text)}


def tab(text: str, versions: dict[str, str], digest: Callable[[str], str]) -> str:
    """wheels.txt at these versions, with the hash of each wheel."""

    def line(found: re.Match[str]) -> str:
        pin = f"{found[1]}=={versions.get(canonicalize_name(found[1]), found[2])}"
        return f"{pin} --hash=sha256:{digest(pin)}"

    return re.sub(rf"{PIN.pattern} --hash=\S+", line, text, flags=re.MULTILINE)


def build(text: str, versions: dict[str, str]) -> str:
    """builder.txt with these versions of what both lists have to name alike."""

    def line(found: re.Match[str]) -> str:
        name = canonicalize_name(found[1])
        return f"{found[1]}=={versions[name]}" if name in SHARED else found[0]

    return PIN.sub(line, text)


def digest(pin: str) -> str:
    """The SHA-256 of the wheel for the tab, which is fetched for that."""
    with TemporaryDirectory() as folder:
        parts.download(pin, "--no-deps", "-d", folder)
        [wheel] = Path(folder).iterdir()
        return hashlib.sha256(wheel.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
