"""A small class, graded by the grader itself, through the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from grader import tasks
from tests.submissions import specimens

ROOT = Path(__file__).resolve().parents[3]


def test_class(tmp_path: Path) -> None:
    """An export's zip of a right, a wrong, a broken and a stub submission: gradebook and pages.

    The right one is in a zip, the stub a notebook; a second run has nothing to do.
    """
    export = tmp_path / "export"
    wrong = specimens.read(specimens.HERE / "wrong" / "mean-is-sum.txt")
    for name in ("Ada Lovelace_11", "Alan Turing_12", "Emmy Noether_13", "Grace Hopper_14"):
        (export / f"{name}_assignsubmission_file_").mkdir(parents=True)
    right = export / "Ada Lovelace_11_assignsubmission_file_" / "homework5"
    shutil.make_archive(str(right), "zip", specimens.PLAIN)
    wrong.write(export / "Alan Turing_12_assignsubmission_file_")
    stub = export / "Emmy Noether_13_assignsubmission_file_"
    shutil.copy(ROOT / "assignment" / "homework5.ipynb", stub)
    (export / "Grace Hopper_14_assignsubmission_file_" / "hw.zip").write_bytes(b"PK broken")
    shutil.make_archive(str(export), "zip", export)
    output = tmp_path / "graded"

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "grader", "class", f"{export}.zip", "--output", str(output),
             "--seed", "20", "--workers", "2"],
            cwd=ROOT,
            env={**os.environ, "BACKEND": "emulator"},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Port" not in done.stderr
    assert "4 students · 1 with an error" in done.stdout
    book = json.loads((output / "gradebook.json").read_text("utf-8"))
    rows = {row["name"]: row for row in book["students"]}
    assert {name: row["score"] for name, row in rows.items() if name != "Alan Turing"} == {
        "Ada Lovelace": 85,
        "Emmy Noether": 0,
        "Grace Hopper": 0,
    }
    assert "hw.zip cannot be unpacked" in rows["Grace Hopper"]["error"]
    lost = {task for task, score in rows["Alan Turing"]["tasks"].items()
            if score is not None and score < tasks.find(task).points}  # fmt: skip
    assert lost == set(wrong.loses)
    report = json.loads((output / "students" / "11" / "report.json").read_text("utf-8"))
    assert report["isolation"]
    assert report["seed"] is None
    assert "Ada Lovelace" in (output / "students" / "11" / "report.html").read_text("utf-8")
    index = (output / "index.html").read_text("utf-8")
    assert "<strong>4</strong> students" in index

    first = (output / "gradebook.json").read_bytes()
    again = run()
    assert again.returncode == 0
    assert "0 to grade" in again.stderr
    assert (output / "gradebook.json").read_bytes() == first
