"""Submissions made for a test, and a judge of the reference solution that tests share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader import tasks
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
