"""`guess`: whose log this looks like. Nothing depends on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .seen import Seen

_LOOKS = (
    ("SteVe", r"WebSocketLogger|chargeBoxId="),
    ("evcc", r"\[ocpp\s*\] (?:TRACE|DEBUG)"),
    ("Home Assistant", r"\(MainThread\) \[(?:ocpp|custom_components\.ocpp|websockets)"),
    ("websockets", r"[<>] TEXT '"),
    ("openWB", r"\{ocpp:\d+\}"),
    ("mobilityhouse/ocpp", r"(?:^|\W)ocpp:\S*: ?(?:send|receive message)|\S*: (?:send|receive message) \["),
    ("MicroOcpp", r"\[MO\]|\[AO\]"),
    ("EVerest", r"ChargePoint>CentralSystem|CentralSystem>ChargePoint"),
    ("SAP simulator", r"Command '\w+' (?:sent|received)"),
    ("OCTT", r"\[msg-(?:in|out)\]"),
    ("HAR", r"_webSocketMessages"),
    ("our own trace", r'^\{.*"identity": .*"mark": "[<>=!]"'),
    ("our own command line", r"^\d\d:\d\d:\d\d\.\d{3} [<>=!] "),
    ("docker", r'^\{"log":'),
)


def guess(samples: Iterable[str], seen: Sequence[Seen]) -> str:
    """The name of the first format that a line looks like; "table", "prose" or "unknown" otherwise."""
    text = "\n".join(samples)
    for name, pattern in _LOOKS:
        if re.search(pattern, text, re.MULTILINE):
            return name
    if not seen:
        return "prose"
    return "table" if re.search(r"\t|\|.*\||;.*;", text) else "unknown"
