"""axe-core on what this project draws: contrast, pictures with words, controls with names; not JupyterLab's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = [
    "color-contrast",  # 4.5 : 1, and 3 : 1 for large text
    "image-alt", "svg-img-alt", "role-img-alt", "object-alt", "input-image-alt",
    "link-name", "button-name", "input-button-name", "summary-name", "select-name", "label",
    "aria-command-name", "aria-input-field-name", "aria-toggle-field-name", "aria-meter-name", "aria-progressbar-name",
]  # fmt: skip
OURS = [".jp-OutputArea-output", ".jp-RenderedMarkdown"]
NOT_OURS = [
    ".jp-InternalAnchorLink",
    ".jp-RenderedMarkdown pre",  # the colours of code are JupyterLab's
    ".cm-editor",
    ".noUi-handle",  # ipywidgets 8 has no way to name the handle of a slider; the number beside it can be typed
]
RUN = """([include, exclude, rules]) => {
    const there = selectors => selectors.filter(each => document.querySelector(each))
    return axe.run({include: there(include), exclude: there(exclude)},
        {runOnly: {type: 'rule', values: rules}, resultTypes: ['violations']})
}"""
SHORT = 150


def complaints(page: Page, ours: Sequence[str] = OURS) -> list[str]:
    """One line for each thing that breaks a rule: the rule, where, and what is wrong. Raises if nothing of ``ours`` is
    there."""
    assert page.locator(", ".join(ours)).count(), "nothing of ours is on the page"
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN, [list(ours), NOT_OURS, RULES])
    return [line for violation in found["violations"] for line in _lines(violation)]


def _lines(violation: dict[str, Any]) -> Iterator[str]:
    for node in violation["nodes"]:
        what = " ".join(node["html"].split())[:SHORT]
        why = "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]][:1])
        yield f"{violation['id']}: {what}\n    {why}"
