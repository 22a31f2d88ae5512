"""A result in plain words, for reports that have no layout of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.report.plain import plain
from grader.result import State

if TYPE_CHECKING:
    from grader.result import PartResult, Result

APOLOGY = (
    "Sorry: the grader itself failed here, not your code. This costs you no points. "
    "Please show your instructor what follows."
)


def in_words(result: Result) -> str:
    """What became of a task, and what to do next; "" where there is nothing to say.

    Paragraphs are separated by empty lines; there are no control characters in it.
    """
    told: list[str] = []
    if result.state is State.GRADER_FAULT:
        told.append(APOLOGY)
    if result.state is State.NOT_STARTED:
        told.append(f"Not started: its TODOs in {result.file} are as the handout left them.")
    if result.state is State.NOT_MEASURED:
        told.append("Not measured here: it needs a GPU, and costs no points.")
    told += list(dict.fromkeys(_part(part) for part in result.parts if part.message or part.fault))
    told += result.notes
    if result.state in (State.FAILED, State.PARTIAL):
        where = f"{result.file}:{result.line}" if result.line else f"{result.file}"
        told.append(f"{where} · next: make hint TASK={result.task}")
    return plain("\n\n".join(told))


def _part(part: PartResult) -> str:
    lines = [f"{part.title or part.name} ({part.points} / {part.max_points}):", part.message]
    if len(part.diagnoses) > 1:
        lines.append("Diagnosis, one of these:")
    lines += [f"Diagnosis: {found.title}. {found.text}" for found in part.diagnoses]
    if part.fault:
        lines.append(part.fault)
    return "\n".join(line for line in lines if line)
