"""Times as text: a bar for each ratio to the reference's, its interval, the share of a copy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grader.evidence import Evidence, Timing

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST, MOST = 0.5, 16.0
"""Ratios at the ends of a bar, whose axis is the logarithm."""

CELLS = 16
"""Of a bar; three of them are twice the time."""


def lines(evidence: Iterable[Evidence]) -> list[str]:
    """A line for each time that was compared with the reference's."""
    timings = [item for item in evidence if isinstance(item, Timing) and item.interval]
    names = max((len(timing.name) for timing in timings), default=0)
    return [
        f"{timing.name:<{names}} {_time(timing.time_us)} {_bar(timing)} {_ratio(timing)}".rstrip()
        for timing in timings
    ]


def _time(time_us: float) -> str:
    return f"{time_us / 1000:6.2f} ms" if time_us >= 1000 else f"{time_us:6.1f} µs"  # noqa: PLR2004


def _ratio(timing: Timing) -> str:
    low, high = timing.interval
    told = f"{timing.time_us / timing.reference_us:.2f}× ({low:.2f} to {high:.2f})"
    return told + (f", {timing.shares[0]:.0%} of a copy" if timing.shares else "")


def _bar(timing: Timing) -> str:
    """The ratio as a bar; the interval's ends as brackets where it is wider than a cell."""
    low, high = (_cell(end) for end in timing.interval)
    filled = _cell(timing.time_us / timing.reference_us)
    cells = ["█" if place <= filled else "·" for place in range(CELLS)]
    if high > low:
        cells[low], cells[high] = "[", "]"
    return "".join(cells)


def _cell(ratio: float) -> int:
    held = min(max(ratio, LEAST), MOST)
    return round((CELLS - 1) * math.log(held / LEAST) / math.log(MOST / LEAST))
