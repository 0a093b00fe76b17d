"""`marked`: a sentence of ours as HTML. Backticks make code, stars make emphasis, and everything else is text."""

from __future__ import annotations

import re
from html import escape


def marked(text: str) -> str:
    """What is code keeps its stars; a star with room around it is a star."""
    pieces = re.split(r"`([^`]+)`", escape(text, quote=False))
    pieces[::2] = [re.sub(r"\*(\S(?:[^*]*\S)?)\*", r"<em>\1</em>", piece) for piece in pieces[::2]]
    pieces[1::2] = [f"<code>{piece}</code>" for piece in pieces[1::2]]
    return "".join(pieces)
