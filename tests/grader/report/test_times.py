"""Times as text."""

from __future__ import annotations

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
    assert len(shown) == 2
    first, second = shown
    assert first.startswith("bias_add  100.0 µs ████")
    assert first.endswith("1.00× (0.99 to 1.01), 90% of a copy")
    assert second.startswith("step       2.50 ms █████")
    assert "[" in second
    assert second.endswith("10.00× (5.00 to 15.00)")


def test_bars_grow_with_the_logarithm() -> None:
    """Twice the time is as many cells more at any time; what is off the axis ends at its end."""
    filled = [
        times.lines([Timing("k", ratio, 1.0, "", (ratio, ratio))])[0].count("█")
        for ratio in (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 1000.0)
    ]
    assert filled[0] == filled[1] == 1
    assert filled[3] - filled[2] == filled[4] - filled[3] == filled[5] - filled[4]
    assert filled[-1] == times.CELLS
