"""One report of two devices: the rules of a grading in which both judge at once."""

from __future__ import annotations

from dataclasses import replace

from grader import integrity, tasks
from grader.classroom.merge import merge
from grader.devices import ON_THE_EMULATOR
from grader.evidence import Timing
from grader.result import Diagnosed, Found, PartResult, Report, Result, State

GPU = "NVIDIA H100 80GB HBM3 alone (BACKEND=gpu)"
TIMES = (Timing("bias_add", 12.0, 10.0),)


def graded(task: str, *wrong: str, message: str = "is wrong", **facts: object) -> Result:
    """A task's result, with some parts wrong."""
    entry = tasks.find(task)
    parts = tuple(
        PartResult(p.name, p.name, 0, p.points, message)
        if p.name in wrong
        else PartResult(p.name, p.name, p.points, p.points)
        for p in entry.parts
    )
    score = sum(part.points for part in parts)
    state = State.PASSED if not wrong else State.PARTIAL if score else State.FAILED
    result = Result(task, entry.title, state, score, entry.points, parts=parts)
    return replace(result, **facts)  # type: ignore[arg-type]


def unmeasured(task: str) -> Result:
    """Times where there is no GPU."""
    entry = tasks.find(task)
    return Result(task, entry.title, State.NOT_MEASURED, 0, entry.points)


def report(backend: str, *results: Result) -> Report:
    """A report of some tasks."""
    reason = GPU if backend == "gpu" else "no NVIDIA GPU"
    return Report(backend, reason, 7, "mine", results, seconds=2.0)


def test_agreement() -> None:
    """Where both agree, the emulator's results stand, and the times are the GPU's."""
    timed = graded("5.1", "column mean", evidence=TIMES)
    both = merge(
        report("emulator", graded("1.1"), graded("1.3", "long"), unmeasured("5.1")),
        report("gpu", graded("1.1"), graded("1.3", "long", "single"), timed),
    )
    assert (both.backend, both.reason) == ("emulator and gpu", "NVIDIA H100 80GB HBM3")
    assert both.find("1.1").state is State.PASSED
    assert both.find("5.1").state is State.WAITS  # 1.3 is wrong
    right = merge(
        report("emulator", *map(graded, ("1.1", "1.2", "1.3", "1.4")), unmeasured("5.1")),
        report("gpu", *map(graded, ("1.1", "1.2", "1.3", "1.4")), timed),
    )
    assert right.find("5.1") == timed
    assert right.seconds == 4.0


def test_second_opinion() -> None:
    """What is right on the emulator and wrong on the GPU costs the part, and is told so."""
    both = merge(
        report("emulator", graded("1.3", "small"), unmeasured("5.1")),
        report("gpu", graded("1.3", "small", "ragged", message="wrong rows"), graded("5.1")),
    )
    result = both.find("1.3")
    points = {part.name: part.points for part in result.parts}
    assert (points["small"], points["ragged"], points["long"]) == (0, 0, 2)
    ragged = next(part for part in result.parts if part.name == "ragged")
    assert ragged.message == "right on the emulator, wrong on the H100: wrong rows"
    assert both.find("5.1").state is State.WAITS


def test_time_of_the_gpu_is_used_up() -> None:
    """What the GPU had no time to judge is no second opinion; times have no points."""
    cut = graded("1.3", "small", message="not judged")
    cut = replace(cut, parts=tuple(replace(p, unjudged=not p.passed) for p in cut.parts))
    unjudged = replace(unmeasured("5.1"), state=State.WAITS, message="not judged")
    second = replace(report("gpu", cut, unjudged), slowest="1.3", notes=("used up",))
    both = merge(report("emulator", graded("1.3"), unmeasured("5.1")), second)
    assert both.find("1.3").state is State.PASSED
    assert (both.find("5.1").state, both.slowest) == (State.WAITS, "1.3")
    assert not both.is_perfect
    assert both.notes == ("used up",)


def test_notes() -> None:
    """What both devices say is said once; a class needs no advice on which device to grade."""
    second = replace(report("gpu"), notes=(ON_THE_EMULATOR, "from files", "used up"))
    both = merge(replace(report("emulator"), notes=("from files",)), second)
    assert both.notes == ("from files", "used up")


def test_one_mistake_once() -> None:
    """A task that ran on the GPU on what the emulator found wrong is not judged by that."""
    race = Found("race", "a race", "k", "kernels.py", 3)
    first = report("emulator", graded("1.3", "small", findings=(race,)), graded("2.3"))
    second = report("gpu", graded("1.3"), graded("2.3", "W"))
    assert merge(first, second).find("2.3").state is State.PASSED
    replaced = report("gpu", graded("1.3"), graded("2.3", "W", stand_ins=("1.3",)))
    assert merge(first, replaced).find("2.3").state is State.PARTIAL


def test_not_started() -> None:
    """What is not started stays so, and times of it wait or are not started either."""
    idle = Result("1.1", "t", State.NOT_STARTED, 0, 4)
    none = Result("5.1", "t", State.NOT_STARTED, 0, 10)
    both = merge(report("emulator", idle, unmeasured("5.1")), report("gpu", idle, none))
    assert [result.state for result in both.results] == [State.NOT_STARTED] * 2


def test_diagnoses_and_conduct() -> None:
    """Diagnoses of the emulator stay; what either saw beside results is in the report once."""
    seen = integrity.violation("network", "connect", task="1.1")
    patched = integrity.violation("patched", "numpy.sum: replaced", task="1.1")
    told = Diagnosed("mean", "t", "x")
    first = replace(
        report("emulator", graded("1.1"), graded("1.2", "losses", diagnoses=(told,))),
        violations=(seen,),
    )
    second = replace(
        report("gpu", graded("1.1", violations=(patched,)), graded("1.2")),
        violations=(seen, patched),
    )
    both = merge(first, second)
    assert both.violations == (seen, patched)
    assert both.find("1.1").score == 0
    assert both.find("1.2").diagnoses == (told,)
