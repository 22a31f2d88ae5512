"""A result in plain words, for reports that have no layout of their own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from grader.report.plain import plain
from grader.result import State

if TYPE_CHECKING:
    from grader.result import PartResult, Result

APOLOGY = (
    "Sorry: the grader itself failed here, not your code. This costs you no points. "
    "Please show your instructor what follows."
)

ASSIGNMENT = "assignment"
"""What `make grade` grades where no SUBMISSION is named, as the Makefile says."""

_NOT_LOADED = re.compile(
    r"(?:there is no )?(\w+\.py) "
    r"(?:does not load: |(?:but a [\w ]+ of that name )?in the submission$)"
)


def command(target: str, submission: str, task: str = "") -> str:
    """The command to type for a submission, and a task of it; the default is not named."""
    named = "" if Path(submission) == Path(ASSIGNMENT) else f" SUBMISSION={shlex.quote(submission)}"
    return f"make {target}{named}" + (f" TASK={task}" if task else "")


def does_not_load(result: Result) -> str:
    """The file for which a task failed since it is missing or cannot be loaded; "" if none."""
    found = _NOT_LOADED.match(result.message)
    return found[1] if found and result.state in (State.FAILED, State.PARTIAL) else ""


def in_words(result: Result, submission: str = ASSIGNMENT) -> str:
    """What became of a task, and what to do next; "" where there is nothing to say.

    Paragraphs are separated by empty lines; there are no control characters in it. The next command
    names the submission, as the reader knows it.
    """
    told: list[str] = []
    if result.state is State.GRADER_FAULT:
        told.append(APOLOGY)
    if result.state is State.NOT_STARTED:
        why = result.message or f"its TODOs in {result.file} are as the handout left them"
        told.append(f"Not started: {why}.")
    if result.state is State.NOT_MEASURED:
        told.append("Not measured here: it needs a GPU, and costs no points.")
    if result.state is State.WAITS:
        told.append(f"{result.message[:1].upper()}{result.message[1:]}.")
    told += list(dict.fromkeys(_part(part) for part in result.parts if part.message or part.fault))
    told += result.notes
    if result.state in (State.FAILED, State.PARTIAL):
        where = f"{result.file}:{result.line}" if result.line else f"{result.file}"
        if does_not_load(result):
            told.append(f"next: mend {where}")
        else:
            told.append(f"{where} · next: {command('hint', submission, result.task)}")
    return plain("\n\n".join(told))


def _part(part: PartResult) -> str:
    lines = [f"{part.title or part.name} ({part.points} / {part.max_points}):", part.message]
    if len(part.diagnoses) > 1:
        lines.append("Diagnosis, one of these:")
    lines += [f"Diagnosis: {found.title}. {found.text}" for found in part.diagnoses]
    if part.fault:
        lines.append(part.fault)
    return "\n".join(line for line in lines if line)
