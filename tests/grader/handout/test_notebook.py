import json
import re

import nbformat
import pytest

from grader.handout.build import Rendered
from grader.handout.notebook import MAGIC, Cell, chapters, notebook
from grader.handout.sections import GIVEN, sections
from grader.tasks import TASKS


@pytest.fixture(scope="module")
def book(rendered: Rendered) -> Cell:
    """The handout's notebook."""
    content: Cell = json.loads(rendered.files["homework5.ipynb"])
    return content


def first_line(cell: Cell) -> str:
    """The first line of a cell."""
    return "".join(cell["source"]).partition("\n")[0]


def test_notebook_is_valid_and_without_outputs(book: Cell) -> None:
    """Version 4.5, every cell with an id of its own, nothing run."""
    nbformat.validate(book)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert not any(cell.get("outputs") for cell in book["cells"])


def test_ids_depend_on_names_alone(rendered: Rendered) -> None:
    """A task's cell keeps its id when the text around it changes."""
    text = rendered.files["handout.md"].decode()
    figures = {n: c for n, c in rendered.files.items() if n.endswith(".png")}
    changed = text.replace("## Part 1", "## A new chapter\n\nHello.\n\n## Part 1")
    ids = [
        {cell["id"] for cell in json.loads(notebook(t, rendered.handout.files, figures))["cells"]}
        for t in (text, changed)
    ]
    assert {i for i in ids[0] if not i.startswith("text-")} <= ids[1]


def test_each_section_has_one_cell_with_its_stub(book: Cell, rendered: Rendered) -> None:
    """Together the cells hold all that a student has to write."""
    cells = ["".join(c["source"]) for c in book["cells"] if first_line(c).startswith(MAGIC)]
    expected = [
        "\n".join([f"{MAGIC} {file} {section.name}", *section.body])
        for file, text in rendered.handout.files.items()
        for section in sections(text)
        if section.task != GIVEN
    ]
    assert sorted(cells) == sorted(expected)


def test_cells_of_a_task_stand_between_its_text_and_its_grading(book: Cell) -> None:
    """Reading down: the task's chapter, its cells, the command that grades it."""
    task = None
    for cell in book["cells"]:
        line = first_line(cell)
        if title := re.match(r"### Task (\d\.\d)", line):
            task = title[1]
        elif line.startswith("%grade "):
            assert line == f"%grade {task}"
            task = None
        elif line.startswith(MAGIC):
            assert line.split()[2] == task


def test_every_task_can_be_graded_from_the_notebook(book: Cell) -> None:
    """One cell for each, and one for all."""
    lines = [first_line(c) for c in book["cells"] if first_line(c).startswith("%grade")]
    assert sorted(lines) == ["%grade", *(f"%grade {task.id}" for task in TASKS)]


def test_first_code_cell_sets_up(book: Cell) -> None:
    """The setup comes before any magic is used."""
    first = next(cell for cell in book["cells"] if cell["cell_type"] == "code")
    assert first["id"] == "setup"
    compile("".join(first["source"]), "setup", "exec")


def test_figures_are_inside(book: Cell) -> None:
    """Pictures are attached to their cells: Colab sees no files beside a notebook."""
    for cell in book["cells"]:
        names = re.findall(r"\]\(attachment:(\S+?)\)", "".join(cell["source"]))
        assert sorted(names) == sorted(cell.get("attachments", {}))
    assert sum(len(cell.get("attachments", {})) for cell in book["cells"]) >= 7


def test_equations_are_in_the_form_jupyter_reads(book: Cell) -> None:
    """GitHub's math fences become dollar signs."""
    text = "".join("".join(c["source"]) for c in book["cells"] if c["cell_type"] == "markdown")
    assert "```math" not in text
    assert "$$\nz = W^\\top x + b" in text


def test_missing_figure_is_an_error() -> None:
    """The message names the picture and the command that draws it."""
    with pytest.raises(ValueError, match=r"figures/no.png.*solution.figures"):
        notebook("# A\n![x](figures/no.png)\n", {}, {})


def test_section_without_a_chapter_is_an_error() -> None:
    """A task that the text forgets is found while building."""
    files = {"a.py": "# --- 1.1 f ---\nx = 1\n"}
    with pytest.raises(ValueError, match=r"a.py: section '1.1 f' has no chapter"):
        notebook("# A\n", files, {})


def test_hashes_in_code_are_no_titles() -> None:
    """A comment in a code block starts no chapter."""
    text = "# A\n```\n# no title\n```\n### Task 1.1 · f (1 point)\nb\n"
    found = list(chapters(text))
    assert [(c.title, c.task, c.points) for c in found] == [
        ("A", None, 0),
        ("Task 1.1 · f (1 point)", "1.1", 1),
    ]
