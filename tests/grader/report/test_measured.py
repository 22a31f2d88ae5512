"""Tables of times and costs."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from grader.evidence import Cost, Counts, Timing
from grader.report import measured


def test_times() -> None:
    """Times are shown in the unit that reads best, with their ratio."""
    drawn = measured.times([Timing("a", 81.25, 65.0), Timing("b", 2500.0, 1250.0, "strided")])
    for words in ("81.2 µs", "1.25×", "2.50 ms", "2.00×", "strided"):
        assert words in drawn


def test_interval_and_roofline() -> None:
    """A time that was compared shows its interval, and the share of a copy in words and drawn."""
    drawn = measured.times(
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
    drawn = measured.costs([Cost("column_mean, 1,021 × 10", yours, reference, 1278, told)])
    for words in ("10,240 / 1,280", "1,278", "3 / 0", "7 / 0", "2 / 0", "8.00×", f"{told}."):
        assert words in drawn
    assert "Cost without a GPU" in drawn
