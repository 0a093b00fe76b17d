"""A notebook in real JupyterLab in headless Chromium: open, run all, press, read, take pictures.

::

    with LabServer(folder) as server, browser_page() as page:
        notebook = LabNotebook(page, server)
        notebook.open("01_smoke_tests.ipynb")
        notebook.run_all()
        notebook.press("Drop connection")
        notebook.wait_for_text("link: DOWN")
        assert notebook.trouble() == []
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.server import HEIGHT, WIDTH, LabServer

PICTURE_HEIGHT = 1600
"""Longer notebooks become several pictures, each still legible."""
CONTENT_HEIGHT = """panel => {
    const cells = panel.querySelectorAll('.jp-Cell')
    return cells[cells.length - 1].getBoundingClientRect().bottom - cells[0].getBoundingClientRect().top + 30
}"""
ADD_CELL = """code => {
    const model = window.jupyterapp.shell.currentWidget.content.model.sharedModel
    model.insertCell(model.cells.length, {cell_type: 'code', source: code})
}"""
RUN = """command => {
    const notebook = window.jupyterapp.shell.currentWidget.content
    notebook.activeCellIndex = notebook.widgets.findLastIndex(cell => cell.model.type === 'code')
    window.ran = false
    window.jupyterapp.commands.execute(command).finally(() => { window.ran = true })
}"""
SETTLED = """([quiet, limit]) => new Promise(settled => {
    let timer = setTimeout(settled, quiet)
    setTimeout(settled, limit)
    new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(settled, quiet) })
        .observe(document.body, {subtree: true, childList: true, characterData: true})
})"""
"""Until nothing on the page has changed for a while, or the limit is over: a live board never rests."""
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme}).then(() => null)"
FAILED_CELLS = r"""() => window.jupyterapp.shell.currentWidget.content.widgets
    .map(cell => cell.model)
    .filter(cell => cell.type === 'code' && !cell.sharedModel.source.includes('NBVAL_RAISES_EXCEPTION'))
    .filter(cell => !(cell.getMetadata('tags') || []).some(tag => tag.includes('raises-exception')))
    .flatMap(cell => cell.outputs.toJSON()
        .filter(output => output.output_type === 'error')
        .map(output => `${cell.sharedModel.source.split('\n')[0]}: ${output.ename}: ${output.evalue}`))"""


NOT_RUN = r"""() => window.jupyterapp.shell.currentWidget.content.widgets
    .map(cell => cell.model)
    .filter(cell => cell.type === 'code' && cell.executionCount === null)
    .map(cell => cell.sharedModel.source.split('\n')[0])"""
"""Asked of the model: a cell whose input is hidden shows no number."""


def use_theme(page: Page, name: str) -> None:
    """Switch JupyterLab to its theme Light or Dark, and wait until it shows."""
    page.evaluate(THEME, f"JupyterLab {name}")
    page.wait_for_function("light => document.body.dataset.jpThemeLight === String(light)", arg=name == "Light")


class LabNotebook:
    """One notebook, open in JupyterLab, as a person has it before them."""

    def __init__(self, page: Page, server: LabServer) -> None:
        self.page = page
        self.server = server
        self.console_errors: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.console_errors.append(f"page error: {error}"))

    def _listen(self, message: Any) -> None:
        if message.type == "error":
            self.console_errors.append(f"console: {message.text}")

    # --- doing ------------------------------------------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Open the notebook and wait for its kernel; its stored outputs are on the page."""
        self.page.goto(f"{self.server.url}lab/tree/{name}?token={self.server.token}&reset")
        self.panel.locator(".jp-Cell").first.wait_for(timeout=60_000)
        self.page.evaluate("window.jupyterapp.shell.collapseLeft()")
        self._wait_for("session?.kernel?.status === 'idle'", 60.0, "the kernel to be idle")

    def run_all(self, timeout: float = 120.0) -> float:
        """Clear the stored outputs, run all cells, wait for the last; returns the seconds it took."""
        self._command("notebook:clear-all-cell-outputs")
        return self._run("notebook:run-all-cells", timeout)

    def save(self) -> Path:
        """Save the notebook; where it lies."""
        self.page.evaluate("window.jupyterapp.commands.execute('docmanager:save').then(() => null)")
        return self.server.root / str(self.page.evaluate("window.jupyterapp.shell.currentWidget.context.path"))

    def shut_down(self) -> None:
        """End the kernel."""
        self.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def _run(self, command: str, timeout: float) -> float:
        start = time.monotonic()
        self.page.evaluate(RUN, command)
        self.page.wait_for_function("window.ran", timeout=timeout * 1000)
        self._wait_for("session?.kernel?.status === 'idle'", timeout, "the kernel to be idle after running cells")
        seconds = time.monotonic() - start
        self.settle()
        return seconds

    def settle(self, quiet: float = 1.0, limit: float = 10.0) -> None:
        """Wait until the page has been drawn; the kernel is idle before the browser has shown what it said."""
        self.page.evaluate(SETTLED, [quiet * 1000, limit * 1000])

    def press(self, label: str) -> None:
        """Click the widget button (or toggle) with exactly this label; a fault that is on may show a count after it."""
        name = re.compile(rf"^\s*{re.escape(label)}( \d+×)?\s*$")
        self._one(self.widgets.get_by_role("button", name=name), "button", label).click()

    def tick(self, label: str) -> None:
        """Click the check box with this label."""
        self._one(self.widgets.get_by_label(label, exact=True), "check box", label).click()

    def choose(self, label: str, option: str) -> None:
        """Pick an option of the drop-down with this label."""
        self._one(self._labelled(label).locator("select"), "drop-down", label).select_option(label=option)

    def slide(self, label: str, value: float) -> None:
        """Type a value into the number beside the slider (or into the number field) with this label."""
        field = self._one(self._labelled(label).locator(".widget-readout, input[type=number]"), "slider", label)
        field.click()
        field.press("ControlOrMeta+a")
        self.page.keyboard.type(f"{value:g}")
        field.press("Enter")

    def do(self, kind: str, what: str) -> None:
        """One of the above by name: press LABEL, tick LABEL, slide LABEL=VALUE, choose LABEL=OPTION, wait-text TEXT."""
        label, _, setting = what.partition("=")
        steps: dict[str, Callable[[], None]] = {
            "press": lambda: self.press(what),
            "tick": lambda: self.tick(what),
            "slide": lambda: self.slide(label, float(setting)),
            "choose": lambda: self.choose(label, setting),
            "wait-text": lambda: self.wait_for_text(what),
        }
        steps[kind]()

    def add_cell(self, code: str) -> None:
        """A new code cell at the end."""
        self.page.evaluate(ADD_CELL, code)

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def panel(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    @property
    def widgets(self) -> Locator:
        return self.panel.locator(".jp-OutputArea-output")

    @property
    def text(self) -> str:
        """All outputs on the page, as one text."""
        return "\n".join(self.widgets.all_inner_texts())

    def cell(self, source: str) -> Locator:
        """The first code cell whose source contains this text."""
        found = self.panel.locator(".jp-CodeCell").filter(has=self.page.locator(".jp-InputArea", has_text=source))
        if not found.count():
            raise LookupError(f"no code cell contains {source!r}")
        return found.first

    def text_of(self, source: str) -> str:
        """What the cell shows whose source contains this text."""
        return "\n".join(self.cell(source).locator(".jp-OutputArea-output").all_inner_texts())

    def wait_for_text(self, text: str | re.Pattern[str], timeout: float = 60.0) -> None:
        """Wait until an output on the page contains the text."""
        try:
            self.widgets.filter(has_text=text).first.wait_for(timeout=timeout * 1000)
        except PlaywrightTimeout:
            raise AssertionError(f"{text!r} did not appear within {timeout:g} s; on the page:\n{self.text}") from None

    def labels(self) -> list[str]:
        """The labels of everything that can be pressed in the outputs."""
        return [text for text in self.widgets.locator("button").all_inner_texts() if text.strip()]

    def trouble(self) -> list[str]:
        """What a learner should never see: errors in cells not tagged for it, broken widgets, dialogs."""
        self.settle()
        marks = ["Click to show javascript error", "Error displaying widget", "Loading widget..."]
        found = [f"{self.text.count(mark)} × {mark!r}" for mark in marks if mark in self.text]
        found += [f"dialog: {text}" for text in self.page.locator(".jp-Dialog").all_inner_texts()]
        found += [f"error in {cell}" for cell in self.failed_cells()]
        not_run: list[str] = self.page.evaluate(NOT_RUN)
        found += [f"a cell did not run: {cell}" for cell in not_run]
        return found + self.console_errors

    def failed_cells(self) -> list[str]:
        """First line and error of each cell that failed and is not tagged for it."""
        failed: list[str] = self.page.evaluate(FAILED_CELLS)
        return failed

    # --- pictures ---------------------------------------------------------------------------------------------------

    def screenshot(self, target: Path) -> list[Path]:
        """The whole notebook, as target-1.png, target-2.png, …, each PICTURE_HEIGHT high at most."""
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in target.parent.glob(f"{target.stem}-[0-9]*.png"):
            old.unlink()
        scroller = self.panel.locator(".jp-WindowedPanel-outer")
        self.page.set_viewport_size({"width": WIDTH, "height": PICTURE_HEIGHT})
        height = int(self.panel.evaluate(CONTENT_HEIGHT))
        box = scroller.bounding_box() or {"x": 0, "y": 0, "width": WIDTH, "height": PICTURE_HEIGHT}
        pictures = []
        for top in range(0, height, step := int(box["height"])):
            scroller.evaluate("(element, top) => element.scrollTo(0, top)", top)
            self.page.wait_for_timeout(300)  # for the layout, which no event announces
            pictures.append(target.with_name(f"{target.stem}-{len(pictures) + 1}.png"))
            clip: Any = {**box, "height": min(step, height - top)}
            self.page.screenshot(path=pictures[-1], clip=clip)
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        return pictures

    def screenshot_cell(self, source: str, target: Path) -> Path:
        """The cell whose source contains this text, with its outputs."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self.cell(source).screenshot(path=target)
        return target

    def screenshot_around(self, text: str | re.Pattern[str], target: Path) -> Path:
        """The first cell whose outputs contain this text or a button with this label."""
        target.parent.mkdir(parents=True, exist_ok=True)
        output = self.page.locator(".jp-OutputArea-output", has_text=text)
        self.panel.locator(".jp-CodeCell").filter(has=output).first.screenshot(path=target)
        return target

    # --- inside -----------------------------------------------------------------------------------------------------

    def _labelled(self, label: str) -> Locator:
        exactly = re.compile(rf"^\s*{re.escape(label)}\s*$")
        return self.widgets.locator(".widget-inline-hbox").filter(
            has=self.page.locator(".widget-label", has_text=exactly)
        )

    def _one(self, found: Locator, kind: str, label: str) -> Locator:
        try:
            found.first.wait_for(timeout=5_000)
        except PlaywrightTimeout:
            raise LookupError(f"no {kind} {label!r} on the page; buttons there are {self.labels()}") from None
        return found.locator("visible=true").first

    def _command(self, command: str) -> None:
        self.page.evaluate("command => window.jupyterapp.commands.execute(command).then(() => null)", command)

    def _wait_for(self, condition: str, timeout: float, what: str) -> None:
        session = "window.jupyterapp.shell.currentWidget?.sessionContext?.session"
        try:
            self.page.wait_for_function(condition.replace("session", session, 1), timeout=timeout * 1000)
        except Error as error:
            raise AssertionError(f"waited {timeout:g} s for {what}: {error}") from None
