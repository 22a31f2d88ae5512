"""Is the text of the homework complete, and does it agree with tasks, code and pictures?"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib import __version__ as matplotlib_version
from matplotlib.image import imread

from grader.handout.build import ROOT
from grader.handout.notebook import chapters
from grader.tasks import TASKS
from solution import figures

TEXT = (ROOT / "solution" / "handout.md").read_text(encoding="utf-8")
NUMBERED = [int(number) for number in re.findall(r"\\tag\{(\d+)\}", TEXT)]


def cited(text: str) -> set[int]:
    """The equations that (eq. 3), (eq. 4, 6) and (eq. 13 to 16) name."""
    numbers: set[int] = set()
    for group in re.findall(r"\beqs?\. ?([\d, to–-]+)", text):
        for part in group.split(","):
            ends = [int(n) for n in re.findall(r"\d+", part)]
            numbers.update(range(ends[0], ends[-1] + 1) if ends else ())
    return numbers


def test_equations_are_numbered_in_order() -> None:
    """(1) to (16) at least, each once, ascending."""
    assert list(range(1, len(NUMBERED) + 1)) == NUMBERED
    assert len(NUMBERED) >= 16


@pytest.mark.parametrize("path", sorted((ROOT / "solution").glob("*.py")), ids=lambda p: p.name)
def test_cited_equations_exist(path: Path) -> None:
    """Docstrings, comments and stub texts cite equations that the handout has."""
    assert cited(path.read_text(encoding="utf-8")) <= set(NUMBERED)


def test_citations_are_recognised() -> None:
    """Single numbers, lists and ranges."""
    assert cited("(eq. 3) (eq. 4, 6) (eq. 13 to 16)") == {3, 4, 6, 13, 14, 15, 16}
    assert cited("(eq. 99)") == {99}


def test_text_cites_equations_that_exist() -> None:
    """References such as (5) in the text itself."""
    prose = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", TEXT, flags=re.DOTALL)
    assert {int(n) for n in re.findall(r"\((\d+)\)", prose)} <= set(NUMBERED)


def test_inline_math_survives_markdown() -> None:
    """GitHub unescapes a backslash before punctuation, and wants math whole and on its own."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", TEXT, flags=re.DOTALL)
    outside, inline = prose.split("$")[::2], prose.split("$")[1::2]
    assert len(inline) > 20
    assert [math for math in inline if "\n" in math or re.search(r"\\[^A-Za-z]", math)] == []
    assert not any(before[-1:].isalnum() for before in outside[:-1]), "no math inside a word"
    assert not any(after[:1].isalnum() for after in outside[1:]), "no math inside a word"


def test_every_task_has_its_chapter() -> None:
    """With the points of the table, the functions' names, and the command that grades it."""
    found = {c.task: c for c in chapters(TEXT) if c.task is not None}
    assert set(found) == {task.id for task in TASKS}
    for task in TASKS:
        chapter = found[task.id]
        assert chapter.points == task.points, task.id
        assert f"`make grade TASK={task.id}`" in chapter.text
        for function in task.functions:
            assert function.rpartition(".")[2] in chapter.text


def test_pictures_exist_and_are_all_shown() -> None:
    """Every picture that is drawn is shown, and the other way round, with words for it."""
    shown = re.findall(r"!\[([^\]]+)\]\(figures/(\w+)\.png\)", TEXT)
    assert sorted(name for _, name in shown) == sorted(figures.FIGURES)
    assert all(len(words) > 20 for words, _ in shown)


def test_pictures_were_drawn_by_this_code() -> None:
    """The committed pictures are those that the code as it stands has drawn."""
    recorded = json.loads(figures.RECORD.read_text(encoding="utf-8"))
    stale = "run `python -m solution.figures`, then `make handout`"
    assert recorded["inputs_sha256"] == figures.inputs_sha256(), stale
    assert recorded["files"] == figures.record(figures.FOLDER)["files"], stale


@pytest.mark.parametrize("name", ["layout", "xor", "activations", "descent"])
def test_drawing_again_gives_the_same_picture(name: str, tmp_path: Path) -> None:
    """Byte for byte with the versions that drew it, nearly the same with others."""
    again = tmp_path / "again.png"
    figures.write(figures.FIGURES[name](), again)
    committed = figures.FOLDER / f"{name}.png"
    recorded = json.loads(figures.RECORD.read_text(encoding="utf-8"))
    if (recorded["matplotlib"], recorded["numpy"]) == (matplotlib_version, np.__version__):
        assert again.read_bytes() == committed.read_bytes()
    else:
        old, new = imread(committed), imread(again)
        assert old.shape == new.shape
        assert np.abs(old - new).mean() < 0.02  # fonts differ by a pixel here and there
