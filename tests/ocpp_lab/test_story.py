"""`Story` and `LogLines`: what passes, and what is logged, as lines that a person reads."""

from __future__ import annotations

import io
import logging

import pytest

from ocpp_lab.charge_point.dial_failed import DialFailed
from ocpp_lab.cli.story import MAX_LINE, LogLines, Story
from ocpp_lab.errors import ConnectionLost
from ocpp_lab.trace import Event

BOOT = '[2,"7","BootNotification",{"chargePointVendor":"V 1","chargePointModel":"M"}]'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(*events: tuple[str, str], out: io.StringIO | None = None, raw: bool = False) -> list[str]:
    """The lines of a story, without their times; an event is a mark and a text, 5 ms after the one before."""
    story = Story(out=out or io.StringIO(), raw=raw)
    for number, (mark, text) in enumerate(events):
        story.tell(Event(number * 0.005, "CP_1", mark, text))
    return [line[13:] for line in story.out.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_reply_is_told_with_its_action() -> None:
    """J-spec 4.2.2: a CallResult names no action; the unique id leads to it. Ids of both directions may be equal."""
    assert told(
        (">", BOOT),
        ("<", '[2,"7","Reset",{"type":"Soft"}]'),
        (">", '[4,"7","NotSupported","not here",{}]'),
        ("<", '[3,"7",{"interval":300,"status":"Accepted"}]'),
        ("<", '[3,"8",{}]'),
        ("!", '[4,"7","Timeout","no answer within 30 s",{}]'),
    ) == [
        '> CP_1     BootNotification     chargePointVendor="V 1" chargePointModel=M',
        "< CP_1     Reset                type=Soft",
        "> CP_1     Reset                CallError after 5 ms NotSupported not here",
        "< CP_1     BootNotification     CallResult after 15 ms interval=300 status=Accepted",
        "< CP_1     (unknown id)         CallResult after 0 ms",
        "! CP_1     BootNotification     CallError after 25 ms Timeout no answer within 30 s",
    ]


def test_raw_frames_and_other_texts_are_told_as_they_are() -> None:
    assert told((">", BOOT), ("=", "connected"), raw=True) == [f"> CP_1     {BOOT}", "= CP_1     connected"]
    assert told(("<", "no frame")) == ["< CP_1     no frame"]


def test_a_long_frame_is_cut_unless_raw() -> None:
    long = f'[2,"1","DataTransfer",{{"vendorId":"{"x" * 1000}"}}]'
    [cut] = told((">", long))
    assert cut.endswith("x…")
    assert len(cut) == MAX_LINE + len("> CP_1     ")
    assert told((">", long), raw=True) == [f"> CP_1     {long}"]


@pytest.mark.parametrize("raw", [True, False])
def test_a_peer_cannot_write_control_characters_on_the_terminal(raw: bool) -> None:
    """A terminal obeys escape sequences; a hostile peer could hide or forge lines with them."""
    [line] = told(("<", "\x1b[2Jgone \x9b1m \ud800\r\nforged"), raw=raw)
    assert line == "< CP_1     \\x1b[2Jgone \\x9b1m \\ud800\\r\\nforged"
    [line] = told(("<", '[2,"1","DataTransfer",{"vendorId":"\\u001b[2J"}]'))
    assert "\x1b" not in line


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert told(("!", "trouble"), out=Terminal()) == ["\033[31m! CP_1     trouble\033[0m"]
    monkeypatch.setenv("NO_COLOR", "1")
    assert told(("!", "trouble"), out=Terminal()) == ["! CP_1     trouble"]


def test_log_records_join_the_story_once() -> None:
    """What the trace tells already is not told again; of the WebSocket library only trouble, without a traceback."""
    story = Story(out=io.StringIO())
    with LogLines(story, lambda argument: "try again" if isinstance(argument, OSError) else None):
        logging.getLogger("ocpp_lab.connection").info("! not connected: %s", OSError("no route"))
        logging.getLogger("ocpp_lab.session").warning("! CP_1: bad frame: told by the trace")
        logging.getLogger("ocpp_lab.websockets").info("connection open")
        try:
            raise ValueError("no HTTP")
        except ValueError:
            logging.getLogger("ocpp_lab.websockets").exception("opening handshake failed")
            logging.getLogger("ocpp_lab.router").exception("! handler failed")
    logging.getLogger("ocpp_lab.connection").warning("after the story")
    lines = [line[13:] for line in story.out.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines[:3] == [
        "! not connected: no route; try again",
        "! opening handshake failed: no HTTP",
        "! handler failed",
    ]
    assert lines[-1] == "!     ValueError: no HTTP"
    assert len([line for line in lines if "Traceback" in line]) == 1


def test_why_a_dial_failed_is_told_once() -> None:
    """The trace has it, with who it was; other losses are only in the log."""
    story = Story(out=io.StringIO())
    with LogLines(story):
        logger = logging.getLogger("ocpp_lab.connection")
        logger.info("! not connected: %s: %s", "DialFailed", DialFailed("no TLS with h: it has expired"))
        logger.info("! not connected: %s: %s", "ConnectionLost", ConnectionLost("closed with 1001"))
    [line] = story.out.getvalue().splitlines()  # type: ignore[attr-defined]
    assert line.endswith("! not connected: ConnectionLost: closed with 1001")


def test_what_other_libraries_log_is_told_too() -> None:
    """It would go to stderr, and a paused terminal would hold up the loop there. A traceback of theirs is whole."""
    story = Story(out=io.StringIO())
    with LogLines(story):
        logging.getLogger("asyncio").info("using selector")
        try:
            raise OSError("too many open files")
        except OSError:
            logging.getLogger("asyncio").exception("socket.accept() out of system resource")
    logging.getLogger("asyncio").warning("after the story")
    lines = [line[13:] for line in story.out.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert (lines[0], lines[-1]) == (
        "! socket.accept() out of system resource",
        "!     OSError: too many open files",
    )
    assert "Traceback" in lines[1]


def test_a_terminal_without_arrows_gets_escapes() -> None:
    raw = io.BytesIO()
    story = Story(out=io.TextIOWrapper(raw, encoding="ascii"))
    story.say("=", "connecting → booting", "CP_1")
    assert raw.getvalue().endswith(b"= CP_1     connecting \\u2192 booting\n")
