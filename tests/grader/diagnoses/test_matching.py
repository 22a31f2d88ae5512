"""A known mistake is named if its wrong answer, and no other's, is what came back."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader import diagnoses, expect, tolerance
from grader.devices import Devices
from grader.diagnoses.bank import BY_ID, MISTAKES
from grader.diagnoses.mistake import Case
from grader.grade import grade
from grader.result import Diagnosed, Found
from grader.verdicts import CheckFailure

if TYPE_CHECKING:
    from grader.diagnoses.mistake import Mistake

SOLUTION = Path(__file__).resolve().parents[3] / "solution"


ALIKE = {
    # A sigmoid is positive everywhere, where relu's slope is 1: no slope at all.
    frozenset(("slope-missing", "slope-of-other")),
    frozenset(("hidden-slope-missing", "hidden-slope-of-other")),
    # The memory of a single column or row is the same in either order.
    frozenset(("gemm-transposed", "gemm-column-major")),
    # Of a large batch, a gradient that is divided by N twice moves a weight by hardly anything.
    frozenset(("mean-twice", "not-updated")),
}
"""Mistakes that some check cannot tell apart: it names both."""


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Every comparison that the checks make, in their order, as the solution passes it."""
    seen: list[Case] = []
    close = expect.close

    def noted(name: str, yours: Any, true: Any, bound: Any, **rest: Any) -> None:
        limit = np.broadcast_to(tolerance.allowed(bound), true.shape)
        inputs = {**(rest.get("inputs") or {})}
        if not inputs.get("calls_before"):
            seen.append(Case(rest.get("quantity", ""), yours, true, limit, inputs))
        close(name, yours, true, bound, **rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expect, "close", noted)
        report = grade(SOLUTION, seed=7, devices=Devices(("emulator",), "test"))
    assert report.is_perfect
    return seen


def wrong_answer(mistake: Mistake, case: Case) -> Any:
    """What the mistake gives on a check's inputs; None if these cannot show it."""
    answer = mistake.answers.get(case.quantity)
    try:
        with np.errstate(all="ignore"):
            wrong = None if answer is None else answer(case.inputs, case.true)
    except KeyError:
        return None
    if wrong is None or wrong.shape != case.true.shape or not np.isfinite(wrong).all():
        return None
    return wrong if np.any(np.abs(wrong - case.true) > case.limit) else None


def test_entries_are_complete() -> None:
    """Ids are unique, and every entry has a title, an explanation and a next step."""
    assert len(BY_ID) == len(MISTAKES) >= 50
    for mistake in MISTAKES:
        assert mistake.title, mistake.id
        assert mistake.text.endswith((".", "?")), mistake.id
        assert mistake.next_step.endswith((".", "?")), mistake.id


def test_every_answer_can_be_shown(cases: list[Case]) -> None:
    """Each computed answer differs from the truth on some check's inputs."""
    for mistake in MISTAKES:
        for quantity in mistake.answers:
            of_it = [case for case in cases if case.quantity == quantity]
            shown = [case for case in of_it if wrong_answer(mistake, case) is not None]
            assert shown, (mistake.id, quantity)


def test_all_pairs_differ(cases: list[Case]) -> None:
    """Where one of two mistakes first shows, they differ far beyond rounding, pair by pair."""
    quantities = {case.quantity for case in cases}
    alike = set()
    for quantity in sorted(quantities):
        known = [m for m in MISTAKES if quantity in m.answers]
        for one, other in combinations(known, 2):
            for case in (c for c in cases if c.quantity == quantity):
                first, second = wrong_answer(one, case), wrong_answer(other, case)
                if first is None and second is None:
                    continue
                if first is not None and second is not None and case.true.size > 2:
                    near = np.maximum(case.near(first), case.near(second))
                    if not (np.abs(first - second) > 10 * near).any():
                        alike.add((quantity, one.id, other.id))
                break
    assert alike == set()


def test_each_answer_is_named(cases: list[Case]) -> None:
    """On the checks' inputs, what a mistake gives is named alone, or with its like."""
    for case in cases:
        for mistake in MISTAKES:
            wrong = wrong_answer(mistake, case)
            if wrong is None or not (np.abs(wrong - case.true) > 10 * case.near(wrong)).any():
                continue
            if wrong.any() and not (np.abs(wrong) > 10 * case.near(wrong)).any():
                continue  # hardly more than zeros: nothing is said of it
            yours = wrong.astype(np.float32).astype(np.float64)
            found = diagnoses.recognise(case.quantity, yours, case.true, case.limit, case.inputs)
            if case.true.size > 2 or case.quantity.endswith("loss"):
                ids = [d.id for d in found]
                assert ids == [mistake.id] or frozenset(ids) in ALIKE, (case.quantity, ids)


def test_truth_is_not_diagnosed(cases: list[Case]) -> None:
    """The solution's own results match no known mistake."""
    for case in cases:
        for mistake in MISTAKES:
            wrong = wrong_answer(mistake, case)
            assert wrong is None or not case.matches(wrong), (case.quantity, mistake.id)


def test_something_else_is_not_guessed(cases: list[Case]) -> None:
    """Noise is no known mistake's answer."""
    rng = np.random.default_rng(3)
    for case in cases:
        yours = case.true + rng.standard_normal(case.true.shape) * (np.abs(case.true) + 1)
        yours = yours.astype(np.float32).astype(np.float64)
        found = diagnoses.recognise(case.quantity, yours, case.true, case.limit, case.inputs)
        assert found == (), (case.quantity, found)


def look(yours: Any, true: Any) -> list[str]:
    """Ids for a result of no quantity."""
    limit = np.broadcast_to(tolerance.allowed(1e-6), true.shape)
    return [d.id for d in diagnoses.recognise("", yours, true, limit, {})]


def test_untouched_memory() -> None:
    """The poison of fresh memory at the end, throughout or here and there has its own names."""
    poison = np.array([0xFFFFFFFF], np.uint32).view(np.float32).astype(np.float64)[0]
    true = np.arange(1.0, 9.0)
    tail, holes = true.copy(), true.copy()
    tail[5:], holes[::3] = poison, poison
    assert look(tail, true) == ["tail-not-written"]
    assert look(np.full(8, poison), true) == ["nothing-written"]
    assert look(holes, true) == ["holes-not-written"]


def test_computed_nan_is_no_poison() -> None:
    """NaNs that a kernel computed have other reasons."""
    true = np.arange(1.0, 9.0)
    yours = true.copy()
    yours[5:] = np.nan
    assert look(yours, true) == []


def test_fewest_drops_what_another_explains_better() -> None:
    """Over the parts of a task, the mistake that explains most of them is told, and told once."""
    total, columns, tail = (Diagnosed(name, name, "") for name in ("sum", "columns", "tail"))
    again = Diagnosed("sum", "sum", "other facts")
    parts = [(), (total, columns), (again,), (tail,)]
    assert diagnoses.fewest(parts) == (total, tail)


def test_fewest_keeps_candidates_that_no_part_tells_apart() -> None:
    """Two mistakes that explain the same parts are both told."""
    first, second = Diagnosed("first", "first", ""), Diagnosed("second", "second", "")
    assert diagnoses.fewest([(first, second), (first, second)]) == (first, second)


def test_unmoved_parameter_is_no_small_step() -> None:
    """A parameter that is bit for bit what it was is not also told to move by a 1/N step."""
    w, g = np.linspace(1.0, 2.0, 6), np.linspace(-1.0, 1.0, 6)
    inputs = {"w": w, "g": g, "learning_rate": 5e-4, "X": np.zeros((50, 3)), "y": np.zeros(50)}
    limit = np.full(6, 1e-8)
    found = diagnoses.recognise("step.b", w, w - 5e-4 * g, limit, inputs)
    assert [d.id for d in found] == ["not-updated"]


def test_a_race_explains_what_was_not_written_yet() -> None:
    """A missing barrier is named, though the read that came too early was found first."""
    unwritten = "byte 4 of dynamic shared memory is read before anything was written there"
    early = Found("unwritten-read", unwritten, "softmax_xent", "kernels.py", 91)
    words = "write of dynamic shared memory: no __syncthreads() lies between them"
    race = Found("race", words, "softmax_xent", "kernels.py", 80)
    for found, name in (((early, race), "missing-barrier"), ((early,), "shared-not-initialised")):
        told = diagnoses.explain(CheckFailure(early.text, findings=found))
        assert [diagnosed.id for diagnosed in told] == [name]
