"""`page`: digests as one self-contained HTML file; `fragment`: the same for the output of a cell.

Nothing is fetched from anywhere, and a log is text: whatever a peer has sent is escaped, and the page may load nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from ocpp_course.explain import words
from ocpp_course.explain.charge import Charge
from ocpp_course.explain.digest import Digest
from ocpp_course.explain.ink import clean, many
from ocpp_lab.logs import Finding

from ..grid import grid
from ..sheet import rules, sheet
from ..vector import script
from .findings import findings, one_finding
from .timeline import timeline

MOST_STATIONS = 8
"""Charge points that are drawn; those with findings come first."""
MOST_ROWS = 200
"""Transactions in the table."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>{body}</main>
<footer class="ol">Made by <code>ocpp-lab explain</code>. This page is complete: it fetches nothing.</footer>
</body>
</html>
"""


def page(digests: Sequence[Digest]) -> str:
    """A whole page."""
    names = ", ".join(Path(each.source).name for each in digests)
    return PAGE.format(
        policy=POLICY, title=escape(clean(f"{names}: what happened")), style=rules("page"), body=fragment(digests)
    )


def fragment(digests: Sequence[Digest]) -> str:
    """What stands in the page, with its style and its scripts."""
    return _live("".join(map(_log, digests)))


def proof(digest: Digest, finding: Finding) -> str:
    """One finding alone, with its style and its scripts."""
    return _live(one_finding(digest, 1, finding))


def _live(body: str) -> str:
    live = f"<script>{script('vector')}</script><script>{script('ladder')}</script>"
    return f'<div class="ol report">{sheet("report", "grid")}{body}{live}</div>'


def _log(digest: Digest) -> str:
    if not digest.frames:
        return f"<section>{_head(digest)}<pre>{escape(digest.advice)}</pre></section>"
    return f"<section>{_head(digest)}{findings(digest)}{_times(digest)}{_charges(digest)}</section>"


def _head(digest: Digest) -> str:
    facts = [words.span(digest)] if digest.frames else []
    facts += [f"{many(digest.lines, 'line')}, {many(digest.frames, 'frame')}"]
    facts += [many(len(digest.stations), "charge point")] if digest.stations else []
    facts += [digest.format] if digest.format not in ("", "unknown") else []
    facts += [digest.viewpoint] if digest.viewpoint else []
    facts += [f"{count:,} frames are {name}" for name, count in digest.conditions.items() if name != "whole"]
    told = "".join(f"<li>{escape(clean(fact))}</li>" for fact in facts)
    notes = "".join(f"<p class=note>{escape(clean(note))}</p>" for note in digest.notes)
    return f"<h2>{escape(clean(Path(digest.source).name))}</h2><ul>{told}</ul>{notes}"


def _times(digest: Digest) -> str:
    wrong = {each.identity for each in digest.findings}
    stations = sorted(digest.stations.values(), key=lambda each: each.identity not in wrong)
    drawn = [picture for each in stations[:MOST_STATIONS] if (picture := timeline(digest, each))]
    if not drawn:
        return ""
    more = len(stations) - MOST_STATIONS
    rest = f"<p class=note>{more:,} more charge points are not drawn.</p>" if more > 0 else ""
    legend = (
        "<p class=note>Bars: transactions. Strips: what each connector said it was. Numbers: the findings above.</p>"
    )
    return f"<h3>Over time</h3>{legend}{''.join(each.picture() for each in drawn)}{rest}"


def _charges(digest: Digest) -> str:
    if not digest.charges:
        return ""
    several = len({each.identity for each in digest.charges}) > 1
    columns = ["charge point", "connector", "tag", "from", "to", "energy", "ended", "line"][not several :]
    rows: dict[str, list[object]] = {}
    for each in digest.charges[:MOST_ROWS]:
        rows[_unlike(rows, each)] = [
            clean(words.name(each.identity)), "?" if each.connector is None else str(each.connector),
            clean(each.id_tag or "?"), words.clock(each.began, digest), words.clock(each.ended, digest),
            words.energy(each), clean(words.ending(each)), each.line,
        ][not several :]  # fmt: skip
    table = grid(rows, columns, corner="transaction")._repr_html_().replace(sheet("grid"), "")
    more = sum(each.transactions for each in digest.stations.values()) - len(rows)
    rest = f"<p class=note>{more:,} more are not shown.</p>" if more > 0 else ""
    return f"<h3>{words.total(digest.stations.values())}</h3><div class=table tabindex=0>{table}</div>{rest}"


def _unlike(rows: dict[str, list[object]], charge: Charge) -> str:
    """The transaction id as the name of a row; what nobody sees tells two with the same apart."""
    name = "?" if charge.transaction_id is None else str(charge.transaction_id)
    while name in rows:
        name += "\u200b"
    return name
