"""A figure of two loss curves, with its text, its values and a slider that reads them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from grader.report.markup import Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.evidence import Curve

WIDTH, HEIGHT = 640, 260
"""Of a plot, in units of its view box; the page scales it."""

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 22, 34
"""Room around the axes for labels of 12 units."""

_MAX_POINTS = 2000
"""Of a drawn line: three for each pixel of the page's width; longer curves are thinned out."""

_NEIGHBOURS, _FEW = 2, 12
"""Rows of the table of values: around the step at which the curves part, and in all."""


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
