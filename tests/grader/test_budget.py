"""The time of a grading: what counts, what becomes of tasks not reached, how it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from grader import limits
from grader.budget import LOADING, Budget, Used
from grader.devices import Devices
from grader.grade import grade
from grader.judge import Judge, call
from grader.report import gradescope, html, junit
from grader.report.json import to_json
from grader.result import PartResult, State
from grader.scoring import part_result, second_opinion
from grader.settings import Limits, Settings
from grader.verdicts import CheckFailure, NotJudged
from tests.grader.conftest import SOLUTION
from tests.grader.test_judge import Z, b, kernels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from grader.result import Report

SECOND = "import time\nend = time.process_time() + 1\nwhile time.process_time() < end: pass"


def test_processor_time_counts() -> None:
    """What requests take is added up; wall time alone counts half, as code may only sleep."""
    budget = Budget(10)
    budget.charge(4, 4)
    budget.charge(1, 6)
    assert budget.used.used_s == 4 + 3
    assert budget.has(2.9)
    assert not budget.has(3)
    assert not budget.has(0, 6)


def test_most_is_named() -> None:
    """The task in which most was used is told, or that it was the import."""
    budget = Budget(10)
    assert budget.used == Used(10)
    for task, cpu_s in (("1.1", 2), ("1.3", 4), ("1.1", 1)):
        budget.task = task
        budget.charge(cpu_s, 0)
    assert budget.used.most == "1.3"
    assert "used up the 10 s of a grading, most of it in 1.3" in budget.used.refusal()
    budget.charge(9, 0, is_loading=True)
    assert budget.used.most == LOADING
    assert "most of it while your files were loaded" in budget.used.refusal()


@pytest.mark.parametrize(
    ("used_s", "words"), [(4, ""), (6, "took more than half of the 10 s"), (11, "was not judged")]
)
def test_note(used_s: float, words: str) -> None:
    """A report says nothing of code that is far from the edge, and warns of one that is near."""
    note = Used(10, used_s, "2.3").note()
    assert words in note
    assert bool(note) is bool(words)


def test_spent(judged: Callable[..., Judge]) -> None:
    """A request that goes beyond what is left is ended, with its place; no other is begun."""
    judge = judged(kernels=kernels(f"{SECOND}\nwhile True: pass"))
    judge._runner.budget = Budget(0.5)
    with pytest.raises(NotJudged, match=r"used up the 0\.5 s of a grading") as caught:
        judge.run(call("kernels.bias_add", Z, b), own=["kernels.bias_add"])
    assert caught.value.file == "kernels.py"
    assert judge.pid is None
    with pytest.raises(NotJudged):
        judge.attempt(call("kernels.bias_add", Z, b))
    assert judge.count(call("kernels.bias_add", Z, b)) is None
    assert judge.pid is None


def test_spent_by_import(judged: Callable[..., Judge]) -> None:
    """Files that take too long to load blame none of the modules."""
    judge = judged(linear=SECOND)
    judge._runner.budget = Budget(0.5)
    with pytest.raises(NotJudged, match="while your files were loaded"):
        judge.run(call("kernels.bias_add", Z, b))


def test_crossed_by_an_answer(judged: Callable[..., Judge]) -> None:
    """An answer that came counts, whatever is left after it."""
    judge = judged()
    judge.run(call("kernels.bias_add", Z, b))
    judge.budget.charge(1000, 0)
    with pytest.raises(NotJudged):
        judge.check_budget()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of a submission whose 1.1 takes a second each time, in a grading of 1.5 s."""
    folder: Path = tmp_path_factory.mktemp("slow")
    for file in SOLUTION.glob("*.py"):
        (folder / file.name).write_text(file.read_text("utf-8"), "utf-8")
    body = "\n".join(f"    {line}" for line in SECOND.splitlines())
    text = (folder / "kernels.py").read_text("utf-8")
    text += f"\n\n_quick = bias_add\ndef bias_add(Z, b):\n{body}\n    _quick(Z, b)\n"
    (folder / "kernels.py").write_text(text, "utf-8")
    emulator = Devices(("emulator",), "test")
    settings = Settings(limits=Limits(grading_s=3))
    return grade(folder, seed=1, devices=emulator, only={"1.1", "2.1", "2.4"}, settings=settings)


def test_what_is_not_reached(report: Report) -> None:
    """What was judged keeps its points, what was not has none; reasons and next step are told."""
    assert report.find("1.1").state is State.PARTIAL
    assert {report.find(task).state for task in ("2.1", "2.4")} == {State.WAITS}
    assert report.max_score == 4 + 6 + 3
    assert report.find("2.1").message.startswith("not judged: your code used up the 3 s")
    assert report.slowest == "1.1"
    assert not report.is_perfect


def test_every_report_tells(report: Report) -> None:
    """The note is in each report, and the reason with each task."""
    texts = [
        json.dumps(to_json(report)),
        json.dumps(gradescope.to_results(report)),
        html.page(report),
        junit.to_xml(report).decode(),
    ]
    for text in texts:
        assert text.count("Your code used up the 3 s of processor time") == 1
        assert text.lower().count("not judged: your code used up") >= 3
    assert ">make <" in html.page(report).replace("\n", "")
    assert "make " in html.page(replace(report, slowest=""))


def test_no_second_opinion() -> None:
    """Where the GPU had no time for a second opinion, the first one stands."""
    first = PartResult("small", "t", 2, 2)
    late = part_result("1.1", "small", "t", NotJudged("not judged"), "")
    assert late.unjudged
    assert second_opinion(first, late, "the H100") is first


def test_backstop_of_a_request_is_not_the_budgets(
    judged: Callable[..., Judge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of one request stays a verdict while time is left."""
    monkeypatch.setattr(limits, "CPU_LIMIT_S", 0.5)
    judge = judged(kernels=kernels("while True: pass"))
    with pytest.raises(CheckFailure, match="endless loop") as caught:
        judge.run(call("kernels.bias_add", Z, b), own=["kernels.bias_add"])
    assert not isinstance(caught.value, NotJudged)
    assert 0.4 < judge.budget.used.used_s < 60
