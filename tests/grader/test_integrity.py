"""What conduct costs, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from grader import integrity, tasks
from grader.integrity import KINDS, Violation, distinct, from_events, of_part, violation, voids
from grader.result import PartResult, Result, State
from grader.scoring import assemble, with_conduct

TASK = tasks.find("1.1")


@dataclass(frozen=True)
class Event:
    """As a worker's events are."""

    kind: str
    detail: str
    file: str | None = "kernels.py"
    line: int | None = 3


def part(name: str = "small", **fields: Any) -> PartResult:
    """A part of task 1.1 that was right, but for these fields."""
    points = TASK.part(name).points
    return replace(PartResult(name, name, points, points), **fields)


def assembled(**fields: Any) -> Result:
    """Task 1.1, its first part with these fields."""
    names = [p.name for p in TASK.parts]
    parts = {name: part(name, **(fields if name == names[0] else {})) for name in names}
    return assemble(TASK, parts, 0.0, ())


def test_attempts_cost_nothing() -> None:
    """What the wall stopped is told, and leaves every point."""
    seen = from_events([Event("read", "/etc/passwd"), Event("network", "10.0.0.1:80")], "1.1")
    result = with_conduct(assembled(), seen)
    assert result.state is State.PASSED
    assert result.score == TASK.points
    assert [found.kind for found in result.violations] == ["read", "network"]


def test_policy_voids_its_task() -> None:
    """A result that no kernel computed earns none of the task's points."""
    result = assembled(points=0, message="computed elsewhere", policy="right while idle")
    assert (result.state, result.score) == (State.FAILED, 0)
    (found,) = result.violations
    assert (found.kind, found.task, found.seen) == ("policy", "1.1", "right while idle")


def test_void_time_voids_its_part() -> None:
    """A time that cannot be trusted costs its own part alone."""
    result = assembled(points=0, message="no time", void="0 µs, the judge's clock says 80 µs")
    assert result.score == TASK.points - part().max_points
    assert [found.kind for found in result.violations] == ["timing"]


@pytest.mark.parametrize(
    ("kind", "seen", "task", "is_void"),
    [
        ("patched", "time.perf_counter: replaced", "1.1", False),
        ("patched", "time.perf_counter: replaced", "5.1", True),
        ("patched", "pycuda.driver.Event.time_till: replaced", "4.2", False),
        ("patched", "pycuda.gpuarray.GPUArray.get: replaced", "4.2", True),
        ("policy", "right while idle", "2.3", True),
        ("read", "/etc/passwd", "5.1", False),
        ("protocol", integrity.WROTE_TO_PIPE, "1.1", False),
        ("timing", "0 µs", "5.1", False),
    ],
)
def test_what_voids(kind: str, seen: str, task: str, *, is_void: bool) -> None:
    """Clocks concern timings alone; what results are read by concerns every task."""
    assert voids(violation(kind, seen), task) is is_void


def test_patched_voids_what_was_judged_meanwhile() -> None:
    """Points are gone, every part says why, and the line is the student's own."""
    seen = from_events([Event("patched", "numpy.dot: replaced", "blas.py", 7)], "1.1")
    result = with_conduct(assembled(), seen)
    assert (result.state, result.score) == (State.FAILED, 0)
    assert (result.file, result.line) == ("blas.py", 7)
    assert all("numpy.dot" in part.message for part in result.parts)


def test_forged_reply_is_told() -> None:
    """Bytes on the pipe are a violation beside the failure."""
    (found,) = of_part(part(message=f"bias_add: {integrity.WROTE_TO_PIPE}"), "1.1")
    assert found.kind == "protocol"


def test_each_place_once() -> None:
    """The same thing at the same place is told once, with the first task, and not for ever."""
    many = [violation("read", f"/etc/{i}", task="1.1") for i in range(2 * integrity.MOST)]
    assert len(distinct(many)) == integrity.MOST
    first, again = (violation("read", "/etc/passwd", task=task) for task in ("1.1", "2.3"))
    assert distinct([first, again]) == (first,)


def test_words_accuse_nobody() -> None:
    """Titles, rules and steps say what was seen; none of them says cheat, attack or steal."""
    for kind in KINDS.values():
        text = f"{kind.title} {kind.rule} {kind.step}".lower()
        assert not any(word in text for word in ("cheat", "attack", "steal", "malicious", "hack"))
        told_to_both = f"{kind.title} {kind.rule} {kind.cost}".lower()
        assert "your" not in told_to_both, "an instructor reads it of a student"


def test_unknown_kinds_are_told() -> None:
    """A kind that another version knows has words, too, and long evidence is cut."""
    found = violation("new-kind", "x" * 10_000)
    assert found.title
    assert found.rule
    assert found.step
    assert len(found.seen) < 1000
    assert isinstance(found, Violation)
