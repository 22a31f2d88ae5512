"""The autograder for Gradescope, run in a folder of its own layout."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from emulator.compiler.host import cache_folder
from grader.release import archive, autograder, gradescope, reference
from grader.release.main import FOLDER
from tests.grader.release import clone
from tests.submissions import specimens

if TYPE_CHECKING:
    from pathlib import Path

SEED = 424_242

FORGED = """
import json, os
from pathlib import Path
for root in (Path({root!r}), Path("/autograder")):
    for file in ("source/seed", "results/results.json"):
        try:
            print("SAW", (root / file).read_text())
        except OSError as error:
            print("refused", error)
    try:
        (root / "results" / "results.json").write_text(json.dumps({{"score": 100}}))
    except OSError as error:
        print("refused", error)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as /autograder is when the image is built, with this clone's packages."""
    folder = tmp_path_factory.mktemp("autograder")
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "compiled", lambda _: b"PTX")
        archive.write(gradescope.autograder_files("2027", SEED), folder / "autograder.zip")
    with zipfile.ZipFile(folder / "autograder.zip") as opened:
        opened.extractall(folder / "source")
    (folder / "source" / "seed").chmod(0o600)
    (folder / "source" / "cache").symlink_to(cache_folder())  # what setup.sh would build
    program = folder / "run_autograder"
    program.write_bytes((folder / "source" / "run_autograder").read_bytes())
    program.chmod(0o755)
    clone.lend_environment(folder / "source" / FOLDER)
    return folder


def run(root: Path) -> dict[str, Any]:
    """What run_autograder says of the submission that lies there."""
    done = subprocess.run([root / "run_autograder"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results: dict[str, Any] = json.loads((root / "results" / "results.json").read_text("utf-8"))
    assert results["stdout_visibility"] == "hidden"
    assert not list((root / "results").glob("*draft*"))
    return results


@pytest.fixture
def submission(root: Path) -> Path:
    """The folder of the upload, empty."""
    folder = root / "submission"
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o755)
    return folder


def test_upload(root: Path, submission: Path) -> None:
    """A right upload gets all points that can be had without a GPU, task by task."""
    specimens.read(specimens.HERE / "correct" / "plain.txt").write(submission)
    results = run(root)
    assert results["score"] == 85, results["output"]
    assert len(results["tests"]) > 10
    assert str(SEED) not in json.dumps(results)


def test_hostile_upload(root: Path, submission: Path) -> None:
    """An upload that writes results of its own, or looks for the seed, gets what it deserves."""
    specimens.read(specimens.HERE / "wrong" / "bias-missing.txt").write(submission)
    kernels = submission / "kernels.py"
    kernels.write_text(kernels.read_text("utf-8") + FORGED.format(root=str(root)), "utf-8")
    results = run(root)
    assert results["score"] < 85
    assert results["tests"]
    assert str(SEED) not in json.dumps(results)
    assert results["extra_data"]["violations"]


def test_no_upload(root: Path, submission: Path) -> None:
    """Nothing handed in is said kindly, and scores 0."""
    assert not list(submission.iterdir())
    results = run(root)
    assert results["score"] == 0
    assert "no file came" in results["output"]


def test_other_files(root: Path, submission: Path) -> None:
    """An upload without any of the files is told which are expected."""
    (submission / "notes.txt").write_text("hello")
    results = run(root)
    assert results["score"] == 0
    assert "kernels.py" in results["output"]


def test_broken_setup(root: Path, submission: Path) -> None:
    """Where setup went wrong there are valid results, which blame nobody's code."""
    (submission / "kernels.py").write_text("")
    folder = root / "source" / FOLDER
    (folder / ".venv").rename(folder / "gone")
    try:
        results = run(root)
    finally:
        (folder / "gone").rename(folder / ".venv")
    assert "could not start" in results["output"]


def test_grader_fails(tmp_path: Path) -> None:
    """An error of the grader's own is said to be that."""
    (tmp_path / "results").mkdir()
    (tmp_path / "submission").mkdir()
    (tmp_path / "submission" / "kernels.py").write_text("")
    autograder.main(tmp_path)  # there is no seed
    results = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert "not your code" in results["output"]


def test_endless_grading(root: Path, submission: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grading that takes too long is ended, and what it left is not taken for results."""
    (submission / "kernels.py").write_text("import time\ntime.sleep(60)\n")
    (root / "results").mkdir(exist_ok=True)
    monkeypatch.setattr(autograder, "LIMIT_S", 1)
    monkeypatch.chdir(root / "source" / FOLDER)
    assert "was ended" in autograder.grade(root)["output"]
