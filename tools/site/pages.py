"""The notebooks as pages: `read/`, with START as the index. Nothing runs there; a link above each opens it live.

Each is made by nbconvert from the committed notebook, without its template: that asks other hosts for scripts.
"""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from pygments.formatters import HtmlFormatter

from tools.site import parts
from tools.site.parts import ROOT

FOLDERS = ("", "notebooks", "exercises")
CSS = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
NOTEBOOK = re.compile(r'(href="(?!https?:)[^"]*)\.ipynb(["#])')
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<nav>To read. <a href="{live}">Run it in this browser</a>: nothing is installed.
<a href="{reference}">Reference</a></nav>
<main>{body}</main>
</body>
</html>
"""
DRESSED = ".input { display: none; }"
"""The one cell of START only dresses it."""
# JupyterLite reads the settings of a root document there.
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url=read/START.html">
<title>OCPP Lab</title>
<script id="jupyter-config-data" type="application/json" data-jupyter-lite-root=".">{}</script>
</head>
<body><a href="read/START.html">START</a></body>
</html>
"""


def pages(site: Path, contents: Path) -> None:
    """Write ``read/`` and the index of the site, from what the site holds."""
    for folder in FOLDERS:
        for source, body in _bodies(sorted((contents / folder).glob("*.ipynb"))):
            name = source.relative_to(contents)
            target = site / "read" / name.with_suffix(".html")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(page(name, body), encoding="utf-8")
    shutil.copytree(contents / "notebooks" / "pictures", site / "read" / "notebooks" / "pictures", dirs_exist_ok=True)
    (site / "index.html").write_text(INDEX, encoding="utf-8")


def page(name: Path, body: str) -> str:
    """A whole page: notebooks that it links to are pages too, and ``name`` itself opens live."""
    up = "../" * len(name.parts)
    heading = re.search(r"<h1[^>]*>(.*?)<", body)
    return PAGE.format(
        title=html.escape(html.unescape(heading[1] if heading else name.stem)),
        css=f"{CSS}{colours('.highlight')}{DRESSED if name.stem == 'START' else ''}",
        live=f"{up}lab/index.html?path={name.as_posix()}",
        reference=f"{up}reference/index.html",
        body=NOTEBOOK.sub(r"\1.html\2", body),
    )


def _bodies(sources: list[Path]) -> list[tuple[Path, str]]:
    """Each notebook with its cells as HTML."""
    with TemporaryDirectory() as folder:
        options = ("--to", "html", "--template", "basic", "--log-level", "ERROR", "--output-dir", folder)
        parts.run(parts.BUILDER / "bin" / "jupyter", "nbconvert", *options, *sources, cwd=ROOT)
        return [(each, (Path(folder) / f"{each.stem}.html").read_text(encoding="utf-8")) for each in sources]


def colours(code: str) -> str:
    """Of code below this selector, in the light and in the dark."""
    light, dark = (HtmlFormatter(style=style).get_style_defs(code) for style in ("default", "github-dark"))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{code} {{ background: none }}\n"
