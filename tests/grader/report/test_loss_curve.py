"""Loss curves, drawn and in words."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

from grader.evidence import Curve
from grader.report import loss_curve
from tests.grader.report.reports import curve


def test_curve_marks_the_step() -> None:
    """The plot marks the step at which the curves part, and says so in words."""
    drawn = loss_curve.curve(curve(5))
    assert "they part at step 6" in drawn
    assert (
        "Yours parts from the reference at step 6 of 10 steps: 2.0000 instead of 1.5000." in drawn
    )
    assert "dW parts first." in drawn


def test_curve_that_follows() -> None:
    """Curves that don't part are not marked."""
    drawn = loss_curve.curve(curve(None))
    assert "they part" not in drawn
    assert "Yours follows the reference over 10 steps." in drawn


def test_not_a_number() -> None:
    """A loss that is no number interrupts the line; the drawing stays well-formed and finite."""
    drawn = loss_curve.curve(Curve("t", (1.0, math.nan, math.inf, 0.5), (1.0, 0.9, 0.8, 0.7), 1))
    svg = drawn[drawn.index("<svg") : drawn.index("</svg>") + len("</svg>")]
    assert ET.fromstring(svg).tag == "svg"  # noqa: S314 - our own
    (path,) = re.findall(r'd="([^"]*)" class="yours"', drawn)
    assert path.count("M") == 2
    assert "nan" not in path
    assert "inf" not in path
    assert "[1.0, null, null, 0.5]" in drawn


def test_nothing_finite() -> None:
    """Without any finite loss there is a sentence instead of a plot."""
    assert "<svg" not in loss_curve.curve(Curve("t", (math.nan,), (math.nan,)))


def test_explosion_does_not_flatten() -> None:
    """A loss that explodes runs off the plot; the true curve keeps its room."""
    drawn = loss_curve.curve(Curve("t", (2.0, 1e9), (2.0, 1.0), 1))
    numbers = re.findall(r'text-anchor="end">([\d.e+]+)<', drawn)
    assert max(map(float, numbers)) < 10


def test_one_step() -> None:
    """A curve of one step is a dot."""
    assert "h0.1" in loss_curve.curve(Curve("t", (2.0,), (2.0,)))
