"""Counts what a kernel costs the memory system of the emulated device, in all and by line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.actions import call
from grader.evidence import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from grader.judge import Judge

    Array = NDArray[Any]

SECTOR_BYTES, FLOAT_BYTES = 32, 4


@dataclass(frozen=True)
class Case:
    """A launcher, and the matrix on which its cost is counted.

    Attributes:
        function: its name in kernels.py.
        task: in which it is judged.
        rows, columns: of the matrix: small, but some warps and a ragged end.
        arguments: of the launcher, from a generator, N and C.
        floats: that must be read or written, from N and C.
    """

    function: str
    task: str
    rows: int
    columns: int
    arguments: Callable[[np.random.Generator, int, int], list[Any]]
    floats: Callable[[int, int], int]


def _matrix(rng: np.random.Generator, N: int, C: int) -> Array:
    return rng.standard_normal((N, C)).astype(np.float32)


CASES = (
    Case(
        *("bias_add", "1.1", 1021, 10),
        lambda rng, N, C: [_matrix(rng, N, C), _matrix(rng, 1, C)[0]],
        lambda N, C: 2 * N * C + C,
    ),
    Case(
        *("softmax_xent", "1.2", 509, 10),
        lambda rng, N, C: [_matrix(rng, N, C), rng.integers(0, C, N).astype(np.int32)],
        lambda N, C: 2 * N * C + 2 * N,
    ),
    Case(
        *("column_mean", "1.3", 1021, 10),
        lambda rng, N, C: [_matrix(rng, N, C)],
        lambda N, C: N * C + C,
    ),
    Case(
        *("activate", "1.4", 1021, 10),
        lambda rng, N, C: [_matrix(rng, N, C), "tanh"],
        lambda N, C: 2 * N * C,
    ),
    Case(
        *("activate_backward", "1.4", 1021, 10),
        lambda rng, N, C: [_matrix(rng, N, C), _matrix(rng, N, C), "relu"],
        lambda N, C: 3 * N * C,
    ),
)


@dataclass(frozen=True)
class Line:
    """A line of the submission, and what it costs in one call.

    Attributes:
        file, line: where.
        counts: as of a whole call.
        ideal_sectors: that the bytes it asks for would fit into.
    """

    file: str
    line: int
    counts: Counts
    ideal_sectors: int

    @property
    def spread(self) -> float:
        """Times the sectors that its bytes need."""
        return self.counts.sectors / max(self.ideal_sectors, 1)


def count(judge: Judge, case: Case, columns: int) -> tuple[Counts, list[Line]] | None:
    """One call's counts, in all and by line; None where it fails, or the answer makes no sense."""
    rng = np.random.default_rng(0)  # numbers don't matter to addresses
    arguments = case.arguments(rng, case.rows, columns)
    counted = judge.count(call(f"kernels.{case.function}", *arguments))
    try:
        kernels = [dict(kernel) for kernel in (counted or {})["kernels"].values()]
        totals = [_counts(kernel["total"]) for kernel in kernels]
        lines = [line for kernel in kernels for line in _lines(kernel["lines"])]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not totals:
        return None
    return Counts(*(sum(values) for values in zip(*map(_values, totals), strict=True))), lines


def _values(counts: Counts) -> tuple[int, ...]:
    return tuple(asdict(counts).values())


def _counts(entry: Mapping[str, Any]) -> Counts:
    found = Counts(**{name: int(entry[name]) for name in asdict(Counts())})
    if min(_values(found)) < 0:
        raise ValueError("a count below zero")
    return found


def _lines(entries: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    for entry in entries:
        place = str(entry["file"]), int(entry["line"])
        yield Line(*place, _counts(entry), int(entry["ideal_sectors"]))
