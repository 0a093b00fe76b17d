"""A ladder's facts and heights, without drawing it: `passages` and `layout`; and that it can be drawn."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from ocpp_course.lab import ladder
from ocpp_course.lab.layout import Layout, duration, lay_out, short_id
from ocpp_course.lab.passages import Passage, instants
from ocpp_course.lab.vector import Vector
from ocpp_lab import Event

SVG = "{http://www.w3.org/2000/svg}"

BOOT = '[2,"boot-0001","BootNotification",{}]'
ACCEPTED = '[3,"boot-0001",{"status":"Accepted"}]'
BEAT = '[2,"beat-0002","Heartbeat",{}]'


def cp(at: float, mark: str, text: str) -> Event:
    return Event(at, "CP_1", mark, text)


def frames(story: Layout) -> list[str]:
    return [arrow.words for arrow in sorted(story.arrows, key=lambda each: each.top)]


BOTH = (
    [cp(1.000, ">", BOOT), cp(1.003, "<", ACCEPTED)],
    [cp(1.001, "<", BOOT), cp(1.002, ">", ACCEPTED)],
)


def test_an_arrival_is_matched_to_its_departure_and_a_reply_to_its_call() -> None:
    passages = [i.item for i in instants(*BOTH) if i.what == "sent"]
    assert [(p.sent, p.received, p.action) for p in passages if isinstance(p, Passage)] == [
        (1.000, 1.001, "BootNotification"),
        (1.002, 1.003, "BootNotification"),
    ]
    assert passages[1].seconds == pytest.approx(0.003)  # type: ignore[union-attr]


@pytest.mark.parametrize("ends", [BOTH, (BOTH[0], []), ([], BOTH[1])], ids=["both", "charge point", "central system"])
def test_one_end_tells_the_same_frames_as_both(ends: tuple[list[Event], list[Event]]) -> None:
    assert frames(lay_out(instants(*ends))) == [
        "charge point sends Call BootNotification",
        "central system sends CallResult (Accepted) to BootNotification",
    ]


def test_at_equal_times_a_frame_is_sent_before_it_arrives() -> None:
    """A simulated clock stands still while frames pass; the order must not depend on it."""
    left = [cp(0, "<", BEAT), cp(0, ">", ACCEPTED)]
    right = [cp(0, ">", BEAT), cp(0, "<", ACCEPTED)]
    order = [(i.what, i.item.text) for i in instants(left, right)]
    assert order == [("sent", BEAT), ("received", BEAT), ("sent", ACCEPTED), ("received", ACCEPTED)]


def test_labels_say_action_short_id_and_duration() -> None:
    assert [arrow.label for arrow in lay_out(instants(*BOTH)).arrows] == [
        "BootNotification · id…0001",
        "Accepted · id…0001 · 3.0 ms",
    ]
    assert (short_id("1"), short_id("abcde")) == ("id 1", "id…bcde")
    assert [duration(s) for s in (0, 0.0004, 0.312, 2.0)] == ["0 ms", "0.4 ms", "312 ms", "2.0 s"]


def test_every_label_has_a_row_of_its_own() -> None:
    """Sent within a microsecond, and still legible."""
    burst = [cp(1 + n * 1e-7, ">", f'[2,"{n}","Heartbeat",{{}}]') for n in range(6)]
    layout = lay_out(instants(burst, []))
    tops = [arrow.top for arrow in layout.arrows]
    assert all(b - a >= 0.9 for a, b in pairwise(tops))
    assert all(arrow.bottom > arrow.top for arrow in layout.arrows)


def test_frames_that_cross_are_drawn_crossing() -> None:
    left = [cp(1.0, ">", BOOT), cp(1.3, "<", BEAT)]
    right = [cp(1.1, ">", BEAT), cp(1.2, "<", BOOT)]
    ours, theirs = sorted(lay_out(instants(left, right)).arrows, key=lambda arrow: arrow.sender)
    assert ours.top < theirs.top < ours.bottom < theirs.bottom


def test_a_timeout_is_a_mark_at_its_caller_and_colours_the_call() -> None:
    timeout = '[4,"boot-0001","Timeout","no answer within 5 s",{}]'
    layout = lay_out(instants([cp(1, ">", BOOT), cp(6, "!", timeout)], []))
    assert [(n.side, n.words, n.outcome) for n in layout.notes] == [("left", "BootNotification timed out", "timeout")]
    assert layout.arrows[0].outcome == "timeout"
    assert [(line.kind, line.text) for line in layout.across] == [("wait", "5.0 s")]


def test_a_break_is_drawn_once_though_both_ends_notice_it() -> None:
    lost = '[4,"boot-0001","ConnectionClosed","the connection was closed with 1001",{}]'
    left = [cp(1, ">", BOOT), cp(1.2, "!", lost), cp(1.21, "=", "booting → waiting (lost)")]
    right = [cp(0.9, "=", "connected"), cp(1.25, "=", "disconnected: this end closed with 1001")]
    layout = lay_out(instants(left, right))
    assert [line.text for line in layout.across] == ["connection closed with 1001"]
    assert layout.arrows[0].end == "lost"  # it never arrived, and the line is gone
    assert "charge point sends Call BootNotification (lost)" in layout.alt()


def test_after_a_reconnect_the_next_break_is_drawn_too() -> None:
    story = ["connecting → booting (opened)", "booting → waiting (lost)", "waiting → connecting (wait_over)"] * 2
    layout = lay_out(instants([cp(n / 10, "=", text) for n, text in enumerate(story)], []))
    assert [line.kind for line in layout.across] == ["cut", "cut"]


def test_what_nobody_read_yet_is_no_loss() -> None:
    layout = lay_out(instants([cp(1, ">", BOOT)], [cp(0.9, "=", "connected")]))
    assert layout.arrows[0].end == "unread"


@pytest.mark.parametrize("fate", ["late", "repeated", "orphan", "malformed"])
def test_a_reply_that_fits_no_call_is_named(fate: str) -> None:
    layout = lay_out(instants([cp(1, "<", ACCEPTED), cp(1, "!", f"{fate} reply: {ACCEPTED}")], []))
    assert layout.arrows[0].outcome == fate
    assert fate in layout.arrows[0].label


def test_only_the_action_under_study_is_coloured() -> None:
    error = '[4,"{}","InternalError","",{{}}]'
    story = [cp(1, ">", BOOT), cp(2, "<", error.format("boot-0001"))]
    story += [cp(3, ">", BEAT), cp(4, "<", error.format("beat-0002"))]
    outcomes = [arrow.outcome for arrow in lay_out(instants(story, []), study="Heartbeat").arrows]
    assert outcomes == [None, None, "CallError", "CallError"]


def test_what_went_well_is_not_coloured() -> None:
    assert {arrow.outcome for arrow in lay_out(instants(*BOTH)).arrows} == {None}


def test_of_a_thousand_frames_the_middle_is_left_out_and_counted() -> None:
    flood = [cp(n / 1e4, ">", f'[2,"{n}","Heartbeat",{{}}]') for n in range(1000)]
    layout = lay_out(instants(flood, []), limit=14)
    assert [arrow.label for arrow in layout.arrows] == [
        f"Heartbeat · {short_id(str(n))}" for n in [*range(7), *range(993, 1000)]
    ]
    assert [(line.kind, line.text) for line in layout.across] == [("left out", "986 more frames, not drawn")]
    assert layout.alt().endswith("986 more frames are left out.")


def test_the_alternative_text_has_neither_ids_nor_times() -> None:
    picture = ladder(*BOTH, title="The boot took 3 ms")
    assert picture.alt == (
        "Ladder diagram, charge point left, central system right: charge point sends Call BootNotification; "
        "central system sends CallResult (Accepted) to BootNotification."
    )
    assert f'alt="{picture.alt}"' in picture._repr_html_()
    assert repr(picture) == f"Picture: {picture.alt}"


def test_an_empty_story_is_a_picture_too() -> None:
    assert "no frames" in ladder([], []).alt


def test_a_span_of_time_and_one_identity_are_picked_out() -> None:
    other = Event(1.5, "CP_2", ">", BEAT)
    story = [cp(1, ">", BOOT), other, cp(2, ">", BEAT), cp(3, ">", BOOT)]
    alt = ladder(story, since=1.2, until=2.5, identity="CP_1").alt
    assert alt.count("charge point sends") == 1
    assert "Call Heartbeat" in alt


# --- drawn --------------------------------------------------------------------------------------------------------

LIFE = [
    cp(0.9, "=", "connecting → booting (opened)"),
    *BOTH[0],
    cp(1.004, "=", "booting → online (accepted)"),
    cp(1.005, "=", "connector 1: Available → Preparing"),
    cp(2.0, ">", BEAT),
    cp(3.0, "!", '[4,"beat-0002","Timeout","no answer within 1 s",{}]'),
    cp(3.1, "=", "online → waiting (lost)"),
]


def drawn(picture: Vector) -> Element:
    """The SVG, read as a browser's strictest reader does."""
    return fromstring(picture.svg)


def steps(picture: Vector) -> list[dict[str, str]]:
    return [group.attrib for group in drawn(picture).iter(f"{SVG}g") if group.get("class", "").split()[:1] == ["step"]]


def test_everything_that_happened_can_be_stopped_at() -> None:
    """In the order in which it is read, each with the state that it led to."""
    told = [(step["data-w"], step.get("data-s"), step.get("data-l")) for step in steps(ladder(LIFE))]
    assert told == [
        ("charge point is now booting", "booting", "half"),
        ("charge point sends Call BootNotification", "booting", "half"),
        ("central system sends CallResult (Accepted) to BootNotification", "booting", "half"),
        ("charge point is now online", "online", "up"),
        ("connector is now Preparing", "online", "up"),
        ("charge point sends Call Heartbeat", "online", "up"),
        ("Heartbeat timed out", "online", "up"),
        ("connection lost", "online", "up"),
        ("charge point is now waiting", "waiting", None),
    ]


def test_a_frame_is_there_as_it_was_sent() -> None:
    by_words = {step["data-w"]: step for step in steps(ladder(*BOTH))}
    boot = by_words["charge point sends Call BootNotification"]
    assert (boot["data-f"], boot["data-t"], boot["data-d"]) == (BOOT, "0 ms", "1.0 ms")
    answer = by_words["central system sends CallResult (Accepted) to BootNotification"]
    assert (answer["data-f"], answer["data-a"]) == (ACCEPTED, "3.0 ms")


@pytest.mark.parametrize("text", ["\x00\x1b[31m", "\ud800", "</svg><script>alert(1)</script>", "\"'&<", "a" * 50_000])
def test_whatever_a_peer_sends_stays_text(text: str) -> None:
    """It may hold what no SVG can, and it shall not be longer than a reader reads."""
    picture = ladder([cp(1, "<", text)])
    [step] = steps(picture)
    assert len(step["data-f"]) <= 6001
    assert "script>alert" not in picture._repr_html_().replace("&lt;script&gt;", "")
    assert len(list(drawn(picture).iter(f"{SVG}script"))) == 0


def test_the_lifeline_has_the_lamp_of_each_state() -> None:
    lives = [rect.get("class") for rect in drawn(ladder(LIFE)).iter(f"{SVG}rect") if "life" in rect.get("class", "")]
    assert [str(life).split() for life in lives] == [["life", "half"], ["life", "half"], ["life", "up"], ["life"]]


def test_a_picture_that_begins_later_knows_the_state_until_then() -> None:
    assert {step["data-s"] for step in steps(ladder(LIFE, since=1.5, until=2.5))} == {"online"}
    assert "data-s" not in steps(ladder([cp(1, ">", BEAT)]))[0], "nobody said which"


def test_without_states_the_lifeline_still_has_them() -> None:
    picture = ladder(LIFE, states=False)
    assert not any("is now" in step["data-w"] for step in steps(picture))
    assert 'class="life up"' in picture.svg


def test_trouble_has_its_colour_and_its_sign() -> None:
    """A word of the palette as a class; amber is for faults, and a frame is none."""
    groups = {g.attrib["data-w"]: g for g in drawn(ladder(LIFE)).iter(f"{SVG}g") if "data-w" in g.attrib}
    assert groups["Heartbeat timed out"].get("class") == "step timeout"
    assert groups["charge point sends Call Heartbeat"].get("class") == "step timeout"
    assert [path.get("class") for path in groups["Heartbeat timed out"].iter(f"{SVG}path")] == ["x"]
    assert "--fault)" not in ladder(LIFE).svg.partition("</style>")[2]


def test_solid_asks_and_hollow_answers() -> None:
    call, answer = [g for g in drawn(ladder(*BOTH)).iter(f"{SVG}g") if "data-f" in g.attrib]
    shapes = [[path.get("class") for path in group.iter(f"{SVG}path")] for group in (call, answer)]
    assert shapes == [["wire", "full tip"], ["wire reply", "hollow tip"]]


# --- from a file --------------------------------------------------------------------------------------------------


def test_a_ladder_is_drawn_from_files_as_from_traces(tmp_path: Path) -> None:
    for name, story in zip(("left", "right"), BOTH, strict=True):
        (tmp_path / name).write_text("".join(event.line() for event in story))
    picture = ladder(tmp_path / "left", str(tmp_path / "right"), title="The boot took 3 ms")
    assert picture.svg == ladder(*BOTH, title="The boot took 3 ms").svg


def test_a_file_that_is_no_trace_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("remember the milk\n")
    with pytest.raises(ValueError, match=r"notes.txt, line 1: expected .* came 'remember the milk'"):
        ladder(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError):
        ladder("no such night.jsonl")


def test_the_words_of_a_break_do_not_cover_the_end_of_what_it_cost() -> None:
    """A cross in the middle of the picture, where those words stand."""
    left = [cp(1, ">", BOOT), cp(1.2, "=", "booting → waiting (lost)")]
    layout = lay_out(instants(left, [cp(1.01, "<", BOOT), cp(1.02, ">", ACCEPTED)]))
    [lost] = [arrow for arrow in layout.arrows if arrow.end == "lost"]
    [cut] = layout.across
    assert cut.y - lost.bottom > 0.5
