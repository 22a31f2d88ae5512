"""Matches wrong results, findings and exceptions against the bank."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.diagnoses.bank import MISTAKES
from grader.diagnoses.mistake import Case
from grader.diagnoses.patterns import FIRST_LOOKS, LAST_LOOKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from grader.diagnoses.mistake import Mistake
    from grader.result import Diagnosed, Found
    from grader.verdicts import CheckFailure

    Array = NDArray[Any]


def recognise(
    quantity: str, yours: Array, true: Array, limit: Array, inputs: Mapping[str, Any]
) -> tuple[Diagnosed, ...]:
    """The known mistakes that explain a wrong answer.

    Wrong answers computed from the inputs are tried first; only where none of them is yours, what
    the result looks like is described.

    Args:
        quantity: under which the bank lists the result, "" for none.
        yours: the wrong answer.
        true: the truth, of the same shape.
        limit: what is allowed, of the same shape.
        inputs: that the bank's entries need; an entry whose inputs are not all there is left out.

    Returns:
        one diagnosis, several where mistakes give the same answer on these inputs, or none.
    """
    case = Case(quantity, yours, true, limit, inputs)
    with np.errstate(all="ignore"):
        found = _first_look(FIRST_LOOKS, case)
        if found or (true.size < _FEW and not quantity.endswith("loss")):
            return tuple(found)
        found = _known(case)[:_CANDIDATES]
        return tuple(found or _first_look(LAST_LOOKS, case))


_FEW = 3
"""One or two numbers agree too easily with too many explanations."""

_CANDIDATES = 3
"""More possible causes than three help nobody."""


def explain(failure: CheckFailure) -> tuple[Diagnosed, ...]:
    """The known mistake behind a finding of the checked device, an exception or a broken file."""
    for finding in _causes_first(failure.findings):
        text = f"{finding.kernel}: {finding.text}"
        for mistake in MISTAKES:
            if finding.kind in mistake.kinds and re.search(mistake.words, text):
                return (mistake.diagnosed(),)
    raised = f"{getattr(failure, 'type', '')}: {failure.message}"
    for mistake in MISTAKES:
        if mistake.raised and re.search(mistake.raised, raised, re.DOTALL):
            return (mistake.diagnosed(),)
    return ()


def _causes_first(findings: Sequence[Found]) -> list[Found]:
    """Races in shared memory before reads of what nobody had written there yet.

    Where a barrier is missing, whoever comes first reads what another is about to write.
    """

    def is_effect(finding: Found) -> bool:
        return finding.kind == "unwritten-read" and "shared memory" in finding.text

    return sorted(findings, key=is_effect)


def fewest(parts: Sequence[tuple[Diagnosed, ...]]) -> tuple[Diagnosed, ...]:
    """What explains all parts of a task with as few mistakes as can be, each told once.

    On the inputs of one part two mistakes may give the same answer: a sum over one column, divided
    by the number of columns, is a sum. The other parts tell which of them it is.
    """
    left = [part for part in parts if part]
    told: list[Diagnosed] = []
    while left:
        explained = Counter(name for part in left for name in {found.id for found in part})
        most = max(explained.values())
        names = {name for name, count in explained.items() if count == most}
        first = next(part for part in left if names & {found.id for found in part})
        # Mistakes that explain this part equally well stay candidates.
        chosen = [found for found in first if found.id in names]
        told += chosen
        ids = {found.id for found in chosen}
        left = [part for part in left if not ids & {found.id for found in part}]
    return tuple(told)


def _known(case: Case) -> list[Diagnosed]:
    """Mistakes whose wrong answer this is."""
    if not np.isfinite(case.yours).all():
        return []
    found: list[tuple[Mistake, Diagnosed]] = []
    for mistake in MISTAKES:
        if mistake in FIRST_LOOKS or mistake in LAST_LOOKS:
            continue
        facts = _facts(mistake, case)
        if facts is not None:
            found.append((mistake, mistake.diagnosed(facts)))
    # A parameter that is bit for bit what it was did not move by a very small step.
    exact = [told for mistake, told in found if _is_exact(mistake, case)]
    return exact or [told for _, told in found]


def _is_exact(mistake: Mistake, case: Case) -> bool:
    answer = mistake.answers.get(case.quantity)
    wrong = answer(case.inputs, case.true) if answer is not None else None
    return wrong is not None and np.array_equal(wrong, case.yours)


def _first_look(mistakes: tuple[Mistake, ...], case: Case) -> list[Diagnosed]:
    """The first of these mistakes that the result looks like."""
    for mistake in mistakes:
        facts = _facts(mistake, case)
        if facts is not None:
            return [mistake.diagnosed(facts)]
    return []


def _facts(mistake: Mistake, case: Case) -> str | None:
    """What a mistake has to say of a wrong result; None if it does not explain it."""
    try:
        answer = mistake.answers.get(case.quantity)
        if answer is not None and case.matches(answer(case.inputs, case.true)):
            return ""
        concerned = not mistake.quantities or case.quantity in mistake.quantities
        return mistake.looks(case) if mistake.looks is not None and concerned else None
    except KeyError:  # an input that this check does not have
        return None
