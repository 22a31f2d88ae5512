"""The report as Gradescope's results.json.

The form is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/ and nothing
beside it; what has no place there is in `extra_data`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from grader import tasks
from grader.evidence import Timing
from grader.report import conduct
from grader.report.plain import harmless, plain
from grader.report.words import in_words
from grader.result import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grader.result import Report, Result


def write(report: Report, file: Path) -> None:
    """Write the report; OSError where that cannot be done."""
    text = json.dumps(to_results(report), indent=2, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", "utf-8")


def to_results(report: Report) -> dict[str, Any]:
    """The content of results.json; text of the submission's is as a terminal may show it."""
    results: dict[str, Any] = harmless(_content(report))
    return results


def _content(report: Report) -> dict[str, Any]:
    told = (*report.notes, report.isolation, conduct.in_words(report))
    notes = [plain(note) for note in told if note]
    more = f" {report.unmeasured} more points need a GPU." if report.unmeasured else ""
    results: dict[str, Any] = {
        "score": float(report.score),
        "execution_time": math.ceil(report.seconds),
        "output": "\n".join([f"Graded on: {report.backend}.{more}", *notes]),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {
            "backend": report.backend,
            "seed": report.seed,
            "max_score": report.max_score,
            "violations": [found.kind for found in report.violations],
        },
        "tests": [_test(result) for result in report.results],
    }
    board = list(_leaderboard(report))
    return {**results, "leaderboard": board} if board else results


def _test(result: Result) -> dict[str, Any]:
    """One task; what counts neither way has no points and no status."""
    test: dict[str, Any] = {}
    is_left_out = result.state is State.NOT_STARTED and tasks.find(result.task).bonus
    if result.state is not State.NOT_MEASURED and result.max_score and not is_left_out:
        test["score"], test["max_score"] = float(result.score), float(result.max_score)
        test["status"] = "passed" if result.state is State.PASSED else "failed"
    told = in_words(result)  # of the folder that the student has, whatever Gradescope calls it
    return {
        **test,
        "name": f"{result.state.symbol} {result.title}",
        "name_format": "text",
        "number": result.task,
        **({"output": told, "output_format": "text"} if told else {}),
        "tags": _tags(result),
        "visibility": "visible",
        "extra_data": {
            "state": result.state.value,
            "seconds": round(result.seconds, 3),
            "diagnoses": [found.id for found in result.diagnoses],
            "findings": [found.kind for found in result.findings],
        },
    }


def _tags(result: Result) -> list[str]:
    return [f"part {result.task[0]}", *dict.fromkeys(d.id for d in result.diagnoses)]


def _leaderboard(report: Report) -> Iterator[dict[str, Any]]:
    """The score, and each time that was measured; only where there are times to compare."""
    timings = [
        item for result in report.results for item in result.evidence if isinstance(item, Timing)
    ]
    timings = [timing for timing in timings if math.isfinite(timing.time_us)]
    if timings:
        yield {"name": "score", "value": report.score}
    for timing in timings:
        name = f"{plain(timing.name)} (µs)"
        yield {"name": name, "value": round(timing.time_us, 3), "order": "asc"}
