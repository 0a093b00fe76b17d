"""The harness itself, on a small notebook: it operates widgets, and it sees what a learner should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.lab import LabNotebook

pytestmark = pytest.mark.browser


def test_widgets_are_operated_and_their_effect_is_read(small: LabNotebook, tmp_path: Path) -> None:
    assert small.labels() == ["Press me", "Ignore"]
    small.press("Press me")
    small.wait_for_text("pressed 2 times")
    small.press("Ignore")
    small.wait_for_text("ignore True")
    small.slide("Seconds", 7)
    small.wait_for_text("seconds 7")
    assert "ready" in small.text_of("import asyncio")
    assert small.trouble() == []
    pictures = [*small.screenshot(tmp_path / "small.png"), small.screenshot_around("Ignore", tmp_path / "ignore.png")]
    assert all(picture.stat().st_size > 5_000 for picture in pictures)
    with pytest.raises(LookupError, match="buttons there are \\['Press me', 'Ignore'\\]"):
        small.press("No such label")


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("1 / 0", "error in 1 / 0: ZeroDivisionError"),
        ("import ipywidgets\nipywidgets.Image(value=b'', tooltip='t')", "javascript error"),
    ],
)
def test_trouble_is_seen(small: LabNotebook, code: str, trouble: str) -> None:
    """nbval passes the second one: only a browser shows it."""
    small.add_cell(code)
    small.run_all()
    assert trouble in "\n".join(small.trouble())
