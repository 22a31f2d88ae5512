"""What a page shows beside words: curves, maps of errors, times, costs. Optional, and small."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

MAP_ROWS, MAP_COLUMNS = 32, 64
"""At most so many cells: each is still some pixels wide in a page of 700."""


@dataclass(frozen=True)
class Curve:
    """A loss curve beside the true one.

    Attributes:
        title: of the plot.
        yours, true: losses in nats, one a step, from the first step; `yours` may be shorter.
        parts_at: index of the first step at which they part, None where they don't.
        note: what parts there, e.g. "dW1 parts first"; "" where nothing is known.
    """

    title: str
    yours: tuple[float, ...]
    true: tuple[float, ...]
    parts_at: int | None = None
    note: str = ""


@dataclass(frozen=True)
class HeatMap:
    """Where a matrix is wrong: its error in units of what is allowed.

    Attributes:
        title: of the quantity, e.g. "dW".
        shape: (rows, columns) of the matrix itself.
        cells: the largest |yours − true| / allowed in each cell, row by row; inf where a value is
            no number. At most `MAP_ROWS` × `MAP_COLUMNS`.
        wrong: how many elements of the matrix differ.
    """

    title: str
    shape: tuple[int, int]
    cells: tuple[tuple[float, ...], ...]
    wrong: int


@dataclass(frozen=True)
class Timing:
    """How long something took on a GPU.

    Attributes:
        name: of what was timed, and on which sizes.
        time_us: the submission's.
        reference_us: the reference's, on the same device.
        note: "" or what it means.
        interval: ends of the interval of their ratio; () where it was not estimated.
        shares: of what a copy of as many bytes reaches, the submission's and the reference's; ()
            where bytes don't decide.
    """

    name: str
    time_us: float
    reference_us: float
    note: str = ""
    interval: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()


@dataclass(frozen=True)
class Counts:
    """What a call costs the memory system of a device, as the emulator counts it: exactly.

    Attributes:
        requests: of warps to global memory.
        sectors: of 32 bytes, moved for them.
        bank_conflicts: passes over the banks of shared memory beyond one a request.
        atomics: atomic operations of threads.
        atomic_conflicts: how often a lane waited for another one at the same address.
    """

    requests: int = 0
    sectors: int = 0
    bank_conflicts: int = 0
    atomics: int = 0
    atomic_conflicts: int = 0

    @property
    def passes(self) -> int:
        """All that the memory system does one after the other."""
        return self.sectors + self.bank_conflicts + self.atomic_conflicts


@dataclass(frozen=True)
class Cost:
    """What a kernel costs beside the reference's, without a GPU.

    Attributes:
        name: of the launcher, and on which sizes.
        yours, reference: of one call.
        fewest_sectors: that hold what must be read and written, each once.
        advice: what makes it cost more, "" where it costs about as much as the reference's.
        file, line: the student's own place of that, None where unknown.
    """

    name: str
    yours: Counts
    reference: Counts
    fewest_sectors: int
    advice: str = ""
    file: str | None = None
    line: int | None = None

    @property
    def ratio(self) -> float:
        """The passes of the submission's over the reference's."""
        return self.yours.passes / max(self.reference.passes, 1)


Evidence = Curve | HeatMap | Timing | Cost


def heat_map(title: str, yours: Array, true: Array, limit: Array) -> HeatMap:
    """The map of a wrong matrix; a vector is a matrix of one row.

    Args:
        title: of the quantity.
        yours: the submission's values, of one or two dimensions.
        true: the truth, of the same shape.
        limit: what is allowed, of that shape or broadcast to it.

    Raises:
        ValueError: more than two dimensions, or no element.
    """
    true2, yours2 = np.atleast_2d(true), np.atleast_2d(yours)
    if true2.ndim != 2 or true2.size == 0:  # noqa: PLR2004 - a matrix
        raise ValueError(f"a map needs a matrix; {title} is {np.shape(true)}")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        excess = np.abs(yours2 - true2) / np.broadcast_to(np.atleast_2d(limit), true2.shape)
    excess = np.where(np.isnan(excess), np.inf, excess)
    rows = np.linspace(0, len(excess), min(len(excess), MAP_ROWS) + 1).astype(int)
    columns = np.linspace(0, excess.shape[1], min(excess.shape[1], MAP_COLUMNS) + 1).astype(int)
    cells = np.maximum.reduceat(np.maximum.reduceat(excess, rows[:-1], 0), columns[:-1], 1)
    return HeatMap(
        title,
        (true2.shape[0], true2.shape[1]),
        tuple(tuple(_rounded(float(cell)) for cell in row) for row in cells),
        int((excess > 1).sum()),
    )


def _rounded(value: float) -> float:
    """Three digits: a map is looked at, and a page stays small."""
    return float(f"{value:.3g}") if math.isfinite(value) else math.inf
