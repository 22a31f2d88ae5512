"""From the outcomes of checks to what became of parts and tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grader import diagnoses, integrity, tasks
from grader.result import PartResult, Result, State
from grader.verdicts import CheckFailure, NotJudged, OwnFault

if TYPE_CHECKING:
    from grader.integrity import Violation
    from grader.tasks import Task


def placed(result: PartResult, place: tuple[str, int] | None) -> PartResult:
    """A wrong part with the line of the function that was called, unless it names another file."""
    if place is None or not result.message or result.line is not None:
        return result
    if result.file not in (None, place[0]):
        return result
    return replace(result, file=place[0], line=place[1])


def second_opinion(first: PartResult, second: PartResult, gpu: str) -> PartResult:
    """A part that was right on the emulator, after the same check on a GPU."""
    if second.unjudged or (second.passed and not second.fault):
        return first
    told = f"right on the emulator, wrong on {gpu}: {second.message}"
    return replace(second, message=told, evidence=(*first.evidence, *second.evidence))


def waiting(task: Task, others: tuple[str, ...]) -> Result:
    """A task that is not judged until others are right."""
    names, verb = ", ".join(others), "is" if len(others) == 1 else "are"
    message = f"waits until {names} {verb} right: a wrong kernel's time says nothing"
    return Result(task.id, task.title, State.WAITS, 0, task.points, message, task.file)


def own_fault(task: Task, trace: str) -> Result:
    """A task that the grader failed to judge; it counts neither way.

    Args:
        task: which.
        trace: of what went wrong.
    """
    message = trace.strip().splitlines()[-1] if trace.strip() else "the grading ended too early"
    parts = tuple(
        PartResult(part.name, part.name, 0, part.points, message, fault=trace or message)
        for part in task.parts
    )
    state = State.GRADER_FAULT
    return Result(task.id, task.title, state, 0, 0, message, task.file, parts=parts)


def assemble(
    task: Task, parts: dict[str, PartResult], seconds: float, stand_ins: tuple[str, ...]
) -> Result:
    """The Result of a task from its parts.

    A finding of the checked device fails the whole task: on another device the numbers won't be
    right. So does a result that no kernel computed. Parts in which the grader itself failed leave
    numerator and denominator. A task waits of which nothing could be judged in the time there was.
    """
    ordered = tuple(parts[part.name] for part in task.parts if part.name in parts)
    if all(part.unjudged for part in ordered):
        why = ordered[0].message
        return Result(task.id, task.title, State.WAITS, 0, task.points, why, task.file)
    judged = [part for part in ordered if not part.fault]
    findings = tuple(dict.fromkeys(found for part in ordered for found in part.findings))
    breaches = tuple(found for part in ordered for found in integrity.of_part(part, task.id))
    if is_void := bool(findings) or any(integrity.voids(found, task.id) for found in breaches):
        ordered = tuple(replace(part, points=0) for part in ordered)
    told = diagnoses.fewest([part.diagnoses for part in ordered])
    ordered = tuple(
        replace(part, diagnoses=tuple(d for d in part.diagnoses if d.id in {t.id for t in told}))
        for part in ordered
    )
    score = 0 if is_void else sum(part.points for part in judged)
    max_score = sum(part.max_points for part in judged)
    if len(judged) < len(ordered):
        state = State.GRADER_FAULT
    elif score == max_score:
        state = State.PASSED
    else:
        state = State.PARTIAL if score else State.FAILED
    wrong = [part for part in ordered if part.message or part.fault]
    first = min(wrong, key=lambda part: not (part.findings or part.policy)) if wrong else None
    return Result(
        task.id,
        task.title,
        state,
        score,
        max_score,
        message=first.message if first else "",
        file=first.file or task.file if first else None,
        line=first.line if first else None,
        diagnoses=told,
        findings=findings,
        seconds=seconds,
        parts=ordered,
        evidence=tuple(item for part in ordered for item in part.evidence),
        stand_ins=stand_ins,
        violations=breaches,
    )


def with_conduct(result: Result, seen: tuple[Violation, ...]) -> Result:
    """A task's Result with what was seen while it was judged, which may void its points."""
    result = replace(result, violations=integrity.distinct((*result.violations, *seen)))
    void = next((found for found in seen if integrity.voids(found, result.task)), None)
    if void is None or not result.parts:
        return result
    told = f"{void.title}: {void.seen}. {void.rule}"
    parts = tuple(replace(p, points=0, message=p.message or told) for p in result.parts)
    first = result.message or told
    file, line = result.file, result.line
    if not result.message:
        file, line = void.file or tasks.find(result.task).file, void.line
    state = State.FAILED
    return replace(result, state=state, score=0, message=first, parts=parts, file=file, line=line)


def part_result(
    task: str, name: str, doc: str, error: BaseException | None, trace: str
) -> PartResult:
    """What became of a part: a check's verdict, or the grader's own fault.

    Args:
        task: its id.
        name: of the part.
        doc: the check's docstring, whose first line is the title.
        error: that the check raised, None if it passed.
        trace: of that error.
    """
    points = tasks.find(task).part(name).points
    result = PartResult(name, doc.strip().splitlines()[0].rstrip("."), points, points)
    if error is None:
        return result
    if isinstance(error, CheckFailure):
        return replace(
            result,
            points=error.points,
            message=error.message,
            file=error.file,
            line=error.line,
            diagnoses=error.diagnoses or diagnoses.explain(error),
            findings=error.findings,
            evidence=error.evidence,
            void=error.void,
            policy=error.policy,
            unjudged=isinstance(error, NotJudged),
        )
    if isinstance(error, OwnFault):
        return replace(result, message=str(error), fault=error.trace)
    return replace(result, message=f"{type(error).__name__}: {error}", fault=trace)
