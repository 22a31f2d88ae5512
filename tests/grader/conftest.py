"""Submissions made for a test, and a judge of the reference solution that tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import processes, tasks
from grader.judge import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "solution"


@pytest.fixture
def submission(tmp_path: Path) -> Callable[..., Path]:
    """Write a submission: the solution's files, some with other content (None: left out)."""

    def write(**contents: str | bytes | None) -> Path:
        folder = tmp_path / "submission"
        folder.mkdir(exist_ok=True)
        for file in tasks.FILES:
            shutil.copyfile(SOLUTION / file, folder / file)
        for module, content in contents.items():
            path = folder / f"{module}.py"
            if content is None:
                path.unlink()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content, "utf-8")
        return folder

    return write


@pytest.fixture
def judged(submission: Callable[..., Path]) -> Iterator[Callable[..., Judge]]:
    """A judge of a submission written for the test."""
    judges: list[Judge] = []

    def make(**contents: str | bytes | None) -> Judge:
        judges.append(Judge(submission(**contents), 1, SOLUTION / "device.py"))
        return judges[-1]

    yield make
    for judge in judges:
        judge.close()


@pytest.fixture(scope="session")
def reference() -> Iterator[Judge]:
    """A judge of the reference solution, with one warm worker for all tests that only ask it."""
    judge = Judge(SOLUTION, 1, SOLUTION / "device.py")
    yield judge
    judge.close()


SESSION_MARK = "SESSION_TEST=7c1f"
"""What is in the environment of the processes that `session` starts."""


@pytest.fixture
def session() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Run a Python program in a session of its own; it has begun when this returns."""
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str) -> subprocess.Popen[bytes]:
        code = f"import os, sys, time\nos.write(1, b'x')\n{program}"
        name, _, value = SESSION_MARK.partition("=")
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code],
            stdout=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, name: value},
        )
        assert process.stdout is not None
        process.stdout.read(1)
        started.append(process)
        return process

    yield start
    for process in started:
        processes.kill_all(process.pid, SESSION_MARK)
        process.communicate()
