"""The ratio of two times and its interval."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from grader.timing.ratio import FLOOR, LOOKS, NARROW, Ratio, compare, round_half_up, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]


def noisy(rng: np.random.Generator, median_us: float, spread: float) -> float:
    """A time with a long tail upwards, as times on a shared machine have."""
    return float(median_us * np.exp(spread * abs(rng.standard_normal())))


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.5, 1), (1, 1), (1.2, 1), (10, 0), (99, 0), (12**0.5, 0.5)]
)
def test_share(ratio: float, expected: float) -> None:
    """All points up to 1.2 times the reference, none from 10 on, by the logarithm in between."""
    assert share(ratio) == pytest.approx(expected)


def test_points_are_rounded_half_up() -> None:
    """A half is the student's."""
    assert [round_half_up(value) for value in (0.49, 0.5, 1.5, 1.49)] == [0, 1, 2, 1]


def noise(kind: str, rng: np.random.Generator, rounds: int) -> Array:
    """Factors of 2 × `rounds` measurements in the order of time, as machines were seen to make."""
    count = 2 * rounds
    small = np.exp(0.01 * abs(rng.standard_normal(count)))
    common: dict[str, Callable[[], Array]] = {
        "tail": lambda: np.exp(0.05 * abs(rng.standard_normal(count))),
        "heavy tail": lambda: np.exp(0.03 * abs(rng.standard_t(1.5, count)).clip(0, 50)),
        "spikes": lambda: small * np.where(rng.random(count) < 0.1, rng.uniform(2, 5, count), 1),
        "warming up": lambda: small * np.linspace(1, 1.5, count),
        "random walk": lambda: small * np.exp(np.cumsum(0.02 * rng.standard_normal(count))),
        "two clocks": lambda: small * np.where(np.cumsum(rng.random(count) < 0.1) % 2, 1.3, 1),
    }
    if kind in common:
        return common[kind]()
    # Each side's own times depend on their predecessors.
    factors = np.empty(count)
    for side in (0, 1):
        factors[side::2] = np.exp(autocorrelated(rng, rounds, 0.6, 0.03))
    return factors


def autocorrelated(rng: np.random.Generator, count: int, share: float, spread: float) -> Array:
    """Normal numbers, each a share of its predecessor and some of its own."""
    values = spread * rng.standard_normal(count)
    for place in range(1, count):
        values[place] += share * values[place - 1]
    return values


KINDS = (
    "tail",
    "heavy tail",
    "spikes",
    "warming up",
    "random walk",
    "two clocks",
    "autocorrelated",
)


@pytest.mark.parametrize("kind", KINDS)
def test_interval_covers_the_truth(kind: str) -> None:
    """In 95 of 100 comparisons or more the interval holds the truth, whatever the noise is like."""
    covered, trials = 0, 200
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        factors = iter(noise(kind, rng, LOOKS[-1]))
        factor = (1.0, 1.5, 3.0, 12.0)[seed % 4]

        def measure(factors: Iterator[float] = factors, factor: float = factor) -> float:
            return 100 * factor * next(factors)

        def measure_reference(factors: Iterator[float] = factors) -> float:
            return 100 * next(factors)

        found = compare(measure, measure_reference, seed, 2)
        covered += found.low <= factor <= found.high
        assert found.value == pytest.approx(factor, rel=0.15)
    assert covered >= 0.95 * trials


def test_the_reference_against_itself_is_never_worth_less() -> None:
    """Of two equal ones neither loses a point, 30 times in a row, with 10 % of noise."""
    for seed in range(30):
        rng = np.random.default_rng(seed)

        def measure(rng: np.random.Generator = rng) -> float:
            return noisy(rng, 100, 0.1)

        assert compare(measure, measure, seed, 5).points(5) == 5


def test_a_quiet_machine_takes_few_rounds() -> None:
    """Measuring ends as soon as the interval is narrow."""
    taken = []

    def measure() -> float:
        taken.append(0)
        return 100.0

    found = compare(measure, lambda: 50.0, 0, 2)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2 / FLOOR, 2 * FLOOR))
    assert len(taken) == LOOKS[0]


@pytest.mark.parametrize(("slowest", "looks"), [(130.0, LOOKS[0]), (400.0, LOOKS[-1])])
def test_what_earns_all_points_need_not_be_narrow(slowest: float, looks: int) -> None:
    """A wide interval is the last one where even its worse end earns all points."""
    own, taken = cycle([100.0, slowest]), []

    def measure() -> float:
        taken.append(0)
        return next(own)

    found = compare(measure, lambda: 100.0, 1, 5)
    assert found.high / found.low > NARROW
    assert found.points(5) == 5
    assert len(taken) == looks


def test_noise_costs_no_points() -> None:
    """Where a noisy machine's interval spans several verdicts at the cap, all points are given."""
    slow, fast = cycle([100.0, 900.0]), cycle([100.0, 100.0, 900.0])
    found = compare(lambda: next(slow), lambda: next(fast), 1, 5)
    assert found.high / found.low > NARROW
    assert found.is_noisy
    assert found.points(5) == 5


def test_noise_of_ones_own_is_no_excuse() -> None:
    """Where the reference's times are steady, the interval's better end counts, no more."""
    own = cycle([300.0, 2000.0])
    found = compare(lambda: next(own), lambda: 100.0, 1, 5)
    assert found.high / found.low > NARROW
    assert not found.is_noisy
    assert 0 < found.points(5) < 5


def test_the_better_end_counts() -> None:
    """Points come from the end of the interval that is better for the student."""
    assert Ratio(125, 100, 1.25, 1.19, 1.31).points(5) == 5
    assert Ratio(1200, 100, 12, 11, 13).points(5) == 0
