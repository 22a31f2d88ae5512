"""The command line, as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader import cli

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m grader` with these arguments."""
    return subprocess.run(
        [sys.executable, "-m", "grader", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_stub() -> None:
    """The stub: backend first, every task not started, then the first thing to do; exit code 1."""
    done = run("grade", "assignment", "--seed", "1")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("backend: ")
    assert lines[1].startswith("○ 1.1")
    assert "next: 1.1" in done.stdout
    assert "\x1b" not in done.stdout  # a pipe gets no colour


def test_one_task_and_json(tmp_path: Path) -> None:
    """One right task: exit code 0, and one row in the file."""
    file = tmp_path / "out.json"
    done = run("grade", "solution", "--task", "2.1", "--seed", "5", "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(file.read_text("utf-8"))
    assert (written["score"], written["max_score"], written["seed"]) == (6, 6, 5)
    assert [row["task"] for row in written["results"]] == ["2.1"]


def test_usage_errors(tmp_path: Path) -> None:
    """What cannot be graded gives exit code 2 and a message that names it."""
    for arguments, words in (
        (("grade", "no-such-folder"), "no-such-folder"),
        (("grade", str(tmp_path)), "kernels.py"),
        (("grade", "assignment", "--task", "9.9"), "2.3"),
        (("grade", "assignment", "--seed", "-1"), "0 or more"),
        (("grade", "assignment", "--json", str(tmp_path / "no" / "x")), "No such file"),
        (("grade", "assignment"), "BACKEND"),
    ):
        environment = {"BACKEND": "tpu"} if words == "BACKEND" else {}
        done = run(*arguments, **environment)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_report_to_stdout() -> None:
    """`-` is standard output: nothing else is written there, and no file of that name."""
    done = run("grade", "assignment", "--seed", "1", "--json", "-")
    assert json.loads(done.stdout)["seed"] == 1
    assert "next: 1.1" in done.stderr
    assert not (ROOT / "-").exists()
    both = run("grade", "assignment", "--json", "-", "--junit", "-")
    assert both.returncode == 2
    assert "--json and --junit: one report alone can go to stdout" in both.stderr


def test_reader_who_leaves(tmp_path: Path) -> None:
    """Where nobody reads on (`| head -1`), the grading ends quietly, its files written."""
    file = tmp_path / "report.json"
    command = [sys.executable, "-m", "grader", "grade", "assignment", "--json", str(file)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("backend:")
    process.stdout.close()
    assert (process.wait(), process.stderr.read()) == (1, "")
    process.stderr.close()
    assert json.loads(file.read_text("utf-8"))["score"] == 0


@pytest.mark.parametrize(
    ("arguments", "code"), [(("grade", "assignment", "--json", "-"), 1), (("hint", "2.3"), 141)]
)
def test_nobody_reads(arguments: tuple[str, ...], code: int) -> None:
    """Where nobody reads at all, any command ends without a traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "grader", *arguments]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}  # short words are held back until the end
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=buffered,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.returncode == code
    assert "Broken" not in done.stderr
    assert "Traceback" not in done.stderr


def test_message_of_odd_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """What a device or a submission says steers no terminal."""
    assert cli._unusable("no driver\x1b[2J\nNext: make doctor") == cli.UNUSABLE
    assert capsys.readouterr().err == "no driver\ufffd[2J\nNext: make doctor\n"
