"""The picture of the house: rooms in bands, bottom to top, and lines down to what each of them imports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import groupby
from textwrap import wrap

from tools.drawing import ink, wires
from tools.drawing.blocks import Blocks
from tools.drawing.layers import Joint, Plan, Spot, levels, plan, untangle
from tools.drawing.wires import Net
from tools.rooms import Room, below, thinned

WIDTH = 1040  # at least; a house with more rooms is wider
MARGIN, LABELS, EDGE = 12, 126, 12  # left and right of everything; for the names of the bands; right of the boxes
HEAD, COURSE, FOOT = 84, 62, 66  # heights: title, the course's block, the legend
BOX, RAIL, GAP, PORT, TRACK, ROUND = 34, 9, 14, 13, 10, 5
NEAR, FAR, PAD = 22, 48, 13  # between two rows of a band, and of different bands, without tracks; around the boxes
STACK, TOP = "ocpp_lab", "ocpp_course"


@dataclass(frozen=True)
class House:
    """What is drawn. ``imports`` and ``folders`` name rooms in full: ``ocpp_lab.frames``."""

    stack: list[Room]
    imports: dict[str, set[str]]
    folders: set[str]
    milestones: dict[int, str]

    @cached_property
    def edges(self) -> dict[str, set[str]]:
        """Inside the stack, thinned."""
        names = [room.name for room in self.stack]
        return thinned({name: self.imported(f"{STACK}.{name}") & set(names) for name in names})

    def imported(self, room: str) -> set[str]:
        """The rooms of the stack that a room imports."""
        return {name.removeprefix(f"{STACK}.") for name in self.imports.get(room, ()) if name.startswith(f"{STACK}.")}

    @property
    def course(self) -> list[str]:
        """The rooms of the course, those first that import the fewest others of it."""
        names = {name for name in self.imports if name.startswith(f"{TOP}.")}
        order = sorted(names, key=lambda name: (len(below(self.imports, {name}) & names), name))
        return [name.removeprefix(f"{TOP}.") for name in order]

    @property
    def imported_by_course(self) -> set[str]:
        return set[str]().union(*(self.imported(f"{TOP}.{name}") for name in self.course))

    def label(self, name: str, package: str = STACK) -> str:
        return f"{name}/" if f"{package}.{name}" in self.folders else name


class Picture:
    """The house, laid out; `svg` is its text. The same imports always make the same text."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.rooms = {room.name: room for room in house.stack}
        rows, self.bands = self._rows()
        self.made: Plan = plan(rows, house.edges)
        untangle(self.made)
        self.size = {spot: self._width(spot) for row in self.made.rows for spot in row}
        blocks = Blocks(self.made, WIDTH - LABELS - EDGE - 2 * MARGIN, self.size, GAP)
        self.width = round(blocks.width) + LABELS + EDGE + 2 * MARGIN
        self.x = {spot: LABELS + MARGIN + x for spot, x in blocks.spread().items()}
        self.nets = self._nets(wires.ports(self.made, self.x, self.size, PORT))
        self.tracks = [wires.tracks(nets) for nets in self.nets]
        self.tops = self._tops()
        self.height = self.tops[0] + BOX + PAD + FOOT

    def svg(self) -> str:
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img"'
            f' width="{self.width}" height="{self.height}">',
            "<title>The rooms of OCPP Lab and who imports whom</title>",
            f"<desc>{escape(self.in_words())}</desc>",
            ink.style([*self.rooms]),
            f'<rect class="paper" width="{self.width}" height="{self.height}" rx="10"/>',
            *self._head(),
            *self._bands(),
            *self._lines(),
            *self._boxes(),
            *self._foot(),
            "</svg>",
        ]
        return "\n".join(lines) + "\n"

    def in_words(self) -> str:
        """The picture as text."""
        said = []
        for band, rooms in groupby(self.house.stack, lambda room: room.band):
            each = [f"{room.name} {_imports(sorted(self.house.edges[room.name]))}" for room in rooms]
            said.append(f"{band.capitalize()}: {'; '.join(each)}.")
        return "Bottom to top. " + " ".join(said) + f" On top: {self._course()}"

    # -- where everything is

    def _rows(self) -> tuple[list[list[str]], list[str]]:
        """The rooms of each row, and each row's band."""
        rows: list[list[str]] = []
        bands: list[str] = []
        for band, rooms in groupby(self.house.stack, lambda room: room.band):
            new = levels([room.name for room in rooms], self.house.edges)
            rows += new
            bands += [band] * len(new)
        return rows, bands

    def _width(self, spot: Spot) -> float:
        """Room for the name and the number, and for the lines that leave."""
        if spot.rail:
            return RAIL
        words = len(self.house.label(spot.name)) * ink.LETTER + len(_number(self.rooms[spot.name])) * 7 + 30
        return max(round(words), PORT * 2 * len(self.house.edges[spot.name]) + PORT * 2)

    def _nets(self, port: dict[Joint, float]) -> list[list[Net]]:
        """The lines that end in each row."""
        found = [wires.nets(self.made, number, self.x, port) for number in range(len(self.made.rows))]
        for number, nets in enumerate(found):
            if wires.clash(nets):
                moved = wires.cleared(port, self.x, number + 1)
                found[number] = wires.nets(self.made, number, self.x, moved)
        return found

    def _tops(self) -> list[int]:
        """The y of each row's boxes: between two rows there is room for the tracks, and more between two bands."""
        y = HEAD + COURSE + 30 + PAD
        tops = [y]
        for number in range(len(self.made.rows) - 2, -1, -1):
            tracks = 1 + max(self.tracks[number].values(), default=-1)
            same = self.bands[number] == self.bands[number + 1]
            y += BOX + (NEAR if same else FAR) + TRACK * tracks
            tops.insert(0, y)
        return tops

    # -- what is drawn

    def _head(self) -> list[str]:
        left, top = MARGIN + 12, HEAD + COURSE / 2
        drawn = [
            ink.text(left, 36, "OCPP Lab: who imports whom", "title"),
            ink.text(left, 60, "A line leads down to what is imported and has its colour; what is imported through"
                     " another room as well is left out.", "small dim"),
            ink.box(MARGIN, HEAD, self.width - 2 * MARGIN, COURSE, "band", 10),
            ink.text(left, top - 3, "the course"),
            ink.text(left, top + 15, f"{TOP}/", "small dim"),
        ]  # fmt: skip
        x: float = LABELS + MARGIN
        for name in self.house.course:
            label = self.house.label(name, TOP)
            wide = round(len(label) * ink.LETTER) + 24
            drawn.append(f'<g class="room m0">{ink.box(x, top - BOX / 2, wide, BOX)}')
            drawn.append(ink.text(x + wide / 2, top + 5, label, "mid") + "</g>")
            x += wide + GAP
        for number, words in enumerate(wrap(self._course(), 44)):
            drawn.append(ink.text(x + GAP, top - 3 + 17 * number, words, "small dim"))
        middle, bottom = self.width / 2, HEAD + COURSE
        return [*drawn, ink.line(f"M{middle:g} {bottom}v22", "l m0"), _head(middle, bottom + 29, "m0")]

    def _course(self) -> str:
        ours = self.house.imported_by_course & set(self.rooms)
        return f"imports {len(ours)} of the {len(self.rooms)} rooms of the stack, and none of them imports it."

    def _bands(self) -> list[str]:
        drawn = []
        for band in dict.fromkeys(self.bands):
            mine = [top for top, name in zip(self.tops, self.bands, strict=True) if name == band]
            top, bottom = min(mine) - PAD, max(mine) + BOX + PAD
            drawn.append(ink.box(MARGIN, top, self.width - 2 * MARGIN, bottom - top, "band", 10))
            words = wrap(band, 15)
            for number, part in enumerate(words):
                y = (top + bottom) / 2 + 5 + 16 * (number - (len(words) - 1) / 2)
                drawn.append(ink.text(MARGIN + 12, y, part))
        return drawn

    def _lines(self) -> list[str]:
        drawn = []
        for number in range(len(self.nets) - 2, -1, -1):
            for net in self.nets[number]:
                paths = self._paths(number, net)
                drawn += [ink.line(path, "halo") for path, _ in paths]
                drawn += [ink.line(path, f"l {self._kind(net, *uppers)}") for path, uppers in paths]
                if not net.spot.rail:
                    drawn.append(_head(net.lower, self.tops[number], self._kind(net, *net.uppers)))
        return drawn

    def _paths(self, number: int, net: Net) -> list[tuple[str, list[Spot]]]:
        """A line for each upper spot, along the net's track, and from where they meet one for all of them."""
        start = self.tops[number + 1] + BOX - 1  # no seam where one line goes on as another
        end = self.tops[number] + (BOX if net.spot.rail else -2)
        free = self.tops[number] - start - TRACK * (1 + max(self.tracks[number].values(), default=-1))
        track = start + free / 2 - 4 + TRACK * (self.tracks[number].get(net.spot, 0) + 0.5)
        meet = track + 2 * ROUND if len(net.uppers) > 1 else end
        found = []
        for upper, x in net.uppers.items():
            bends = [] if x == net.lower else [(x, track), (net.lower, track)]
            found.append((wires.path([(x, start), *bends, (net.lower, meet)], ROUND), [upper]))
        if meet < end:
            found.append((wires.path([(net.lower, meet), (net.lower, end)], ROUND), list(net.uppers)))
        return found

    def _kind(self, net: Net, *uppers: Spot) -> str:
        """The classes of a line: its colour, where it leads to and where it comes from."""
        names = sorted(set[str]().union(*map(self._sources, uppers)))
        return " ".join([self._colour(net.spot.name), "w", f"t-{net.spot.name}", *(f"f-{name}" for name in names)])

    def _sources(self, spot: Spot) -> set[str]:
        """The rooms whose lines come through a spot."""
        if not spot.rail:
            return {spot.name}
        return set[str]().union(*(self._sources(up) for up, low in self.made.joints if low == spot))

    def _colour(self, name: str) -> str:
        return f"m{next(iter(self.rooms[name].milestones), 0)}"

    def _boxes(self) -> list[str]:
        return [self._box(spot) for row in reversed(self.made.rows) for spot in row if not spot.rail]

    def _box(self, spot: Spot) -> str:
        room, y, wide = self.rooms[spot.name], self.tops[spot.row], self.size[spot]
        x, number = self.x[spot] - wide / 2, _number(room)
        middle = self.x[spot] - (len(number) * 7 + 4 if number else 0) / 2
        all_of_them = _imports(sorted(self.house.imported(f"{STACK}.{room.name}")))
        return "".join(
            [
                f'<g class="room r-{room.name} {self._colour(room.name)}">',
                f"<title>{escape(f'{room.name}: {room.purpose}; {all_of_them}')}</title>",
                ink.box(x, y, wide, BOX),
                ink.text(middle, y + 22, self.house.label(room.name), "mid"),
                ink.text(x + wide - 10 - 3.5 * len(number), y + 21, number, "number mid") if number else "",
                "</g>",
            ]
        )

    def _foot(self) -> list[str]:
        y = self.height - FOOT + 28
        drawn = [ink.text(MARGIN + 12, y, "The number is the milestone that builds the room:", "small dim")]
        x: float = MARGIN + 12
        for number, name in sorted(self.house.milestones.items()):
            drawn.append(f'<g class="m{number}">{ink.text(x, y + 21, str(number), "number")}</g>')
            drawn.append(ink.text(x + 13, y + 21, name, "small"))
            x += 13 + len(name) * 7.3 + 18
        return drawn


def _head(x: float, y: float, colour: str) -> str:
    """The head of an arrow that ends there."""
    return ink.line(f"M{x - 4.5:g} {y - 8:g}l4.5 8 4.5-8z", f"head {colour}")


def _number(room: Room) -> str:
    return "all" if room.milestones == (0,) else "·".join(map(str, room.milestones))


def _imports(names: list[str]) -> str:
    return f"imports {', '.join(names) or 'no other room'}"
