"""Evidence as figures: loss curves, maps of errors, times and costs, each with its text."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from grader.evidence import Cost, Curve, Evidence, HeatMap, Timing
from grader.report.markup import Html, join, tag
from grader.timing.ratio import FULL_POINTS, NO_POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH, HEIGHT = 640, 260
"""Of a plot, in units of its view box; the page scales it."""

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 22, 34
"""Room around the axes for labels of 12 units."""

_MAX_POINTS = 2000
"""Of a drawn line: three for each pixel of the page's width; longer curves are thinned out."""

_LEVELS = (1.0, 10.0, 1e3, 1e5, 1e7)
"""Where the map's colours change, in units of what is allowed; above 1 an element is wrong."""

_MAP_WIDTH, _MAP_HEIGHT = 512, 256
_CELL = 24
"""Pixels of a map, and of its largest cell: a small matrix makes a small map."""

_NEIGHBOURS = 2
_FEW = 12


def figures(evidence: Iterable[Evidence]) -> Html:
    """All of it, in order; times, and costs, together in one table at the end."""
    shown, timings, counted = [], list[Timing](), list[Cost]()
    for item in evidence:
        if isinstance(item, Curve):
            shown.append(curve(item))
        elif isinstance(item, HeatMap):
            shown.append(heat_map(item))
        elif isinstance(item, Cost):
            counted.append(item)
        else:
            timings.append(item)
    return join(*shown, times(timings) if timings else None, costs(counted) if counted else None)


# Loss curves ------------------------------------------------------------


def curve(data: Curve) -> Html:
    """Two loss curves over the steps, the step at which they part, and their values."""
    steps = max(len(data.yours), len(data.true))
    finite = [v for v in (*data.yours, *data.true) if math.isfinite(v)]
    if not finite:
        return tag("p", f"{data.title}: no loss is a finite number.", class_="note")
    scale = _Scale(steps, *_limits(data, finite))
    drawing = tag(
        "svg",
        _axes(scale),
        tag("path", d=_path(data.true, scale), class_="true"),
        tag("path", d=_path(data.yours, scale), class_="yours"),
        _parting(data, scale),
        tag("line", x1=0, x2=0, y1=TOP, y2=HEIGHT - BOTTOM, class_="cursor", visibility="hidden"),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=_curve_in_words(data),
    )
    legend = tag(
        "p",
        tag("span", class_="key yours", aria_hidden="true"),
        "yours",
        tag("span", class_="key true", aria_hidden="true"),
        "reference",
        class_="legend",
    )
    return tag(
        "figure",
        tag("figcaption", tag("strong", data.title), tag("span", _curve_in_words(data))),
        legend,
        drawing,
        _reader(data, steps),
        _values(data, steps),
        class_="curve",
        data_yours=_numbers(data.yours),
        data_true=_numbers(data.true),
        data_left=LEFT,
        data_right=WIDTH - RIGHT,
    )


class _Scale:
    """From steps and losses to the plot's units."""

    def __init__(self, steps: int, low: float, high: float) -> None:
        self.steps, self.low, self.high = steps, low, high

    def x(self, index: int) -> float:
        """Of the step with this index."""
        return LEFT + (WIDTH - LEFT - RIGHT) * index / max(self.steps - 1, 1)

    def y(self, loss: float) -> float:
        """Of a loss; beyond the limits it stays on the border."""
        share = (min(max(loss, self.low), self.high) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share


def _limits(data: Curve, finite: Sequence[float]) -> tuple[float, float]:
    """Of the vertical axis: all of the true curve, and of yours what is within reach of it."""
    true = [v for v in data.true if math.isfinite(v)] or list(finite)
    low, high = min(true), max(true)
    reach = 2 * max(high - low, 0.1 * abs(high), 1e-3)
    within = [v for v in finite if low - reach <= v <= high + reach]
    low, high = min([low, *within]), max([high, *within])
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _axes(scale: _Scale) -> Html:
    parts = []
    for loss in _ticks(scale.low, scale.high):
        y = round(scale.y(loss), 1)
        parts += [
            tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"),
            tag("text", f"{loss:g}", x=LEFT - 8, y=y + 4, text_anchor="end"),
        ]
    for step in sorted({1, *(int(t) for t in _ticks(1, scale.steps) if t >= 1 and t == int(t))}):
        x = round(scale.x(step - 1), 1)
        parts.append(tag("text", f"{step}", x=x, y=HEIGHT - BOTTOM + 17, text_anchor="middle"))
    axis = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=HEIGHT - BOTTOM, y2=HEIGHT - BOTTOM)
    x = (LEFT + WIDTH - RIGHT) / 2
    names = [
        tag("text", "step", x=x, y=HEIGHT - 3, text_anchor="middle"),
        tag("text", "loss in nats", x=4, y=12),
    ]
    return tag("g", *parts, axis, *names, class_="axes", aria_hidden="true")


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers between two limits."""
    span = max(high - low, 1e-9)
    size = 10.0 ** math.floor(math.log10(span / 4))
    step = next(size * m for m in (1, 2, 5, 10) if span / (size * m) <= 8)  # noqa: PLR2004 - eight
    first = math.ceil(low / step)
    return [round(n * step, 12) for n in range(first, math.floor(high / step) + 1)]


def _path(losses: Sequence[float], scale: _Scale) -> str:
    """Straight lines from step to step, interrupted where a loss is no number."""
    stride = -(-len(losses) // _MAX_POINTS) or 1
    commands, pen = [], "M"
    for index in range(0, len(losses), stride):
        if math.isfinite(losses[index]):
            commands.append(f"{pen}{scale.x(index):.1f} {scale.y(losses[index]):.1f}")
            pen = "L"
        else:
            pen = "M"
    if len(commands) == 1:
        commands.append("h0.1")  # a single point, made visible by the round end of the line
    return "".join(commands)


def _parting(data: Curve, scale: _Scale) -> Html:
    if data.parts_at is None:
        return join()
    x = round(scale.x(data.parts_at), 1)
    right = x > WIDTH / 2
    label = f"they part at step {data.parts_at + 1}"
    at = {"x": x - 6 if right else x + 6, "text_anchor": "end" if right else "start"}
    mark = [tag("line", x1=x, x2=x, y1=TOP - 8, y2=HEIGHT - BOTTOM)]
    if data.parts_at < len(data.yours) and math.isfinite(data.yours[data.parts_at]):
        mark.append(tag("circle", cx=x, cy=round(scale.y(data.yours[data.parts_at]), 1), r=4))
    return tag("g", *mark, tag("text", label, y=TOP - 4, **at), class_="parting")


def _curve_in_words(data: Curve) -> str:
    many = f"{len(data.true)} steps"
    if data.parts_at is None:
        told = f"Yours follows the reference over {many}"
    else:
        told = f"Yours parts from the reference at step {data.parts_at + 1} of {many}"
        if data.parts_at < min(len(data.yours), len(data.true)):
            told += f": {data.yours[data.parts_at]:.4f} instead of {data.true[data.parts_at]:.4f}"
    return f"{told}. {data.note}".strip() if data.note else f"{told}."


def _reader(data: Curve, steps: int) -> Html:
    """A slider that reads the values, for keys and for the pointer; shown by the script."""
    first = 1 if data.parts_at is None else data.parts_at + 1
    slider = tag("input", type="range", min=1, max=steps, value=first, step=1)
    return tag("div", tag("label", "step ", slider), tag("output"), class_="reader", hidden=True)


def _values(data: Curve, steps: int) -> Html:
    """The values of some steps as a table: what the plot says, without seeing it."""
    shown = {0, steps - 1, *(round(i * (steps - 1) / (_FEW - 1)) for i in range(_FEW))}
    if data.parts_at is not None:
        near = range(data.parts_at - _NEIGHBOURS, data.parts_at + _NEIGHBOURS + 1)
        shown |= {index for index in near if 0 <= index < steps}
    rows = [
        tag(
            "tr",
            tag("th", str(index + 1), scope="row"),
            tag("td", _loss(data.yours, index)),
            tag("td", _loss(data.true, index)),
            class_="wrong" if index == data.parts_at else None,
        )
        for index in sorted(shown)
    ]
    head = tag("tr", *(tag("th", name, scope="col") for name in ("step", "yours", "reference")))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    return tag("details", tag("summary", "values"), table, class_="values")


def _loss(losses: Sequence[float], index: int) -> str:
    return f"{losses[index]:.6f}" if index < len(losses) else "none"


def _numbers(losses: Sequence[float]) -> str:
    """Losses as JSON; null where one is no number."""
    return json.dumps([float(f"{v:.7g}") if math.isfinite(v) else None for v in losses])


# Maps of errors ------------------------------------------------------------


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


# Times and costs ------------------------------------------------------------


def times(timings: Sequence[Timing]) -> Html:
    """A table of times, yours beside the reference's, with their ratio and the roofline drawn."""
    names = ["", "yours", "reference", "ratio"]
    has_shares = any(timing.shares for timing in timings)
    head = tag(
        "tr",
        *(tag("th", name, scope="col") for name in names),
        tag("th", "of a copy's bandwidth", scope="col") if has_shares else None,
    )
    rows = [
        tag(
            "tr",
            tag("th", t.name, tag("small", t.note) if t.note else None, scope="row"),
            tag("td", time(t.time_us)),
            tag("td", time(t.reference_us)),
            tag("td", f"{t.time_us / t.reference_us:.2f}×", _ratio(t)) if t.reference_us else None,
            _roofline(t) if has_shares else None,
        )
        for t in timings
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    told = f"Lower is better. All points up to {FULL_POINTS:g}×, none from {NO_POINTS:g}× on."
    caption = tag("figcaption", tag("strong", "Times on the GPU"), tag("span", told))
    return tag("figure", caption, table, class_="times")


def time(time_us: float) -> str:
    """A time in the unit in which it reads best."""
    return f"{time_us / 1000:.2f} ms" if time_us >= 1000 else f"{time_us:.1f} µs"  # noqa: PLR2004


_LEAST, _MOST = 0.5, 16.0  # of the axis of ratios, by its logarithm


def _ratio(timing: Timing) -> Html:
    """The ratio as a bar, its interval, and where points begin and end to be lost."""

    def x(ratio: float) -> float:
        held = min(max(ratio, _LEAST), _MOST)
        return round(100 * math.log(held / _LEAST) / math.log(_MOST / _LEAST), 1)

    ratio = timing.time_us / timing.reference_us
    parts = [
        tag("line", x1=x(at), x2=x(at), y1=0, y2=12, class_=kind)
        for at, kind in ((1.0, "one"), (FULL_POINTS, "limit"), (NO_POINTS, "limit"))
    ]
    parts.insert(0, tag("rect", y=2, width=max(x(ratio), 0.8), height=8, class_="yours"))
    if timing.interval:
        low, high = (x(end) for end in timing.interval)
        width = round(max(high - low, 0.6), 1)
        parts.append(tag("rect", x=low, y=5, width=width, height=2, class_="interval"))
    return _strip(parts)


def _roofline(timing: Timing) -> Html:
    """The share of the copy's bandwidth, yours above the reference's."""
    if not timing.shares:
        return tag("td")
    yours, reference = (min(max(100 * share, 0.0), 100.0) for share in timing.shares)
    parts = [
        tag("rect", width=100, height=12, class_="ground"),
        tag("rect", width=round(yours, 1), height=6, class_="yours"),
        tag("rect", y=6, width=round(reference, 1), height=6),
    ]
    told = f"{timing.shares[0]:.0%} (reference {timing.shares[1]:.0%})"
    return tag("td", told, _strip(parts))


def _strip(parts: Sequence[Html]) -> Html:
    """A drawing as wide as its cell; what it shows is said beside it."""
    return tag("svg", *parts, viewBox="0 0 100 12", preserveAspectRatio="none", aria_hidden="true")


def costs(counted: Sequence[Cost]) -> Html:
    """A table of what kernels cost on the emulator, yours / the reference's."""
    names = ("", "sectors", "fewest", "bank conflicts", "atomics", "they wait", "cost")
    head = tag("tr", *(tag("th", name, scope="col") for name in names))
    rows = []
    for cost in counted:
        yours, reference = cost.yours, cost.reference
        advice = f"{cost.advice}." if cost.advice else "about as much as the reference's"
        pairs = (
            (yours.bank_conflicts, reference.bank_conflicts),
            (yours.atomics, reference.atomics),
            (yours.atomic_conflicts, reference.atomic_conflicts),
        )
        cells = [
            f"{yours.sectors:,} / {reference.sectors:,}",
            f"{cost.fewest_sectors:,}",
            *(f"{own:,} / {other:,}" for own, other in pairs),
            f"{cost.ratio:.2f}×",
        ]
        name = tag("th", cost.name, tag("small", advice), scope="row")
        rows.append(tag("tr", name, *(tag("td", cell) for cell in cells)))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    told = (
        "Yours / the reference's, for one call: sectors of 32 bytes moved, the fewest that hold "
        "all that must be moved, passes over the banks of shared memory beyond one a request, "
        "atomic operations, and how often a thread of a warp waits at one. Exact, and no time."
    )
    caption = tag("figcaption", tag("strong", "Cost without a GPU"), tag("span", told))
    return tag("figure", caption, table, class_="times")
