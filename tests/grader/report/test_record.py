"""Records: a report that comes back as it was."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader.evidence import Curve, HeatMap, Timing
from grader.report import record
from grader.result import Diagnosed, Found, PartResult, Report, Result, State
from tests.grader.report import reports

if TYPE_CHECKING:
    from pathlib import Path

EVIDENCE = (
    Curve("loss", (1.0, math.inf), (1.0, 0.5), 1, "dW parts first"),
    HeatMap("dW", (2, 2), ((0.0, 2.0), (math.inf, 0.5)), 2),
    Timing("bias_add", 12.5, 10.0),
)
PART = PartResult(
    "W",
    "dW is right",
    0,
    3,
    "it is not",
    "linear.py",
    4,
    (Diagnosed("mean", "t", "x"),),
    (Found("race", "a race", "k", None, None),),
    evidence=EVIDENCE,
)
RESULT = Result("2.3", "dW", State.PARTIAL, 5, 8, parts=(PART,), evidence=EVIDENCE)
REPORT = Report("emulator", "no GPU", 7, "mine", (RESULT,), ("a note",), 1.5, "hi", {"a.py": "x"})


def test_round_trip(tmp_path: Path) -> None:
    """A report with all kinds of evidence comes back equal, infinite values included."""
    record.write(REPORT, tmp_path / "record")
    assert record.report_of(json.loads((tmp_path / "record").read_text())) == REPORT


def test_hostile_text() -> None:
    """What a submission may say comes back, too, half characters and NULs included."""
    nasty = reports.report()
    text = json.dumps(record.encode(nasty))
    assert record.encode(record.decode(json.loads(text))) == record.encode(nasty)


def test_numpy_numbers() -> None:
    """Numbers of NumPy's become Python's."""
    assert record.encode(np.float32(0.5)) == 0.5
    assert type(record.encode(np.int64(3))) is int


def test_what_is_no_report() -> None:
    """A record with an unknown class, with other fields, or without a report is refused."""
    wrong: Any
    for wrong in (
        {"report": {"\0": "Path", "value": "/"}},
        {"report": {"\0": "Report", "colour": 1}},
        {"report": 3},
        {"refused": "empty"},
        [],
    ):
        with pytest.raises(ValueError, match="record"):
            record.report_of(wrong)


def test_what_cannot_be_kept() -> None:
    """A value that is no plain value is an error that names its type, not a silent loss."""
    with pytest.raises(TypeError, match="complex"):
        record.encode((1, 2j))
