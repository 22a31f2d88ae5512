"""The ratio of two times that were measured side by side, how sure it is, and its points."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

FULL_POINTS = 1.2
"""Up to so many times the reference's time, all points are earned."""

NO_POINTS = 10.0
"""From so many times on, none; between the two they fall with the logarithm."""

NARROW = 1.05
"""An interval whose ends differ by less decides, and so does one whose worse end earns all points:
measuring on would change nothing."""

LOOKS = (8, 12, 18, 27, 40)
"""After so many rounds the interval is looked at; fewer give none, more take longer than a student
waits."""

LEVEL = 0.99
"""Of the interval at each look: so that it covers in 95 of 100 cases although it is looked at five
times and measuring ends at the first that is narrow (tests/grader/timing/test_ratio.py)."""

FLOOR = 1.003
"""The interval reaches at least so far: events count in steps of half a microsecond."""

SHORTEST_US = 1e-3
"""What is shorter cannot be told from nothing; a quotient of times needs more than that."""

OWN_NOISE = 0.25
"""Where the reference's interval is narrower than this share of the ratio's, the noise is the
submission's own and no machine's."""


@dataclass(frozen=True)
class Ratio:
    """How many times the reference's time a submission takes.

    Attributes:
        time_us, reference_us: medians over the rounds.
        value: median over the rounds of the ratio of the two times of a round.
        low, high: ends of its interval, which covers the truth in 95 of 100 cases at least.
        is_noisy: the machine is too noisy to say how many points it is worth.
    """

    time_us: float
    reference_us: float
    value: float
    low: float
    high: float
    is_noisy: bool = False

    def points(self, most: int) -> int:
        """Points of `most`, rounded; the interval's better end counts, noise costs none."""
        return most if self.is_noisy else _points(self.low, most)

    def __str__(self) -> str:
        return f"{self.value:.2f} times the reference ({self.low:.2f} to {self.high:.2f})"


def share(ratio: float) -> float:
    """The share of the points that a ratio earns, from 1 down to 0."""
    fallen = math.log(max(ratio, FULL_POINTS) / FULL_POINTS) / math.log(NO_POINTS / FULL_POINTS)
    return max(0.0, 1.0 - fallen)


def round_half_up(value: float) -> int:
    """The nearest whole number; of two, the larger."""
    return math.floor(value + 0.5)


def estimate(times_us: Sequence[float], references_us: Sequence[float]) -> Ratio:
    """The median ratio of the two times of a round, and its interval by the sign test.

    A round's two times are taken one after the other, so that what slowed the device down for a
    while slowed both; and a median does not see how long a tail is.

    Args:
        times_us: one a round, in the order in which they were taken.
        references_us: the same.
    """
    times, references = (np.maximum(t, SHORTEST_US) for t in (times_us, references_us))
    ratios = np.log(times) - np.log(references)
    low, high = interval(ratios)
    floor = math.log(FLOOR)
    return Ratio(
        float(np.median(times)),
        float(np.median(references)),
        math.exp(float(np.median(ratios))),
        math.exp(low - floor),
        math.exp(high + floor),
    )


def interval(values: Array) -> tuple[float, float]:
    """Ends of the interval of the median: two of the values, by the sign test.

    It assumes nothing about how the values scatter (Conover, Practical Nonparametric Statistics,
    3.2). Neighbours that lie on the same side of the median more often than not are worth less
    than independent ones: the ranks then lie as much further out as for fewer values.
    """
    count = len(values)
    signs = np.sign(values - np.median(values))
    signs = signs - signs.mean()
    variation = float(signs @ signs)
    alike = max(0.0, float(signs[1:] @ signs[:-1]) / variation) if variation else 0.0
    worth = math.sqrt((1 - alike) / (1 + alike))
    middle = (count + 1) / 2
    rank = math.floor(middle - (middle - _rank(count)) / worth) if worth else 1
    ordered = np.sort(values)
    rank = max(1, rank)
    return float(ordered[rank - 1]), float(ordered[-rank])


@cache
def _rank(count: int) -> int:
    """The k for which the k-th smallest and k-th largest of independent values enclose the median.

    In `LEVEL` of all cases or more: fewer than k values lie below the median with a probability
    that the binomial distribution tells.
    """
    below, rank = 0.0, 1
    for fewer in range(count // 2):
        below += math.comb(count, fewer) / 2.0**count
        if 1 - 2 * below < LEVEL:
            break
        rank = fewer + 1
    return rank


def compare(
    measure: Callable[[], float], measure_reference: Callable[[], float], seed: int, most: int
) -> Ratio:
    """Measure both in random order, round after round, until the ratio is sure or a cap is reached.

    Args:
        measure: takes a measurement of the submission, in µs.
        measure_reference: the same of the reference.
        seed: of the order.
        most: points at stake; an interval on which they don't depend is narrow enough.
    """
    rng = np.random.default_rng(seed)
    times: list[float] = []
    references: list[float] = []
    for rounds in LOOKS:
        while len(times) < rounds:
            both = [(measure, times), (measure_reference, references)]
            for which in rng.permutation(2):
                take, taken = both[which]
                taken.append(take())
        found = estimate(times, references)
        decided = _points(found.low, most) == _points(found.high, most)
        if found.high / found.low <= NARROW or _points(found.high, most) == most:
            return found
    return found if decided else replace(found, is_noisy=_machine_is_noisy(found, references))


def _machine_is_noisy(found: Ratio, references_us: Sequence[float]) -> bool:
    """Whether the reference's times scatter, too."""
    low, high = interval(np.log(references_us))
    return high - low >= OWN_NOISE * math.log(found.high / found.low)


def _points(ratio: float, most: int) -> int:
    return round_half_up(most * share(ratio))
