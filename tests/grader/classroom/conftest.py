"""Classes made for a test, graded by a stand-in."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grader.classroom import fingerprint
from grader.classroom.cluster import Where
from grader.classroom.folder import RunFolder
from grader.classroom.run import ClassRun, Options

if TYPE_CHECKING:
    from collections.abc import Callable

FAKE = (
    sys.executable,
    "-I",
    "-S",
    str(Path(__file__).with_name("fake_grading.py")),
    "{path}",
    "{record}",
)


class Classroom:
    """A class in a folder, and runs over it.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder, folder / "out"
        self.submissions = folder / "in"
        self.submissions.mkdir()
        self.said = ""

    def put(self, name: str, wish: str = "") -> Path:
        """A submission that wishes something of the stand-in."""
        path = self.submissions / name
        path.mkdir(exist_ok=True)
        (path / "kernels.py").write_text(f"{wish}\n{name}\n", "utf-8")
        return path

    def run(
        self, where: Where | None = None, order: Callable[..., Any] = list, **options: Any
    ) -> ClassRun:
        """Grade the class, and write what came of it."""
        options = {"seed": 7, "isolation": "light", "command": FAKE, **options}
        folder, stream = RunFolder(self.output), io.StringIO()
        try:
            run = ClassRun(folder, Options(self.submissions, where or Where(2), **options), stream)
            run.grade(order)
            run.write()
        finally:
            folder.close()
            self.said = stream.getvalue()
        return run

    def gradebook(self) -> bytes:
        """Both forms of it."""
        names = ("gradebook.csv", "gradebook.json")
        return b"\0".join((self.output / name).read_bytes() for name in names)

    def ended(self) -> list[str]:
        """The gradings that came to their end, in order of the names."""
        file = self.folder / "ended"
        return sorted(file.read_text().splitlines()) if file.exists() else []


THIS_GRADER = {"grader/oracle.py": "as it is"}

REAL = fingerprint.of_grader


@pytest.fixture
def classroom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """An empty class, and a grader that nobody edits meanwhile."""
    monkeypatch.setattr(fingerprint, "of_grader", lambda: THIS_GRADER)
    monkeypatch.setattr(fingerprint, "touched", dict)
    return Classroom(tmp_path)
