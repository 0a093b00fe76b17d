"""`copies`: the transaction messages of a charge point, each with all its copies (core 3.7, 3.7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..messages import TRANSACTION_ACTIONS
from .exchanges import Exchange
from .seen import Seen

_ID = re.compile(r'"transactionId"\s?:\s?-?\d+\s?,?')


@dataclass(slots=True)
class Copies:
    """One transaction message, and how often it was sent."""

    exchanges: list[Exchange]
    """One for each copy, in their order; never empty."""

    @property
    def first(self) -> Seen:
        """Its first copy."""
        return self.exchanges[0].call

    @property
    def last(self) -> Seen:
        """Its newest copy."""
        return self.exchanges[-1].call


def copies(exchanges: Iterable[Exchange]) -> list[Copies]:
    """All messages, in the order of their first copies: alike is what differs in nothing but the transaction's id.

    MeterValues without one, and those that were triggered, need not be kept.
    """
    found: dict[str, Copies] = {}
    for each in exchanges:
        call = each.call
        if call.action not in TRANSACTION_ACTIONS or call.frame is None or call.sender != "charge point":
            continue
        if call.action == "MeterValues" and ("transactionId" not in call.payload or '"Trigger"' in call.text):
            continue
        content = _ID.sub("", call.text[call.text.find(call.action) :])
        found.setdefault(content, Copies([])).exchanges.append(each)
    return list(found.values())
