from itertools import cycle

import numpy as np
import pytest

from grader.timing.ratio import (
    MOST_ROUNDS,
    NARROW,
    Ratio,
    compare,
    estimate,
    round_half_up,
    share,
)


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


@pytest.mark.parametrize("factor", [1.0, 1.5, 3.0, 12.0])
def test_interval_covers_the_truth(factor: float) -> None:
    """In 95 of 100 measurements, or nearly so, the interval holds the true ratio."""
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        times = [noisy(rng, 100 * factor, 0.05) for _ in range(15)]
        references = [noisy(rng, 100, 0.05) for _ in range(15)]
        found = estimate(times, references, seed)
        covered += found.low <= factor <= found.high
        assert found.value == pytest.approx(factor, rel=0.1)
    assert covered >= 90


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
    assert (found.value, found.low, found.high) == (2, 2, 2)
    assert len(taken) < MOST_ROUNDS / 4


def test_noise_costs_no_points() -> None:
    """Where the interval spans several verdicts at the cap, all points are given."""
    slow, fast = cycle([100.0, 900.0]), cycle([100.0, 100.0, 900.0])
    found = compare(lambda: next(slow), lambda: next(fast), 1, 5)
    assert found.high / found.low > NARROW
    assert found.is_noisy
    assert found.points(5) == 5


def test_the_better_end_counts() -> None:
    """Points come from the end of the interval that is better for the student."""
    assert Ratio(125, 100, 1.25, 1.19, 1.31).points(5) == 5
    assert Ratio(1200, 100, 12, 11, 13).points(5) == 0
