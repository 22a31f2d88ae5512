"""Does the notebook run from top to bottom, with the solution in its cells?"""

import json
import shutil
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from grader.handout.build import ROOT, Rendered
from grader.handout.collect import solve

# Grading each task and then all of them would grade everything twice, which takes a minute.
GRADED = {"%grade 2.3", "%grade"}


def text_of(cell: Any) -> str:
    """What a cell printed."""
    return "".join(
        "".join(output.get("text", "")) or "\n".join(output.get("traceback", ""))
        for output in cell.get("outputs", [])
    )


def run(content: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Execute a notebook in a folder; what each cell printed, by the cell's id."""
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("BACKEND", "emulator")
    book: Any = nbformat.reads(json.dumps(content), as_version=4)  # type: ignore[no-untyped-call]
    client = nbclient.NotebookClient(
        book, timeout=120, resources={"metadata": {"path": str(folder)}}, kernel_name="python3"
    )
    client.execute()
    return {cell["id"]: text_of(cell) for cell in book["cells"] if cell["cell_type"] == "code"}


def homework(tmp_path: Path) -> Path:
    """A student's copy of the homework: all that the notebook needs, without the solution."""
    root = tmp_path / "homework5"
    root.mkdir(parents=True)
    for name in ("grader", "emulator", "backend", "assignment"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "data").symlink_to(ROOT / "data")
    return root


def test_solved_notebook_runs_and_grades(
    tmp_path: Path, rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setup says which backend it got, every cell writes its section, grading gives full points."""
    root = homework(tmp_path)
    solved = {name: rendered.solved(name) for name in rendered.handout.files}
    book = json.loads(rendered.files["homework5.ipynb"])
    solve(book, solved)
    book["cells"] = [
        cell
        for cell in book["cells"]
        if not cell["id"].startswith("grade") or "".join(cell["source"]) in GRADED
    ]
    printed = run(book, root / "assignment", monkeypatch)
    assert "Backend: emulator" in printed["setup"]
    for name, text in solved.items():
        assert (root / "assignment" / name).read_text(encoding="utf-8") == text
    assert "8 / 8" in printed["grade-2-3"]
    assert "85 / 85" in printed["grade-all"]


def test_notebook_alone_finds_the_uploaded_zip(
    tmp_path: Path, rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colab's layout: a folder with the notebook elsewhere, and a zip that was uploaded."""
    root = homework(tmp_path / "made")
    content = tmp_path / "content"
    (content / "sample_data").mkdir(parents=True)
    (root / "data").unlink()
    shutil.make_archive(str(content / "homework5"), "zip", root.parent, root.name)
    book = json.loads(rendered.files["homework5.ipynb"])
    wanted = {"setup", "1-1-bias_add-kernels-py", "grade-1-1"}
    solve(book, {name: rendered.solved(name) for name in rendered.handout.files})
    book["cells"] = [cell for cell in book["cells"] if cell["id"] in wanted]
    printed = run(book, content, monkeypatch)
    assert "Backend: emulator" in printed["setup"]
    assert "section 1.1 bias_add written" in printed["1-1-bias_add-kernels-py"]
    assert "4 / 4" in printed["grade-1-1"]
