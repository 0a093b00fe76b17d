"""docs/explain.md: each finding with an example, from the rules and from the nights that their tests are made of.

Usage: explain_page.py [--check]. With --check nothing is written; the status is 1 if the page is not in step.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ocpp_course.explain import words
from ocpp_course.explain.excerpt import excerpt
from ocpp_lab.logs import Finding, Log, Seen, read
from ocpp_lab.logs.advice import NO_FRAMES
from ocpp_lab.logs.rule import Rule
from ocpp_lab.logs.rules import ALL_RULES
from tests.ocpp_lab.logs.night import ACCEPTED, SILENCE, Night, stamp
from tests.ocpp_lab.logs.test_rules import BROKEN, Story

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explain.md"
MOST_LINES = 12
"""Of an example."""
WIDE = 120
"""Characters of a line in an example."""
HEAD = """\
# What `ocpp-lab explain` finds

Each finding of `ocpp-lab explain`, with an example: link to it from an issue as `explain.md#left-open`. The examples
are logs of our tests, and this page is made from them by `make findings`.

How to read a finding:

- *proved*: the frames leave no other reading. *likely*: they fit, and something that is not in the log could explain
  them too. Where the log ends before it could be known, nobody is blamed.
- Whose fault: the *charge point*, the *central system*, *the link* between them, or *the log* itself.
- Weight: from 70 on it costs money, data or the connection; below 30 it is small.
- In the examples the charge point is on the left: → is from it, ← is to it. In front stands the line, and a star marks
  what proves the finding.
- What is right is not blamed: no boot after a reconnect, calls of both ends that cross, a message that comes again
  because its answer was lost, messages of an offline hour that are older than the log.
- Of a log that lacks lines, or in which several charge points speak and none is named, that is said, and nothing is
  concluded from what is not there, or from what followed what.
- Of a log that tells nothing of connections, one may have been lost, with a reply, where none is seen: less is found
  there, and is likely at most. Show the lines about connections too.
"""
IN_WORDS = {"no-subprotocol": "subprotocol", "connection-storm": "onnect"}
"""Findings that words of the logger prove, and which."""
ARROWS = {"charge point": "→", "central system": "←", None: "·"}


def silent(night: Night) -> None:
    """Of six calls none is answered."""
    for _ in range(6):
        night.cs("GetConfiguration", {}, SILENCE)
        night.beat()


def falls_silent(night: Night) -> None:
    """It answers once."""
    night.cs("ClearCache", {}, {"status": "Accepted"})
    silent(night)


def late(night: Night) -> None:
    """The reply comes on the next connection."""
    unique_id = night.cp("Heartbeat", {}, SILENCE)
    night.reconnect()
    night.say("cs", [3, unique_id, {"currentTime": stamp(night.now)}])
    night.beat(3)


def cut(night: Night) -> None:
    """A frame ends in its middle, and the other end complains."""
    night.say("cp", '[2,"cut","StatusNotification",{"connectorId":1,"errorCode":"NoEr', night.now + 1)
    night.say("cs", [4, "cut", "FormationViolation", "no JSON", {}], night.now + 0.1)
    night.beat(3)


def paid_twice(night: Night) -> None:
    """A start comes again, and is taken for another one."""
    payload = night.start(answer=ACCEPTED | {"transactionId": 7})
    night.reconnect()
    night.cp("StartTransaction", payload, ACCEPTED | {"transactionId": 8})


STORIES: dict[str, Story] = {name: story for name, (_, story) in BROKEN.items()} | {
    "one-direction-only": silent, "deaf-from-here": falls_silent, "late-after-reconnect": late, "not-json": cut,
    "two-ids-for-one-start": paid_twice,
}  # fmt: skip


def page() -> str:
    """The whole page."""
    rules = sorted(ALL_RULES, key=lambda rule: (-rule.weight, rule.name))
    contents = "\n".join(f"- [{rule.name}](#{rule.name}): {_sentence(rule)}" for rule in rules)
    advice = f"## A log without frames\n\n```text\n{NO_FRAMES.rstrip()}\n```\n"
    return "\n".join([HEAD, contents, "", *map(_rule, rules), advice])


def _sentence(rule: Rule) -> str:
    return re.sub(r"\s+", " ", (rule.hits.__doc__ or "").strip().partition("\n\n")[0])


def _rule(rule: Rule) -> str:
    lines, log, finding = example(rule.name)
    told = [f"## {rule.name}\n", f"{_sentence(rule)}\n", "```text", *_lines(lines, log, finding), "```\n"]
    told.append(f"> **{_capital(words.at_fault(finding))}**, {finding.certainty}. {finding.what}\n>")
    told.append(f"> **What to do.** {finding.do}\n")
    told.append(f"{_capital(finding.section)} · weight {finding.weight} · taught in {_link(finding)}\n")
    return "\n".join(told)


def example(name: str) -> tuple[list[str], Log, Finding]:
    """The night of a rule, its lines and what was read of them, and what was found.

    Raises LookupError if nothing was.
    """
    night = Night()
    STORIES[name](night)
    if not any(each.rule == name for each in night.findings()):
        night.beat(10)  # some are proved only by what comes after
    found = [each for each in night.findings() if each.rule == name]
    if not found:
        raise LookupError(f"expected a finding {name} in its own night, came none")
    return night.lines, read(night.lines), found[0]


def _lines(text: list[str], log: Log, finding: Finding) -> Iterator[str]:
    shown = excerpt(log, finding)
    if finding.rule in IN_WORDS or shown is None:
        for number, line in enumerate(text[:MOST_LINES], 1):
            yield f"{number:>4} {'*' if IN_WORDS[finding.rule] in line else ' '} {line[:WIDE]}"
        return
    for seen in shown.seen[:MOST_LINES]:
        if missing := shown.gaps.get(seen.index):
            yield f"      … {missing} more"
        yield _line(seen, seen.index in shown.marked)


def _line(seen: Seen, proves: bool) -> str:
    time = f"{seen.at:%H:%M:%S}" if seen.at else ""
    text = seen.text if len(seen.text) <= WIDE else f"{seen.text[: WIDE - 1]}…"
    return f"{seen.line:>4} {'*' if proves else ' '} {time} {ARROWS[seen.sender]} {text}"


def _link(finding: Finding) -> str:
    stem, _ = finding.taught
    folder = "" if stem.startswith("exercise") else "notebooks/"
    return f"[{words.taught(finding)}](../{folder}{stem}.ipynb)"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def main(arguments: list[str]) -> int:
    made = page()
    if "--check" in arguments:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == made
        print("docs/explain.md is in step" if same else "docs/explain.md is not in step: make findings")
        return 0 if same else 1
    PAGE.write_text(made, encoding="utf-8")
    print(f"docs/explain.md: {len(ALL_RULES)} findings")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
