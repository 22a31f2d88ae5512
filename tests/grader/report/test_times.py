"""Times as text."""

from __future__ import annotations

import numpy as np
import pytest

from grader.evidence import Timing
from grader.report import times


def test_a_line_for_each_time_that_was_compared() -> None:
    """Time, bar, ratio with its interval, and the share of a copy; names are aligned."""
    shown = times.lines(
        [
            Timing("bias_add", 100.0, 100.0, "", (0.99, 1.01), (0.9, 0.91)),
            Timing("step", 2500.0, 250.0, "", (5.0, 15.0)),
            Timing("bias_add, 128 rows", 3.0, 3.0, "shown, not scored"),
        ]
    )
    first, second, legend = shown
    assert legend == times.LEGEND
    assert first.startswith("bias_add  100.0 µs ████│·········│·· ")
    assert first.endswith("1.00× (0.99 to 1.01), 90% of a copy")
    assert second.startswith("step       2.50 ms ████│██████[██│·] ")
    assert second.endswith("10.00× (5.00 to 15.00)")


def test_no_legend_where_no_points_are_lost() -> None:
    """Who has them all need not know where they end."""
    assert len(times.lines([Timing("k", 1.1, 1.0, "", (1.05, 1.2))])) == 1
    assert times.lines([]) == []


@pytest.mark.parametrize(
    ("ratio", "bar"),
    [
        (0.1, "█···│·········│··"),
        (1.0, "████│·········│··"),
        (1.2, "████│·········│··"),
        (1.21, "████│█········│··"),
        (9.9, "████│█████████│··"),
        (10.1, "████│█████████│█·"),
        (1000.0, "████│█████████│██"),
    ],
)
def test_bars_end_where_points_do(ratio: float, bar: str) -> None:
    """What costs points reaches beyond the first limit, what earns none beyond the second."""
    assert f" {bar} " in times.lines([Timing("k", ratio, 1.0, "", (ratio, ratio))])[0]


def test_bars_grow_with_the_logarithm() -> None:
    """Twice the time is about three cells more, wherever it begins."""
    for ratio in np.geomspace(0.6, 4.5):
        once, twice = (
            times.lines([Timing("k", r, 1.0, "", (r, r))])[0].count("█") for r in (ratio, 2 * ratio)
        )
        assert twice - once in (2, 3, 4)
