"""Evidence of all kinds, in order."""

from __future__ import annotations

from grader.evidence import Cost, Counts, HeatMap, Timing
from grader.report.figures import figures
from tests.grader.report.reports import curve


def test_order() -> None:
    """Curves and maps come as they are given, then one table of times and one of costs."""
    cost = Cost("a", Counts(sectors=30), Counts(sectors=20), 20, "advice")
    map_of_errors = HeatMap("dW", (1, 1), ((2.0,),), 1)
    drawn = figures([cost, Timing("b", 2.0, 1.0), map_of_errors, curve(5), Timing("c", 2.0, 1.0)])
    titles = ("Error of dW", "they part at step 6", "Times on the GPU", "Cost without a GPU")
    places = [drawn.index(title) for title in titles]
    assert places == sorted(places)
    assert drawn.count("Times on the GPU") == 1
