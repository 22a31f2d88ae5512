"""Evidence as figures: loss curves, maps of errors, times and costs, each with its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.evidence import Cost, Curve, Evidence, HeatMap, Timing
from grader.report.error_map import heat_map
from grader.report.loss_curve import curve
from grader.report.markup import Html, join
from grader.report.measured import costs, times

if TYPE_CHECKING:
    from collections.abc import Iterable


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
