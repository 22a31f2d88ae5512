"""One report of two gradings: correctness on the emulator, and what a GPU says of it.

The rules are those of `grader.plugin` where both devices judge in one process: what the emulator
finds right may be wrong on the GPU, and times count where what they build on is right on both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grader import integrity, scoring, tasks
from grader.devices import ON_THE_EMULATOR, short_name
from grader.result import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from grader.result import Report, Result


def merge(first: Report, second: Report) -> Report:
    """The report of a submission.

    Args:
        first: on the emulator.
        second: on a GPU, of the same seed.
    """
    gpu, alone, _ = second.reason.partition(" alone")
    results: dict[str, Result] = {}
    for result in first.results:
        broken = [
            needed
            for needed in tasks.find(result.task).builds_on
            if needed in results and results[needed].state not in (State.PASSED, State.GRADER_FAULT)
        ]
        other = second.find(result.task)
        results[result.task] = _merged(result, other, broken, short_name(gpu))
    return replace(
        first,
        backend=f"{first.backend} and {second.backend}",
        reason=gpu if alone else second.reason,
        results=tuple(results.values()),
        notes=tuple(dict.fromkeys((*first.notes, *_but_advice(second.notes)))),
        seconds=first.seconds + second.seconds,
        violations=integrity.distinct((*first.violations, *second.violations)),
        slowest=first.slowest or second.slowest,
    )


def _but_advice(notes: Iterable[str]) -> Iterator[str]:
    return (note for note in notes if note != ON_THE_EMULATOR)


def _merged(first: Result, second: Result, broken: list[str], gpu: str) -> Result:
    task = tasks.find(first.task)
    if task.needs_gpu:
        is_judged = second.state not in (State.NOT_STARTED, State.NOT_MEASURED)
        return scoring.waiting(task, tuple(broken)) if broken and is_judged else second
    if first.state is State.NOT_STARTED or (broken and not set(broken) <= set(second.stand_ins)):
        return first  # on the GPU it ran on what the emulator found wrong
    opinions = {part.name: part for part in second.parts}
    parts = {
        part.name: scoring.second_opinion(part, opinions[part.name], gpu)
        if part.passed and part.name in opinions
        else part
        for part in first.parts
    }
    if all(parts[part.name] is part for part in first.parts):
        merged = first
    else:
        seconds = first.seconds + second.seconds
        merged = scoring.assemble(task, parts, seconds, first.stand_ins)
    return scoring.with_conduct(merged, (*first.violations, *second.violations))
