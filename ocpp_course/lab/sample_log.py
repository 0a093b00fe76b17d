"""`sample_log`: a log to try things on: an evening of the simulator, written down as SteVe would."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ocpp_lab.frames import decode

from .detective.culprits import refuses_the_stop, register_falls
from .detective.evening import Evening, lines_of

WHO = "de.rwth.idsg.steve.ocpp.ws.WebSocketLogger"
WORDS = {"<": "Received", ">": "Sending"}


def sample_log() -> str:
    """Three drivers, a lost connection, and two things that are wrong. The same text every time."""
    return "".join(_steve(lines_of(_plant, 4, visits=3, lively=True)))


def _plant(evening: Evening) -> None:
    register_falls(evening)
    refuses_the_stop(evening)


def _steve(lines: list[str]) -> Iterator[str]:
    session = 0
    for line in lines:
        told = msgspec.json.decode(line)
        time = told["time"].replace("T", " ").replace(".", ",").removesuffix("Z")
        head = f"[INFO ] {time} {WHO} (qtp-1) - [chargeBoxId={told['identity']}, sessionId=s{session}]"
        match told["mark"], told["text"]:
            case "=", text if text.startswith("connected"):
                session += 1
                yield f"{head.replace(f'=s{session - 1}', f'=s{session}')} Connection is established\n"
            case "=", text if text.startswith("disconnected"):
                yield f"{head} Connection is closed, status: CloseStatus[code=1001, reason=maintenance]\n"
            case ("<" | ">") as mark, text:
                decode(text)  # what the simulator sends is a frame
                yield f"{head} {WORDS[mark]}: {text}\n"
