"""`as_json`: a digest as one JSON object, for programs. Its keys stay; new ones may join."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ocpp_lab.logs import Finding

from .digest import Digest


def as_json(digest: Digest) -> dict[str, Any]:
    """Times in ISO 8601, energy in Wh."""
    return {
        "source": digest.source,
        "lines": digest.lines,
        "format": digest.format,
        "viewpoint": digest.viewpoint,
        "zone": digest.zone,
        "first": _time(digest.first),
        "last": _time(digest.last),
        "frames": {"total": digest.frames, **digest.conditions},
        "notes": digest.notes,
        "advice": digest.advice,
        "charge_points": [
            {
                "identity": each.identity,
                "frames": each.frames,
                "connections": each.connections,
                "boots": each.boots,
                "calls": dict(each.calls),
                "refused": dict(each.refused),
            }
            for each in digest.stations.values()
        ],
        "transactions": [
            {
                "identity": each.identity,
                "connector": each.connector,
                "id_tag": each.id_tag,
                "transaction_id": each.transaction_id,
                "began": _time(each.began),
                "ended": _time(each.ended),
                "energy_wh": each.energy,
                "reason": each.reason,
                "line": each.line,
            }
            for each in digest.charges
        ],
        "findings": [_finding(each) for each in digest.findings],
    }


def _finding(each: Finding) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "identity": each.identity,
        "lines": list(each.lines),
        "what": each.what,
        "side": each.side,
        "certainty": each.certainty,
        "do": each.do,
        "section": each.section,
        "taught": {"notebook": each.taught[0], "heading": each.taught[1]},
        "weight": each.weight,
        "times": each.times,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at else None
