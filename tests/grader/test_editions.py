"""A year's edition: other inputs, which test as much."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader import editions, settings
from grader.judge import Judge
from grader.settings import Settings

SIZES = st.integers(1, 40_000)
YEARS = st.text(st.characters(codec="ascii"), max_size=8)


@given(SIZES, YEARS)
def test_sizes_test_as_much(size: int, year: str) -> None:
    """A moved size is as prime, on the same side of each power of two, and nearly as large."""
    moved = editions.size(size, year)
    assert moved == editions.size(size, year)
    assert moved.bit_length() == size.bit_length()
    assert abs(moved - size) <= max(2, 0.16 * size)
    assert editions.is_prime(moved) == editions.is_prime(size)
    if not year or size < editions.SMALLEST or not editions.is_prime(size):
        assert moved == size


@given(st.tuples(SIZES, SIZES, SIZES, st.just("relu")), YEARS)
def test_different_sizes_stay_different(case: tuple[int, int, int, str], year: str) -> None:
    """Sizes that differ, so that swapped dimensions show, differ in each edition."""
    (moved,) = editions.shapes([case], year)
    assert [moved.index(item) for item in moved] == [case.index(item) for item in case]
    assert moved[-1] == "relu"


def drawn(year: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], list[int]]:
    """What a judge draws in a year, and the sizes of a check."""
    sizes = [61, 67, 127, 131, 257, 523, 1031, 5003]
    with (
        patch.object(settings, "load", lambda: Settings(year=year)),
        patch.object(Judge, "start", lambda _: None),
    ):
        judge = Judge(Path(), 7, Path())
        judge.close()
        return judge.rng("2.3", "W").random(5), [editions.size(n, judge.year) for n in sizes]


@pytest.mark.parametrize("year", ["", "2026", "2027"])
def test_one_year_has_one_edition(year: str) -> None:
    """The same year and seed give the same inputs."""
    (numbers, sizes), (again, sizes_again) = drawn(year), drawn(year)
    assert np.array_equal(numbers, again)
    assert sizes == sizes_again


def test_two_years_differ() -> None:
    """Two years give other numbers and other sizes from one seed."""
    editions_drawn = [drawn(year) for year in ("", "2026", "2027")]
    for place, (numbers, sizes) in enumerate(editions_drawn):
        for others, other_sizes in editions_drawn[place + 1 :]:
            assert not np.array_equal(numbers, others)
            assert sizes != other_sizes
