"""What a class handed in, in the forms in which platforms export it."""

from __future__ import annotations

import os
import zipfile
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from grader.classroom import entries, exports
from grader.classroom.exports import ExportError, Student

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.classroom.entries import Entry

METADATA = """
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '00815'
    :email: ada@example.org
  :created_at: 2026-11-29 22:10:44.644186000 Z
  :score: 0.0
  :history:
  - :id: 99
    :created_at: 2026-11-28 22:10:44.644186000 Z
submission_102:
  :submitters:
  - :name: Grace Hopper
    :sid:
    :email: grace@example.org
  - :name: Alan Turing
    :sid: 4711
    :email: alan@example.org
  :created_at: 2026-12-01 08:00:00.000000000 Z
submission_103:
  :submitters:
  - :name: Emmy Noether
    :sid: '3'
  :created_at: 2026-11-29 12:00:00.000000000 Z
"""


@pytest.fixture
def handed_in(tmp_path: Path) -> Path:
    """An empty folder of submissions."""
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def find(tmp_path: Path, handed_in: Path) -> Callable[..., dict[str, Entry]]:
    """Find what was handed in, by the first student's name."""

    def found(path: Path = handed_in, due: datetime | None = None) -> dict[str, Entry]:
        listed = entries.find(path, tmp_path / "scratch", due)
        return {entry.students[0].name: entry for entry in listed}

    return found


def put(path: Path, content: str = "x = 1\n", age_s: float = 0.0) -> Path:
    """A file, and the folders above it; older by some seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8")
    os.utime(path, (1e9 - age_s, 1e9 - age_s))
    return path


def put_zip(path: Path, *names: str, age_s: float = 0.0) -> Path:
    """A zip of files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names or ("kernels.py",):
            archive.writestr(name, "x = 1\n")
    os.utime(path, (1e9 - age_s, 1e9 - age_s))
    return path


@pytest.mark.parametrize(
    ("name", "student", "late", "order", "file"),
    [
        ("lovelaceada_345_678_hw5.zip", Student("345", "lovelaceada"), False, 678, "hw5.zip"),
        ("lovelaceada_late_345_678_hw5.zip", Student("345", "lovelaceada"), True, 678, "hw5.zip"),
        ("adal_LATE_345_678_a_1_b.zip", Student("345", "adal"), True, 678, "a_1_b.zip"),
        ("van_der_b_345_678_blas-2.py", Student("345", "van_der_b"), False, 678, "blas.py"),
        ("noether-emmy_1_2_x.ipynb", Student("1", "noether-emmy"), False, 2, "x.ipynb"),
        ("anon_a1B2c_678_hw5.zip", Student("a1B2c", "anon a1B2c"), False, 678, "hw5.zip"),
        ("anon_LATE_a1B2c_678_hw5.zip", Student("a1B2c", "anon a1B2c"), True, 678, "hw5.zip"),
    ],
)  # fmt: skip
def test_canvas_names(name: str, student: Student, late: bool, order: int, file: str) -> None:
    """Canvas's names say who, whether late, which file, and which is newer."""
    named = exports.canvas(name)
    assert named == exports.Named(student, file, late, order)


@pytest.mark.parametrize("name", ["homework5.zip", "ada_lovelace.zip", "hw_5.zip", "1_2.zip"])
def test_no_canvas_name(name: str) -> None:
    """Other names are not taken for Canvas's."""
    assert exports.canvas(name) is None


def test_canvas_resubmission(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """Of two files of a student's, the one with the larger number counts, and a note says so."""
    put_zip(handed_in / "lovelaceada_late_345_700_hw5-1.zip", age_s=50)
    put_zip(handed_in / "lovelaceada_345_600_hw5.zip")
    put_zip(handed_in / "turingalan_346_650_hw5.zip")
    found = find()
    assert sorted(found) == ["lovelaceada", "turingalan"]
    ada = found["lovelaceada"]
    assert ada.path is not None
    assert ada.path.name == "lovelaceada_late_345_700_hw5-1.zip"
    assert ada.late is True
    assert "2 times" in ada.notes[0]
    assert "lovelaceada_345_600_hw5.zip" in ada.notes[0]
    assert (found["turingalan"].late, found["turingalan"].notes) == (False, ())


def test_canvas_single_files(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """Single files of a student's are put together under their own names, the newest of each."""
    put(handed_in / "lovelaceada_345_601_kernels.py", "old")
    put(handed_in / "lovelaceada_345_611_kernels-1.py", "new")
    put(handed_in / "lovelaceada_345_602_blas.py", "b")
    (ada,) = find().values()
    assert ada.path is not None
    assert {path.name: path.read_text() for path in ada.path.iterdir()} == {
        "kernels.py": "new",
        "blas.py": "b",
    }


def test_canvas_other_files(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """What can be homework counts before what cannot, however late that came."""
    put(handed_in / "lovelaceada_345_601_kernels.py", "k")
    put(handed_in / "lovelaceada_345_602_blas.PY", "b")
    put(handed_in / "lovelaceada_345_700_readme.txt")
    put_zip(handed_in / "turingalan_346_650_hw.ZIP")
    put(handed_in / "turingalan_346_651_notes.pdf")
    put(handed_in / "noetheremmy_347_652_HW.IPYNB", "{}")
    put(handed_in / "noetheremmy_347_653_kernels.py")
    found = find()
    ada, alan, emmy = (found[name] for name in ("lovelaceada", "turingalan", "noetheremmy"))
    assert not any(entry.error for entry in found.values())
    assert ada.path is not None
    assert {path.name for path in ada.path.iterdir()} == {"kernels.py", "blas.py"}
    assert alan.path is not None
    assert alan.path.name == "turingalan_346_650_hw.ZIP"
    assert "notes.pdf" in alan.notes[0]
    assert emmy.path is not None
    assert emmy.path.name == "noetheremmy_347_652_HW.IPYNB"


def test_moodle(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """Moodle's folders and files say who; text without a file is an error; late is not known."""
    put_zip(handed_in / "Ada Lovelace_1234567_assignsubmission_file_" / "homework5.zip")
    put(handed_in / "Ada Lovelace_1234567_assignsubmission_onlinetext_" / "onlinetext.html")
    put_zip(handed_in / "Alan M. Turing_1234568_assignsubmission_file_hw.zip")
    put(handed_in / "Emmy Noether_1234569_assignsubmission_onlinetext_" / "onlinetext.html")
    found = find()
    assert {name: entry.students[0].id for name, entry in found.items()} == {
        "Ada Lovelace": "1234567",
        "Alan M. Turing": "1234568",
        "Emmy Noether": "1234569",
    }
    ada = found["Ada Lovelace"]
    assert ada.path is not None
    assert (ada.path.name, ada.late, ada.notes) == ("homework5.zip", None, ())
    assert "text was typed in" in found["Emmy Noether"].error


def test_gradescope(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """Gradescope's metadata says who (a group, too) and when; a missing folder is an error."""
    put(handed_in / "assignment_9_export" / "submission_metadata.yml", METADATA)
    for number in (101, 102):
        put(handed_in / "assignment_9_export" / f"submission_{number}" / "kernels.py")
    put(handed_in / "assignment_9_export" / "submission_500" / "kernels.py")
    found = find(due=datetime(2026, 11, 30, 12, tzinfo=timezone.utc))
    assert found["Ada Lovelace"].students == (Student("00815", "Ada Lovelace"),)
    assert found["Ada Lovelace"].late is False
    assert found["Grace Hopper"].students == (
        Student("grace@example.org", "Grace Hopper"),
        Student("4711", "Alan Turing"),
    )
    assert found["Grace Hopper"].late is True
    assert "no such folder" in found["Emmy Noether"].error
    assert found["500"].path is not None
    assert len({entry.key for entry in found.values()}) == 4


def test_gradescope_without_metadata(
    handed_in: Path, find: Callable[..., dict[str, Entry]]
) -> None:
    """Without metadata, the folder's number is the id; broken metadata stops with the reason."""
    put(handed_in / "submission_101" / "kernels.py")
    put(handed_in / "submission_102" / "kernels.py")
    assert sorted(find()) == ["101", "102"]
    put(handed_in / "submission_metadata.yml", "{broken: [")
    with pytest.raises(ExportError, match=r"submission_metadata\.yml cannot be read"):
        find()


def test_plain_names(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """Folders, zips and notebooks are known by their names; what computers add is no entry."""
    put(handed_in / "ada" / "kernels.py")
    put_zip(handed_in / "alan.zip")
    put(handed_in / "emmy.ipynb", "{}")
    put(handed_in / ".DS_Store")
    put(handed_in / "__MACOSX" / "x")
    found = find()
    assert sorted(found) == ["ada", "alan", "emmy"]
    assert not any(entry.error for entry in found.values())


def test_same_name_twice(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """A folder and a zip of one name are one student's: the newer counts."""
    put_zip(handed_in / "ada.zip", age_s=-1e10)
    put(handed_in / "ada" / "kernels.py")
    put(handed_in / "alan" / "kernels.py")
    ada = find()["ada"]
    assert ada.path is not None
    assert ada.path.name == "ada.zip"
    assert "not graded: ada" in ada.notes[0]


def test_bad_entries(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """An empty folder, a document and a stray file are entries with an error that names them."""
    (handed_in / "ada").mkdir()
    put(handed_in / "alan.pdf")
    put(handed_in / "emmy.py")
    put(handed_in / "grace" / "kernels.py")
    found = find()
    assert "is empty" in found["ada"].error
    assert "alan.pdf is no homework" in found["alan"].error
    assert "emmy.py is no homework" in found["emmy"].error
    assert found["grace"].error == ""
    assert all(entry.path is None for entry in found.values() if entry.error)


def test_archive(tmp_path: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """The zip of a whole export is unpacked once; names that lead out of it do not."""
    archive = put_zip(tmp_path / "submissions.zip", "a_1_10_kernels.py", "b_2_11_kernels.py",
                      "../../evil_3_12_kernels.py")  # fmt: skip
    first = find(archive)
    assert sorted(first) == ["a", "b", "evil"]
    assert not list(tmp_path.glob("evil*"))
    assert not list(tmp_path.parent.glob("evil*"))
    again = find(archive)
    assert [entry.path for entry in again.values()] == [entry.path for entry in first.values()]


def test_damaged_archive(tmp_path: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """An export whose compressed data is damaged is told to be downloaded again."""
    archive = tmp_path / "submissions.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.writestr("a_1_10_kernels.py", "x = 1\n" * 1000)
    damaged = bytearray(archive.read_bytes())
    damaged[30 + len("a_1_10_kernels.py")] = 0xFF  # the first of it: no such kind of block
    archive.write_bytes(damaged)
    with pytest.raises(ExportError, match="download the export again"):
        find(archive)


@pytest.mark.parametrize("what", ["missing", "broken", "single", "empty"])
def test_no_class(tmp_path: Path, what: str, find: Callable[..., dict[str, Entry]]) -> None:
    """What is no class at all is one sentence that says what was expected."""
    paths = {
        "missing": tmp_path / "missing",
        "broken": put(tmp_path / "broken.zip"),
        "single": put(tmp_path / "single" / "kernels.py").parent,
        "empty": tmp_path / "empty",
    }
    paths["empty"].mkdir()
    with pytest.raises(ExportError) as raised:
        find(paths[what])
    words = {"missing": "no such", "broken": "expected a folder", "single": "is one submission"}
    assert words.get(what, "is empty") in str(raised.value)


def test_keys(handed_in: Path, find: Callable[..., dict[str, Entry]]) -> None:
    """Keys are names of files, differ where ids differ, and are the same in every run."""
    for name in ("Ada L.", "Ada L", "Ada_L", "Zoë", "一", "二", "plain"):
        put(handed_in / name / "kernels.py")
    keys = {name: entry.key for name, entry in find().items()}
    assert len(set(keys.values())) == 7
    assert keys["plain"] == "plain"
    assert all(key.isascii() and "/" not in key for key in keys.values())
    assert keys == {name: entry.key for name, entry in find().items()}
