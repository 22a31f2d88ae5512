"""A figure of where a matrix is wrong, with its text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grader.report.markup import Html, tag

if TYPE_CHECKING:
    from grader.evidence import HeatMap

_LEVELS = (1.0, 10.0, 1e3, 1e5, 1e7)
"""Where the map's colours change, in units of what is allowed; above 1 an element is wrong."""

_MAP_WIDTH, _MAP_HEIGHT = 512, 256
_CELL = 24
"""Pixels of a map, and of its largest cell: a small matrix makes a small map."""


def heat_map(data: HeatMap) -> Html:
    """Where a matrix is wrong, the darker (or, in the dark, lighter) the more."""
    rows, columns = len(data.cells), len(data.cells[0])
    cells = []
    for y, row in enumerate(data.cells):
        start = 0
        for x in range(1, columns + 1):
            if x == columns or _level(row[x]) != _level(row[start]):
                cells.append(_run(start, x, y, row[start]))
                start = x
    drawing = tag(
        "svg",
        *cells,
        viewBox=f"0 0 {columns} {rows}",
        preserveAspectRatio="none",
        role="img",
        aria_label=_map_in_words(data),
        width=columns * _cell(columns, _MAP_WIDTH),
        height=rows * _cell(rows, _MAP_HEIGHT),
    )
    caption = tag(
        "figcaption", tag("strong", f"Error of {data.title}"), tag("span", _map_in_words(data))
    )
    return tag("figure", caption, drawing, _map_legend(), class_="map")


def _run(start: int, end: int, y: int, excess: float) -> Html:
    return tag("rect", x=start, y=y, width=end - start, height=1, class_=_level(excess))


def _cell(count: int, room: int) -> int:
    """Pixels of a cell where so many share the room."""
    return max(min(room // count, _CELL), 1)


def _level(excess: float) -> str:
    if not math.isfinite(excess):
        return "lx"
    return f"l{sum(excess > level for level in _LEVELS)}"


def _map_legend() -> Html:
    names = ["right", "> 1×", "> 10×", "> 10³×", "> 10⁵×", "> 10⁷×", "NaN, inf"]
    classes = [*(f"l{i}" for i in range(len(_LEVELS) + 1)), "lx"]
    keys = [
        tag("li", tag("svg", tag("rect", width=1, height=1, class_=c), viewBox="0 0 1 1"), name)
        for c, name in zip(classes, names, strict=True)
    ]
    return tag(
        "div",
        tag("p", "error in units of what rounding allows:"),
        tag("ul", *keys),
        class_="scale",
        aria_hidden="true",
    )


def _map_in_words(data: HeatMap) -> str:
    rows, columns = data.shape
    told = f"{data.wrong:,} of {rows * columns:,} elements of ({rows}, {columns}) are wrong"
    where = _where(data)
    return f"{told}{where}."


def _where(data: HeatMap) -> str:
    """Which rows or columns, where it is only some of them."""
    wrong_rows = [any(cell > 1 for cell in row) for row in data.cells]
    wrong_columns = [any(row[x] > 1 for row in data.cells) for x in range(len(data.cells[0]))]
    told = []
    for name, flags, extent in (
        ("row", wrong_rows, data.shape[0]),
        ("column", wrong_columns, data.shape[1]),
    ):
        if extent > 1 and not all(flags) and any(flags):
            first = flags.index(True) * extent // len(flags)
            end = -(-(len(flags) - flags[::-1].index(True)) * extent // len(flags))
            told.append(f"{name}s {first} to {end - 1}" if end - first > 1 else f"{name} {first}")
    return f", all within {' and '.join(told)}" if told else ""
