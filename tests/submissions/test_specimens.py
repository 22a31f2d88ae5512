"""Every specimen, graded on the tasks that it concerns, gets its verdict: no more, no less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grader import process
from grader.devices import Devices
from grader.grade import grade
from grader.result import State
from tests.submissions import specimens

if TYPE_CHECKING:
    from pathlib import Path

    from grader.result import Report

DEVICES = Devices(("emulator",), "test")
WRONG = sorted((specimens.HERE / "wrong").glob("*.txt"))
CORRECT = sorted((specimens.HERE / "correct").glob("*.txt"))


def graded(path: Path, folder: Path, seed: int = 20_26) -> tuple[specimens.Specimen, Report]:
    """Write a specimen and grade it."""
    specimen = specimens.read(path)
    submission = specimen.write(folder)
    return specimen, grade(submission, seed=seed, devices=DEVICES, only=specimen.grade)


def lost(report: Report) -> dict[str, tuple[str, ...]]:
    """Task → parts without points."""
    return {
        result.task: tuple(part.name for part in result.parts if not part.passed)
        for result in report.results
        if result.state is not State.PASSED
    }


def explained(report: Report) -> str:
    """The messages, for a failing test's reader."""
    return "\n".join(
        f"{r.task} {part.name}: {part.message}" for r in report.results for part in r.parts
    )


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_wrong(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong submission loses exactly the parts that are wrong, for the reason that is true."""
    monkeypatch.setattr(process, "CPU_LIMIT_S", 4.0)  # endless loops are waited for
    specimen, report = graded(path, tmp_path)
    assert lost(report) == specimen.loses, explained(report)
    ids = tuple(d.id for result in report.results for d in result.diagnoses)
    assert set(ids) == set(specimen.diagnoses), explained(report)
    kinds = {finding.kind for result in report.results for finding in result.findings}
    assert kinds == set(specimen.findings), explained(report)
    messages = explained(report)
    for words in specimen.says:
        assert words in messages
    if specimen.place is not None:
        file, text = specimen.place
        lines = (tmp_path / file).read_text("utf-8").splitlines()
        (number,) = (i + 1 for i, line in enumerate(lines) if text in line)
        assert (file, number) in {(r.file, r.line) for r in report.results}, messages


@pytest.mark.parametrize("path", CORRECT, ids=lambda path: path.stem)
def test_correct(path: Path, tmp_path: Path) -> None:
    """An unusual but right submission loses nothing and is told nothing."""
    _, report = graded(path, tmp_path)
    assert report.is_perfect, explained(report)
    assert not [d for result in report.results for d in result.diagnoses]
