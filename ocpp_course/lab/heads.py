"""The head and the foot of each notebook and exercise: a picture of its hour, where one is, how long it takes.

Pure Markdown with a picture from a file, so that GitHub and a notebook that is not trusted show the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from .night import NIGHT, POINTS, WARM_UP, WARM_UP_MINUTES, Hour, spoken

SITTINGS = {1: "one sitting", 2: "two sittings", 3: "three sittings"}
START = "[START](../START.ipynb)"


def warm_up_head() -> list[str]:
    """Of the notebook before the night."""
    alt = "A motorway at dusk. The lamp of 17:40 is not lit yet."
    first = _link(f"{NIGHT[0].time} {NIGHT[0].name} →", NIGHT[0])
    return [f"![{alt}](pictures/00.svg)", "", _line(START, f"**About {WARM_UP_MINUTES} minutes**", first), ""]


def notebook_head(hour: Hour, hours: Sequence[Hour] = NIGHT) -> list[str]:
    """Picture, then: START · the hour before · how long · its exercise · the hour after."""
    before, after = around(hour, hours)
    earlier = _link(f"← {before.time} {before.name}", before) if before else f"[← Warm-up]({WARM_UP}.ipynb)"
    minutes = f"**About {hour.reading} minutes, in {SITTINGS[hour.sittings]}**"
    build = _link(f"exercise {hour.number}, {spoken(hour.building)}", hour, "../exercises/")
    later = _link(f"{after.time} {after.name} →", after) if after else ""
    return [_picture(hour, "pictures"), "", _line(START, earlier, minutes, build, later), ""]


def exercise_head(hour: Hour, hours: Sequence[Hour] = NIGHT) -> list[str]:
    """Picture, then: START · its notebook · how much there is to do · the next exercise."""
    _, after = around(hour, hours)
    read = _link(f"notebook {hour.number}", hour, "../notebooks/")
    much = f"**{hour.steps} steps and a capstone, about {spoken(hour.building)}, {POINTS} points**"
    later = _link(f"exercise {after.number} →", after) if after else ""
    return [_picture(hour, "../notebooks/pictures"), "", _line(START, read, much, later), ""]


def warm_up_foot() -> list[str]:
    """On to the night."""
    return _table(("before", START), ("the night begins", _link(f"**{NIGHT[0].time}**<br>{NIGHT[0].name} →", NIGHT[0])))


def notebook_foot(hour: Hour, hours: Sequence[Hour] = NIGHT) -> list[str]:
    """A table: before · now build it yourself · after."""
    before, after = around(hour, hours)
    earlier = _link(f"← {before.time}<br>{before.name}", before) if before else f"[← Warm-up]({WARM_UP}.ipynb)"
    words = f"**Exercise {hour.number}**<br>{hour.steps} steps · {spoken(hour.building)} · {POINTS} points"
    later = _link(f"{after.time} →<br>{after.name}", after) if after else START
    return _table(("before", earlier), ("now build it yourself", _link(words, hour, "../exercises/")), ("after", later))


def exercise_foot(hour: Hour, hours: Sequence[Hour] = NIGHT) -> list[str]:
    """A table: its notebook · the points · the next hour."""
    _, after = around(hour, hours)
    read = _link(f"← Notebook {hour.number}<br>{hour.name}", hour, "../notebooks/")
    points = "[**START**<br>your lamps and points](../START.ipynb)"
    later = _link(f"{after.time} →<br>{after.name}", after, "../notebooks/") if after else "the night is over"
    return _table(("before", read), ("how far you are", points), ("after", later))


def around(hour: Hour, hours: Sequence[Hour]) -> tuple[Hour | None, Hour | None]:
    """The hours before and after one; None at the ends of the night."""
    place = hours.index(hour)
    return (hours[place - 1] if place else None), (hours[place + 1] if place + 1 < len(hours) else None)


def _picture(hour: Hour, folder: str) -> str:
    return f"![{hour.time} on Friday night. {hour.happens}]({folder}/{hour.number:02}.svg)"


def _link(words: str, hour: Hour, folder: str = "") -> str:
    return f"[{words}]({folder}{hour.stem}.ipynb)"


def _line(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _table(*columns: tuple[str, str]) -> list[str]:
    marks = [":---", ":---:", "---:"] if len(columns) == 3 else [":---", "---:"]
    rows = ([head for head, _ in columns], marks, [cell for _, cell in columns])
    return [f"| {' | '.join(row)} |" for row in rows]
