"""What is timed beside the reference: inputs of each burst, and what it must leave behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from grader import expect
from grader.timing import sizes
from grader.verdicts import CheckFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Truth = Callable[[Array, int, int], list[tuple[str, Array, Array]]]

MOST_LAUNCHES = 4
"""Of a measurement: from 1 to so many, so that nobody knows which launch is the last, whose results
are looked at."""

SAMPLED_ROWS = 64
"""Of the results of a burst, drawn when it is over."""

RUNS = 5
"""Of steps in one measurement, of which the quickest counts: what else the host does only adds."""

STEPS = 20
"""Of a run."""

RATES = 0.005, 0.02
"""Between which the learning rate of a measurement is drawn: no two runs take the same steps. On
random images, whose pixels are 0.5 in the mean, steps of 0.15 blow rounding up to 5e-3 in the loss
within 50 steps; up to 0.05 it stays below 5e-7 (the solution beside tests/submissions/plain)."""

GRAPH_LIMIT = 1e-5
"""Of a parameter after ten steps at rate 0.1: some roundings of sums in another order."""

LOSS_LIMIT = 1e-3
"""Far above rounding, and far below what a step changes (2e-2 at first, 5e-3 after 50 steps)."""


@dataclass(frozen=True)
class Kernel:
    """A launcher of kernels.py.

    Attributes:
        request, arrays: what a worker is to prepare; see `grader.worker.timing.prepare`.
        period: rows that are repeated, and shifted from launch to launch.
        rows: of the arrays on the device.
        true: of the sampled rows, the number of rows and the shift: name, values and what is
            allowed, for each array that the launcher returns, or for its first argument if it
            returns none.
        is_step: no; its bursts tell apart what giving memory back takes.
    """

    is_step: ClassVar[bool] = False
    request: dict[str, Any]
    arrays: list[Array]
    period: int
    rows: int
    true: Truth

    def order(self, rng: np.random.Generator, launches: int = 0) -> dict[str, Any]:
        """A burst of so many launches, or of a few."""
        count = launches or int(rng.integers(1, MOST_LAUNCHES + 1))
        repeats = -(-count // self.period)
        shifts = np.concatenate([rng.permutation(self.period) for _ in range(repeats)])[:count]
        return {"shifts": [int(shift) for shift in shifts]}

    def in_a_row(self, rng: np.random.Generator, launches: int) -> dict[str, Any]:
        """A burst of so many launches with little between them."""
        return {**self.order(rng, launches), "in_a_row": True}

    def sample(self, rng: np.random.Generator) -> list[int]:
        """Rows to look at."""
        return [int(row) for row in np.sort(rng.integers(0, self.rows, SAMPLED_ROWS))]

    def time_of(self, times_us: Sequence[float]) -> float:
        """The time that a burst stands for."""
        return float(np.median(times_us))

    def times_of(self, count: int) -> tuple[int, int]:
        """How many times a burst of so many reports, and of how many launches each."""
        return count, 1

    def check(
        self,
        order: dict[str, Any],
        rows: list[int],
        results: Sequence[Array],
        reference: Sequence[Array],
    ) -> None:
        """Look at what the last launch left behind.

        Raises:
            CheckFailure: it is wrong; or it was right only after the end event had passed.
        """
        del reference
        true = self.true(np.array(rows), self.rows, order["shifts"][-1])
        half = 0 if order.get("in_a_row") else len(results) // 2
        if len(results) - half < len(true):
            names = ", ".join(name for name, _, _ in true)
            raise CheckFailure(f"it should leave {names}; there are {len(results) - half} arrays")
        for (name, values, limit), found in zip(true, results[half:], strict=False):
            _close(f"{name} of the timed launch", found, values, limit)
        try:
            for (name, values, limit), found in zip(true, results[:half], strict=False):
                _close(f"{name} as the end event passed", found, values, limit)
        except CheckFailure as failure:
            seen = f"work went on when the end of the launch was timed: {failure.message}"
            raise CheckFailure(seen, evidence=failure.evidence, void=seen) from None


@dataclass(frozen=True)
class Step:
    """Training steps.

    Attributes:
        request, arrays: as for `Kernel`; the arrays hold several minibatches.
        minibatches: how many.
    """

    is_step: ClassVar[bool] = True
    request: dict[str, Any]
    arrays: list[Array]
    minibatches: int

    def order(self, rng: np.random.Generator, launches: int = 0) -> dict[str, Any]:
        """A burst of some runs."""
        shifts = [int(shift) for shift in rng.integers(0, 2 * self.minibatches, RUNS)]
        count = max(1, launches // RUNS) if launches else STEPS
        return {"count": count, "shifts": shifts, "rate": float(rng.uniform(*RATES))}

    def in_a_row(self, rng: np.random.Generator, launches: int) -> dict[str, Any]:
        """A burst of so many steps, between which there is nothing anyway."""
        return self.order(rng, launches)

    def sample(self, rng: np.random.Generator) -> list[int]:
        """All losses are looked at."""
        del rng
        return []

    def time_of(self, times_us: Sequence[float]) -> float:
        """The time that a burst stands for."""
        return min(times_us)

    def times_of(self, count: int) -> tuple[int, int]:
        """How many times a burst of so many steps reports, and of how many steps each."""
        return RUNS, max(1, count // RUNS)

    def check(
        self,
        order: dict[str, Any],
        rows: list[int],
        results: Sequence[Array],
        reference: Sequence[Array],
    ) -> None:
        """Compare the losses with those that the reference has after the same steps.

        Raises:
            CheckFailure: they differ.
        """
        del order, rows
        if len(results) != 1:
            raise CheckFailure(f"losses of the timed steps: {len(results)} arrays in place of one")
        (yours,), (true,) = results, reference
        _close("loss of the timed steps", yours, true, np.full(true.shape, LOSS_LIMIT))


def check_graph(what: str, launches: float, parameters: Sequence[Array]) -> None:
    """Look at what replays of a graphed training step left behind; see `Contender.replayed`.

    Args:
        what: the model.
        launches: of kernels beside the graph's.
        parameters: of the graphed model, then of one that took as many plain steps.

    Raises:
        CheckFailure: they differ, or are none of that model; or a kernel was launched.
    """
    half = len(parameters) // 2
    for model in (parameters[:half], parameters[half:]):
        shapes = sorted(array.shape for array in model)
        if shapes != sizes.parameter_shapes(what):
            raise CheckFailure(f"after the replays {what} has parameters of the shapes {shapes}")
    for place, (yours, plain) in enumerate(zip(parameters[:half], parameters[half:], strict=True)):
        limit = np.full(plain.shape, GRAPH_LIMIT)
        _close(f"parameter {place} after ten replays", yours, plain, limit)
    if launches:
        raise CheckFailure(
            f"nine replays launched {launches:.0f} kernels one by one: a graph launches none"
        )


def _close(name: str, found: Array, values: Array, limit: Array) -> None:
    if found.shape != values.shape:
        raise CheckFailure(f"{name}: shape {found.shape} where {values.shape} was expected")
    expect.close(name, found.astype(np.float64), values.astype(np.float64), limit)
