"""From parts to results."""

from __future__ import annotations

from dataclasses import replace

from grader import tasks
from grader.result import Found, PartResult, State
from grader.scoring import assemble, part_result, placed
from grader.verdicts import OwnFault

TASK = tasks.find("2.3")
ALL = {part.name: PartResult(part.name, "t", part.points, part.points) for part in TASK.parts}


def with_part(name: str, **changes: object) -> dict[str, PartResult]:
    """All parts passed but for one."""
    return {**ALL, name: replace(ALL[name], **changes)}  # type: ignore[arg-type]


def test_passed() -> None:
    """All parts passed: all points."""
    result = assemble(TASK, ALL, 1.0, ())
    assert (result.state, result.score, result.message) == (State.PASSED, 8, "")


def test_in_part() -> None:
    """Half right is half the points, and the first thing wrong is the message."""
    result = assemble(TASK, with_part("W", points=0, message="wrong"), 1.0, ())
    assert (result.state, result.score, result.message) == (State.PARTIAL, 5, "wrong")


def test_finding_fails_the_task() -> None:
    """A finding of the checked device fails the whole task, even if the other numbers are right."""
    found = Found("race", "race in k", "k", "kernels.py", 7)
    parts = with_part("W", points=0, message="race in k", findings=(found,), line=7)
    result = assemble(TASK, parts, 1.0, ())
    assert (result.state, result.score, result.line) == (State.FAILED, 0, 7)
    assert result.findings == (found,)


def test_grader_fault_costs_nothing() -> None:
    """A part in which the grader failed leaves numerator and denominator."""
    result = assemble(TASK, with_part("W", message="KeyError", fault="Traceback"), 1.0, ())
    assert (result.state, result.score, result.max_score) == (State.GRADER_FAULT, 5, 5)


def test_place_of_the_function_that_was_called() -> None:
    """A wrong part gets the line of its function; one that names another file keeps that."""
    wrong = PartResult("W", "t", 0, 3, "wrong")
    for file, expected in (
        (None, ("linear.py", 7)),
        ("linear.py", ("linear.py", 7)),
        ("network.py", ("network.py", None)),
    ):
        result = placed(replace(wrong, file=file), ("linear.py", 7))
        assert (result.file, result.line) == expected
    assert placed(replace(wrong, message=""), ("linear.py", 7)).line is None
    assert placed(wrong, None) == wrong


def test_own_mistake_in_a_worker() -> None:
    """What raised by our own mistake in a worker is the grader's fault: no diagnosis, no loss."""
    trace = "Traceback …\nNameError: name 'x' is not defined"
    fault = {"type": "NameError", "message": "name 'x' is not defined", "ours": trace}
    wrong = part_result("2.3", "W", "t", OwnFault(fault), "the judge's own")
    assert (wrong.fault, wrong.diagnoses) == (trace, ())
    result = assemble(TASK, {**ALL, "W": wrong}, 1.0, ())
    assert (result.state, result.score, result.max_score) == (State.GRADER_FAULT, 5, 5)
