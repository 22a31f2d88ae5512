"""The gradebook: one row a student, as CSV for the course's platform and as JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grader import tasks
from grader.budget import LOADING, OPENING
from grader.classroom.folder import write_whole
from grader.report.plain import plain
from grader.result import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from grader.classroom.entries import Entry
    from grader.classroom.exports import Student
    from grader.integrity import Violation
    from grader.result import Report, Result

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula, in both widths."""


@dataclass(frozen=True)
class Row:
    """What became of a student.

    Attributes:
        student: who.
        entry: what was graded.
        report: of it; None where there is none.
        error: why there is none, or why it is not whole; "" where all is well.
        with_times: whether this run takes times.
        is_missing: there is no verdict yet: the next run tries again.
        is_refused: there was nothing to grade.
    """

    student: Student
    entry: Entry
    report: Report | None
    error: str
    with_times: bool = False
    is_missing: bool = False
    is_refused: bool = False

    @property
    def score(self) -> int:
        """Points earned."""
        return self.report.score if self.report else 0

    @property
    def max_score(self) -> int:
        """Points that can be had in this run, without a bonus."""
        if self.report is not None:
            return self.report.max_score
        return sum(t.points for t in tasks.TASKS if self.counts(t) and not t.bonus)

    @property
    def results(self) -> tuple[Result, ...]:
        """Of the tasks; none without a report."""
        return self.report.results if self.report else ()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What was seen beside results."""
        return self.report.violations if self.report else ()

    @property
    def faults(self) -> tuple[str, ...]:
        """The tasks in which the grader itself failed."""
        return tuple(r.task for r in self.results if r.state is State.GRADER_FAULT)

    def counts(self, task: tasks.Task) -> bool:
        """Whether this run measures a task."""
        return self.with_times or not task.needs_gpu

    @property
    def notes(self) -> tuple[str, ...]:
        """What the instructor should know of it."""
        failed = f"the grader itself failed in {', '.join(self.faults)}: look at the report"
        told = (self.error, failed if self.faults else "", self._used_up())
        return (*filter(None, told), *self.entry.notes, *self._reports())

    def _used_up(self) -> str:
        if self.report is None or not self.report.slowest:
            return ""
        task = self.report.slowest
        where = "while its files were loaded" if task == LOADING else f"in {task}"
        return f"used up the time of a grading, most of it {where}: what came later was not judged"

    def _reports(self) -> Iterator[str]:
        """Its report's own notes, but for the student's on time: they depend on the day."""
        notes = self.report.notes if self.report else ()
        return (note for note in notes if not note.startswith(OPENING))


def write(rows: Iterable[Row], folder: Path) -> None:
    """Write gradebook.csv and gradebook.json; the same rows give the same bytes."""
    rows = sorted(rows, key=lambda row: (row.student.name.casefold(), row.student.id))
    write_whole(folder / "gradebook.csv", to_csv(rows))
    text = json.dumps(to_json(rows), indent=2, ensure_ascii=False)
    write_whole(folder / "gradebook.json", text + "\n")


def to_csv(rows: Iterable[Row]) -> str:
    """The gradebook as a table; no cell is a formula, whatever a student is called."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\r\n")  # RFC 4180
    table.writerow(
        ["id", "name", "score", "max", *(t.id for t in tasks.TASKS), "late", "note", "violations"]
    )
    for row in rows:
        scores = _scores(row)
        table.writerow(
            [
                _cell(row.student.id),
                _cell(row.student.name),
                row.score,
                row.max_score,
                *("" if score is None else score for score in scores.values()),
                {True: "late", False: "", None: ""}[row.entry.late],
                _cell("; ".join(row.notes)),
                _cell("; ".join(dict.fromkeys(v.title for v in row.violations))),
            ]
        )
    return stream.getvalue()


def to_json(rows: Iterable[Row]) -> dict[str, Any]:
    """The gradebook for programs; without times and machines, which differ from run to run."""
    return {
        "tasks": [{"task": t.id, "title": t.title, "points": t.points} for t in tasks.TASKS],
        "students": [
            {
                "id": plain(row.student.id),
                "name": plain(row.student.name),
                "score": row.score,
                "max": row.max_score,
                "tasks": _scores(row),
                "late": row.entry.late,
                "error": plain(row.error),
                "notes": [plain(note) for note in row.notes],
                "violations": [{"kind": v.kind, "task": v.task} for v in row.violations],
            }
            for row in rows
        ],
    }


def _scores(row: Row) -> dict[str, int | None]:
    """By task; None where it was not measured."""
    scores: dict[str, int | None] = {
        task.id: 0 if row.counts(task) and not row.report else None for task in tasks.TASKS
    }
    for result in row.results:
        is_measured = result.state is not State.NOT_MEASURED
        scores[result.task] = result.score if is_measured else None
    return scores


def _cell(text: str) -> str:
    """A text that a spreadsheet shows as it is, on one line."""
    shown = " ".join(plain(text).split())
    return f"'{shown}" if text.startswith(FORMULA) or shown.startswith(FORMULA) else shown
