"""A picture that is text: complete without scripts, live with them, and safe whatever stands in it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from ocpp_course.lab.vector import FOLDER, Vector, escaped, script, svg, text
from tools.rooms import imports

PICTURE = Vector(
    svg(text(1, 2, "a < b"), (100, 50), 'it says "a < b"', "ladder", "ladder_live"), 'it says "a < b"', 100
)


def test_the_figure_is_an_image_with_its_words_and_then_a_script() -> None:
    html = PICTURE._repr_html_()
    assert html.startswith(
        '<figure class="ol-vector" style="margin:0"><img alt="it says &quot;a &lt; b&quot;" width="100"'
    )
    [data] = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert base64.b64decode(data).decode() == PICTURE.svg
    assert html.count("<script>") == html.count("</script>") == 1
    assert PICTURE.picture() == re.sub("<script>.*</script>", "", html, flags=re.DOTALL)
    assert repr(PICTURE) == 'Picture: it says "a < b"'


def test_the_svg_needs_nothing_and_has_no_ids() -> None:
    root = fromstring(PICTURE.svg)
    assert root.get("aria-label") == 'it says "a < b"'
    assert not re.search(r"""\bid=|href|url\(|@import""", PICTURE.svg)


def test_of_the_live_rules_a_still_picture_has_none() -> None:
    assert '<style class="live">' in PICTURE.svg
    assert '<style class="live">' not in svg("", (9, 9), "nothing", "ladder")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.js")), ids=lambda path: path.stem)
def test_a_script_stands_alone(file: Path) -> None:
    """It ends no script element early, loads nothing from elsewhere, and asks no kernel."""
    source = script(file.stem)
    assert not re.search(r"</script|<!--", source, re.IGNORECASE)
    assert not re.search(r"https?:|import\b|require|IPython", source)
    assert len(source) < 6_000


@pytest.mark.parametrize("name", ["ladder", "vector"])
def test_a_script_knows_its_figures_by_their_class(name: str) -> None:
    """And each once."""
    assert f"figure.ol-{name}:not([data-on])" in script(name)
    assert not re.search(r"fetch\(|getElementById", script(name))


def test_what_an_svg_may_not_hold_is_shown_as_such() -> None:
    assert escaped("\x00a\x1b\ud800<") == "�a��&lt;"
    assert escaped("é\n東😀") == "é\n東😀"


def test_it_is_saved_as_what_it_is(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == PICTURE.svg
    with pytest.raises(ValueError, match=r"expected a file name that ends in \.svg, came .*a\.png"):
        PICTURE.save(tmp_path / "a.png")


def test_what_we_draw_ourselves_needs_no_matplotlib() -> None:
    """DESIGN.md, Layout: it is loaded when the first plot is drawn. Followed from room to room."""
    seen, queue = set[str](), ["ladder", "diagram", "correlation"]
    while queue:
        name = queue.pop()
        seen.add(name)
        found = imports(FOLDER.parent / f"{name}.py")
        assert not [module for module in found if module.split(".")[0] in ("matplotlib", "PIL")], name
        inside = {module.split(".")[2] for module in found if module.startswith("ocpp_course.lab.")}
        queue += [each for each in inside - seen if (FOLDER.parent / f"{each}.py").is_file()]
    assert {"vector", "rungs", "edges", "passages", "live_diagram"} <= seen
