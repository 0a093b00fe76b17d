"""The tables that the notebooks have in common: `facts`, `ends`, `invoices`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .calls import Ended
from .grid import Verdict, bad, good, grid
from .palette import MEANING_OF

PRICE = 0.45
"""Euro for a kWh, in the course's invoices."""


def facts(said: Mapping[str, Any], title: str = "") -> grid:
    """A sentence in each row, and whether it holds: True, False, or what it is."""
    return grid({sentence: [value] for sentence, value in said.items()}, title=title)


def outcome(name: str, more: str = "") -> Verdict:
    """A cell for how a call ended, with the sign and the colour of that end. Raises KeyError for no outcome."""
    return Verdict(MEANING_OF[name], name, more)


def ends(ended: Iterable[Ended], title: str = "", *, names: Sequence[str] = ()) -> grid:
    """How each call ended, in a row of its own. ``names`` say more than the actions do."""
    calls = list(ended)
    said = names or [call.action for call in calls]
    rows = {f"{number} · {name}": call for number, (name, call) in enumerate(zip(said, calls, strict=True), start=1)}
    shown = {name: [outcome(call.outcome), call.detail] for name, call in rows.items()}
    return grid(shown, ["end", "what the caller is told"], title=title, corner="call")


def invoices(rows: Iterable[Mapping[str, Any]], title: str = "") -> grid:
    """A ledger as its operator reads it: an invoice for each row (``id``, ``tag``, ``Wh``; None: it never ended)."""
    bills = list(rows)
    shown = {f"{number}": _bill(bill) for number, bill in enumerate(bills, start=1)}
    energy = sum(bill["Wh"] or 0 for bill in bills) / 1000
    foot = ["together", "", "", f"{energy:.2f}", f"€ {energy * PRICE:.2f}"] if len(bills) > 1 else []
    counted = "No invoice" if not bills else f"{len(bills)} invoice{'s' if len(bills) > 1 else ''}"
    columns = ["transaction", "card", "kWh", "to pay"]
    return grid(shown, columns, title=title or counted, corner="invoice", foot=foot)


def _bill(bill: Mapping[str, Any]) -> list[Any]:
    if bill["Wh"] is None:
        return [bill["id"], bill["tag"], bad("never ended"), bad("open")]
    return [bill["id"], bill["tag"], f"{bill['Wh'] / 1000:.2f}", f"€ {bill['Wh'] / 1000 * PRICE:.2f}"]


def once(count: int, more: str = "") -> Verdict:
    """A cell for how often something is there that should be there once."""
    return good("once", more) if count == 1 else bad("lost", more) if not count else Verdict("twice", f"{count}×", more)
