"""`summary`: a log on one screen: who, when, connections, transactions with their energy, findings by weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ocpp_lab.logs import Finding

from . import words
from .digest import Digest, Station
from .ink import Ink, clean, columns, many

MOST_STATIONS, MOST_CHARGES, MOST_FINDINGS = 5, 6, 8
"""Rows of each kind: with heads and totals, all of it fits 24 lines of a terminal nearly always."""
MOST_REFUSED = 3
"""Kinds of refused calls that are named."""
SIGNS = {"heavy": "■", "bug": "▲", "harmless": "·"}


def summary(digest: Digest, ink: Ink) -> list[str]:
    """Lines for a terminal."""
    lines = list(_head(digest, ink))
    if not digest.frames:
        return [*lines, "", *digest.advice.rstrip().splitlines()]
    lines += _stations(digest, ink)
    lines += _charges(digest, ink)
    lines += _refused(digest, ink)
    lines += _findings(digest, ink)
    return lines


def _head(digest: Digest, ink: Ink) -> Iterator[str]:
    written = f" · {digest.format}" if digest.format not in ("", "unknown") else ""
    counts = f"{many(digest.lines, 'line')}, {many(digest.frames, 'frame')}"
    yield f"{ink(clean(digest.source), 'bold')}{written} · {counts}"
    if digest.frames:
        yield ink.cut(words.span(digest), ink.width)
    if digest.viewpoint:
        yield ink.cut(digest.viewpoint, ink.width)
    odd = [f"{count:,} {condition}" for condition, count in digest.conditions.items() if condition != "whole"]
    if odd:
        yield ink.cut(f"not as they were on the wire: {', '.join(odd)}", ink.width)
    for note in digest.notes[:2]:
        yield ink.cut(f"note: {note}", ink.width)


def _stations(digest: Digest, ink: Ink) -> Iterator[str]:
    yield ""
    shown = list(digest.stations.values())[:MOST_STATIONS]
    rows = [_station(each) for each in shown]
    yield from (ink.cut(line, ink.width) for line in columns(rows))
    if len(digest.stations) > len(shown):
        yield f"… and {len(digest.stations) - len(shown):,} more charge points"


def _station(station: Station) -> list[str]:
    return [
        clean(words.name(station.identity)),
        many(station.frames, "frame"),
        many(station.connections, "connection"),
        many(station.boots, "boot"),
        words.total([station]),
    ]


def _charges(digest: Digest, ink: Ink) -> Iterator[str]:
    if not digest.charges:
        return
    yield ""
    several = len(digest.stations) > 1
    head = ["charge point", "transaction", "connector", "tag", "from", "to", "energy", "ended"]
    shown = digest.charges[:MOST_CHARGES]
    rows = [
        [
            clean(words.name(each.identity))[:20],
            "?" if each.transaction_id is None else str(each.transaction_id),
            "?" if each.connector is None else str(each.connector),
            clean(each.id_tag or "?")[:20],
            words.clock(each.began, digest),
            words.clock(each.ended, digest),
            words.energy(each),
            clean(words.ending(each)),
        ]
        for each in shown
    ]
    table = [row[not several :] for row in (head, *rows)]
    first, *others = columns(table, right=(len(table[0]) - 2,))
    yield ink(ink.cut(first, ink.width), "dim")
    yield from (ink.cut(line, ink.width) for line in others)
    count = sum(each.transactions for each in digest.stations.values())
    if count > len(shown):
        yield f"… {words.total(digest.stations.values())} in all"


def _refused(digest: Digest, ink: Ink) -> Iterator[str]:
    """Who looks for the reason of a no sees it here, also if the log does not say why, or nobody is at fault."""
    said = sum((each.refused for each in digest.stations.values()), Counter[str]())
    if said:
        told = ", ".join(f"{clean(what)} ×{times}" for what, times in said.most_common(MOST_REFUSED))
        yield ""
        yield ink.cut(f"refused: {told}{', …' if len(said) > MOST_REFUSED else ''}", ink.width)


def _findings(digest: Digest, ink: Ink) -> Iterator[str]:
    yield ""
    if not digest.findings:
        yield ink("Nothing wrong was found.", "good")
        return
    yield ink(f"{many(len(digest.findings), 'finding')}: {words.weighed(digest.findings)}", "bold")
    shown = digest.findings[:MOST_FINDINGS]
    rows = [[each.side.removeprefix("the "), f"×{each.times}", _sure(each) + clean(each.what)] for each in shown]
    for each, line in zip(shown, columns(rows, right=(1,)), strict=True):
        kind = words.kind_of(each)
        yield f"{ink(SIGNS[kind], kind)} {ink.cut(line, ink.width - 2)}"
    if more := len(digest.findings) - len(shown):
        yield f"… and {more} more below"


def _sure(finding: Finding) -> str:
    """What stands before a sentence that is not proved."""
    return {"proved": "", "likely": "likely: "}.get(finding.certainty, "the log ends too early: ")
