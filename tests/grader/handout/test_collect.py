import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from grader.handout import unzip
from grader.handout.build import Rendered
from grader.handout.collect import Collected, SubmissionError, collect, solve, submission_folder
from grader.handout.notebook import MAGIC, Cell
from grader.handout.stubs import Progress, progress
from tests.grader.test_hostile import ends_within


@pytest.fixture
def book(rendered: Rendered) -> Cell:
    """The handout's notebook, not yet solved."""
    content: Cell = json.loads(rendered.files["homework5.ipynb"])
    return content


def hand_in(book: Cell, tmp_path: Path, rendered: Rendered) -> Collected:
    """What is collected of a notebook."""
    path = tmp_path / "homework5.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    return collect(path, tmp_path / "scratch", rendered.handout)


def cell(book: Cell, name: str) -> Cell:
    """The cell of a section."""
    cells: list[Cell] = book["cells"]
    return next(c for c in cells if "".join(c["source"]).startswith(f"{MAGIC} {name}"))


def test_folder_is_used_as_it_is(tmp_path: Path) -> None:
    """One task file is enough: what is missing is the grader's to report."""
    (tmp_path / "kernels.py").write_text("")
    assert submission_folder(tmp_path, tmp_path / "scratch") == tmp_path


def test_fresh_notebook_gives_the_stubs(book: Cell, tmp_path: Path, rendered: Rendered) -> None:
    """Untouched cells give the handout's files, byte for byte, and no notes."""
    found = hand_in(book, tmp_path, rendered)
    assert found.notes == ()
    for name, text in rendered.handout.files.items():
        assert (found.folder / name).read_text(encoding="utf-8") == text


def test_solved_notebook_gives_the_solution(book: Cell, tmp_path: Path, rendered: Rendered) -> None:
    """The solution in the cells gives the solved files, byte for byte."""
    solved = {name: rendered.solved(name) for name in rendered.handout.files}
    solve(book, solved)
    found = hand_in(book, tmp_path, rendered)
    assert found.notes == ()
    for name, text in solved.items():
        assert (found.folder / name).read_text(encoding="utf-8") == text


def test_deleted_cell_costs_its_own_section_only(
    book: Cell, tmp_path: Path, rendered: Rendered
) -> None:
    """The note names the cell; that section is not started, the others are as handed in."""
    solve(book, {name: rendered.solved(name) for name in rendered.handout.files})
    book["cells"].remove(cell(book, "kernels.py 1.2 softmax_xent"))
    found = hand_in(book, tmp_path, rendered)
    (note,) = found.notes
    assert "no cell `%%section kernels.py 1.2 softmax_xent`" in note
    assert progress("1.2", found.folder, rendered.handout) is Progress.NOT_STARTED
    assert progress("1.1", found.folder, rendered.handout) is Progress.STARTED


def test_last_of_duplicated_cells_counts(book: Cell, tmp_path: Path, rendered: Rendered) -> None:
    """As when the notebook runs from top to bottom; the note says so."""
    original = cell(book, "blas.py 2.1 gemm")
    book["cells"].append({**original, "id": "copy", "source": f"{MAGIC} blas.py 2.1 gemm\nx = 1"})
    found = hand_in(book, tmp_path, rendered)
    (note,) = found.notes
    assert "2 cells" in note
    assert "last one counts" in note
    assert "\nx = 1\n" in (found.folder / "blas.py").read_text(encoding="utf-8")


def test_cell_with_a_changed_first_line_is_named(
    book: Cell, tmp_path: Path, rendered: Rendered
) -> None:
    """A renamed section is reported from both sides."""
    cell(book, "blas.py 2.1 gemm")["source"] = f"{MAGIC} blas.py 2.1 gem\nx = 1"
    notes = " ".join(hand_in(book, tmp_path, rendered).notes)
    assert "no cell `%%section blas.py 2.1 gemm`" in notes
    assert "`%%section blas.py 2.1 gem`, which is no part" in notes


def test_zip_of_folder_or_notebook(book: Cell, tmp_path: Path, rendered: Rendered) -> None:
    """The files may lie at the top of a zip or in one folder, or be a notebook there."""
    for number, (name, text) in enumerate(
        [("kernels.py", ""), ("me/kernels.py", ""), ("me/homework5.ipynb", json.dumps(book))]
    ):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)
            archive.writestr("__MACOSX/._x", "")
        found = collect(path, tmp_path / str(number), rendered.handout)
        assert (found.folder / "kernels.py").is_file()


@pytest.mark.parametrize("name", ["../kernels.py", "/kernels.py", "a/../../b", "..\\b", "C:/b"])
def test_zip_that_leaves_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    """No file is written outside of the scratch folder."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(SubmissionError, match="outside of it"):
        collect(path, tmp_path / "in" / "scratch")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    """A link could point at the grader's files."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("kernels.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(SubmissionError, match=r"the link 'kernels\.py'"):
        collect(path, tmp_path / "scratch")


def test_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would unpack to too much is not unpacked."""
    monkeypatch.setattr(unzip, "MAX_BYTES", 1000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kernels.py", "x" * 2000)
    with pytest.raises(SubmissionError, match="homework's files only"):
        collect(path, tmp_path / "scratch")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone", None, "does not exist"),
        ("a.py", "x = 1", "not a submission"),
        ("a.zip", "no zip", "cannot be unpacked"),
        ("a.ipynb", "no notebook", "is not a notebook"),
        ("a.ipynb", '{"cells": [1]}', 'not a notebook: its cell 1 has no "cell_type" and'),
        ("a.ipynb", "[]", "not a notebook: it is a list, not an object. A notebook is a JSON"),
        ("a.ipynb", "null", "not a notebook: it is null, not an object"),
        ("a.ipynb", "{}", 'not a notebook: its "cells" are missing, not a list'),
        ("a.ipynb", '{"cells": null}', 'not a notebook: its "cells" are null, not a list'),
        ("a.ipynb", '{"cells": [', "not a notebook: its text is no JSON from line 1 on"),
        ("a.ipynb", "[" * 100_000, "not a notebook: its text is no JSON that can be read"),
    ],
)
def test_what_is_no_submission_is_named(
    tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    """The message says what was found and what to hand in."""
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SubmissionError, match=words):
        collect(tmp_path / name, tmp_path / "scratch")


@pytest.mark.parametrize("name", ["a.zip", "a.ipynb", "a.py", "homework.ipynb/homework.ipynb"])
def test_what_blocks_is_not_read(tmp_path: Path, name: str) -> None:
    """A pipe is no submission, whatever its name says, nor is one in a folder a notebook."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    with ends_within(10), pytest.raises(SubmissionError, match=r"neither a file nor|holds none of"):
        collect(tmp_path / Path(name).parts[0], tmp_path / "scratch")


def test_folder_without_task_files_is_named(tmp_path: Path) -> None:
    """The message lists what is there and what was expected."""
    (tmp_path / "essay.txt").write_text("")
    with pytest.raises(SubmissionError, match=r"kernels.py.*found: essay.txt"):
        collect(tmp_path, tmp_path / "scratch")


def test_zip_without_task_files_is_named(tmp_path: Path) -> None:
    """What is wrong with a zip is told by the zip's name, not by where it was unpacked."""
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("homework/notes.txt", "")
    with pytest.raises(SubmissionError, match=r"^mine.zip/homework holds none .*notes.txt"):
        collect(path, tmp_path / "scratch")
