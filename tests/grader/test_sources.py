"""What the judge reads of a submission's folder, and which places in it may be named."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from grader import sources
from grader.devices import Devices
from grader.grade import grade
from grader.handout import stubs
from grader.integrity import violation
from grader.result import Found, PartResult, State
from grader.sources import Places
from tests.grader.conftest import SOLUTION
from tests.grader.test_hostile import ends_within

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pipe(path: Path) -> None:
    """A pipe, which blocks whoever opens it."""
    os.mkfifo(path)


def socket_at(path: Path) -> None:
    """A socket, which nobody can open."""
    os.mknod(path, stat.S_IFSOCK | 0o600)


def endless(path: Path) -> None:
    """A link to a device that never ends."""
    path.symlink_to("/dev/zero")


def linked_pipe(path: Path) -> None:
    """A link to a pipe within the folder."""
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def secret(path: Path) -> None:
    """A link out of the folder."""
    path.symlink_to("/etc/passwd")


def loop(path: Path) -> None:
    """A link to itself."""
    path.symlink_to(path.name)


def large(path: Path) -> None:
    """A file that nobody wrote by hand."""
    with path.open("wb") as file:
        file.truncate(sources.MAX_BYTES + 1)


@pytest.mark.parametrize("make", [pipe, socket_at, endless, linked_pipe, secret, loop, large])
def test_no_text(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """What is no regular file of the folder's own, and of a usual size, is not read."""
    make(tmp_path / "kernels.py")
    with ends_within(10):
        assert sources.text(tmp_path, "kernels.py") is None
        assert sources.texts(tmp_path) == {}
        assert not stubs.not_started("1.1", tmp_path)


def test_text(tmp_path: Path) -> None:
    """A file is read, and a link to one that lies in the same folder."""
    (tmp_path / "own.py").write_bytes(b"x = '\xff'\n")
    (tmp_path / "blas.py").symlink_to("own.py")
    assert sources.texts(tmp_path) == {"blas.py": "x = '\N{REPLACEMENT CHARACTER}'\n"}
    assert sources.text(tmp_path, "no\0name") is None


@pytest.mark.parametrize(
    ("file", "line", "place"),
    [
        ("kernels.py", 2, ("kernels.py", 2)),
        ("kernels.py", 99, ("kernels.py", None)),
        ("kernels.py", 0, ("kernels.py", None)),
        ("blas.py", 1, ("blas.py", None)),
        ("sub/own.py", 1, ("sub/own.py", 1)),
        ("none.py", 1, (None, None)),
        ("../other/kernels.py", 1, (None, None)),
        ("/etc/passwd", 1, (None, None)),
        ("sub", 1, (None, None)),
        ("", 1, (None, None)),
        (None, 1, (None, None)),
    ],
)
def test_places(
    tmp_path: Path, file: str | None, line: int, place: tuple[str | None, int | None]
) -> None:
    """A place is a line of a file of the submission; of a missing one the name alone is told."""
    for folder in ("this/sub", "other"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("this/kernels.py", "this/sub/own.py", "other/kernels.py"):
        (tmp_path / name).write_text("a\nb\n", "utf-8")
    places = Places(tmp_path / "this")
    assert places.known(file, line) == place
    found = Found("race", "text", "k", file, line)
    part = places.of_part(PartResult("W", "", 0, 1, "m", file, line, findings=(found,)))
    (seen,) = places.of_violations([violation("read", "x", file=file, line=line)])
    for each in (part, part.findings[0], seen):
        assert (each.file, each.line) == place


FORGED = """

def bias_add(Z, b):
    import sys
    def forged(*_):
        return {"type": "Error", "message": "no", "file": "/etc/passwd", "line": 1}
    frame = sys._getframe()
    while frame:
        frame.f_globals.get("describe_fault") and frame.f_globals.update(describe_fault=forged)
        frame = frame.f_back
    raise ValueError
"""


def test_forged_place(submission: Callable[..., Path]) -> None:
    """A worker that names another's file is not believed."""
    text = (SOLUTION / "kernels.py").read_text("utf-8")
    folder = submission(kernels=text + FORGED)
    report = grade(folder, seed=1, devices=Devices(("emulator",), "test"), only={"1.1"})
    result = report.find("1.1")
    assert result.state is State.FAILED
    assert "raised Error: no" in result.message
    assert result.file == "kernels.py"
    assert {part.file for part in result.parts} <= {None, "kernels.py"}
    assert "/etc/passwd" not in str(result)
