"""An IPython shell in the test's own process, which remembers what was displayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell


class Shell:
    """``outputs``: what was displayed, by MIME type, as a notebook's cell would show it."""

    def __init__(self, publisher: CapturingDisplayPublisher) -> None:
        self._publisher = publisher

    @property
    def outputs(self) -> list[dict[str, str]]:
        return [each["data"] for each in self._publisher.outputs]

    @property
    def updates(self) -> list[bool]:
        return [each["update"] for each in self._publisher.outputs]

    @property
    def text(self) -> str:
        """The one output, as text."""
        [output] = self.outputs
        return output["text/plain"]

    @property
    def page(self) -> str:
        """The one output, as HTML."""
        [output] = self.outputs
        return output["text/html"]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    from traitlets.config import Config

    config: Any = Config()
    config.HistoryManager.enabled = False  # no file, no thread
    InteractiveShell.clear_instance()
    running: Any = InteractiveShell.instance(config=config)
    running.display_pub = publisher = CapturingDisplayPublisher()
    yield Shell(publisher)
    InteractiveShell.clear_instance()
