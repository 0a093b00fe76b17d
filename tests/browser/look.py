"""Look at a notebook as a learner sees it: run it in JupyterLab in headless Chromium, operate it, take pictures.

.venv/bin/python tests/browser/look.py notebooks/01_smoke_tests.ipynb --press "Drop connection" --out screenshots/

--press, --tick, --slide LABEL=VALUE, --choose LABEL=OPTION and --wait-text are done in the order in which they are
given; after each, what changed on the page is printed and the cell is saved as a picture. The exit code is 1 if a
learner would see an error.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser.lab import LabNotebook
from tests.browser.server import LabServer, browser_page

SETTLE = 1500
"""Milliseconds between a click and the picture: what a person waits before saying that nothing happened."""


class Step(argparse.Action):
    """Collect the steps in the order in which they stand on the command line."""

    def __call__(self, parser: object, namespace: argparse.Namespace, value: object, option: str | None = None) -> None:
        namespace.steps.append(((option or "").removeprefix("--"), value))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, default=Path("screenshots"), help="folder for the pictures")
    parser.add_argument("--stored", action="store_true", help="do not run; show the stored outputs")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for Run All")
    for option in ("press", "tick", "slide", "choose", "wait-text"):
        parser.add_argument(f"--{option}", action=Step, default=argparse.SUPPRESS, metavar="LABEL")
    parser.set_defaults(steps=[])
    return parser.parse_args()


def report_step(notebook: LabNotebook, kind: str, value: str, target: Path) -> None:
    before = notebook.text.splitlines()
    notebook.do(kind, value)
    notebook.page.wait_for_timeout(SETTLE)
    changes = [line for line in difflib.ndiff(before, notebook.text.splitlines()) if line[:1] in "+-"]
    print(f"== {kind} {value!r}", *(changes or ["(nothing changed on the page)"]), sep="\n   ")
    shown = value.partition("=")[0]
    print("  ", notebook.screenshot_around(shown, target))


def main() -> int:
    options = arguments()
    name = options.notebook.stem
    source = options.notebook.parent if (options.notebook.parent / "sanitize.cfg").exists() else options.notebook
    with LabServer(source) as server, browser_page() as page:
        notebook = LabNotebook(page, server)
        notebook.open(options.notebook.name)
        if not options.stored:
            seconds = notebook.run_all(options.timeout)
            print(f"Run All: {seconds:.1f} s; buttons: {notebook.labels()}")
        print(*notebook.screenshot(options.out / name), sep="\n")
        for number, (kind, value) in enumerate(options.steps, start=1):
            slug = re.sub(r"\W+", "_", value)[:30]
            report_step(notebook, kind, value, options.out / f"{name}-{kind}_{number}_{slug}.png")
        trouble = notebook.trouble()
    print("trouble: none" if not trouble else "\n".join(["TROUBLE:", *trouble]))
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
