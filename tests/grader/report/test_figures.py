"""Curves, maps and times."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

from grader.evidence import Cost, Counts, Curve, HeatMap, Timing
from grader.report import figures
from tests.grader.report.reports import curve


def test_curve_marks_the_step() -> None:
    """The plot marks the step at which the curves part, and says so in words."""
    drawn = figures.curve(curve(5))
    assert "they part at step 6" in drawn
    assert (
        "Yours parts from the reference at step 6 of 10 steps: 2.0000 instead of 1.5000." in drawn
    )
    assert "dW parts first." in drawn


def test_curve_that_follows() -> None:
    """Curves that don't part are not marked."""
    drawn = figures.curve(curve(None))
    assert "they part" not in drawn
    assert "Yours follows the reference over 10 steps." in drawn


def test_not_a_number() -> None:
    """A loss that is no number interrupts the line; the drawing stays well-formed and finite."""
    drawn = figures.curve(Curve("t", (1.0, math.nan, math.inf, 0.5), (1.0, 0.9, 0.8, 0.7), 1))
    svg = drawn[drawn.index("<svg") : drawn.index("</svg>") + len("</svg>")]
    assert ET.fromstring(svg).tag == "svg"  # noqa: S314 - our own
    (path,) = re.findall(r'd="([^"]*)" class="yours"', drawn)
    assert path.count("M") == 2
    assert "nan" not in path
    assert "inf" not in path
    assert "[1.0, null, null, 0.5]" in drawn


def test_nothing_finite() -> None:
    """Without any finite loss there is a sentence instead of a plot."""
    assert "<svg" not in figures.curve(Curve("t", (math.nan,), (math.nan,)))


def test_explosion_does_not_flatten() -> None:
    """A loss that explodes runs off the plot; the true curve keeps its room."""
    drawn = figures.curve(Curve("t", (2.0, 1e9), (2.0, 1.0), 1))
    numbers = re.findall(r'text-anchor="end">([\d.e+]+)<', drawn)
    assert max(map(float, numbers)) < 10


def test_one_step() -> None:
    """A curve of one step is a dot."""
    assert "h0.1" in figures.curve(Curve("t", (2.0,), (2.0,)))


def test_map_in_words() -> None:
    """The map's text says how much is wrong, and where."""
    cells = ((0.0, 0.5, 0.0), (0.0, 100.0, math.inf), (0.0, 0.0, 0.0))
    drawn = figures.heat_map(HeatMap("dW", (3, 3), cells, 2))
    assert "2 of 9 elements of (3, 3) are wrong, all within row 1 and columns 1 to 2." in drawn
    assert 'class="l2"' in drawn  # 100 × what is allowed
    assert 'class="lx"' in drawn


def test_times() -> None:
    """Times are shown in the unit that reads best, with their ratio."""
    drawn = figures.times([Timing("a", 81.25, 65.0), Timing("b", 2500.0, 1250.0, "strided")])
    for words in ("81.2 µs", "1.25×", "2.50 ms", "2.00×", "strided"):
        assert words in drawn


def test_interval_and_roofline() -> None:
    """A time that was compared shows its interval, and the share of a copy in words and drawn."""
    drawn = figures.times(
        [Timing("a", 150.0, 100.0, "", (1.4, 1.6), (0.6, 0.9)), Timing("b", 1, 1)]
    )
    assert 'class="interval"' in drawn
    assert "60% (reference 90%)" in drawn
    for svg in re.findall(r"<svg.*?</svg>", drawn):
        assert ET.fromstring(svg).tag == "svg"  # noqa: S314 - our own
    assert len(re.findall(r"<tr>", drawn)) == 3


def test_costs() -> None:
    """Counts stand beside the reference's, with the advice below the kernel's name."""
    yours, reference = Counts(320, 10240, 3, 7, 2), Counts(320, 1280)
    told = "your column_mean touches rows with a stride of 40 bytes"
    drawn = figures.figures([Cost("column_mean, 1,021 × 10", yours, reference, 1278, told)])
    for words in ("10,240 / 1,280", "1,278", "3 / 0", "7 / 0", "2 / 0", "8.00×", f"{told}."):
        assert words in drawn
    assert "Cost without a GPU" in drawn
