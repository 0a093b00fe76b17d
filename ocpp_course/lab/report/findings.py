"""The findings of a digest as HTML: one `<details>` each, with its ladder inside."""

from __future__ import annotations

from html import escape

from ocpp_course.explain import words
from ocpp_course.explain.digest import Digest
from ocpp_course.explain.ink import clean, many
from ocpp_lab.logs import Finding

from ..markup import marked
from .finding_ladder import finding_ladder

SIGNS = {"heavy": "■", "bug": "▲", "harmless": "●"}


def findings(digest: Digest) -> str:
    """All of them, the heaviest first; the first one is open."""
    if not digest.findings:
        return '<p class="none">Nothing wrong was found.</p>'
    told = words.weighed(digest.findings)
    head = f"<h3>{many(len(digest.findings), 'finding')} <small>{told}</small></h3>"
    return head + "".join(one_finding(digest, n, each) for n, each in enumerate(digest.findings, 1))


def one_finding(digest: Digest, number: int, finding: Finding) -> str:
    """It opens; the first one is open."""
    kind = words.kind_of(finding)
    pills = [words.at_fault(finding), finding.certainty, *([f"{finding.times}×"] if finding.times > 1 else [])]
    who = f"<span>{escape(clean(finding.identity))}</span> · " if finding.identity else ""
    # the spaces are for where no style is
    summary = (
        f'<summary><span class="no">{number}</span> <span class="weight {kind}" title="{kind}">{SIGNS[kind]}</span> '
        f'<span class="said"><b>{marked(clean(finding.what))}</b> '
        f"<small>{who}<code>{escape(finding.rule)}</code></small></span> "
        f'<span class="pills">{" ".join(f"<i>{escape(pill)}</i>" for pill in pills)}</span></summary>'
    )
    rows = {
        "What to do": marked(clean(finding.do)),
        "Where": escape(words.where(finding)),
        "Specification": escape(finding.section),
        "Taught in": escape(words.taught(finding)),
    }
    facts = "".join(f"<dt>{name}</dt><dd>{said}</dd>" for name, said in rows.items() if said)
    opened = " open" if number == 1 else ""
    return f'<details class="finding {kind}"{opened}>{summary}<dl>{facts}</dl>{_ladder(digest, finding)}</details>'


def _ladder(digest: Digest, finding: Finding) -> str:
    shown = digest.excerpt_of(finding)
    if shown is None or not any(seen.sender for seen in shown.seen):
        return ""
    return f'<div class="around">{finding_ladder(shown).picture()}</div>'
