"""The files of a submission as the judge reads them, and the places in them that may be named.

A folder may hold what blocks whoever reads it (a pipe, a device), links to what is not the
submission's, and files without end; and a worker may name any place as the one of a mistake.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from grader import tasks
from grader.integrity import Violation
from grader.result import Found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grader.result import PartResult

_Placed = TypeVar("_Placed", Found, Violation)

MAX_BYTES = 1 << 20
"""Of a file that is read; the solution's largest has 20 kB."""


def text(folder: Path, file: str) -> str | None:
    """The text of a regular file within a folder, links followed; None where it is no such file."""
    path = folder / file
    try:
        if not (path.is_file() and path.resolve().is_relative_to(folder.resolve())):
            return None
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return None
            content = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError):  # unreadable; a name with a null byte in it
        return None
    return content.decode("utf-8", "replace") if len(content) <= MAX_BYTES else None


def texts(folder: Path) -> dict[str, str]:
    """The texts of the homework's files by name, those that can be read."""
    found = ((file, text(folder, file)) for file in tasks.FILES)
    return {file: content for file, content in found if content is not None}


class Places:
    """The lines of a submission's files: no other place is the one of a mistake.

    Args:
        folder: the submission.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, int] = {}

    def known(self, file: str | None, line: int | None) -> tuple[str | None, int | None]:
        """The place as far as it exists: (None, None) for other files, no line beyond the last."""
        if not file:
            return None, None
        if file not in self._lines:
            content = None if Path(file).is_absolute() else text(self._folder, file)
            self._lines[file] = 0 if content is None else content.count("\n") + 1
        if not self._lines[file] and file not in tasks.FILES:  # of which one may be missing
            return None, None
        return file, line if line is not None and 0 < line <= self._lines[file] else None

    def of_part(self, part: PartResult) -> PartResult:
        """The same, with no places but those of the submission."""
        file, line = self.known(part.file, part.line)
        findings = tuple(self._of(found) for found in part.findings)
        return replace(part, file=file, line=line, findings=findings)

    def of_violations(self, seen: Iterable[Violation]) -> tuple[Violation, ...]:
        """The same, with no places but those of the submission."""
        return tuple(self._of(found) for found in seen)

    def _of(self, found: _Placed) -> _Placed:
        file, line = self.known(found.file, found.line)
        return replace(found, file=file, line=line)
