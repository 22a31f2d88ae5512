"""Write the homework as a notebook: the text, its figures, and a cell for every section.

Each section of a file (see `grader.handout.sections`) becomes a cell that starts with
``%%section FILE NAME``; running it puts the cell's text into the file. The cells stand at the end
of the task's chapter, before the cell that grades the task.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from grader.handout.sections import GIVEN, sections

Cell = dict[str, Any]  # as in the notebook format, version 4.5

MAGIC = "%%section"
_TITLE = re.compile(r"(?P<level>#{1,4}) (?P<title>.+)")
_TASK = re.compile(r"Task (?P<id>\d\.\d)\b.*?(?P<points>\d+) points?\)")
_IMAGE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<path>[^)\s]+\.png)\)")
_MATH = re.compile(r"^```math\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_SETUP = """\
# Run this cell first, and again whenever the kernel has been restarted.
import sys
import zipfile
from pathlib import Path


def find(here: Path) -> Path | None:
    places = [here, *here.parents, *here.glob("*"), *here.glob("*/*")]
    return next((p for p in places if (p / "grader" / "handout").is_dir()), None)


root = find(Path.cwd())
if root is None:  # Colab knows the notebook only: upload the homework's zip in its Files panel
    for archive in Path.cwd().glob("homework5*.zip"):
        with zipfile.ZipFile(archive) as content:
            for member in content.infolist():
                file = Path(content.extract(member))
                file.chmod(file.stat().st_mode | member.external_attr >> 16 & 0o111)
    root = find(Path.cwd())
if root is None:
    raise FileNotFoundError(
        f"the homework's files are not in {Path.cwd()} or above it: open the notebook where it "
        "lies in the homework's folder, or (in Colab) upload homework5.zip and run this cell again"
    )
sys.path.insert(0, str(root))
from grader.handout import session

session.start(root)
"""


@dataclass(frozen=True)
class Chapter:
    """A stretch of the text from one title to the next.

    Attributes:
        title: The title, without its hashes; "" for text above the first.
        text: The Markdown, title and all.
        task: The task it describes, such as ``"2.3"``; None for theory.
        points: What the task is worth; 0 for theory.
    """

    title: str
    text: str
    task: str | None
    points: int


def chapters(text: str) -> Iterator[Chapter]:
    """Divide the homework's text at its titles; a hash in a code block is no title."""
    start: list[str] = []
    title, fenced = "", False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        match = None if fenced else _TITLE.fullmatch(line)
        if match is not None:
            if "".join(start).strip():
                yield _chapter(title, start)
            start, title = [], match["title"]
        start.append(line)
    if "".join(start).strip():
        yield _chapter(title, start)


def _chapter(title: str, lines: list[str]) -> Chapter:
    match = _TASK.match(title)
    task = match["id"] if match else None
    return Chapter(title, "\n".join(lines).strip(), task, int(match["points"]) if match else 0)


def notebook(text: str, files: Mapping[str, str], figures: Mapping[str, bytes]) -> str:
    """The notebook as the text of an ``.ipynb`` file; the same input gives the same bytes.

    Args:
        text: The homework's text, Markdown.
        files: The handout's Python files with section headings, by name, in teaching order.
        figures: The PNG pictures that the text shows, by the path it uses.

    Raises:
        ValueError: A section's task has no chapter, or a picture is missing.
    """
    cells: list[Cell] = []
    homeless = {
        (file, section.name): section.task
        for file, content in files.items()
        for section in sections(content)
        if section.task != GIVEN
    }
    for i, chapter in enumerate(chapters(text)):
        cells.append(_text_cell(chapter, i, figures))
        if i == 0:
            cells.append(_code_cell("setup", _SETUP))
        if chapter.task is not None:
            for file, content in files.items():
                for section in sections(content):
                    if section.task == chapter.task:
                        homeless.pop((file, section.name), None)
                        cells.append(_section_cell(file, section.name, section.body))
            number = chapter.task.replace(".", "-")
            cells.append(_code_cell(f"grade-{number}", f"%grade {chapter.task}"))
    if homeless:
        file, name = next(iter(homeless))
        raise ValueError(
            f"{file}: section {name!r} has no chapter: handout.md needs a title"
            f" `Task {homeless[file, name]} … (N points)`"
        )
    cells.append(_code_cell("grade-all", "%grade"))
    document = {
        "cells": cells,
        "metadata": {
            "accelerator": "GPU",  # asks Colab for a machine with a GPU
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    import nbformat  # noqa: PLC0415 - students' machines write no notebooks

    nbformat.validate(document)
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _text_cell(chapter: Chapter, number: int, figures: Mapping[str, bytes]) -> Cell:
    attachments: dict[str, dict[str, str]] = {}

    def attach(match: re.Match[str]) -> str:
        path: str = match["path"]
        if path not in figures:
            raise ValueError(
                f"handout.md shows {path}, which is not there: run `python -m solution.figures`"
            )
        name = PurePosixPath(path).name
        attachments[name] = {"image/png": base64.b64encode(figures[path]).decode()}
        return f"![{match['text']}](attachment:{name})"

    text = _MATH.sub(r"$$\n\1$$", _IMAGE.sub(attach, chapter.text))
    cell: Cell = {
        "cell_type": "markdown",
        "id": f"text-{number:02d}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return {**cell, "attachments": attachments} if attachments else cell


def _section_cell(file: str, name: str, body: tuple[str, ...]) -> Cell:
    identity = re.sub(r"[^A-Za-z0-9_-]", "-", f"{name}-{file}")
    return _code_cell(identity, "\n".join([f"{MAGIC} {file} {name}", *body]))


def _code_cell(identity: str, source: str) -> Cell:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": identity,
        "metadata": {},
        "outputs": [],
        "source": source.rstrip("\n").splitlines(keepends=True),
    }
