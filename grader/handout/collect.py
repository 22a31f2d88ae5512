"""Turn what a student hands in into a folder of files: a folder, a zip of it, or the notebook.

Nothing of the student's is run.
"""

import json
import shutil
import stat
import zipfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from grader.handout.notebook import MAGIC
from grader.handout.sections import GIVEN, replace_section, sections
from grader.handout.stubs import Handout, handout

# A submission is five short files. A notebook with pictures in its outputs has some megabytes;
# these limits are a hundred times that, and small enough for a judge's disk and memory.
MAX_FILES = 2_000
MAX_BYTES = 200_000_000


class SubmissionError(Exception):
    """Nothing can be graded; the message tells the student what is missing and what to do."""


@dataclass(frozen=True)
class Collected:
    """A submission, ready to be graded.

    Attributes:
        folder: Where its files are.
        notes: Sentences for the student about what was found odd, and what was done about it.
    """

    folder: Path
    notes: tuple[str, ...] = ()


def submission_folder(path: Path, scratch: Path) -> Path:
    """The folder that `collect` makes of a submission.

    Raises:
        SubmissionError: As `collect` does.
    """
    return collect(path, scratch).folder


def collect(path: Path, scratch: Path, of: Handout | None = None) -> Collected:
    """Make a folder of files of a submission.

    A folder is used as it is. A zip is unpacked into `scratch`. Of a notebook, the cells that
    start with ``%%section`` are put into fresh copies of the handout's files in `scratch`. A folder
    or zip that holds no task file but one folder or one notebook stands for that.

    Args:
        path: The submission: a folder, a ``.zip`` or an ``.ipynb``.
        scratch: An empty folder for what has to be written.
        of: The handout that the submission began as; by default this repository's.

    Raises:
        SubmissionError: There is nothing to grade at `path`.
    """
    of = of or handout()
    if path.is_dir():
        return _from_folder(path, scratch, of, str(path))
    if not path.exists():
        raise SubmissionError(f"{path} does not exist: name a folder, a .zip or an .ipynb")
    if path.suffix == ".ipynb":
        return _from_notebook(path, scratch, of)
    if path.suffix == ".zip":
        return _from_folder(_unpacked(path, scratch / "unpacked"), scratch, of, path.name)
    folder = f". Next: name its folder, {path.parent}" if path.suffix == ".py" else ""
    raise SubmissionError(
        f"{path.name} is not a submission: expected a folder, a .zip or an .ipynb{folder}"
    )


def _from_folder(folder: Path, scratch: Path, of: Handout, called: str) -> Collected:
    if any((folder / name).is_file() for name in of.files):
        return Collected(folder)
    inside = [p for p in sorted(folder.iterdir()) if not p.name.startswith((".", "__"))]
    folders = [p for p in inside if p.is_dir() and not p.is_symlink()]
    notebooks = [p for p in inside if p.suffix == ".ipynb"]
    if len(notebooks) == 1:
        return _from_notebook(notebooks[0], scratch, of)
    if len(folders) == 1 and not notebooks:
        return _from_folder(folders[0], scratch, of, f"{called}/{folders[0].name}")
    raise SubmissionError(
        f"{called} holds none of {', '.join(of.files)} and not one notebook in their stead"
        f" (found: {', '.join(p.name for p in inside[:8]) or 'nothing'}); hand in the folder with"
        " these files, a zip of it, or homework5.ipynb"
    )


def _unpacked(path: Path, target: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_FILES or sum(m.file_size for m in members) > MAX_BYTES:
                raise SubmissionError(
                    f"{path.name} unpacks to {len(members)} files or more than"
                    f" {MAX_BYTES // 1_000_000} MB: hand in the homework's files only"
                )
            for member in members:
                _check_member(path, member)
            for member in members:
                _unpack(archive, member, target)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
        raise SubmissionError(
            f"{path.name} cannot be unpacked ({error}): zip the folder again"
        ) from error
    target.mkdir(parents=True, exist_ok=True)
    return target


def _check_member(path: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in member.filename:
        raise SubmissionError(
            f"{path.name} holds {member.filename!r}, which lies outside of it: zip the folder again"
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise SubmissionError(
            f"{path.name} holds the link {member.filename!r}: hand in the file itself"
        )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    place = target.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)
    if member.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, place.open("wb") as copy:
        shutil.copyfileobj(source, copy)


def _from_notebook(path: Path, scratch: Path, of: Handout) -> Collected:
    cells = _section_cells(path)
    texts = dict(of.files)
    notes = []
    for file, text in of.files.items():
        for section in sections(text):
            if section.task == GIVEN:
                continue
            found = cells.pop((file, section.name), [])
            cell = f"`{MAGIC} {file} {section.name}`"
            if not found:
                notes.append(
                    f"{path.name} has no cell {cell}: that part of task {section.task} is taken as"
                    " not started; copy the cell back from the handout's notebook"
                )
                continue
            if len(found) > 1:
                notes.append(
                    f"{path.name} has {len(found)} cells {cell}: the last one counts, as it does"
                    " when the notebook runs from top to bottom; delete the others"
                )
            texts[file] = replace_section(texts[file], section.name, found[-1], file)
    notes += [
        f"{path.name} has a cell `{MAGIC} {file} {name}`, which is no part of the handout: it is"
        " ignored; correct its first line"
        for file, name in cells
    ]
    folder = scratch / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    return Collected(folder, tuple(notes))


def _section_cells(path: Path) -> dict[tuple[str, str], list[str]]:
    """The bodies of the ``%%section`` cells, by file and section name."""
    if path.stat().st_size > MAX_BYTES:
        raise SubmissionError(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        content = json.loads(path.read_bytes())
        cells = [(cell["cell_type"], cell["source"]) for cell in content["cells"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SubmissionError(
            f"{path.name} is not a notebook ({type(error).__name__}: {error}): save it in Jupyter"
            " and hand it in again"
        ) from error
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, source in cells:
        text = "".join(source) if isinstance(source, list) else str(source)
        first, _, body = text.lstrip("\n").partition("\n")
        words = first.split()
        if kind == "code" and len(words) >= 2 and words[0] == MAGIC:  # noqa: PLR2004 - and a file
            found[words[1], " ".join(words[2:])].append(body)
    return found


def solve(notebook: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Put the sections of solved files into a notebook's cells, in place: for tests and proofs."""
    bodies = {
        (file, section.name): section.body
        for file, text in files.items()
        for section in sections(text)
    }
    for cell in notebook["cells"]:
        first = "".join(cell["source"]).partition("\n")[0]
        words = first.split()
        if words[:1] == [MAGIC]:
            body = bodies[words[1], " ".join(words[2:])]
            cell["source"] = "\n".join([first, *body])
