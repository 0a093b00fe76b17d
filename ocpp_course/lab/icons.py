"""Every sign of the course: drawn by hand on a grid of 24, in the colour of the text beside it."""

from __future__ import annotations

import base64

PATHS: dict[str, str] = {
    # the three actors
    "charge point": (
        '<path d="M5 21.5V4.5a2 2 0 0 1 2-2h6a2 2 0 0 1 2 2v17M3 21.5h14"/><path d="M7.8 5.6h4.4v3.2H7.8z"/>'
        '<path d="M10.8 11.2 8.6 14.6h2.8l-1 3.2"/>'
        '<path d="M15 10.5h1.5a1.5 1.5 0 0 1 1.5 1.5v4a1.6 1.6 0 0 0 3.2 0V9.5l-2-2.5m2 3.5h-1.6V7.6"/>'
    ),
    "central system": (
        '<rect x="4" y="2.8" width="16" height="5.4" rx="1.6"/>'
        '<rect x="4" y="9.3" width="16" height="5.4" rx="1.6"/>'
        '<rect x="4" y="15.8" width="16" height="5.4" rx="1.6"/>'
        '<path d="M7.2 5.5h.01M7.2 12h.01M7.2 18.5h.01" stroke-width="2.4"/>'
        '<path d="M11 5.5h5.8M11 12h5.8M11 18.5h5.8"/>'
    ),
    "connection": (
        '<path d="M2 12h20"/><circle cx="4" cy="12" r="1.8" fill="currentColor"/>'
        '<circle cx="20" cy="12" r="1.8" fill="currentColor"/>'
    ),
    # faults of answers
    "ignore": '<ellipse cx="12" cy="16.5" rx="9" ry="3.8"/><path d="M12 3v8m-3-3 3 3 3-3"/>',
    "delay": '<circle cx="12" cy="12.5" r="8.7"/><path d="M12 7.2v5.5l3.6 2.2"/>',
    "CallError": '<rect x="3.5" y="3.5" width="17" height="17" rx="3"/><path d="M12 7.6v5.6M12 16.4h.01"/>',
    "answer twice": (
        '<rect x="3" y="4.5" width="13" height="8.5" rx="2"/>'
        '<path d="M19.5 10.5a1.5 1.5 0 0 1 1.5 1.5v6a2 2 0 0 1-2 2H9.5A1.5 1.5 0 0 1 8 18.5"/>'
    ),
    "wrong id": '<path d="M5.5 9.2h13M5.5 14.8h13M15.5 4.5l-7 15"/>',
    "wrong payload": (
        '<path d="M8.5 3.5C6 3.5 6 6 6 8s-.2 4-2.6 4C5.8 12 6 14 6 16s0 4.5 2.5 4.5M15.5 3.5C18 3.5 18 6 18'
        ' 8s.2 4 2.6 4C18.2 12 18 14 18 16s0 4.5-2.5 4.5M10.3 9.6a1.7 1.7 0 1 1 1.7 2.2v1.2M12 16h.01"/>'
    ),
    "garbage": '<path d="M2.5 14.5 5 8l3 9 3-12 3 14 2.5-9 2 5 2.5-3"/>',
    # faults of the connection
    "stop reading": '<path d="M2.5 12s3.6-6 9.5-6 9.5 6 9.5 6-3.6 6-9.5 6-9.5-6-9.5-6zM4 20.5l16-17"/>',
    "refuse": '<circle cx="12" cy="12" r="8.7"/><path d="M7.5 12h9" stroke-width="2.6"/>',
    "half-open": (
        '<path d="M2.5 8h17m-4-4 4 4-4 4"/><path d="M21.5 16.5h-4m-3 0h-3m-3 0h-2"/><path d="m2.5 14 4 5m0-5-4 5"/>'
    ),
    "latency": (
        '<path d="M6 2.8h12M6 21.2h12M7.5 2.8c0 5 4.5 6 4.5 9.2s-4.5 4.2-4.5 9.2M16.5 2.8c0 5-4.5 6-4.5'
        ' 9.2s4.5 4.2 4.5 9.2"/>'
    ),
    "bandwidth": '<path d="M2 5c5 0 5 5 10 5s5-5 10-5M2 19c5 0 5-5 10-5s5 5 10 5"/>',
    # once
    "close": '<path d="M6.5 21V4.5A1.5 1.5 0 0 1 8 3h8a1.5 1.5 0 0 1 1.5 1.5V21M3 21h18M14 12.2h.01"/>',
    "cut": '<circle cx="5.5" cy="6.5" r="2.8"/><circle cx="5.5" cy="17.5" r="2.8"/><path d="M8 8 21 18M8 16 21 6"/>',
    "reset": '<path d="M13.5 2.5 5.5 13.5h6l-1.5 8 8.5-11.5h-6.5z"/>',
    # work
    "play": '<path d="M7 4.5v15l12-7.5z" fill="currentColor"/>',
    "pause": '<path d="M8 5v14M16 5v14" stroke-width="3.2"/>',
    "heartbeat": '<path d="M2 12.5h4.5l2-5 3.5 11 3-8 1.5 2H22"/>',
    "tick": '<path d="m4.5 12.5 5 5 10-11" stroke-width="2.4"/>',
    "cross": '<path d="m6 6 12 12M18 6 6 18" stroke-width="2.4"/>',
    "notebook": '<path d="M6 3h11a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H6zM9.5 3v18M3.5 7H6M3.5 12H6M3.5 17H6"/>',
    "exercise": '<path d="m4 20 .9-4.2L16.3 4.4a2 2 0 0 1 2.9 0l.4.4a2 2 0 0 1 0 2.9L8.2 19.1zM14 7l3 3"/>',
    "time": '<circle cx="12" cy="12.5" r="8.7"/><path d="M12 7.2v5.5l3.6 2.2"/>',
    "next": '<path d="M4 12h15m-6-6 6 6-6 6"/>',
    "previous": '<path d="M20 12H5m6-6-6 6 6 6"/>',
    "all off": '<path d="M12 3v9M7.3 6.2a8 8 0 1 0 9.4 0"/>',
    "plug": '<path d="M9 2.5v5M15 2.5v5M6 7.5h12v4a6 6 0 0 1-12 0zM12 17.5v4"/>',
    "key": '<circle cx="7.5" cy="15.5" r="4.5"/><path d="m11 12 9-9M16 7l3 3"/>',
}


def icon(name: str, size: float | None = None) -> str:
    """Inline SVG, hidden from screen readers: the word beside it says it. ``size`` in CSS pixels; else it
    follows the text.

    It holds no text: an untrusted notebook drops the tags of an SVG and keeps its words. Raises ValueError for a name
    that has no sign.
    """
    if name not in PATHS:
        raise ValueError(f"expected one of the signs {', '.join(PATHS)}, came {name!r}")
    style = f' style="width:{size}px;height:{size}px"' if size else ""
    return f'<svg class="i" viewBox="0 0 24 24" aria-hidden="true"{style}>{PATHS[name]}</svg>'


def mask(name: str, stroke: float) -> str:
    """A sign as a CSS ``url()``: a mask, so that what it stands before gives it its colour."""
    look = f'fill="none" stroke="#000" stroke-width="{stroke}" stroke-linecap="round" stroke-linejoin="round"'
    shapes = PATHS[name].replace("currentColor", "#000")
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" {look}>{shapes}</svg>'
    return f"url(data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
