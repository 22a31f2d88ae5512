"""Turn what a student hands in into a folder of files: a folder, a zip of it, or the notebook.

Nothing of the student's is run.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.handout.notebook import MAGIC
from grader.handout.sections import GIVEN, replace_section, sections
from grader.handout.stubs import Handout, handout
from grader.handout.unzip import SubmissionError, unpack

# A file of the homework has some ten kilobytes, a notebook with pictures in its outputs some
# megabytes; judges read both as a whole.
MAX_SOURCE_BYTES = 1_000_000
MAX_NOTEBOOK_BYTES = 50_000_000

__all__ = ["Collected", "SubmissionError", "collect", "solve", "submission_folder"]


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
    if not path.is_file():
        raise SubmissionError(f"{path.name} is neither a file nor a folder: hand in one of them")
    if path.suffix.lower() == ".ipynb":
        return _from_notebook(path, scratch, of)
    if path.suffix.lower() == ".zip":
        return _from_folder(unpack(path, scratch / "unpacked"), scratch, of, path.name)
    folder = f". Next: name its folder, {path.parent}" if path.suffix == ".py" else ""
    raise SubmissionError(
        f"{path.name} is not a submission: expected a folder, a .zip or an .ipynb{folder}"
    )


def _from_folder(folder: Path, scratch: Path, of: Handout, called: str) -> Collected:
    for name in of.files:
        _check_source(folder, name)
    if any((folder / name).is_file() for name in of.files):
        return Collected(folder, tuple(_misspelt(folder, of)))
    inside = [p for p in sorted(folder.iterdir()) if not p.name.startswith((".", "__"))]
    folders = [p for p in inside if p.is_dir() and not p.is_symlink()]
    notebooks = [p for p in inside if _is_notebook(p)]
    if len(notebooks) == 1:
        return _from_notebook(notebooks[0], scratch, of)
    if len(folders) == 1 and not notebooks:
        return _from_folder(folders[0], scratch, of, f"{called}/{folders[0].name}")
    raise SubmissionError(
        f"{called} holds none of {', '.join(of.files)} and not one notebook in their stead"
        f" (found: {', '.join(p.name for p in inside[:8]) or 'nothing'}); hand in the folder with"
        " these files, a zip of it, or homework5.ipynb"
    )


def _is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb" and path.is_file() and not path.is_symlink()


def _misspelt(folder: Path, of: Handout) -> Iterator[str]:
    """A note for each file whose name differs in its case alone."""
    names = {name.casefold(): name for name in of.files}
    for path in sorted(folder.iterdir()):
        wanted = names.get(path.name.casefold(), path.name)
        if path.name != wanted and not (folder / wanted).exists():
            yield f"{path.name} is not {wanted}, and is not looked at: rename it"


def _check_source(folder: Path, name: str) -> None:
    """Refuse a file that is a link out of the folder, or too large to be read."""
    path = folder / name
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        raise SubmissionError(
            f"{name} is a link to {path.readlink()}, out of its folder: put the file itself there"
        )
    if path.is_file() and path.stat().st_size > MAX_SOURCE_BYTES:
        raise SubmissionError(
            f"{name} has {path.stat().st_size / 1e6:.1f} MB; a file of the homework has some ten"
            " kilobytes: is it the right one?"
        )


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
    if path.stat().st_size > MAX_NOTEBOOK_BYTES:
        raise SubmissionError(
            f"{path.name} is larger than {MAX_NOTEBOOK_BYTES // 1_000_000} MB: clear its outputs in"
            " Jupyter, save it, and hand it in again"
        )
    cells = [(cell["cell_type"], _text(cell["source"])) for cell in _cells(path)]
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, text in cells:
        first, _, body = text.lstrip("\n").partition("\n")
        words = first.split()
        if kind == "code" and len(words) >= 2 and words[0] == MAGIC:  # noqa: PLR2004 - and a file
            found[words[1], " ".join(words[2:])].append(body)
    return found


def _cells(path: Path) -> list[Any]:
    """The cells of a notebook, each with its type and its source."""
    try:
        content = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise _no_notebook(path, f"its text is no JSON from line {error.lineno} on") from error
    except (ValueError, RecursionError) as error:
        kind = "no UTF-8" if isinstance(error, UnicodeError) else "no JSON that can be read"
        raise _no_notebook(path, f"its text is {kind}") from error
    if not isinstance(content, dict):
        raise _no_notebook(path, f"it is {_in_json(content)}, not an object")
    cells = content.get("cells")
    if not isinstance(cells, list):
        told = _in_json(cells) if "cells" in content else "missing"
        raise _no_notebook(path, f'its "cells" are {told}, not a list')
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or not {"cell_type", "source"} <= cell.keys():
            raise _no_notebook(path, f'its cell {number} has no "cell_type" and "source"')
    return cells


def _no_notebook(path: Path, why: str) -> SubmissionError:
    return SubmissionError(
        f"{path.name} is not a notebook: {why}. A notebook is a JSON object that has a list of "
        "cells; open it in Jupyter, save it, and hand it in again"
    )


def _in_json(value: Any) -> str:
    """What JSON calls a value that is no object."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds: dict[type, str] = {list: "a list", str: "a string", dict: "an object"}
    return kinds.get(type(value), "a number")


def _text(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


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
