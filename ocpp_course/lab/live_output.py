"""`LiveOutput`: a place among widgets for HTML whose scripts run, as they do in the output of a cell.

An `ipywidgets.HTML` runs none, and a ladder that cannot be stepped through is half a ladder.
"""

from __future__ import annotations

import ipywidgets as W


class LiveOutput:
    """``show`` puts a page there, ``clear`` takes it away; ``widget`` goes among the others."""

    def __init__(self) -> None:
        self.widget = W.Output()
        self.text = ""
        """What is shown, in words; `show` and `clear` set it."""

    def show(self, html: str, text: str) -> None:
        """Show this in the place of what was there."""
        self.text = text
        data = {"text/html": html, "text/plain": text}
        self.widget.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

    def clear(self) -> None:
        """Show nothing."""
        self.text = ""
        self.widget.outputs = ()
