"""`ocpp-lab explain` as a newcomer meets it: a process of its own, its output, its exit status."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ocpp_course.lab.detective.evening import lines_of
from ocpp_course.lab.sample_log import sample_log


def run(*arguments: str | Path, stdin: str | bytes | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """``ocpp-lab explain …``, with nothing of this terminal's own."""
    command = [sys.executable, "-W", "error", "-m", "ocpp_course", "explain", *map(str, arguments)]
    around = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    given = stdin.encode() if isinstance(stdin, str) else stdin
    ran = subprocess.run(command, input=given or b"", capture_output=True, env=around | {"COLUMNS": "100"} | env)
    out, err = (text.decode() for text in (ran.stdout, ran.stderr))
    assert "Traceback" not in out + err, err
    return subprocess.CompletedProcess(command, ran.returncode, out, err)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """steve.log, where two things are wrong, and good.jsonl, where nothing is."""
    made = tmp_path_factory.mktemp("logs")
    (made / "steve.log").write_text(sample_log(), encoding="utf-8")
    good = lines_of(lambda evening: None, 2, visits=2, lively=True)
    (made / "good.jsonl").write_text("".join(good), encoding="utf-8")
    return made


# --- what it says -------------------------------------------------------------------------------------------------


def test_a_summary_that_fits_a_screen(folder: Path) -> None:
    ran = run(folder / "steve.log", "--summary")
    lines = ran.stdout.splitlines()
    assert ran.returncode == 1 and ran.stderr == ""
    assert len(lines) <= 24 and max(map(len, lines)) <= 100
    assert "SteVe" in lines[0] and "frames" in lines[0]
    for wanted in ("CP_1", "connections", "3 transactions", "kWh", "Remote", "finding"):
        assert wanted in ran.stdout


def test_then_the_details_of_every_finding(folder: Path) -> None:
    brief, full = run(folder / "steve.log", "--summary"), run(folder / "steve.log")
    assert full.stdout.startswith(brief.stdout.rstrip("\n"))
    told = json.loads(run(folder / "steve.log", "--json").stdout)
    for number, finding in enumerate(told["findings"], 1):
        assert f"{number}. {finding['rule']}" in full.stdout
    for wanted in ("seen", "at fault", "what to do", "read more", "where"):
        assert full.stdout.count(f"\n   {wanted} ") == len(told["findings"])
    assert max(map(len, full.stdout.splitlines())) <= 100


def test_nothing_wrong_is_status_0(folder: Path) -> None:
    ran = run(folder / "good.jsonl")
    assert ran.returncode == 0
    assert ran.stdout.rstrip().endswith("Nothing wrong was found.")


def test_json_is_one_object_a_log_and_knows_the_same(folder: Path) -> None:
    ran = run("--json", folder / "steve.log", folder / "good.jsonl")
    first, second = map(json.loads, ran.stdout.splitlines())
    assert ran.returncode == 1
    assert first["frames"]["total"] > 80 and first["charge_points"][0]["identity"] == "CP_1"
    assert [each["energy_wh"] is not None for each in first["transactions"]] == [True] * 3
    assert first["findings"] and not second["findings"]
    assert set(first["findings"][0]) >= {"rule", "lines", "what", "side", "certainty", "do", "section", "weight"}


def test_stdin_is_read_too(folder: Path) -> None:
    text = (folder / "steve.log").read_text(encoding="utf-8")
    ran = run("-", "--summary", stdin=text)
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[1:] == run(folder / "steve.log", "--summary").stdout.splitlines()[1:]
    assert ran.stdout.startswith("stdin")


def test_one_charge_point_and_what_happened_since(folder: Path) -> None:
    everything = json.loads(run(folder / "steve.log", "--json").stdout)
    late = json.loads(run(folder / "steve.log", "--json", "--id", "CP_1", "--since", "12:09").stdout)
    assert len(late["transactions"]) == 1 < len(everything["transactions"])
    none = run(folder / "steve.log", "--since", "2031-01-01T00:00")
    assert none.returncode == 0


def on_a_terminal(*arguments: str | Path, **env: str) -> str:
    """What a terminal gets to see, errors included."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ocpp_course", "explain", *map(str, arguments)]
    around = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")} | env
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=around) as process:
        os.close(theirs)
        said = b""
        while piece := _read(ours):
            said += piece
        process.wait(60)
    os.close(ours)
    return said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.skipif(os.name != "posix", reason="there is no other way to have a terminal")
def test_colour_is_for_terminals_alone_and_not_for_who_wants_none(folder: Path) -> None:
    assert "\x1b" not in run(folder / "steve.log").stdout
    assert "\x1b[1;31m■\x1b[0m" in on_a_terminal(folder / "steve.log", "--summary")
    assert "\x1b" not in on_a_terminal(folder / "steve.log", "--summary", NO_COLOR="1")


@pytest.mark.skipif(os.name != "posix", reason="there is no other way to have a terminal")
def test_a_long_file_shows_how_far_it_is_read(tmp_path: Path) -> None:
    long = tmp_path / "long.log"
    long.write_text(("nothing of interest " * 50 + "\n") * 5_000, encoding="utf-8")
    said = on_a_terminal(long)
    assert "long.log: 100 % read" in said and said.count("% read") >= 2
    assert "% read" not in run(long).stderr


# --- the page and the log without names ---------------------------------------------------------------------------


def test_a_page_is_written(folder: Path, tmp_path: Path) -> None:
    ran = run(folder / "steve.log", "--summary", "--html", tmp_path / "report.html")
    assert ran.returncode == 1 and "written: " in ran.stderr
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>") and "steve.log" in html


def test_a_log_that_may_be_shown_still_says_the_same(folder: Path, tmp_path: Path) -> None:
    ran = run(folder / "steve.log", "--anonymise")
    assert ran.returncode == 0
    assert "TAG_A" not in ran.stdout.replace("TAG_1", "") and "CP_1," not in ran.stdout
    assert "1 STATION" in ran.stderr and "TAG" in ran.stderr
    (tmp_path / "shown.log").write_text(ran.stdout, encoding="utf-8")
    shown, real = (json.loads(run(path, "--json").stdout) for path in (tmp_path / "shown.log", folder / "steve.log"))
    assert [each["rule"] for each in shown["findings"]] == [each["rule"] for each in real["findings"]]
    assert [each["energy_wh"] for each in shown["transactions"]] == [each["energy_wh"] for each in real["transactions"]]


# --- what cannot be read ------------------------------------------------------------------------------------------


def test_a_log_without_frames_says_what_to_turn_on(tmp_path: Path) -> None:
    (tmp_path / "prose.log").write_text("the charger does not work\nplease help\n", encoding="utf-8")
    ran = run(tmp_path / "prose.log")
    assert ran.returncode == 2
    for software in ("SteVe", "Home Assistant", "evcc", "MicroOcpp", "EVerest", "mobilityhouse"):
        assert software in ran.stdout
    assert ran.stderr.count("\n") == 1 and "expected OCPP frames, came none" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such.log"], "there is no such file"),
        (["."], "came the folder '.'"),
        (["good.jsonl", "--id", "CP_9"], "--id: expected one of CP_1, came 'CP_9'"),
        (["good.jsonl", "--since", "yesterday"], "--since: expected a time such as"),
        (["good.jsonl", "--html", "no/such/folder.html"], "--html: expected a file that can be written"),
        (["good.jsonl", "--anonymise", "--json"], "--anonymise writes the whole log and nothing else"),
    ],
)
def test_bad_input_is_one_line_that_says_what_to_do(folder: Path, arguments: list[str], said: str) -> None:
    places = [str(folder / each) if each.endswith(".jsonl") else each for each in arguments]
    ran = run(*places)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: ") and ran.stderr.count("\n") == 1 and said in ran.stderr


def test_without_a_file_it_explains_itself() -> None:
    ran = run()
    assert ran.returncode == 2 and "FILE" in ran.stderr


def test_bytes_that_are_no_text_and_control_characters_hurt_nobody(tmp_path: Path) -> None:
    (tmp_path / "odd.log").write_bytes(
        b'\xff\x80 \x1b[2J [2,"1","Heartbeat",{}]\n[3,"1",{"currentTime":"\x1b]0;x\x07 2030"}]\n'
    )
    ran = run(tmp_path / "odd.log")
    assert ran.returncode in (0, 1)
    assert "\x1b" not in ran.stdout


def test_a_log_in_wide_characters_or_packed_is_anonymised_too(tmp_path: Path) -> None:
    """It went out as it was once, names and all."""
    boot = '{"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"SECRET-77"}'
    text = f'2031-03-14 07:59:50 INFO ocpp:WALL-7: receive message [2,"1","BootNotification",{boot}]\n'
    (tmp_path / "wide.log").write_bytes(text.encode("utf-16"))
    (tmp_path / "packed.log.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("wide.log", "packed.log.gz"):
        ran = run(tmp_path / name, "--anonymise")
        piped = run("-", "--anonymise", stdin=(tmp_path / name).read_bytes())
        assert "BootNotification" in ran.stdout and piped.stdout == ran.stdout
        assert "SECRET-77" not in ran.stdout and "WALL-7" not in ran.stdout


@pytest.mark.parametrize("packed", [gzip.compress, lambda text: text.decode().encode("utf-16")])
def test_standard_input_is_unpacked_as_a_file_is(packed: Callable[[bytes], bytes], folder: Path) -> None:
    """`ssh pi cat steve.log.1.gz | ocpp-lab explain -` said once that there is no frame in it."""
    plain = (folder / "steve.log").read_bytes()
    told, expected = (run("-", "--json", stdin=given) for given in (packed(plain), plain))
    assert told.stdout == expected.stdout and told.returncode == 1
