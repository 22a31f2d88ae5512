"""Reads specimens: what to change in a plain solution, and what the grader must say of it.

A specimen is a text file. Its first line says in a student's words what was done. Then lines
`key: value`:

    loses: 2.3 W, b         parts of a task that lose their points (`2.3` alone: all of its parts)
    diagnosis: sum-not-mean an entry of the bank that must be named; several: one a line
    finding: race           a kind of finding of the checked device that must be reported
    says: TODO(1.1)         words of some message
    at: kernels.py: text    the place that is named: the file, and what its line holds
    grade: 2.3 2.4          the tasks to grade; default: those that lose, and all that build on them

and then edits, each of which must match exactly once in the file:

    --- linear.py
    <<<<
    old lines
    ====
    new lines
    >>>>

`--- linear.py delete` removes the file, and after `--- linear.py append` comes what is put at its
end: a function that is defined again there replaces the first one.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from grader import tasks

HERE = Path(__file__).resolve().parent
PLAIN = HERE / "plain"
"""A right submission, written plainly; it does not change when the solution is tuned."""

_EDIT = re.compile(r"<<<<\n(.*?)\n?====\n(.*?)\n?>>>>\n", re.DOTALL)


@dataclass(frozen=True)
class Specimen:
    """A submission with a known verdict.

    Attributes:
        name: of its file.
        title: what was done, in a student's words.
        loses: task id → names of the parts that lose their points.
        diagnoses, findings, says: that must be reported.
        place: (file, text of its line) that must be named, None for any.
        grade: ids of the tasks to grade.
        edits: (file, old, new); (file, "", new) to append, (file, None, None) to delete the file.
    """

    name: str
    title: str
    loses: dict[str, tuple[str, ...]]
    diagnoses: tuple[str, ...]
    findings: tuple[str, ...]
    says: tuple[str, ...]
    place: tuple[str, str] | None
    grade: tuple[str, ...]
    edits: tuple[tuple[str, str | None, str | None], ...]

    def write(self, folder: Path) -> Path:
        """Write the submission into an empty folder and return it.

        Raises:
            ValueError: an edit does not match exactly once.
        """
        for file in tasks.FILES:
            shutil.copyfile(PLAIN / file, folder / file)
        for file, old, new in self.edits:
            path = folder / file
            if old is None or new is None:
                path.unlink()
                continue
            text = path.read_text("utf-8")
            if not old:
                path.write_text(f"{text}\n\n{new}", "utf-8")
                continue
            if text.count(old) != 1:
                raise ValueError(f"{self.name}: {text.count(old)} matches in {file} for:\n{old}")
            path.write_text(text.replace(old, new), "utf-8")
        return folder


def read(path: Path) -> Specimen:
    """Read a specimen; ValueError where it is not of the form above."""
    head, *bodies = re.split(r"^--- ", path.read_text("utf-8"), flags=re.MULTILINE)
    title, *lines = [line for line in head.splitlines() if line.strip()]
    values: dict[str, list[str]] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"{path.name}: {line!r} is not of the form key: value")
        values.setdefault(key.strip(), []).append(value.strip())
    loses = dict(_loss(value) for value in values.get("loses", []))
    grade = " ".join(values.get("grade", [])).split() or _concerned(loses)
    places = [value.partition(": ") for value in values.get("at", [])]
    return Specimen(
        name=path.stem,
        title=title,
        loses=loses,
        diagnoses=tuple(values.get("diagnosis", ())),
        findings=tuple(values.get("finding", ())),
        says=tuple(values.get("says", ())),
        place=(places[0][0], places[0][2]) if places else None,
        grade=tuple(grade),
        edits=tuple(edit for body in bodies for edit in _edits(path, body)),
    )


def _loss(value: str) -> tuple[str, tuple[str, ...]]:
    task, _, parts = value.partition(" ")
    named = tuple(part.strip() for part in parts.split(",") if part.strip())
    for name in named:
        tasks.find(task).part(name)
    return task, named or tuple(part.name for part in tasks.find(task).parts)


def _concerned(loses: dict[str, tuple[str, ...]]) -> list[str]:
    return [
        task.id
        for task in tasks.TASKS
        if not task.needs_gpu and (task.id in loses or set(task.builds_on) & set(loses))
    ]


def _edits(path: Path, body: str) -> list[tuple[str, str | None, str | None]]:
    file, _, rest = body.partition("\n")
    if file.endswith(" append"):
        return [(file.removesuffix(" append"), "", rest)]
    if file.endswith(" delete"):
        return [(file.removesuffix(" delete"), None, None)]
    found = [(file.strip(), old, new) for old, new in _EDIT.findall(rest)]
    if not found:
        raise ValueError(f"{path.name}: no edit of {file} of the form <<<< old ==== new >>>>")
    return found
