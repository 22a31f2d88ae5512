"""Matches a wrong answer against the bank, and against patterns of untouched memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader.diagnoses.mistakes import MISTAKES, Mistake
from grader.result import Diagnosed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]

_DISTINCT = 10.0
"""A wrong answer has to differ from the truth, and from other wrong answers, by this many
tolerances."""

_NEAR = 4.0
"""A match may be this many tolerances off: the mistake scales the rounding errors with it."""


def recognise(
    quantity: str, yours: Array, true: Array, limit: Array, inputs: Mapping[str, Any]
) -> tuple[Diagnosed, ...]:
    """The known mistakes that explain a wrong answer.

    Args:
        quantity: under which the bank lists the result, "" for none.
        yours: the wrong answer.
        true: the truth, of the same shape.
        limit: what is allowed, of the same shape.
        inputs: that the bank's entries need; an entry whose inputs are not all there is left out.

    Returns:
        one diagnosis, several where mistakes give the same answer on these inputs, or none.
    """
    untouched = _untouched(yours)
    if untouched is not None:
        return (untouched,)
    if not np.isfinite(yours).all():
        return ()
    matching = [
        mistake
        for mistake in MISTAKES
        if quantity in mistake.quantities and _explains(mistake, yours, true, limit, inputs)
    ]
    return tuple(Diagnosed(m.id, m.title, m.text) for m in matching)


def _explains(
    mistake: Mistake, yours: Array, true: Array, limit: Array, inputs: Mapping[str, Any]
) -> bool:
    with np.errstate(all="ignore"):
        try:
            wrong = mistake.wrong(inputs, true)
        except KeyError:
            return False
        if wrong.shape != true.shape or not np.isfinite(wrong).all():
            return False
        # Rounding scales with the values: a sum over the batch is N times less exact than the mean.
        scale = np.maximum(1.0, np.abs(wrong).max() / max(float(np.abs(true).max()), 1e-300))
        near = _NEAR * limit * scale
        is_distinct = bool((np.abs(wrong - true) > _DISTINCT * near).any())
        return is_distinct and bool((np.abs(yours - wrong) <= near).all())


def _untouched(yours: Array) -> Diagnosed | None:
    """Memory that still holds the NaNs with which the grader fills what is freshly allocated."""
    flat = np.isnan(yours).ravel()
    if flat.all():
        return Diagnosed(
            "nothing-written",
            "nothing was written to the result",
            "The result still holds the NaNs with which the grader fills fresh memory: is the "
            "kernel launched, does it write to this array, and does its guard let any thread "
            "through?",
        )
    first = int(np.argmax(flat))
    if flat.any() and flat[first:].all() and first > 0:
        return Diagnosed(
            "tail-not-written",
            "the end of the result was never written",
            f"Elements from number {first:,} on still hold the NaNs with which the grader fills "
            "fresh memory: the grid is too small. Round the number of blocks up, not down.",
        )
    return None
