"""How wide a text is, and where its lines end. A picture that is text itself has nobody to ask.

The widths are those of DejaVu Sans, which is wider than nearly every font of a screen: what fits in it fits everywhere.
It is also the font of the pictures that GitHub shows (`tools/picture.py`).
"""

from __future__ import annotations

# Of the characters from space to ~, in hundredths of the letter size.
REGULAR = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
BOLD = (
    35, 46, 52, 84, 70, 100, 87, 31, 46, 46, 52, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70,
    70, 70, 40, 40, 84, 84, 84, 58, 100, 77, 76, 73, 83, 68, 68, 82, 84, 37, 37, 77, 64, 100, 84, 85,
    73, 85, 77, 72, 68, 81, 77, 110, 77, 72, 73, 46, 37, 46, 84, 50, 50, 67, 72, 59, 72, 68, 44, 72,
    71, 34, 34, 67, 34, 104, 71, 69, 72, 72, 49, 60, 48, 71, 65, 92, 65, 65, 58, 71, 37, 71, 84,
)  # fmt: skip

OTHERS = {"·": 35, "…": 100, "→": 84, "×": 84, "–": 50, "’": 35, "“": 54, "”": 54, "✓": 84}
UNKNOWN = 70


def width(text: str, size: float, *, bold: bool = False) -> float:
    """CSS pixels of a text in letters of so many CSS pixels; of a letter outside the table, about."""
    table = BOLD if bold else REGULAR
    places = [table[ord(c) - 32] if " " <= c <= "~" else OTHERS.get(c, UNKNOWN) for c in text]
    return sum(places) * size / 100


def lines(text: str, room: float, size: float, *, bold: bool = False) -> list[str]:
    """The text in lines of at most ``room`` CSS pixels, broken at spaces; a longer word has a line of its own."""
    done: list[str] = []
    for word in text.split():
        longer = f"{done[-1]} {word}" if done else word
        if done and width(longer, size, bold=bold) <= room:
            done[-1] = longer
        else:
            done.append(word)
    return done
