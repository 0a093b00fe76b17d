"""Colours and letters of the picture, and the few SVG elements that it is made of."""

from __future__ import annotations

from html import escape

LETTER = 7.9
"""Width of a letter of 13 px on the average, in DejaVu Sans, the widest of the fonts below."""

THEMES = (
    {"paper": "#ffffff", "band": "#f2f4f8", "ink": "#1c2430", "dim": "#5b6470"},
    {"paper": "#111418", "band": "#1b2027", "ink": "#e8edf3", "dim": "#a3adb8"},
)
"""Light, dark."""

MILESTONES = (
    ("#69707a", "#9aa4af"),  # what no milestone builds, or all of them do
    ("#1466d6", "#6aabfd"),
    ("#0f766e", "#5fd3c4"),
    ("#7a3fc2", "#bb9cf7"),
    ("#b0286e", "#f291c3"),
    ("#a8560a", "#ffae5c"),
    ("#3d7a12", "#9bd36a"),
    ("#7d6300", "#e3c84f"),
    ("#0b6b94", "#6cc6f0"),
    ("#a33030", "#f09a9a"),
)
"""The colour of each milestone, light and dark. A number says the same: nothing is told by colour alone."""

FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif'


def style(rooms: list[str]) -> str:
    """The style sheet: both themes and, when the picture is open by itself, the lines of the room under the pointer."""
    hover = [f"svg:has(.r-{name}:hover) .w:not(.f-{name},.t-{name}){{opacity:.15}}" for name in rooms]
    return "\n".join(
        [
            "<style>",
            f"text{{font:13px {FONT}}}.small{{font-size:12px}}.title{{font-size:18px;font-weight:650}}",
            ".mid{text-anchor:middle}.l{fill:none;stroke-width:1.6}.halo{fill:none;stroke-width:4.2}",
            ".room rect{stroke-width:1.5}.number{font-weight:700;font-size:11px}",
            *_theme(0),
            "@media(prefers-color-scheme:dark){",
            *_theme(1),
            "}",
            "svg:has(.room:hover) .halo{display:none}",
            *hover,
            "</style>",
        ]
    )


def _theme(which: int) -> list[str]:
    theme = THEMES[which]
    rules = [
        f".paper{{fill:{theme['paper']}}}.band{{fill:{theme['band']}}}.halo{{stroke:{theme['paper']}}}",
        f"text{{fill:{theme['ink']}}}.dim{{fill:{theme['dim']}}}",
    ]
    for number, colours in enumerate(MILESTONES):
        colour = colours[which]
        rules.append(
            f".m{number} rect{{stroke:{colour};fill:{_mixed(colour, theme['paper'], 0.08)}}}"
            f".m{number} .number,.head.m{number}{{fill:{colour}}}.l.m{number}{{stroke:{colour}}}"
        )
    return rules


def _mixed(colour: str, paper: str, share: float) -> str:
    """So much of a colour on paper."""
    pairs = [(int(colour[at : at + 2], 16), int(paper[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(share * one + (1 - share) * other):02x}" for one, other in pairs)


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text{_class(kind)} x="{x:g}" y="{y:g}">{escape(words)}</text>'


def box(x: float, y: float, wide: float, high: float, kind: str = "", round_by: int = 7) -> str:
    return f'<rect{_class(kind)} x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="{round_by}"/>'


def line(path: str, kind: str) -> str:
    return f'<path{_class(kind)} d="{path}"/>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
