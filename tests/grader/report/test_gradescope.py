"""Gradescope's results.json, against the rules of its specification.

https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from grader.report.gradescope import to_results, write
from grader.result import Found
from tests.grader.report.reports import report, timed

if TYPE_CHECKING:
    from pathlib import Path

    from grader.result import Report

FORMATS = {"text", "html", "simple_format", "md", "ansi"}
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}

TOP = {
    "score": float, "execution_time": int, "output": str, "output_format": FORMATS,
    "test_output_format": FORMATS, "test_name_format": FORMATS, "visibility": VISIBILITIES,
    "stdout_visibility": VISIBILITIES, "extra_data": dict, "tests": list, "leaderboard": list,
}  # fmt: skip
TEST = {
    "score": float, "max_score": float, "status": {"passed", "failed"}, "name": str,
    "name_format": FORMATS, "number": str, "output": str, "output_format": FORMATS,
    "tags": list, "visibility": VISIBILITIES, "extra_data": dict,
}  # fmt: skip


def demand(entry: dict[str, Any], rules: dict[str, Any]) -> None:
    """Every field is one of the specification's, of its type or one of its words."""
    for name, value in entry.items():
        rule = rules[name]  # KeyError: a field that the specification does not know
        assert value in rule if isinstance(rule, set) else isinstance(value, rule), name


@pytest.mark.parametrize("graded", [report(), timed()], ids=["everything", "timed"])
def test_specification(graded: Report) -> None:
    """Fields, types and words are the specification's, at the top, in tests, on the board."""
    results = to_results(graded)
    demand(results, TOP)
    for test in results["tests"]:
        demand(test, TEST)
        assert test.get("score", 0) <= test.get("max_score", 0)
        assert all(isinstance(tag, str) for tag in test["tags"])
    for entry in results.get("leaderboard", ()):
        assert set(entry) <= {"name", "value", "order"}
        assert isinstance(entry["name"], str)
        assert isinstance(entry["value"], (int, float, str))
        assert entry.get("order", "desc") in {"asc", "desc"}


def test_score_is_the_sum() -> None:
    """The score at the top is the sum of the tests', and so are the points to be had."""
    results = to_results(report())
    assert results["score"] == sum(test.get("score", 0) for test in results["tests"])
    most = sum(test.get("max_score", 0) for test in results["tests"])
    assert results["extra_data"]["max_score"] == most


def test_not_measured() -> None:
    """What needs a GPU has no points, and neither passed nor failed."""
    (test,) = (t for t in to_results(report())["tests"] if t["number"] == "5.1")
    assert not {"score", "max_score", "status"} & set(test)
    assert "needs a GPU" in test["output"]


def test_failure() -> None:
    """The output of a failed task tells what, why, where and what next."""
    (test,) = (t for t in to_results(report())["tests"] if t["number"] == "2.3")
    assert test["status"] == "failed"
    for words in ("Divide by N", "linear.py:1", "make hint TASK=2.3"):
        assert words in test["output"]
    assert "sum-not-mean" in test["tags"]


def test_times_are_on_the_leaderboard() -> None:
    """Each time is an entry of the leaderboard, the shortest first; without times there is none."""
    board = to_results(timed())["leaderboard"]
    assert {"name": "bias_add of 60000 × 512 (µs)", "value": 81.25, "order": "asc"} in board
    assert "leaderboard" not in to_results(report())


def test_file(tmp_path: Path) -> None:
    """The file is JSON without NaN, in UTF-8, and without control characters."""
    write(report(), tmp_path / "results.json")
    text = (tmp_path / "results.json").read_text("utf-8")
    assert json.loads(text) == to_results(report())
    assert "\\u001b" not in text
    assert "\\u0000" not in text


def test_finding_of_odd_characters(tmp_path: Path) -> None:
    """What a submission forges as the kind of a finding is made harmless, too."""
    given = report()
    odd = Found("\ud800\x1b", "text", "k", None, None)
    results = [replace(result, findings=(odd,)) for result in given.results]
    write(replace(given, results=tuple(results)), tmp_path / "results.json")
    text = (tmp_path / "results.json").read_text("utf-8")
    assert "\N{REPLACEMENT CHARACTER}" * 2 in text
    assert "\x1b" not in text
