"""Times as text: a bar for each ratio to the reference's, its interval, the share of a copy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from grader.evidence import Evidence, Timing
from grader.timing.ratio import FULL_POINTS, NO_POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST = 0.5
"""The ratio at which a bar begins; its axis is the logarithm."""

ALL, SOME, NONE = 4, 9, 2
"""Cells of a bar: up to all points, from there to none, and beyond; each is about a quarter more
time than the one before."""

CELLS = ALL + SOME + NONE

LEGEND = (
    f"all points up to the first │ ({FULL_POINTS:g}×), none from the second on ({NO_POINTS:g}×); "
    "(from to): how sure it is"
)


def lines(evidence: Iterable[Evidence]) -> list[str]:
    """A line for each time that was compared with the reference's; a legend if points are lost."""
    timings = [item for item in evidence if isinstance(item, Timing) and item.interval]
    names = max((len(timing.name) for timing in timings), default=0)
    told = [
        f"{timing.name:<{names}} {_time(timing.time_us)} {_bar(timing)} {_ratio(timing)}".rstrip()
        for timing in timings
    ]
    is_slow = any(max(timing.interval) > FULL_POINTS for timing in timings)
    return [*told, LEGEND] if is_slow else told


def _time(time_us: float) -> str:
    return f"{time_us / 1000:6.2f} ms" if time_us >= 1000 else f"{time_us:6.1f} µs"  # noqa: PLR2004


def _ratio(timing: Timing) -> str:
    low, high = timing.interval
    told = f"{timing.time_us / timing.reference_us:.2f}× ({low:.2f} to {high:.2f})"
    return told + (f", {timing.shares[0]:.0%} of a copy" if timing.shares else "")


def _bar(timing: Timing) -> str:
    """The ratio as a bar; the interval's ends as brackets where it is wider than a cell."""
    low, high = (_filled(end) - 1 for end in timing.interval)
    filled = _filled(timing.time_us / timing.reference_us)
    cells = ["█" if place < filled else "·" for place in range(CELLS)]
    if high > low:
        cells[low], cells[high] = "[", "]"
    parts = cells[:ALL], cells[ALL : ALL + SOME], cells[ALL + SOME :]
    return "│".join("".join(part) for part in parts)


def _filled(ratio: float) -> int:
    """How many cells are filled, from 1 on; the limits of the points lie between two cells."""
    if ratio <= FULL_POINTS:
        cells = ALL * math.log(max(ratio, LEAST) / LEAST) / math.log(FULL_POINTS / LEAST)
    else:
        cells = ALL + SOME * math.log(ratio / FULL_POINTS) / math.log(NO_POINTS / FULL_POINTS)
    return min(max(1, math.ceil(cells - 1e-9)), CELLS)
