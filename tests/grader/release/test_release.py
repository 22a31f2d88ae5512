"""The zip that students get: what is in it, what is not, and that it works."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from grader.handout.build import render
from grader.handout.leaks import Secret
from grader.release import archive, copy, main, reference
from grader.release.machine_code import CompilerError, compile_all
from grader.settings import Settings
from tests.grader.release import clone
from tests.submissions import specimens

if TYPE_CHECKING:
    from pathlib import Path

ROOT = clone.ROOT


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """homework5.zip of the year 2027."""
    target = tmp_path_factory.mktemp("release") / "homework5.zip"
    with pytest.MonkeyPatch.context() as patch:
        try:
            compile_all({"nothing": "__global__ void nothing() {}"})
        except CompilerError:  # without a network; the rest of the zip is the same
            patch.setattr(
                "grader.release.machine_code.compile_all", lambda _: {"compute_70": b"//"}
            )
        assert main.main(["--year", "2027", "--output", str(target)]) == 0
    return target


@pytest.fixture(scope="session")
def student(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's copy, unpacked in an empty folder."""
    return clone.unpack(released, tmp_path_factory.mktemp("student"))


def test_equal_bytes(released: Path, tmp_path: Path) -> None:
    """Two releases of one repository have the same bytes."""
    again = tmp_path / "again.zip"
    with zipfile.ZipFile(released) as opened:
        images = opened.read("homework5/grader/timing/reference.zip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "compiled", lambda _: images)
        assert main.main(["--year", "2027", "--output", str(again)]) == 0
    assert again.read_bytes() == released.read_bytes()


def test_what_is_in_it(released: Path) -> None:
    """The rooms of a student are in it; the solution, specimens of it, and litter are not."""
    with zipfile.ZipFile(released) as opened:
        names = [name.removeprefix("homework5/") for name in opened.namelist()]
        settings = opened.read("homework5/grader/settings.toml").decode()
    rooms = {name.partition("/")[0] for name in names}
    assert {"README.md", "Makefile", "requirements.txt", "assignment", "grader"} <= rooms
    assert not rooms & {"solution", "benchmarks", ".venv", ".git", ".cache", "INSTRUCTORS.md"}
    assert not [name for name in names if "submissions" in name or "__pycache__" in name]
    assert "grader/timing/reference.zip" in names
    assert 'year = "2027"' in settings


def test_commands_that_are_offered_are_there(student: Path) -> None:
    """`make help` offers only what a student's copy can do, and the README names no other."""
    offered = clone.make(student, "help").stdout
    assert "grade" in offered
    assert not [name for name in copy.INSTRUCTORS_TARGETS if f"  {name} " in offered]
    readme = (student / "README.md").read_text("utf-8")
    assert not [name for name in copy.INSTRUCTORS_TARGETS if f"make {name}" in readme]


def test_make_grade(student: Path) -> None:
    """The README's first command grades the stubs: nothing is started."""
    graded = clone.make(student, "grade")
    assert "0 / 85" in graded.stdout, graded.stdout + graded.stderr


def test_make_test(student: Path) -> None:
    """The README's second command lints the copy and runs the tests that came with it."""
    if (ROOT / ".mypy_cache").is_dir():  # of `make lint`: saves most of the time
        shutil.copytree(ROOT / ".mypy_cache", student / ".mypy_cache", dirs_exist_ok=True)
    tested = clone.make(student, "test", "ARGS=-q tests/data tests/emulator/test_profile.py")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " passed" in tested.stdout


def test_right_submission(student: Path, tmp_path: Path) -> None:
    """A right submission scores all that can be had, without the solution to compare with."""
    specimens.read(specimens.HERE / "correct" / "plain.txt").write(tmp_path)
    graded = clone.make(student, "grade", f"SUBMISSION={tmp_path}")
    assert "85 / 85, 15 more on a GPU" in graded.stdout, graded.stdout + graded.stderr


def test_wrong_submission(student: Path, tmp_path: Path) -> None:
    """A wrong submission is told its mistake."""
    specimens.read(specimens.HERE / "wrong" / "dw-without-mean.txt").write(tmp_path)
    graded = clone.make(student, "grade", f"SUBMISSION={tmp_path}", "TASK=2.3")
    assert "the average over the batch is missing" in graded.stdout, graded.stdout + graded.stderr


SECRET = Secret("kernels.py", 7, "answer=x*42+shown_in_given_code")
LINE = "answer = x * 42 + shown_in_given_code"


def zipped(content: bytes) -> bytes:
    """A zip of one file."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("inside", content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        LINE.encode(),
        b"\x7fELF\x00\xff\xfe" + LINE.encode() + b"\x00\x80",
        gzip.compress(b"\x00\xff" + LINE.encode() + b"\x00\xff"),
        zipped(LINE.encode()),
        zipped(zipped(LINE.encode())),
    ],
    ids=["text", "binary", "gzip", "zip", "zip in a zip"],
)
def test_leak_is_found(content: bytes) -> None:
    """A line of the solution is found in whatever it is packed, and no other line."""
    assert copy.leaked({"file": content}, [SECRET])
    assert not copy.leaked({"file": content}, [Secret("kernels.py", 8, f"{SECRET.text}*2")])


def test_leak_in_json_is_found() -> None:
    """A line in a notebook's cell, or quoted in JSON, is found whatever is escaped."""
    quoted = Secret("blas.py", 1, 'product("n","t",alpha)')
    for text in ([' product("n",', ' "t", alpha)'], ["x\n", 'product("n", "t", alpha)\n']):
        content = json.dumps({"cells": [{"source": text}]}).encode()
        found = copy.leaked({"a.ipynb": content}, [quoted])
        assert bool(found) == text[0].startswith("x")


def test_no_line_of_the_solution(released: Path) -> None:
    """No byte of the zip, of what is packed in it, or of the compiled kernels is a line of it."""
    rendered = render(ROOT / "solution")
    known = copy._known(rendered)
    assert len(known) > 100
    assert copy.leaked({"homework5.zip": released.read_bytes()}, known) == []


def test_release_refuses_to_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with a line of the solution stops the release, which says where it is."""
    rooms = copy._rooms()
    secret = copy._known(render(ROOT / "solution"))[0]
    rooms["data/README.md"] += f"\n{secret.text}\n".encode()
    monkeypatch.setattr(copy, "_rooms", lambda: rooms)
    monkeypatch.setattr(reference, "compiled", lambda _: b"")
    with pytest.raises(reference.ReleaseError, match=r"data/README\.md:\d+ holds line"):
        copy.students_files()


def test_nothing_without_the_solution(student: Path) -> None:
    """In a student's copy nothing can be released, which is said in a line."""
    made = subprocess.run(
        [".venv/bin/python", "-m", "grader", "release"],
        cwd=student,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == main.COULD_NOT
    assert made.stderr.startswith("nothing released: there is no solution/ here")


def test_odd_year_is_refused() -> None:
    """A year that would break the settings is refused."""
    with pytest.raises(reference.ReleaseError, match="expected letters"):
        copy.with_year('year = ""\n', '"\n[scoring]')


def test_year_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The year is said, and what to do where the clone's settings say another."""
    assert copy.told_of_year(None) == "no year, as in grader/settings.toml here\n"
    told = copy.told_of_year("2027")
    assert told.startswith("year 2027; grader/settings.toml here says no year.\nNext: ")
    assert 'put year = "2027" into grader/settings.toml' in told
    monkeypatch.setattr("grader.settings.load", lambda: Settings(year="2027"))
    assert copy.told_of_year("2027") == "year 2027, as in grader/settings.toml here\n"


def test_equal_zips(tmp_path: Path) -> None:
    """A zip depends on names and contents alone, and keeps what may be executed."""
    files = {"b": b"#!/bin/sh\n", "a": b"x"}
    archive.write(files, tmp_path / "1.zip")
    archive.write(dict(reversed(files.items())), tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as opened:
        modes = [entry.external_attr >> 16 & 0o777 for entry in opened.infolist()]
    assert modes == [0o644, 0o755]
