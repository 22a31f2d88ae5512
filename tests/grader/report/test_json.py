from __future__ import annotations

import json
from typing import TYPE_CHECKING

from grader.evidence import Cost, Counts, Timing
from grader.report.json import to_json, write
from grader.result import Diagnosed, Found, PartResult, Report, Result, State
from grader.version import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

RESULT = Result(
    "2.3", "dW", State.PARTIAL, 5, 8, "dW differs", "linear.py", 41,
    (Diagnosed("sum-not-mean", "title", "text"),), (Found("race", "text", "k", "kernels.py", 7),),
    0.25, (PartResult("W", "W", 0, 3),), stand_ins=("1.1",),
)  # fmt: skip
REPORT = Report("emulator", "why", 7, "assignment", (RESULT,))


def test_form() -> None:
    """The form is the one that was agreed, key by key."""
    assert to_json(REPORT) == {
        "score": 5,
        "max_score": 8,
        "backend": "emulator",
        "isolation": "",
        "seed": 7,
        "submission": "assignment",
        "year": "",
        "grader": fingerprint(),
        "results": [
            {
                "task": "2.3",
                "title": "dW",
                "state": "partial",
                "score": 5,
                "max_score": 8,
                "message": "dW differs",
                "diagnoses": [{"id": "sum-not-mean", "title": "title", "text": "text"}],
                "findings": [
                    {"kind": "race", "text": "text", "kernel": "k", "file": "kernels.py", "line": 7}
                ],
                "file": "linear.py",
                "line": 41,
                "parts": [{"name": "W", "title": "W", "points": 0, "max_points": 3, "message": ""}],
                "stand_ins": ["1.1"],
                "seconds": 0.25,
            }
        ],
        "violations": [],
        "notes": [],
        "slowest": "",
    }


def test_what_was_measured() -> None:
    """A task with times or costs shows them; others don't have the keys."""
    timing = Timing("bias_add", 10.0, 8.0, "", (1.2, 1.3), (0.8, 0.9))
    cost = Cost("bias_add", Counts(sectors=30), Counts(sectors=20), 20, "advice")
    result = Result("5.1", "t", State.NOT_MEASURED, 0, 10, evidence=(timing, cost))
    (row,) = to_json(Report("emulator", "why", 7, "assignment", (result,)))["results"]
    assert row["times"][0]["interval"] == [1.2, 1.3]
    (shown,) = row["costs"]
    assert (shown["ratio"], shown["yours"]["sectors"], shown["advice"]) == (1.5, 30, "advice")


def test_file(tmp_path: Path) -> None:
    """The file holds the same."""
    write(REPORT, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == to_json(REPORT)
