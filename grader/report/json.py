"""The report as JSON, one row a task."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from grader.evidence import Cost, Timing
from grader.report.plain import harmless
from grader.version import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from grader.result import PartResult, Report, Result


def to_json(report: Report) -> dict[str, Any]:
    """{"score", "max_score", "backend", "isolation", "seed", "results", "violations", "notes"}.

    And {"slowest"}, the task in which the time of the grading was used up ("" where it was not),
    and {"submission", "year", "grader"}, which `python -m grader explain` needs to judge it again.
    Text of the submission's is as a terminal may show it.
    """
    row: dict[str, Any] = harmless(_content(report))
    return row


def _content(report: Report) -> dict[str, Any]:
    return {
        "score": report.score,
        "max_score": report.max_score,
        "backend": report.backend,
        "isolation": report.isolation,
        "seed": report.seed,
        "submission": report.submission,
        "year": report.year,
        "grader": fingerprint(),
        "results": [_row(result) for result in report.results],
        "violations": [asdict(found) for found in report.violations],
        "notes": list(report.notes),
        "slowest": report.slowest,
    }


def write(report: Report, file: Path) -> None:
    """Write the report; OSError where that cannot be done."""
    file.write_text(json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n", "utf-8")


def _row(result: Result) -> dict[str, Any]:
    return {
        "task": result.task,
        "title": result.title,
        "state": result.state.value,
        "score": result.score,
        "max_score": result.max_score,
        "message": result.message,
        "diagnoses": [asdict(diagnosis) for diagnosis in result.diagnoses],
        "findings": [asdict(finding) for finding in result.findings],
        "file": result.file,
        "line": result.line,
        "parts": [_part(part) for part in result.parts],
        "stand_ins": list(result.stand_ins),
        "seconds": round(result.seconds, 3),
        **_measured(result),
    }


def _part(part: PartResult) -> dict[str, Any]:
    kept = ("name", "title", "points", "max_points", "message")
    return {name: getattr(part, name) for name in kept}


def _measured(result: Result) -> dict[str, Any]:
    """{"times", "costs"} of task 5.1 and its like; nothing where there are none."""
    times = [asdict(item) for item in result.evidence if isinstance(item, Timing)]
    costs = [_cost(item) for item in result.evidence if isinstance(item, Cost)]
    return {name: found for name, found in (("times", times), ("costs", costs)) if found}


def _cost(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "ratio": round(cost.ratio, 3)}
