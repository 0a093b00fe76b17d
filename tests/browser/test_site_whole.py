"""Every notebook and every solution in a browser tab: minutes of work, so only in `make site-check`."""

from __future__ import annotations

import os

import pytest

from tests.browser.committed import differences
from tests.browser.site import SiteNotebook
from tests.house import ROOT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        os.environ.get("OCPP_LAB_SITE_CHECK") != "1", reason="`make site-check` runs them, and this not"
    ),
]

NAMES = [
    f"{folder}/{path.name}" for folder in ("notebooks", "solutions") for path in sorted((ROOT / folder).glob("*.ipynb"))
]
VERDICT = "application/vnd.ocpp-lab.verdict+json"
LONGEST = 900.0
"""Seconds; a capstone plays many nights, and a tab is slower than a process."""


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_whole_and_what_it_checks_passes(tab: SiteNotebook, name: str) -> None:
    tab.open(name)
    seconds = tab.run_all(LONGEST)
    assert tab.failed_cells() == []
    others = differences(name, tab.outputs())  # is told and no failure: some outputs say how fast a machine is
    print(f"{name}: {len(tab.outputs())} cells, {seconds:.0f} s; {len(others)} say something else", *others, sep="\n")
    verdicts = [
        output["data"][VERDICT] for cell in tab.outputs() for output in cell if VERDICT in output.get("data", {})
    ]
    assert len(verdicts) >= 6 or name.startswith("notebooks")
    assert [verdict for verdict in verdicts if verdict["state"] != "passed"] == []
