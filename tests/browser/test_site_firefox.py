"""The workbook in a tab of another browser: notebook 1 whole, and an exercise, in Firefox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.committed import cell_of, differences
from tests.browser.firefox import Firefox, FirefoxNotebook, find_firefox
from tests.browser.site import SiteServer

pytestmark = pytest.mark.browser


@pytest.fixture
def notebook(site: SiteServer) -> Iterator[FirefoxNotebook]:
    if (program := find_firefox()) is None:
        pytest.skip("no Firefox: the site was not looked at in it. Install firefox-esr or set FIREFOX=/path/to/it")
    with Firefox(program) as page:
        yield FirefoxNotebook(page, site)


def test_notebook_1_runs_whole_in_firefox_and_says_what_is_committed(
    notebook: FirefoxNotebook, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "notebooks/01_smoke_tests.ipynb"
    begun = time.monotonic()
    notebook.open(name)
    notebook.run_all(180.0)
    with capsys.disabled():
        print(f"\nFirefox: {name} opened and run in {time.monotonic() - begun:.1f} s")
    assert notebook.failed_cells() == []
    assert differences(name, notebook.outputs()) == []


def test_a_step_is_solved_in_firefox_and_kept(notebook: FirefoxNotebook, tmp_path: Path) -> None:
    notebook.open("exercises/01_smoke_tests.ipynb")
    notebook.say("from ocpp_course import check, progress\nimport json\ndef decode(text):\n    return json.loads(text)")
    assert "✗" in notebook.say('check("1.1", decode)')
    notebook.say(cell_of("answer", "1.1"))
    assert "Kept in my_stack/step_1_1.py" in notebook.say(cell_of("check", "1.1"))
    notebook.page.screenshot(tmp_path / "solved.png")
    assert (tmp_path / "solved.png").stat().st_size > 5_000
    notebook.open("exercises/01_smoke_tests.ipynb")  # another page and another kernel
    assert notebook.say("from ocpp_course import progress\nprogress()").count("✓") == 1 + 1  # and one in the legend
