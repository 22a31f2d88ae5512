"""What an entry of the bank is, and what it gets to see of a wrong result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.result import Diagnosed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Inputs = Mapping[str, Any]
    Answer = Callable[[Inputs, Array], Array | None]


@dataclass(frozen=True)
class Case:
    """A wrong result.

    Attributes:
        quantity: what it is a result of, e.g. "column_mean" or "linear.W".
        yours, true: the values, of one shape, in float64.
        limit: what is allowed, of that shape.
        inputs: from which it was computed, named as in the handout, in float64.
    """

    quantity: str
    yours: Array
    true: Array
    limit: Array
    inputs: Inputs

    def matches(self, wrong: Array | None) -> bool:
        """Whether a wrong answer explains yours: close to it, and far from the truth."""
        if wrong is None or np.shape(wrong) != self.true.shape or not np.isfinite(wrong).all():
            return False
        near = self.near(wrong)
        is_distinct = bool((np.abs(wrong - self.true) > DISTINCT * near).any())
        if wrong.any() and not (np.abs(wrong) > DISTINCT * near).any():
            return False  # zeros would match it, too
        return is_distinct and bool((np.abs(self.yours - wrong) <= near).all())

    def near(self, wrong: Array) -> Array:
        """How far from a wrong answer a float32 evaluation of it may lie.

        Rounding scales with the values: a sum over the batch is N times less exact than the mean,
        and what is allowed for a small true element says nothing of a large wrong one.
        """
        size = np.abs(wrong)
        scale = max(1.0, float(size.max()) / max(float(np.abs(self.true).max()), 1e-300))
        return np.asarray(4.0 * scale * self.limit + 1e-5 * size + 2e-6 * size.max())


DISTINCT = 10.0
"""A wrong answer has to differ from the truth, and from other wrong answers, by this many times
what rounding may make of it."""


@dataclass(frozen=True)
class Mistake:
    """One known mistake.

    An entry that has none of the fields by which it is recognised is named by the check that sees
    it: a return value of another type, an order of minibatches, …

    Attributes:
        id: unique, for reports and specimens.
        title: the mistake in a student's words.
        text: the explanation, with the equation of the handout.
        next_step: what to do now.
        answers: quantity → the wrong answer that the mistake gives; None where these inputs cannot
            show it.
        looks: tells from a wrong result what is remarkable: a sentence of facts, "" if there is
            nothing to add to `text`, None if it does not look like this mistake.
        quantities: that `looks` is asked about; () for all.
        kinds: of findings of the checked device.
        words: a regular expression that the finding's text has to match.
        raised: a regular expression that "ExceptionName: message" has to match.
    """

    id: str
    title: str
    text: str
    next_step: str
    answers: Mapping[str, Answer] = field(default_factory=dict)
    looks: Callable[[Case], str | None] | None = None
    quantities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    words: str = ""
    raised: str = ""

    def diagnosed(self, facts: str = "") -> Diagnosed:
        """The entry as a report shows it, facts of this case first."""
        told = (facts, self.text, self.next_step)
        return Diagnosed(self.id, self.title, " ".join(filter(None, told)))


def on(quantities: tuple[str, ...], answer: Answer) -> dict[str, Answer]:
    """The same answer for several quantities."""
    return dict.fromkeys(quantities, answer)
