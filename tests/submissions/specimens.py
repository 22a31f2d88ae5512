"""Reads specimens: what to change in a plain solution, and what the grader must say of it.

A specimen is a text file. Its first line says in a student's words what was done. Then lines
`key: value`:

    loses: 2.3 W, b         parts of a task that lose their points (`2.3` alone: all of its parts)
    diagnosis: sum-not-mean an entry of the bank that must be named; several: one a line
    finding: race           a kind of finding of the checked device that must be reported
    says: TODO(1.1)         words of some message
    at: kernels.py: text    the place that is named: the file, and what its line holds
    grade: 2.3 2.4          the tasks to grade; default: those that lose, and all that build on them
    verdict: policy         of a hostile one: wrong, policy, integrity, timing, error, budget, right
    seen: read /etc/passwd  a kind of violation that must be reported, and words of what was seen
    needs: full             only where the worker has walls around it; "gpu": only there

and then edits, each of which must match exactly once in the file:

    --- linear.py
    <<<<
    old lines
    ====
    new lines
    >>>>

`--- notes.txt new` adds a file with what follows; in all that is written, @FOLDER@ and @ROOT@ stand
for the submission's folder and the repository. `--- linear.py delete` removes the file, and after
`--- linear.py append` comes what is put at its end: a function that is defined again there replaces
the first one.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from grader import tasks

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
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
        edits: (file, old, new); (file, "", new) to append, (file, None, None) to delete the file,
            (file, None, new) for a file that is added.
        verdict: of a hostile one.
        seen: kinds of violations and words of what was seen.
        needs: "full", "gpu" or "".
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
    verdict: str = ""
    seen: tuple[tuple[str, str], ...] = ()
    needs: str = ""

    def write(self, folder: Path) -> Path:
        """Write the submission into an empty folder and return it.

        Raises:
            ValueError: an edit does not match exactly once.
        """
        for file in tasks.FILES:
            shutil.copyfile(PLAIN / file, folder / file)
        for file, old, text_after in self.edits:
            path = folder / file
            if text_after is None:
                path.unlink()
                continue
            new = text_after.replace("@FOLDER@", str(folder)).replace("@ROOT@", str(ROOT))
            if old is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(new, "utf-8")
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
        verdict=" ".join(values.get("verdict", ())),
        seen=tuple((kind, words) for kind, _, words in map(_words, values.get("seen", ()))),
        needs=" ".join(values.get("needs", ())),
    )


def _words(value: str) -> tuple[str, str, str]:
    return value.partition(" ")


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
    if file.endswith(" new"):
        return [(file.removesuffix(" new"), None, rest)]
    if file.endswith(" delete"):
        return [(file.removesuffix(" delete"), None, None)]
    found = [(file.strip(), old, new) for old, new in _EDIT.findall(rest)]
    if not found:
        raise ValueError(f"{path.name}: no edit of {file} of the form <<<< old ==== new >>>>")
    return found
