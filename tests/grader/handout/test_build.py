import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.handout import build, proofs
from grader.handout.build import ROOT, Rendered, edited, outdated, render, replaced
from grader.handout.stubs import STUBS


@pytest.fixture
def place(tmp_path: Path, rendered: Rendered) -> tuple[Path, Path]:
    """A written handout: its folder, and its stubs.json."""
    target, stubs = tmp_path / "assignment", tmp_path / "stubs.json"
    with replaced(rendered, target, stubs):
        pass
    return target, stubs


def test_committed_handout_is_up_to_date(rendered: Rendered) -> None:
    """assignment/ and stubs.json are what `make handout` writes from solution/."""
    assert outdated(rendered, ROOT / "assignment", STUBS) == [], "run `make handout`"


def test_another_process_renders_the_same_bytes() -> None:
    """Nothing depends on time, on the order of sets, or on the folder."""
    code = (
        "import hashlib; from grader.handout.build import *; r = render(ROOT / 'solution');"
        "print(hashlib.sha256(repr(sorted(r.files.items())).encode()).hexdigest(),"
        "hashlib.sha256(r.handout.to_json().encode()).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_static_proofs_hold(rendered: Rendered) -> None:
    """Stubs are Python, the round trip is one, and nothing leaks."""
    assert "are Python" in proofs.syntax(rendered)
    assert "nothing else" in proofs.round_trip(rendered)
    assert "telling lines" in proofs.no_leaks(rendered)


def test_leak_anywhere_in_the_handout_is_found(rendered: Rendered) -> None:
    """A solution line in a file, a cell, an output or a comment fails the proof."""
    region = next(r for r in rendered.regions if r.file == "network.py" and r.task == "4.2")
    line = max(region.solution, key=len)
    book = json.loads(rendered.files["homework5.ipynb"])
    book["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [line]}]
    for name, content in (
        ("README.md", f"Try {line}\n"),
        ("blas.py", rendered.stub("blas.py") + f"# {line}\n"),
        ("homework5.ipynb", json.dumps(book)),
    ):
        files = {**rendered.files, name: content.encode()}
        leaky = Rendered(files, rendered.handout, rendered.regions, rendered.sources)
        with pytest.raises(proofs.ProofError, match=r"solution's network\.py"):
            proofs.no_leaks(leaky)


def test_stub_that_is_no_python_is_an_error(rendered: Rendered) -> None:
    """A region that leaves a function without a body is found."""
    stub = "def f() -> None:\n    x = 1\n    if x:\n        # TODO(2.1)\n"
    files = {**rendered.handout.files, "blas.py": stub}
    handout = type(rendered.handout)(files, (), {})
    broken = Rendered(rendered.files, handout, rendered.regions, rendered.sources)
    with pytest.raises(proofs.ProofError, match=r"stub of blas\.py is not Python: line 4"):
        proofs.syntax(broken)


def test_missing_solution_file_is_an_error(tmp_path: Path) -> None:
    """A student's copy has no solution: the message says what is missing."""
    with pytest.raises(FileNotFoundError, match=r"kernels\.py is missing"):
        render(tmp_path)


def test_written_handout_is_up_to_date(place: tuple[Path, Path], rendered: Rendered) -> None:
    """What was written is what was rendered; another file or another byte is a difference."""
    target, stubs = place
    assert outdated(rendered, target, stubs) == []
    (target / "extra.txt").write_text("x")
    (target / "blas.py").write_text("x")
    (target / "README.md").unlink()
    (target / "__pycache__").mkdir()
    (target / "__pycache__" / "blas.pyc").write_text("")
    found = " ".join(outdated(rendered, target, stubs))
    assert "extra.txt is no part of it" in found
    assert "blas.py is not what solution/ says" in found
    assert "README.md is missing" in found
    assert "pycache" not in found


def test_own_work_in_assignment_is_seen(place: tuple[Path, Path]) -> None:
    """Edited and added files are somebody's work; generated ones are not."""
    target, stubs = place
    assert edited(target, stubs) == []
    (target / "blas.py").write_text("mine")
    (target / "notes.txt").write_text("mine")
    assert edited(target, stubs) == ["blas.py", "notes.txt"]


def test_failing_proof_leaves_everything_as_it_was(
    place: tuple[Path, Path], rendered: Rendered
) -> None:
    """The old folder comes back, complete, whatever happens while the new one is proved."""
    target, stubs = place
    (target / "notes.txt").write_text("mine")
    stubs.write_text("old")

    def interrupted() -> None:
        with replaced(rendered, target, stubs):
            assert not (target / "notes.txt").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (target / "notes.txt").read_text() == "mine"
    assert stubs.read_text() == "old"
    assert sorted(p.name for p in target.parent.iterdir()) == ["assignment", "stubs.json"]


def test_leftover_of_a_killed_run_is_not_overwritten(
    place: tuple[Path, Path], rendered: Rendered
) -> None:
    """It may be the only copy of something."""
    target, stubs = place
    target.with_name("assignment.old").mkdir()
    with (
        pytest.raises(FileExistsError, match="left by a run that was killed"),
        replaced(rendered, target, stubs),
    ):
        pass
    assert target.is_dir()


def test_check_says_whether_the_handout_is_up_to_date(
    place: tuple[Path, Path],
    rendered: Rendered,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit status 0 or 1, and the next step."""
    target, stubs = place
    monkeypatch.setattr(build, "ROOT", target.parent)
    monkeypatch.setattr(build, "STUBS", stubs)
    monkeypatch.setattr(build, "render", lambda _: rendered)
    assert build.main(["--check"]) == 0
    (target / "blas.py").write_text("mine")
    assert build.main(["--check"]) == 1
    assert "run `make handout`" in capsys.readouterr().out
    assert build.main([]) == 1, "own work is not overwritten"
    assert "blas.py" in capsys.readouterr().err
    assert (target / "blas.py").read_text() == "mine"


def test_broken_marker_is_reported_and_nothing_written(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An instructor's mistake gives file, line and next step, and changes no file."""
    target, stubs = place
    root = target.parent
    shutil.copytree(ROOT / "solution", root / "solution")
    blas = root / "solution" / "blas.py"
    lines = blas.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines, start=1) if "END SOLUTION" in line)
    blas.write_text("\n".join([*lines[: number - 1], *lines[number:]]), encoding="utf-8")
    monkeypatch.setattr(build, "ROOT", root)
    monkeypatch.setattr(build, "STUBS", stubs)
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert build.main([]) == 1
    assert re.search(r"blas\.py:\d+: BEGIN SOLUTION 2\.1 is never closed", capsys.readouterr().err)
    assert before == {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_student_page_lists_every_task(rendered: Rendered) -> None:
    """The table of tasks, with files and points."""
    page = rendered.files["README.md"].decode()
    assert "| 1.1 | bias_add | kernels.py | 4 |" in page
    assert "| 2.4 | step | kernels.py, linear.py | 3 |" in page
    assert "| 5.2 | the step's time |  | 5 |" in page
    assert "{tasks}" not in page


def test_headers_name_the_tasks_of_a_file(rendered: Rendered) -> None:
    """The first lines say what the file is and how it is graded."""
    assert rendered.stub("blas.py").startswith("# Homework 5, task 2.1.")
    assert "make grade TASK=2.2" in rendered.stub("linear.py").splitlines()[1]
