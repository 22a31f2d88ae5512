"""Grades one submission on Gradescope: `python -m grader.release.autograder /autograder`.

Ends with a valid results.json whatever happens: a submission that cannot be graded is told so, and
what is the grader's own fault is said to be.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

LIMIT_S = 540
"""For a grading, which takes some seconds; Gradescope's own limit is ten minutes by default."""

_KEPT = 2000  # characters of what the grader said, where it could not grade


def grade(root: Path) -> dict[str, Any]:
    """The content of results.json for what lies in the folder `submission`.

    Args:
        root: /autograder, with submission, source and results in it.
    """
    submission, draft = root / "submission", root / "results" / "results.draft"
    if not submission.is_dir() or not any(submission.iterdir()):
        return told(
            "There is nothing to grade: no file came with this submission. Hand in your folder "
            "assignment/, a zip of it, or homework5.ipynb."
        )
    command = [sys.executable, "-m", "grader", "grade", str(submission)]
    command += ["--isolation", "full", "--seed", "-", "--gradescope", str(draft)]
    with (root / "source" / "seed").open("rb") as seed:
        process = subprocess.Popen(
            command, stdin=seed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return told(
            f"Grading took more than {LIMIT_S // 60} minutes and was ended. Run make grade on your "
            "own machine: it names the task that takes so long."
        )
    if not draft.is_file():
        return told(f"This submission could not be graded.\n{said[-_KEPT:].strip()}")
    results: dict[str, Any] = json.loads(draft.read_text("utf-8"))
    draft.unlink()
    results["extra_data"].pop("seed", None)  # it is everybody's
    return results


def told(message: str) -> dict[str, Any]:
    """Results that are one message."""
    return {
        "score": 0.0,
        "output": message,
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
    }


def main(root: Path) -> int:
    """Write results.json, at once."""
    results = root / "results"
    try:
        content = grade(root)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no verdict on the submission
        print(f"{type(error).__name__}: {error}")
        content = told(
            "The autograder itself failed, not your code: please tell your instructor, and hand in "
            "again later."
        )
    draft = results / "results.json.draft"
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    draft.replace(results / "results.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
