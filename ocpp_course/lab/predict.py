"""`with predict(…):` around an experiment: the question, the options, and, folded, what happened.

The options are `<details>`, so a card needs no script and no kernel, and works on GitHub too.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from types import TracebackType
from typing import Any

from IPython.display import display

from .capture import Capture, Shown
from .icons import icon
from .markup import marked
from .sheet import sheet

Option = str | tuple[str, str]
"""The words of an option, or the words and why it is not right."""

MOST_COLUMNS = 6
"""Of a table on a card that is as narrow as its words."""

ON = "Try another one, or see what happened."


class predict:
    """``with predict("What comes?", {"a": ("1", "why not 1"), "b": "2"}, answer="b", because="why 2"):`` experiment.

    What the block prints and displays is folded into the card. An exception passes through, and what was shown before
    it is shown unfolded. In words, backticks make code and stars make emphasis. Raises ValueError for a card that is
    not complete, and for a live panel displayed in the block.
    """

    def __init__(self, question: str, options: Mapping[str, Option], *, answer: str, because: str) -> None:
        _check(question, options, answer, because)
        self._card = Card(question, options, answer, because)
        self._capture = Capture()

    def __enter__(self) -> None:
        self._capture.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._capture.stop()
        if kind:
            self._capture.replay()
        else:
            self._card.shown = self._capture.shown
            display(self._card)  # type: ignore[no-untyped-call]


class Card:
    """A prediction with its outcome. As text: question, options, the right letter, and what was shown."""

    def __init__(self, question: str, options: Mapping[str, Option], answer: str, because: str) -> None:
        self.question = question
        self.options = {key: (option, "") if isinstance(option, str) else option for key, option in options.items()}
        self.answer = answer
        self.because = because
        self.shown: list[Shown] = []

    def __repr__(self) -> str:
        options = "\n".join(f"  ({key}) {words}" for key, (words, _) in self.options.items())
        shown = [each if isinstance(each, str) else f"{each.get('text/plain', '')}\n" for each in self.shown]
        head = f"Predict: {self.question}\n{options}\nRight: ({self.answer}) {self.because}\n"
        return (head + "\n" + "".join(shown)).rstrip()

    def _repr_html_(self) -> str:
        question = f'<p class="q"><span class="kick">Predict, then look.</span> {marked(self.question)}</p>'
        options = "".join(self._option(key, *option) for key, option in self.options.items())
        body = "".join(map(_shown, self.shown))
        wide = " wide" if _wide(body) else ""
        style = sheet("card", "grid") if sheet("grid") in body else sheet("card")
        body = body.replace(sheet("grid"), "")  # said once for all tables of the card
        return (
            f'<div class="ol predict{wide}">{style}{question}<div class="opts">{options}</div>'
            f'<details class="seen"><summary><span class="turn">{icon("play", 13)}</span> Show what happened '
            '<span class="first"><i>·</i> choose first: it is worth more</span></summary>'
            f'<div class="shown">{body}</div></details></div>'
        )

    def _option(self, key: str, words: str, why_not: str) -> str:
        right = key == self.answer
        why = self.because if right else why_not or ON
        letter = f'<span class="key"><i>(</i>{escape(key)}<i>)</i></span>'  # with brackets where styles are taken away
        return (
            f'<details class="{"right" if right else "wrong"}"><summary>{letter} <span>{marked(words)}</span></summary>'
            f'<div class="why"><b>{"Right." if right else "No."}</b> {marked(why)}</div></details>'
        )


def _wide(body: str) -> bool:
    """Whether a plot or a table is in it that needs more room than words do."""
    columns = (row.count("<th") + row.count("<td") for row in body.split("<tr")[1:])
    return "<figure" in body or max(columns, default=0) > MOST_COLUMNS


def _shown(each: Shown) -> str:
    if isinstance(each, str):
        return f"<pre>{escape(each.rstrip())}</pre>" if each.strip() else ""
    html: Any = each.get("text/html")
    return f"<div>{html}</div>" if html else f"<pre>{escape(each.get('text/plain', ''))}</pre>"


def _check(question: str, options: Mapping[str, Option], answer: str, because: str) -> None:
    if not question.strip():
        raise ValueError("expected a question, came an empty one: write what the reader is to predict")
    if len(options) < 2:
        raise ValueError(f"expected two options or more, came {len(options)}: write what a reader might wrongly expect")
    for key, option in options.items():
        _check_option(key, option)
    if answer not in options:
        raise ValueError(f"expected answer= to be one of {', '.join(options)}, came {answer!r}")
    if not because.strip():
        raise ValueError("expected because= to say why the answer is right, came an empty one: write one sentence")
    if not isinstance(options[answer], str):
        raise ValueError(f"expected option {answer!r} to be its words only: why it is right belongs in because=")


def _check_option(key: str, option: Option) -> None:
    parts = (option,) if isinstance(option, str) else option
    if len(parts) not in (1, 2) or not all(isinstance(part, str) and part.strip() for part in parts):
        raise ValueError(f'expected option {key!r} to be "words" or ("words", "why it is not right"), came {option!r}')
