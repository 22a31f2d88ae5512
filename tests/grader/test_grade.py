"""Whole gradings: the reference, the stub, one task, repeated seeds, and faults of the grader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader import curves, expect, tolerance
from grader.devices import Devices
from grader.grade import SubmissionError, grade
from grader.process import WorkerProcess, WorkerStartError
from grader.report import gradescope, junit, words
from grader.result import Report, State

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
SOLUTION, ASSIGNMENT = ROOT / "solution", ROOT / "assignment"
WRONG_BIAS = """
right = bias_add
def bias_add(Z, b):
    right(Z, b)
    right(Z, b)
"""
DEVICES = Devices(("emulator",), "test")


def timeless(report: Report) -> Report:
    """The report without its times."""
    results = tuple(replace(result, seconds=0.0) for result in report.results)
    return replace(report, seconds=0.0, results=results)


def test_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference gets every point, and stays under half of what each comparison allows."""
    ratios: list[float] = []
    close, check_curve = expect.close, curves.check_curve

    def measured(name: str, yours: Any, true: Any, bound: Any, **rest: Any) -> None:
        close(name, yours, true, bound, **rest)  # raises for a call of idle kernels, as it should
        limit = np.broadcast_to(tolerance.allowed(bound), true.shape)
        ratios.append(float(np.max(np.abs(yours - true) / limit)))

    def measured_curve(outcome: Any, true: Any, steps: int) -> None:
        drift = np.abs(outcome.returned.array - true).max()
        ratios.append(float(drift / tolerance.LOSS_DRIFT))
        check_curve(outcome, true, steps)

    monkeypatch.setattr(expect, "close", measured)
    monkeypatch.setattr(curves, "check_curve", measured_curve)
    report = grade(SOLUTION, seed=3, devices=DEVICES)
    assert {r.state for r in report.results} == {State.PASSED, State.NOT_MEASURED}
    assert (report.score, report.max_score, report.unmeasured) == (85, 85, 15)
    assert report.is_perfect
    assert (
        max(ratios) <= 0.5 + 1e-6
    )  # one rounding reaches its bound, which is half of what is allowed


def test_stub() -> None:
    """The handout's stub: every task not started, no points, nothing run."""
    report = grade(ASSIGNMENT, seed=3, devices=DEVICES)
    assert {r.state for r in report.results} == {State.NOT_STARTED, State.NOT_MEASURED}
    assert (report.score, report.max_score) == (0, 85)
    assert report.seconds < 3


def test_same_seed_same_report(submission: Callable[..., Path]) -> None:
    """The same submission and seed give the same report, but for times."""
    text = (SOLUTION / "kernels.py").read_text("utf-8")
    folder = submission(kernels=text + WRONG_BIAS)
    only = {"1.1", "2.3"}
    first, second = (grade(folder, seed=9, devices=DEVICES, only=only) for _ in range(2))
    assert timeless(first) == timeless(second)
    assert first.find("1.1").score == 0
    assert first.find("2.3").state is State.PASSED
    assert first.find("2.3").stand_ins == ("1.1",)


def test_task_alone(submission: Callable[..., Path]) -> None:
    """A task graded alone gets the score that it gets among all, and is told what else is wrong."""
    text = (SOLUTION / "kernels.py").read_text("utf-8")
    folder = submission(kernels=text + WRONG_BIAS)
    report = grade(folder, seed=9, devices=DEVICES, only={"2.3"}, alone=True)
    assert report.find("2.3").state is State.PASSED
    assert "one of them is wrong" in report.find("2.3").notes[-1]


def test_started_stub(submission: Callable[..., Path]) -> None:
    """On a stub with one task solved, that task gets its points, its neighbours none."""
    solved = (SOLUTION / "blas.py").read_text("utf-8")
    stubs = {
        name: (ASSIGNMENT / f"{name}.py").read_text("utf-8")
        for name in ("kernels", "linear", "network", "training")
    }
    report = grade(submission(blas=solved, **stubs), seed=1, devices=DEVICES)
    assert report.find("2.1").state is State.PASSED
    assert report.score == 6
    others = {r.state for r in report.results if r.task != "2.1"}
    assert others == {State.NOT_STARTED, State.NOT_MEASURED}


def test_fault_of_the_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that fails in itself is the grader's fault, and costs no points."""

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(expect, "nothing", broken)
    report = grade(SOLUTION, seed=1, devices=DEVICES, only={"1.1", "1.4"})
    assert report.find("1.1").state is State.GRADER_FAULT
    assert (report.score, report.max_score) == (6, 6)


@pytest.mark.parametrize(
    "broken",
    [
        "grader.diagnoses.explain",
        "grader.plugin.assemble",
        "grader.plugin.part_result",
        "grader.plugin.GradingPlugin._begin",
    ],
)
def test_fault_beside_the_checks(
    submission: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """What fails in judging itself is told as the grader's fault, and never as not measured."""

    def fail(*_: Any) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(broken, fail)
    report = grade(submission(blas="x = 1\n"), seed=1, devices=DEVICES, only={"2.1", "5.2"})
    result = report.find("2.1")
    assert (result.state, result.score, result.max_score) == (State.GRADER_FAULT, 0, 0)
    assert all("no such thing" in part.fault for part in result.parts)
    assert report.find("5.2").state is State.NOT_MEASURED


def test_fault_of_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a kernel's cost cannot be counted by the grader's fault, all else is reported."""

    def fail(*_: Any) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr("grader.cost.compare", fail)
    report = grade(SOLUTION, seed=1, devices=DEVICES, only={"2.1", "5.1"})
    assert report.find("2.1").state is State.PASSED
    assert report.find("5.1").state is State.GRADER_FAULT


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, str])
def test_nothing_to_grade(make: Callable[[Path], None], tmp_path: Path) -> None:
    """An empty folder, a file, and nothing at all are errors that say what was expected."""
    make(tmp_path / "x")
    with pytest.raises(SubmissionError, match="x: "):
        grade(tmp_path / "x", seed=1, devices=DEVICES)


def test_second_opinion(submission: Callable[..., Path], tmp_path: Path) -> None:
    """What is right on the emulator and wrong on the GPU costs its part, and names both."""
    text = (SOLUTION / "kernels.py").read_text("utf-8")
    differs = "\nimport os\nright = sgd_update\ndef sgd_update(w, g, learning_rate):\n"
    differs += "    right(w, g, learning_rate * (2 if 'second' in os.getcwd() else 1))\n"
    folder = submission(kernels=text + differs)
    (tmp_path / "second").mkdir()
    both = Devices(("emulator", "gpu"), "test", "the H100")
    report = grade(
        folder,
        seed=2,
        devices=both,
        only={"1.1", "2.4"},
        workers={"gpu": WorkerProcess(tmp_path / "second", "emulator")},
    )
    assert report.backend == "emulator and gpu"
    assert report.find("1.1").state is State.PASSED
    result = report.find("2.4")
    assert result.state is State.FAILED
    assert result.message.startswith("right on the emulator, wrong on the H100: ")


def test_waits_for_right_kernels(submission: Callable[..., Path], tmp_path: Path) -> None:
    """Where there is a GPU, times of kernels that are wrong are not taken."""
    text = (SOLUTION / "kernels.py").read_text("utf-8")
    folder = submission(kernels=text + WRONG_BIAS)
    report = grade(
        folder,
        seed=2,
        devices=Devices(("emulator", "gpu"), "test", "the H100"),
        only={"1.1", "5.1"},
        workers={"gpu": WorkerProcess(tmp_path, "emulator")},
    )
    assert report.find("5.1").state in (State.WAITS, State.NOT_MEASURED)


def test_device_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's own reason is told once, with the next step."""
    monkeypatch.setenv("EMULATOR_MEMORY_BYTES", "much")
    with pytest.raises(WorkerStartError, match="EMULATOR_MEMORY_BYTES") as caught:
        grade(SOLUTION, seed=2, devices=DEVICES, only={"1.1", "1.2"})
    assert "Next: make doctor" in str(caught.value)


@pytest.mark.parametrize("folder", [ASSIGNMENT, ROOT / "tests" / "submissions" / "plain"])
def test_bonus_left_out(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """On a GPU, a bonus that is not there, or as the handout left it, is not started: no error."""
    monkeypatch.setattr("grader.timing.plan.is_there", lambda: True)
    devices = Devices(("emulator", "gpu"), "test")
    report = grade(folder, seed=1, devices=devices, only={"5.3"})
    assert report.find("5.3").state is State.NOT_STARTED
    assert report.is_perfect
    told = words.in_words(report.find("5.3"))
    assert told == "Not started: it is a bonus, and nothing is lost without it."
    assert "skipped" in junit.to_xml(report).decode()
    (test,) = gradescope.to_results(report)["tests"]
    assert "status" not in test
