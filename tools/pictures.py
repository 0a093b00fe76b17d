"""Make the pictures of README and docs from today's notebooks, in a headless JupyterLab: docs/pictures/.

Usage: pictures.py [--no-film | --report]. It needs Chromium (tools/find_chromium.sh) and takes two minutes.

- start, panel, ladder, plot, check: screenshots of one thing each, found by its words, not by its place
- explain.png: a report, as `ocpp-lab explain --html` writes it; with --report this one alone
- course.png: panel, ladder and plot together, at most 600 pixels high, for the top of the README
- course.webp: half a minute of JupyterLab, under 2 MB
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from ocpp_course.lab import explain, sample_log
from tests.browser.course import course, trust
from tests.browser.lab import LabNotebook
from tests.browser.server import LabServer, browser_page
from tools.film import Film

TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures"
WIDE, HIGH = 1400, 600
FILM_WIDE, FILM_HIGH, FILM_SHOWN, FILM_LIMIT = 1120, 700, 800, 2_000_000
UNDER = ".jp-Cell:has(:is(h1, h2, h3):has-text('{heading}')) ~ .jp-Cell .jp-OutputArea-output"
LADDER = UNDER.format(heading="A call has four ends") + ':has([alt^="Ladder"], [aria-label^="Ladder"])'
PLOT = UNDER.format(heading="The storm") + ":has(figure)"
PANEL = ".jp-OutputArea-output:has(button):has-text('ignore')"
CHECK = ".jp-OutputArea-output:has(table):has-text('4.1 ·')"
DISTANCE = "(outer, inner) => inner.getBoundingClientRect().top - outer.getBoundingClientRect().top"
PAGE = """<style>
body {{ margin: 0; width: {wide}px; height: {high}px; background: #131c31; display: grid; gap: 18px; padding: 18px;
    box-sizing: border-box; grid-template: auto minmax(0, 1fr) / {left}fr {right}fr }}
div {{ overflow: hidden; border-radius: 10px; background: #fff; min-height: 0; min-width: 0; padding: 12px }}
div:nth-child(3) {{ grid-area: 1 / 2 / 3 / 3 }}
div:first-child img {{ max-height: 300px }}
img {{ width: 100%; height: 100%; object-fit: contain; display: block }}
</style>{images}"""
"""Panel over plot on the left, the ladder on the right: it is the tallest."""


def main(arguments: list[str]) -> int:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder, browser_page() as page:
        report(page.context.browser.new_page(device_scale_factor=2), Path(folder))
        if "--report" in arguments:
            return 0
        with LabServer(course(Path(folder) / "course")) as server:
            trust(server, *(str(path.relative_to(server.root)) for path in server.root.rglob("*.ipynb")))
            stills(page.context.browser.new_page(device_scale_factor=2), server, Path(folder))
            if "--no-film" not in arguments:
                film(page, server)
        together(page, Path(folder))
    for path in sorted(TARGET.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    return 0


# --- one thing each -------------------------------------------------------------------------------------------------


def stills(page: Page, server: LabServer, sharp: Path) -> None:
    """The screenshots of one thing each, and twice as sharp in ``sharp``; a panel needs its notebook run."""
    page.set_viewport_size({"width": 1100, "height": 1400})
    write_progress(server)
    open_start(page, server)
    shoot(page.locator(".ol.start"), "start", sharp)
    notebook = LabNotebook(page, server)
    notebook.open("notebooks/03_session_reconnect.ipynb")
    shoot(drawn(page.locator(PLOT).first), "plot", sharp)
    notebook.open("solutions/04_call_correlation.ipynb")
    shoot(page.locator(CHECK).first, "check", sharp)
    notebook.open("notebooks/01_smoke_tests.ipynb")
    notebook.run_all()
    shoot(drawn(page.locator(LADDER).first), "ladder", sharp)
    press(page, "ignore")
    shoot(page.locator(PANEL).first, "panel", sharp)


def report(page: Page, sharp: Path) -> None:
    """The top of a report on the sample log: its head, and the first finding with its ladder."""
    path = sharp / "report.html"
    explain(sample_log(), name="steve.log").save(path)
    page.set_viewport_size({"width": 1100, "height": 800})
    page.goto(path.as_uri())
    page.locator("details.finding[open] .step.marked").nth(1).click()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1_200)
    keep(page.screenshot(), "explain", sharp, margin=28)


def drawn(output: Locator) -> Locator:
    """The largest picture of an output, without the controls beside it; what is folded away is unfolded."""
    output.wait_for(timeout=30_000)
    output.evaluate("output => output.querySelectorAll('details').forEach(each => { each.open = true })")
    output.page.wait_for_timeout(300)
    pictures = output.locator("figure img:visible, figure svg:visible").all()
    return max(pictures, key=lambda each: each.evaluate("each => each.clientWidth * each.clientHeight"))


def shoot(thing: Locator, name: str, sharp: Path) -> None:
    """A screenshot of it as docs/pictures/NAME.png."""
    thing.wait_for(timeout=30_000)
    thing.scroll_into_view_if_needed()
    thing.page.wait_for_timeout(800)  # for pictures and plots that are laid out when they come into view
    keep(thing.screenshot(), name, sharp)


def keep(screenshot: bytes, name: str, sharp: Path, margin: int = 0) -> None:
    """The screenshot without empty edges, but for a margin: as large as it was there, twice as sharp in ``sharp``."""
    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    paper = Image.new("RGB", image.size, image.getpixel((image.width - 1, image.height - 1)))
    if box := ImageChops.difference(image, paper).getbbox():  # an output is as wide as the page, what it shows is not
        left, top, right, bottom = box
        room = (left - margin, top - margin, min(right + margin, image.width), min(bottom + margin, image.height))
        image = image.crop((max(room[0], 0), max(room[1], 0), *room[2:]))
    image.save(sharp / f"{name}.png")
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    half.quantize(256).save(TARGET / f"{name}.png", optimize=True)


def press(page: Page, label: str) -> bool:
    """Press the first button with this text in an output; False, and a line about it, if there is none."""
    button = page.locator(".jp-OutputArea-output button:visible").filter(has_text=label).first
    if not button.count():
        print(f"not shown: no button {label!r}")
        return False
    button.click()
    return True


def write_progress(server: LabServer) -> None:
    """Somebody who is in the middle of the third exercise."""
    steps = {f"{milestone}.{step}": 4 for milestone in (1, 2) for step in range(1, 6)} | {"3.1": 4, "3.2": 5}
    kept = server.root / "exercises" / "my_stack"
    kept.mkdir(exist_ok=True)
    told = {number: {"how": "mine", "points": points} for number, points in steps.items()}
    (kept / "progress.json").write_text(json.dumps(told))


def open_start(page: Page, server: LabServer) -> None:
    page.goto(f"{server.url}lab/tree/START.ipynb?token={server.token}&reset")
    page.locator(".ol.start .card.here").wait_for(timeout=60_000)
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    page.wait_for_timeout(1_000)


# --- together -------------------------------------------------------------------------------------------------------


def together(page: Page, sharp: Path) -> None:
    """Panel, ladder and plot in one picture of WIDE × HIGH."""
    names = ("panel", "plot", "ladder")
    cells = "".join(f'<div><img src="{_data(sharp / f"{name}.png")}"></div>' for name in names)
    page.set_viewport_size({"width": WIDE, "height": HIGH})
    page.set_content(PAGE.format(wide=WIDE, high=HIGH, left=1, right=1, images=cells))
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
    page.screenshot(path=TARGET / "course.png")


def _data(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


# --- the film -------------------------------------------------------------------------------------------------------


def film(page: Page, server: LabServer) -> None:
    """START, a notebook, a prediction, a fault, a ladder, an exercise, START again. What is not there is left out."""
    page.set_viewport_size({"width": FILM_WIDE, "height": FILM_HIGH})
    roll = Film(page, FILM_SHOWN)
    open_start(page, server)
    for scene in (_start, _head, _prediction, _fault, _ladder, _exercise, _end):
        scene(roll, server)
    size = roll.save(TARGET / "course.webp", FILM_LIMIT)
    print(f"film: {roll.seconds:.0f} s, {len(roll.frames)} frames, {size / 1000:.0f} kB")


def _start(roll: Film, server: LabServer) -> None:
    roll.say("OCPP 1.6-J, told as one bad Friday night")
    roll.shot(2.5)
    _scroll(roll, ".ol.start .card:nth-child(2)")
    roll.shot(1.5)


def _head(roll: Film, server: LabServer) -> None:
    notebook = LabNotebook(roll.page, server)
    notebook.open("notebooks/01_smoke_tests.ipynb")
    notebook.run_all()
    roll.page.locator("h1").first.scroll_into_view_if_needed()
    roll.say("Read: live servers on your own machine")
    roll.shot(2.5)


def _fault(roll: Film, server: LabServer) -> None:
    _scroll(roll, PANEL)
    roll.say("Break it: the central system reads, and does not answer")
    roll.shot(1.2)
    press(roll.page, "ignore")
    roll.roll(1.5)
    if press(roll.page, "Heartbeat"):
        roll.roll(3.0)
    press(roll.page, "ignore")
    roll.say("… and now it answers again")
    if press(roll.page, "Heartbeat"):
        roll.roll(2.5)


def _ladder(roll: Film, server: LabServer) -> None:
    _scroll(roll, LADDER)
    roll.say("Step through what happened, frame by frame")
    roll.shot(1.5)
    live = roll.page.locator(LADDER).first.locator("[tabindex='0'], button").first
    if not live.count():
        print("not shown: a ladder that can be stepped through")
        return
    live.focus()
    for _ in range(7):
        roll.page.keyboard.press("ArrowRight")
        roll.page.wait_for_timeout(150)
        roll.shot(0.7)


def _prediction(roll: Film, server: LabServer) -> None:
    option = roll.page.locator(".jp-OutputArea-output details > summary:visible").first
    if not option.count():
        print("not shown: a prediction")
        return
    _scroll(roll, ".jp-OutputArea-output:has(details)")
    roll.say("Predict, then look")
    roll.shot(1.5)
    option.click()
    roll.page.wait_for_timeout(300)
    roll.shot(2.5)


def _exercise(roll: Film, server: LabServer) -> None:
    LabNotebook(roll.page, server).open("solutions/04_call_correlation.ipynb")
    _scroll(roll, CHECK)
    roll.say("Build it yourself: each step is checked in about a second")
    roll.shot(3.0)


def _end(roll: Film, server: LabServer) -> None:
    open_start(roll.page, server)
    roll.say("make lab")
    roll.shot(2.5)


def _scroll(roll: Film, selector: str) -> None:
    """Move there in steps that the eye can follow."""
    thing = roll.page.locator(selector).first
    scroller = roll.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
    top = scroller.evaluate(DISTANCE, thing.element_handle())
    for share in (0.3, 0.4, 0.5, 1.0):
        before = scroller.evaluate("outer => outer.scrollTop")
        scroller.evaluate("(outer, by) => outer.scrollBy(0, by)", (top - 40) * share)
        roll.page.wait_for_timeout(120)
        top -= scroller.evaluate("outer => outer.scrollTop") - before
        roll.shot(0.15)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
