"""The ratio of two times that were measured side by side, how sure it is, and its points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FULL_POINTS = 1.2
"""Up to so many times the reference's time, all points are earned."""

NO_POINTS = 10.0
"""From so many times on, none; between the two they fall with the logarithm."""

NARROW = 1.05
"""An interval whose ends differ by less decides; measuring on would change nothing."""

RESAMPLES = 2000
"""Of the bootstrap: the ends of its interval then move by less than the interval's tenth."""

LEVEL = 0.95

FEWEST_ROUNDS, MOST_ROUNDS = 7, 40
"""Fewer give no interval; more take longer than a student waits."""


@dataclass(frozen=True)
class Ratio:
    """How many times the reference's time a submission takes.

    Attributes:
        time_us, reference_us: medians over the rounds.
        value: their ratio.
        low, high: ends of its 95 % interval.
        is_noisy: the interval is too wide to say how many points it is worth.
    """

    time_us: float
    reference_us: float
    value: float
    low: float
    high: float
    is_noisy: bool = False

    def points(self, most: int) -> int:
        """Points of `most`, rounded; the interval's better end counts, noise costs none."""
        return most if self.is_noisy else round_half_up(most * share(self.low))

    def __str__(self) -> str:
        return f"{self.value:.2f} times the reference ({self.low:.2f} to {self.high:.2f})"


def share(ratio: float) -> float:
    """The share of the points that a ratio earns, from 1 down to 0."""
    fallen = math.log(max(ratio, FULL_POINTS) / FULL_POINTS) / math.log(NO_POINTS / FULL_POINTS)
    return max(0.0, 1.0 - fallen)


def round_half_up(value: float) -> int:
    """The nearest whole number; of two, the larger."""
    return math.floor(value + 0.5)


def estimate(times_us: Sequence[float], references_us: Sequence[float], seed: int) -> Ratio:
    """The ratio of medians and its interval, by resampling the rounds.

    A round's two times are drawn together: what slowed the device down for a while slowed both.

    Args:
        times_us: one a round.
        references_us: the same.
        seed: of the resampling.
    """
    times, references = np.asarray(times_us), np.asarray(references_us)
    drawn = np.random.default_rng(seed).integers(0, len(times), (RESAMPLES, len(times)))
    ratios = np.median(times[drawn], axis=1) / np.median(references[drawn], axis=1)
    low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    time_us, reference_us = float(np.median(times)), float(np.median(references))
    return Ratio(time_us, reference_us, time_us / reference_us, float(low), float(high))


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
    for done in range(1, MOST_ROUNDS + 1):
        both = [(measure, times), (measure_reference, references)]
        for which in rng.permutation(2):
            take, taken = both[which]
            taken.append(take())
        if done < FEWEST_ROUNDS:
            continue
        found = estimate(times, references, seed)
        same = round_half_up(most * share(found.low)) == round_half_up(most * share(found.high))
        if found.high / found.low <= NARROW or (same and found.high <= FULL_POINTS):
            return found
    decided = round_half_up(most * share(found.low)) == round_half_up(most * share(found.high))
    return found if decided else Ratio(**{**vars(found), "is_noisy": True})
