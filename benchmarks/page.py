"""The page on performance: words and pictures made from the numbers of one run."""

from __future__ import annotations

from pathlib import Path

from ocpp_course.lab.layout import duration

from .chapter import markdown
from .machine import Machine
from .results import Results, load, save

PAGE, FOLDER, NUMBERS = "performance.md", "performance", "results.json"

INTRODUCTION = """
# Performance

What durability, crowds and types cost, in numbers. `make bench` measures all of this in one run, and writes this page,
its pictures and `performance/results.json`. `python -m benchmarks --draw` makes the page from that file alone.

Read ratios, not records: everything that is compared ran on one machine, in one run, in turn. Commits and bytes are
counted, everything else is a time and varies. Numbers in brackets are the least and the most of the rounds.
""".strip()

LIMITS = """
## What these numbers do not say

- How fast your machine is. Another processor, and above all another disk, changes every time on this page; ratios
  change less. A commit waits for the disk, so compare the time of one commit first.
- How a network behaves. Everything runs over the loopback interface: no loss, no delay, no TLS, no compression.
- What a day brings. A window lasts seconds. Files grow over months; nothing here says how a large ledger behaves.
- What your own answers cost. The central system answers by itself; a handler that asks another service waits for it.
- That both sides had a processor each. The charge points run on the same machine, and take time from the central
  system when there are few cores; *late* tells how short of time they were. Other programs ran too: see the load.
- What the tail is beyond p99. A window holds some hundred or thousand heartbeats: its worst is one of them, by chance.
""".strip()


def page(results: Results, pictures: dict[int, dict[str, str]]) -> str:
    """All of it. ``pictures``: by the number of the chapter, alternative texts by where the picture lies."""
    chapters = [markdown(chapter, pictures.get(number, {})) for number, chapter in enumerate(results.chapters())]
    return "\n\n".join([INTRODUCTION, _machine(results.machine, results.quick), *chapters, LIMITS]) + "\n"


def _machine(machine: Machine, quick: bool) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    return "\n".join(
        [
            "## On what it was measured",
            "",
            f"- {machine.day}; {'a short run (`--quick`): the noise is larger' if quick else 'a full run'}.",
            f"- {machine.cores} cores: {machine.processor}; {machine.system}.",
            f"- {machine.python}; {packages}.",
            f"- One commit of the ledger on this disk takes {duration(machine.commit)}, measured before the run.",
            f"- Load before the run: {machine.load:.1f} processes that wanted one of the {machine.cores} cores.",
        ]
    )


def write(results: Results, docs: Path) -> None:
    """The numbers, and the page and its pictures from what can be read back of them."""
    (docs / FOLDER).mkdir(parents=True, exist_ok=True)
    save(results, docs / FOLDER / NUMBERS)
    draw(docs)


def draw(docs: Path) -> None:
    """The page and its pictures, from the numbers that lie there."""
    (docs / PAGE).write_text(drawn(docs), encoding="utf-8")


def drawn(docs: Path) -> str:
    """Draw the pictures; the text of the page."""
    results = load(docs / FOLDER / NUMBERS)
    pictures: dict[int, dict[str, str]] = {}
    for number, chapter in enumerate(results.chapters()):
        for name, picture in chapter.draw().items():
            picture.save(docs / FOLDER / f"{name}.png")
            pictures.setdefault(number, {})[f"{FOLDER}/{name}.png"] = picture.alt
    return page(results, pictures)
