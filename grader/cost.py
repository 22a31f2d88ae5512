"""What the kernels of part 1 cost without a GPU: counted on the emulator, beside the reference's.

The cost of a call is what the memory system has to do one after the other: sectors of 32 bytes that
are moved, passes over the banks of shared memory beyond one a request, and lanes that wait at an
atomic operation. It is exact, and the same on every machine; what the caches of a GPU make of it is
not in it, and it is no time. It is advice, unless `scoring.emulated_cost` scores it (settings.py).

    python -m grader.cost    counts the reference's, and writes cost.json
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from grader import tasks
from grader.cost_count import CASES, FLOAT_BYTES, SECTOR_BYTES, Case, Line, count
from grader.evidence import Cost, Counts
from grader.result import PartResult
from grader.timing.ratio import FULL_POINTS, round_half_up, share

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from grader.judge import Judge

FILE = Path(__file__).with_suffix(".json")

NARROW = 3
"""Columns of a second, narrower matrix: whose stride then is a row's steps from row to row."""

STRIDED = 1.5
"""Times the sectors that the same bytes need: from here on a line is called strided."""


def compare(judge: Judge, broken: Collection[str] = ()) -> list[Cost]:
    """Count each kernel of a submission, and say what makes it cost more than the reference's.

    Args:
        judge: of the submission, on the emulator.
        broken: tasks that are wrong: what their kernels cost says nothing.
    """
    reference = recorded()
    found = []
    for case in CASES:
        if case.task in broken:
            continue
        counted = count(judge, case, case.columns)
        if counted is None:
            continue
        yours, lines = counted
        fewest = -(-case.floats(case.rows, case.columns) * FLOAT_BYTES // SECTOR_BYTES)
        name = f"{case.function}, {case.rows:,} × {case.columns}"
        cost = Cost(name, yours, reference[case.function], fewest)
        if cost.ratio > FULL_POINTS:
            advice, place = _advice(judge, case, cost, lines)
            where = (None, None) if place is None else (place.file, place.line)
            cost = Cost(name, yours, reference[case.function], fewest, advice, *where)
        found.append(cost)
    return found


def notes(costs: Sequence[Cost]) -> tuple[str, ...]:
    """What a student reads of them: a line for each kernel that costs notably more."""
    told = [f"{cost.advice}." for cost in costs if cost.advice]
    if told:
        head = "Without a GPU, the memory traffic of your kernels, counted beside the reference's:"
        return (head, *told)
    return ("Your kernels' memory traffic, counted without a GPU, is about the reference's.",) * (
        len(costs) > 0
    )


def parts(costs: Sequence[Cost]) -> dict[str, PartResult]:
    """The parts of task 5.1, scored by the costs in place of times."""
    by_name = {cost.name.partition(",")[0].replace("_", " "): cost for cost in costs}
    found = {}
    for part in tasks.find(tasks.KERNEL_TIMES).parts:
        title = f"{part.name.replace(' ', '_')} moves about as much memory as the reference's"
        cost = by_name.get(part.name)
        if cost is None:
            told = "its cost could not be counted"
            found[part.name] = PartResult(part.name, title, 0, part.points, told)
            continue
        points = round_half_up(part.points * share(cost.ratio))
        found[part.name] = PartResult(
            part.name,
            title,
            points,
            part.points,
            message=cost.advice if points < part.points else "",
            file=cost.file,
            line=cost.line,
            evidence=(cost,),
        )
    return found


def recorded() -> dict[str, Counts]:
    """The reference's, as they were counted."""
    entries = json.loads(FILE.read_text("utf-8"))
    return {name: Counts(**entry) for name, entry in entries.items()}


def record(judge: Judge) -> str:
    """The reference's costs as the text of cost.json.

    Args:
        judge: of the solution, on the emulator.

    Raises:
        RuntimeError: a kernel of the solution cannot be counted.
    """
    entries = {}
    for case in CASES:
        counted = count(judge, case, case.columns)
        if counted is None:
            raise RuntimeError(f"{case.function} of the solution cannot be counted: make grade")
        entries[case.function] = asdict(counted[0])
    return json.dumps(entries, indent=2) + "\n"


# Words ------------------------------------------------------------


def _advice(judge: Judge, case: Case, cost: Cost, lines: Sequence[Line]) -> tuple[str, Line | None]:
    """What makes a kernel cost more than the reference's, and where."""
    yours, reference = cost.yours, cost.reference
    more = {
        "sectors": yours.sectors - reference.sectors,
        "bank_conflicts": yours.bank_conflicts - reference.bank_conflicts,
        "atomic_conflicts": yours.atomic_conflicts - reference.atomic_conflicts,
    }
    kind = max(more, key=lambda name: more[name])
    if kind == "sectors":
        return _of_sectors(judge, case, cost, lines)
    place = max(lines, key=lambda line: getattr(line.counts, kind), default=None)
    where = f" ({place.file}:{place.line})" if place else ""
    told = (
        f"your {case.function} makes {yours.atomics:,} atomic additions{where}, the reference "
        f"{reference.atomics:,}: threads that meet at one address take turns, here "
        f"{yours.atomic_conflicts:,} times within a warp"
    )
    if kind == "bank_conflicts":
        told = (
            f"your {case.function} has {yours.bank_conflicts:,} bank conflicts{where}, the "
            f"reference {reference.bank_conflicts:,}: threads of a warp meet in one bank of "
            "shared memory, and take turns"
        )
    return told, place


def _of_sectors(
    judge: Judge, case: Case, cost: Cost, lines: Sequence[Line]
) -> tuple[str, Line | None]:
    """Of a kernel that moves too much: strided lines first, else what is moved more than once."""
    worst = max(lines, key=lambda line: line.counts.sectors - line.ideal_sectors, default=None)
    if worst is None or worst.spread < STRIDED:
        times = cost.yours.sectors / cost.fewest_sectors
        busiest = max(lines, key=lambda line: line.counts.sectors, default=None)
        where = f", most of them at {busiest.file}:{busiest.line}" if busiest else ""
        told = (
            f"your {case.function} moves {times:.1f} times the bytes it must{where}: something is "
            "read or written more than once"
        )
        return told, busiest
    told = (
        f"your {case.function} touches {_stride(judge, case, worst)} "
        f"({worst.file}:{worst.line}): {worst.spread:.0f} times the sectors"
    )
    return told, worst


def _stride(judge: Judge, case: Case, line: Line) -> str:
    """How far apart neighbouring threads are, found out on a narrower matrix."""
    narrow = count(judge, case, NARROW)
    same = [other for other in narrow[1] if other.line == line.line] if narrow else []
    if same and abs(same[0].spread - NARROW) < 0.5:  # noqa: PLR2004 - a row of floats, nearly
        row_bytes = FLOAT_BYTES * case.columns
        return f"a matrix of {case.columns} columns with a stride of {row_bytes} bytes"
    return "memory with neighbouring threads far apart"


def main() -> int:
    """Count the reference's costs and write them."""
    from grader.grade import ROOT, given_device  # noqa: PLC0415 - grade imports this module
    from grader.judge import Judge  # noqa: PLC0415 - as above

    judge = Judge(ROOT / "solution", 1, given_device())
    try:
        FILE.write_text(record(judge), "utf-8")
    finally:
        judge.close()
    sys.stdout.write(f"{FILE}: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
