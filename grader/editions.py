"""What a year's edition of the homework changes: random numbers, images, and sizes of inputs.

The year is a word of the settings; "" is the edition that the project's own tests grade. Another
year draws other numbers from every seed, and moves the sizes that fill no block to other primes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SMALLEST = 5
"""Sizes below say what they are for: one row, two columns, three classes."""

SPREAD = 0.15
"""By so much at most a size moves: what a check costs, and which digits rounding leaves, stay."""


def entropy(year: str) -> tuple[int, ...]:
    """What a year adds to a seed."""
    return (crc32(year.encode()),) if year else ()


def shapes(cases: Iterable[tuple[int | str, ...]], year: str) -> Iterator[tuple[int | str, ...]]:
    """Cases with their prime sizes moved; everything else in them stays.

    Args:
        cases: sizes, and words beside them.
        year: of the edition.

    Yields:
        cases in which equal sizes stay equal, and different ones different.
    """
    for case in cases:
        moved = tuple(size(item, year) if isinstance(item, int) else item for item in case)
        yield moved if len(set(moved)) == len(set(case)) else case


def size(near: int, year: str) -> int:
    """A prime of the year's near a prime, on the same side of every power of two.

    So it fills warps and blocks as little as the first did, and needs as many of them.
    """
    if not year or near < SMALLEST or not is_prime(near):
        return near
    known = _primes_beside(near)
    return known[crc32(f"{year} {near}".encode()) % len(known)]


@cache
def _primes_beside(near: int) -> tuple[int, ...]:
    low = max(1 << (near.bit_length() - 1), round((1 - SPREAD) * near))
    high = min((1 << near.bit_length()) - 1, round((1 + SPREAD) * near))
    return tuple(candidate for candidate in range(low, high + 1) if is_prime(candidate))


def is_prime(number: int) -> bool:
    """Whether nothing but 1 divides it."""
    return number > 1 and all(number % factor for factor in range(2, int(number**0.5) + 1))
