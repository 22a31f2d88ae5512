"""Maps of errors."""

from __future__ import annotations

import math

from grader.evidence import HeatMap
from grader.report.error_map import heat_map


def test_map_in_words() -> None:
    """The map's text says how much is wrong, and where."""
    cells = ((0.0, 0.5, 0.0), (0.0, 100.0, math.inf), (0.0, 0.0, 0.0))
    drawn = heat_map(HeatMap("dW", (3, 3), cells, 2))
    assert "2 of 9 elements of (3, 3) are wrong, all within row 1 and columns 1 to 2." in drawn
    assert 'class="l2"' in drawn  # 100 × what is allowed
    assert 'class="lx"' in drawn
