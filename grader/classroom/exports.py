"""What the names in an export of Canvas, Moodle or Gradescope say.

Canvas: `lastfirst_late_12345_678901_homework5.zip`, the numbers those of the user and of the file,
which grow with time; "LATE" in capitals in newer releases; `-1` at a file's end for each time it
was handed in again. Moodle: `First Last_1234567_assignsubmission_file_` as a folder, or in front of
each file's name. Gradescope: a folder `submission_123456` each, and `submission_metadata.yml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

METADATA = "submission_metadata.yml"
"""Gradescope's file beside the folders."""

_CANVAS = re.compile(
    r"(?:(?P<anonymous>anon)_(?P<late_>(?i:late)_)?(?P<code>[0-9A-Za-z]{5})"
    r"|(?P<name>.+?)_(?P<late>(?i:late)_)?(?P<id>\d+))_(?P<order>\d+)_(?P<file>.+)"
)
_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?P<kind>[a-z]+)_?(?P<file>.*)")
_GRADESCOPE = re.compile(r"submission_(\d+)")
_AGAIN = re.compile(r"-\d+(?=\.\w+$)")


class ExportError(Exception):
    """An export cannot be read; the message says which, why, and the next step."""


@dataclass(frozen=True)
class Student:
    """Who handed something in.

    Attributes:
        id: the course's or the platform's own.
        name: as the export has it, the id where it has none.
    """

    id: str
    name: str


@dataclass(frozen=True)
class Named:
    """What the name of a file or folder says.

    Attributes:
        student: whose it is.
        file: its name as the student had it, "" for a folder.
        late: None where the export does not say.
        order: larger for what was handed in later; 0 where the export does not say.
        is_text: text typed into the platform, no file.
    """

    student: Student
    file: str = ""
    late: bool | None = None
    order: int = 0
    is_text: bool = False


@dataclass(frozen=True)
class Listed:
    """A folder of Gradescope's.

    Attributes:
        students: one, or those of a group.
        created: when it was handed in, None where that is not said.
    """

    students: tuple[Student, ...]
    created: datetime | None


def canvas(name: str) -> Named | None:
    """What a name of Canvas's says; None if it is none."""
    found = _CANVAS.fullmatch(name)
    if found is None:
        return None
    id_ = found["id"] or found["code"]
    student = Student(id_, found["name"] or f"anon {id_}")
    late = bool(found["late"] or found["late_"])
    return Named(student, _AGAIN.sub("", found["file"]), late, int(found["order"]))


def moodle(name: str) -> Named | None:
    """What a name of Moodle's says; None if it is none."""
    found = _MOODLE.fullmatch(name)
    if found is None:
        return None
    student = Student(found["id"], found["name"])
    return Named(student, found["file"], is_text=found["kind"] == "onlinetext")


def gradescope_id(name: str) -> str:
    """The number of a folder of Gradescope's, "" if it is none."""
    found = _GRADESCOPE.fullmatch(name)
    return found[1] if found else ""


def gradescope(file: Path) -> dict[str, Listed]:
    """The folders that Gradescope's metadata lists, by name.

    Raises:
        ExportError: the file cannot be read.
    """
    import yaml  # noqa: PLC0415 - comes with Dask

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the file of a class has megabytes
    try:
        with file.open("rb") as stream:
            content = yaml.load(stream, Loader=loader)  # noqa: S506 - one of the safe loaders
        listed = {str(name): _listed(str(name), entry) for name, entry in content.items()}
    except (OSError, yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise ExportError(
            f"{file} cannot be read ({type(error).__name__}: {error}): export the submissions from"
            " Gradescope again, or delete this file to grade the folders under their numbers"
        ) from error
    return listed


def _listed(folder: str, entry: Mapping[str, Any]) -> Listed:
    students = []
    for person in entry.get(":submitters") or ():
        said = {key: str(person.get(f":{key}") or "").strip() for key in ("sid", "email", "name")}
        id_ = said["sid"] or said["email"] or said["name"]
        if id_:
            students.append(Student(id_, said["name"] or id_))
    if not students:
        number = gradescope_id(folder) or folder
        students = [Student(number, number)]
    return Listed(tuple(students), _moment(entry.get(":created_at")))


def _moment(value: object) -> datetime | None:
    """A time of YAML's, in UTC where it names no zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - set below
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
