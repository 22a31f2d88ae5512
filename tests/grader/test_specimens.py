"""Every specimen, graded on the tasks that it concerns, gets its verdict: no more, no less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader import expect, limits
from grader.devices import Devices
from grader.diagnoses.bank import BY_ID
from grader.grade import grade
from grader.judge import Judge
from grader.result import State
from tests.submissions import specimens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from grader.isolation.scratch import Scratch
    from grader.process import WorkerProcess
    from grader.result import Report

    Grade = Callable[..., Report]

EMULATOR = Devices(("emulator",), "test")
WRONG = sorted((specimens.HERE / "wrong").glob("*.txt"))
CORRECT = sorted((specimens.HERE / "correct").glob("*.txt"))


@pytest.fixture(scope="module")
def graded() -> Iterator[Grade]:
    """Grade a specimen; one worker serves all of them, as long as they leave it alive."""
    workers: dict[str, WorkerProcess] = {}
    folders: list[Scratch] = []
    close = Judge.close

    def keep_worker(judge: Judge) -> None:
        if judge._runner.worker is not None:
            workers["emulator"], judge._runner.worker = judge._runner.worker, None
        folders.append(judge._runner._held)  # in which that worker may live

    def grade_specimen(specimen: specimens.Specimen, folder: Path, seed: int = 2026) -> Report:
        submission = specimen.write(folder)
        ready = {name: workers.pop(name) for name in list(workers)}
        return grade(submission, seed=seed, devices=EMULATOR, only=specimen.grade, workers=ready)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Judge, "close", keep_worker)
        patch.setattr(limits, "CPU_LIMIT_S", 3.0)  # endless loops are waited for
        yield grade_specimen
        assert Judge.close is not close
    for worker in workers.values():
        worker.kill()
    for folder in folders:
        folder.remove()


@pytest.fixture
def excesses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """By how many times wrong values exceed what is allowed: the largest of each comparison."""
    found: list[float] = []
    worst = expect.worst

    def measured(yours: Any, true: Any, limit: Any) -> str:
        with np.errstate(invalid="ignore", over="ignore"):
            excess = np.abs(yours - true) / limit
        found.append(float(np.where(np.isnan(excess), np.inf, excess).max()))
        return worst(yours, true, limit)

    monkeypatch.setattr(expect, "worst", measured)
    return found


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
        f"{r.task} {part.name}: {part.message} {[d.id for d in part.diagnoses]}"
        for r in report.results
        for part in r.parts
    )


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_wrong(path: Path, tmp_path: Path, graded: Grade, excesses: list[float]) -> None:
    """A wrong submission loses exactly the parts that are wrong, for the reason that is true."""
    specimen = specimens.read(path)
    report = graded(specimen, tmp_path)
    messages = explained(report)
    assert lost(report) == specimen.loses, messages
    ids = {d.id for result in report.results for d in result.diagnoses}
    assert ids == set(specimen.diagnoses), messages
    kinds = {finding.kind for result in report.results for finding in result.findings}
    assert kinds == set(specimen.findings), messages
    for words in specimen.says:
        assert words in messages
    if specimen.place is not None:
        file, text = specimen.place
        lines = (tmp_path / file).read_text("utf-8").splitlines()
        (number,) = (i + 1 for i, line in enumerate(lines) if text in line)
        assert (file, number) in {(r.file, r.line) for r in report.results}, messages
    assert report.violations == (), "a mistake is no misconduct"
    assert not excesses or max(excesses) >= 10 or kinds, excesses


@pytest.mark.parametrize("path", CORRECT, ids=lambda path: path.stem)
def test_correct(path: Path, tmp_path: Path, graded: Grade) -> None:
    """An unusual but right submission loses nothing and is told nothing."""
    report = graded(specimens.read(path), tmp_path)
    assert report.is_perfect, explained(report)
    assert report.violations == ()
    assert not [d for result in report.results for d in result.diagnoses]


def test_every_entry_has_a_specimen() -> None:
    """Each entry of the bank is shown by a specimen, and each specimen's diagnosis is an entry."""
    shown = {name for path in WRONG for name in specimens.read(path).diagnoses}
    assert set(BY_ID) == shown
