"""The report as JSON, one row a task."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from grader.result import Report, Result


def to_json(report: Report) -> dict[str, Any]:
    """{"score", "max_score", "backend", "seed", "results"}."""
    return {
        "score": report.score,
        "max_score": report.max_score,
        "backend": report.backend,
        "seed": report.seed,
        "results": [_row(result) for result in report.results],
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
        "seconds": round(result.seconds, 3),
    }
