"""`Digest`: what is left of a log once it is read: who, when, how much energy, what is wrong. Small, whatever the log.

A log of ordinary size is one chapter; a digest of more takes each chapter while it is there and lets it go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ocpp_lab.frames import ERROR_CODES, CallError
from ocpp_lab.logs import Finding, Log, LoggedStatus, LoggedTransaction, Seen, diagnose, merge, statuses, transactions
from ocpp_lab.logs.voting import LEGAL

from .charge import Charge, Key, charge_of, joined, same, when
from .excerpt import Excerpt, excerpt

MOST_KEPT = 2000
"""Transactions, and changes of status, that are kept one by one; of more only the number is known."""
MOST_EXCERPTS = 40
"""Findings that get a ladder."""


class StatusChange(NamedTuple):
    """A connector has this status from ``at`` on."""

    identity: str | None
    connector: int
    status: str
    error_code: str
    at: datetime | None
    line: int


@dataclass
class Station:
    """One charge point of the log."""

    identity: str | None
    frames: int = 0
    """Of it, whoever sent them."""
    connections: int = 0
    """That the log shows."""
    boots: int = 0
    """BootNotifications."""
    calls: Counter[str] = field(default_factory=Counter)
    """By action."""
    refused: Counter[str] = field(default_factory=Counter)
    """Calls that were answered with a no, which nobody need have done wrong: by "SetChargingProfile Rejected"."""
    transactions: int = 0
    """All of them, also those that are not kept one by one."""
    energy: float = 0.0
    """Of all of them, as far as the log shows it (Wh)."""


def refusal(seen: Seen) -> str | None:
    """What a reply refused, and in which word; None if it refused nothing, or its call is not in the log."""
    if seen.kind == 2 or seen.action not in LEGAL:
        return None
    if isinstance(seen.frame, CallError):
        return f"{seen.action} {seen.frame.code if seen.frame.code in ERROR_CODES else 'CallError'}"
    said = seen.payload.get("status")
    return f"{seen.action} {said}" if said in ("Rejected", "NotSupported", "NotImplemented") else None


@dataclass
class Digest:
    """``take(log)`` each chapter, then `finish`. What is in it may be cut down with `only`."""

    source: str
    lines: int = 0
    """Of the whole log."""
    format: str = "unknown"
    viewpoint: str = ""
    zone: str = "unknown"
    """Whether the times of the log carry an offset."""
    dated: bool = True
    first: datetime | None = None
    last: datetime | None = None
    advice: str = ""
    """What to turn on where; "" if there are frames."""
    conditions: Counter[str] = field(default_factory=Counter)
    """How many frames are whole, mended, broken, elided."""
    notes: list[str] = field(default_factory=list)
    stations: dict[str | None, Station] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    changes: list[StatusChange] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    excerpts: dict[tuple[str, str | None, tuple[int, ...]], Excerpt] = field(default_factory=dict)
    """By rule, identity and lines of a finding."""
    chapters: int = 0

    @property
    def frames(self) -> int:
        """How many, in whatever condition."""
        return self.conditions.total()

    def excerpt_of(self, finding: Finding) -> Excerpt | None:
        """The frames around a finding; None if no frame shows it, or too many others have theirs."""
        exact = self.excerpts.get((finding.rule, finding.identity, finding.lines))
        if exact or self.chapters < 2:
            return exact
        near = (kept for key, kept in self.excerpts.items() if key[:2] == (finding.rule, finding.identity))
        return next(near, None)

    def take(self, log: Log) -> None:
        """Add a chapter."""
        self.chapters += 1
        self.lines = max(self.lines, log.lines)
        if self.chapters == 1:
            self.format, self.zone, self.dated = log.format, log.zone, log.dated
            self.viewpoint = str(log.viewpoint) if log.viewpoint.side else ""
        self.notes += [note for note in log.notes if note not in self.notes]
        self._count(log)
        self._connections(log)
        self._charges(transactions(log))
        self._changes(statuses(log))
        found = diagnose(log)
        for each in found:
            if len(self.excerpts) < MOST_EXCERPTS and (shown := excerpt(log, each)):
                self.excerpts[each.rule, each.identity, each.lines] = shown
        self.findings += found

    def finish(self) -> None:
        """All chapters were taken."""
        if self.chapters > 1:
            self.findings = merge(self.findings)
        self.findings.sort(key=lambda each: each.sort_key)
        if not self.frames and not self.advice:
            self.advice = Log(self.source, self.lines, ()).no_frames_advice()

    # -- one chapter

    def _count(self, log: Log) -> None:
        seen_before = self._last_line
        for seen in log.seen:
            if seen.line <= seen_before and self.chapters > 1:
                continue  # chapters overlap
            self._last_line = max(self._last_line, seen.last_line)
            self.conditions[seen.condition] += 1
            station = self.stations.setdefault(seen.identity, Station(seen.identity))
            station.frames += 1
            if seen.kind == 2:
                station.calls[seen.action or "?"] += 1
                station.boots += seen.action == "BootNotification"
            elif said := refusal(seen):
                station.refused[said] += 1
            if seen.at:
                self.first = min(self.first or seen.at, seen.at)
                self.last = max(self.last or seen.at, seen.at)

    _last_line: int = 0  # of the frames that were counted; `_count` moves it on

    def _connections(self, log: Log) -> None:
        for each in log.connections:
            station = self.stations.get(each.identity)
            goes_on = self.chapters > 1 and each.first_line <= self._lines_before and station and station.connections
            if station and not goes_on:
                station.connections += 1
        self._lines_before = log.lines

    _lines_before: int = 0  # of the chapters before; `_connections` moves it on

    def _charges(self, found: Iterable[LoggedTransaction]) -> None:
        """What the chapter before has of a transaction is joined with what this one has."""
        newest: dict[Key, tuple[Charge, int]] = {}
        for each in found:
            charge = charge_of(each)
            known = (self._before[key] for key in charge.keys if key in self._before)
            mine = (each for each in known if same(each[0], charge))
            before, place = next(mine, (None, len(self.charges)))
            charge = joined(before, charge) if before else charge
            station = self.stations.setdefault(charge.identity, Station(charge.identity))
            station.transactions += before is None
            station.energy += (charge.energy or 0.0) - ((before.energy or 0.0) if before else 0.0)
            if place < len(self.charges):
                self.charges[place] = charge
            elif place < MOST_KEPT:
                self.charges.append(charge)
            newest |= dict.fromkeys(charge.keys, (charge, place))
        self._before = newest

    _before: dict[Key, tuple[Charge, int]] = field(default_factory=dict)
    """Of the chapter before, each with its place in ``charges``: they may go on in this one."""

    def _changes(self, found: Iterable[LoggedStatus]) -> None:
        newest = self.changes[-1].line if self.changes else 0
        for each in found:
            if each.seen.line > newest and len(self.changes) < MOST_KEPT:
                at = when(each.at, each.seen)
                self.changes.append(
                    StatusChange(each.identity, each.connector, each.status, each.error_code, at, each.seen.line)
                )

    # -- a part of it

    def only(self, identity: str | None = None, since: datetime | None = None) -> Digest:
        """The same of one charge point, or of what happened since an instant. All of the log was looked at."""
        kept = Digest(
            self.source, self.lines, self.format, self.viewpoint, self.zone, self.dated, self.first, self.last,
            self.advice, self.conditions, self.notes, excerpts=self.excerpts, chapters=self.chapters,
        )  # fmt: skip

        def wanted(each: str | None) -> bool:
            return identity is None or each == identity

        def late(at: datetime | None) -> bool:
            return since is None or at is None or at >= since

        kept.stations = {name: each for name, each in self.stations.items() if wanted(name)}
        kept.charges = [each for each in self.charges if wanted(each.identity) and late(each.ended or each.began)]
        kept.changes = [each for each in self.changes if wanted(each.identity) and late(each.at)]
        kept.findings = [each for each in self.findings if wanted(each.identity) and late(self._newest(each))]
        return kept

    def _newest(self, finding: Finding) -> datetime | None:
        """When the finding was seen last, as far as that is known."""
        shown = self.excerpt_of(finding)
        times = [seen.at for seen in shown.seen if seen.index in shown.marked and seen.at] if shown else []
        return max(times, default=None)


def digest(source: str, chapters: Iterable[Log]) -> Digest:
    """The digest of a log that comes in chapters."""
    made = Digest(source)
    for log in chapters:
        made.take(log)
    made.finish()
    return made
