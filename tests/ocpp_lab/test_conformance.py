"""The README is kept true: its table of operations is computed from the code, its example runs, its commands exist.

``python -m tests.ocpp_lab.test_conformance`` writes the table anew.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from ocpp_lab import ACTIONS, CentralSystem, ChargePoint, PayloadError, Router, decode_payload
from ocpp_lab.__main__ import app
from tests.house import ROOT

README = ROOT / "README.md"
TABLE = re.compile(r"(?<=<!-- operations -->\n).*?(?=\n<!-- end of operations -->)", re.DOTALL)
SECURITY_EVENTS = ROOT / "ocpp_lab" / "security" / "events.py"
CHARGE_POINT = [*(ROOT / "ocpp_lab" / "charge_point").glob("*.py"), ROOT / "ocpp_lab" / "heartbeat.py", SECURITY_EVENTS]


# --- the table ----------------------------------------------------------------------------------------------------


async def table() -> str:
    """Every operation, and what this stack does with it. An empty cell: it does not go in that direction."""
    charge_point, central_system = ChargePoint("ws://h", "CP_1").router, CentralSystem().router
    assert isinstance(central_system, Router)
    sent = sent_by(CHARGE_POINT)
    lines = [
        "| operation | profile | typed and validated | sent by the charge point"
        " | acted on by the charge point | acted on by the central system |",
        "|---|---|---|---|---|---|",
    ]
    for name, action in ACTIONS.items():
        sends = ("yes" if name in sent else "no") if action.sent_by("ChargePoint") else ""
        there = treatment(charge_point, name) if action.sent_by("CentralSystem") else ""
        here = treatment(central_system, name) if action.sent_by("ChargePoint") else ""
        typed = "yes" if is_validated(name) else "no"
        lines.append(f"| {name} | {action.profile} | {typed} | {sends} | {there} | {here} |")
    return "\n".join(re.sub(r" +", " ", line) for line in lines)


def is_validated(name: str) -> bool:
    """Whether both payloads refuse a field that their declaration does not know."""
    for payload_type in (ACTIONS[name].request, ACTIONS[name].response):
        try:
            decode_payload(payload_type, {"noSuchField": 1})
        except PayloadError:
            continue
        return False
    return True


def treatment(router: Router, name: str) -> str:
    """*yes*, *no* (the answer is NotSupported), or *answers only*: every request gets the same answer."""
    if name not in router.actions:
        return "no"
    _, handler = router._handlers[name]
    return "answers only" if is_constant(handler) else "yes"


def is_constant(handler: Callable[..., Any]) -> bool:
    """Whether a handler is nothing but ``return SomeResponse(…)`` with constants, whatever it was asked."""
    [function] = ast.parse(textwrap.dedent(inspect.getsource(handler))).body
    assert isinstance(function, ast.AsyncFunctionDef)
    body = function.body[1:] if ast.get_docstring(function) else function.body
    match body:
        case [ast.Return(value=ast.Call(args=[], keywords=keywords))]:
            return all(isinstance(keyword.value, ast.Constant) for keyword in keywords)
    return False


def sent_by(files: list[Path]) -> set[str]:
    """The actions whose request is made somewhere in these files."""
    made = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                made.add(ast.unparse(node.func).rpartition(".")[2].removesuffix("Request"))
    return made & set(ACTIONS)


async def test_the_readme_says_what_each_operation_does() -> None:
    """39 operations are typed; far fewer are behaviours, and nobody shall take the one for the other."""
    found = TABLE.search(README.read_text(encoding="utf-8"))
    assert found, "README.md lacks <!-- operations --> … <!-- end of operations -->"
    assert found[0] == await table(), "the code does something else now: python -m tests.ocpp_lab.test_conformance"


def test_an_answer_that_never_changes_is_found() -> None:
    class Handlers:
        async def on_a(self, request: object) -> object:
            """Says why."""
            return SimpleNamespace(status="Rejected")

        async def on_b(self, request: object) -> object:
            return SimpleNamespace(status=request)

        async def on_c(self, request: object) -> object:
            self.seen = request
            return SimpleNamespace(status="Accepted")

    handlers = Handlers()
    assert [is_constant(each) for each in (handlers.on_a, handlers.on_b, handlers.on_c)] == [True, False, False]


async def test_the_table_tells_behaviours_from_answers() -> None:
    """Spot checks with the eye of a reader, so that a table of only *yes* cannot pass."""
    rows = {cells[1]: cells[2:-1] for line in (await table()).splitlines() if (cells := re.split(r" ?\| ?", line))}
    assert len(rows) == 2 + 39
    assert rows["BootNotification"] == ["Core", "yes", "yes", "", "yes"]
    assert rows["Reset"] == ["Core", "yes", "", "yes", ""]
    assert rows["ClearCache"] == ["Core", "yes", "", "yes", ""]
    assert rows["StartTransaction"] == ["Core", "yes", "yes", "", "yes"]
    assert rows["DataTransfer"] == ["Core", "yes", "yes", "yes", "yes"]
    assert rows["GetLog"] == ["Security", "yes", "", "yes", ""]


# --- the rest of the README ---------------------------------------------------------------------------------------


def readme() -> str:
    return README.read_text(encoding="utf-8")


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", readme())
    missing = [target for pair in targets if (target := "".join(pair)) and not (ROOT / target).exists()]
    assert not missing


def test_pictures_say_what_they_show() -> None:
    assert re.findall(r"!\[\w[^\]]+\]\(|<img [^>]*alt=\"\w", readme()), "a picture of a notebook belongs on the page"
    assert not re.findall(r"!\[\s*\]\(", readme())


@pytest.mark.parametrize("command", ["central-system", "charge-point"])
def test_options_exist(command: str) -> None:
    joined = readme().replace("\\\n", " ")
    lines = re.findall(rf"ocpp-lab {command}(.*)", joined)
    assert lines, f"the README shows how to use ocpp-lab {command}"
    known = CliRunner().invoke(app, [command, "--help"]).output
    assert not [option for line in lines for option in re.findall(r"--[\w-]+", line) if f"{option} " not in known]


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?:^|`)make ([a-z]+)\b", readme(), re.MULTILINE)
    assert {"lab", "test"} <= set(targets)
    assert not [target for target in targets if f"\n{target}:" not in makefile]


async def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Every Python block of the README, as it stands, and the output that the README gives below it."""
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", readme(), re.DOTALL)
    assert blocks
    for source, printed in blocks:
        code = compile(source, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        capsys.readouterr()
        running = eval(code, {})
        if inspect.iscoroutine(running):
            await running
        assert capsys.readouterr().out == printed


def test_the_changelog_has_a_place_for_what_comes() -> None:
    """Keep a Changelog: the newest section is the unreleased one."""
    sections = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sections[0] == "[Unreleased]"


if __name__ == "__main__":
    README.write_text(TABLE.sub(lambda found: asyncio.run(table()), readme()), encoding="utf-8")
