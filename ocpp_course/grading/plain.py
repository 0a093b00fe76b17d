"""`plain`: other people's text, safe for a terminal, a line of a table, a file."""

from __future__ import annotations

import unicodedata

LONGEST = 2_000
"""Characters that are shown of one text."""
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories that move the cursor, turn the direction, end a line, cannot be written, or show nothing."""


def plain(text: object, longest: int = LONGEST) -> str:
    r"""Every character that is not seen as itself becomes its escape: a newline ``\n``, the escape key ``\x1b``."""
    said = str(text)
    shown = "".join(_seen(each) for each in said[:longest])
    return shown if len(said) <= longest else f"{shown}…"


def _seen(character: str) -> str:
    return ascii(character)[1:-1] if unicodedata.category(character) in UNSEEN else character
