"""Part 5: times, on a GPU, beside the reference's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import oracle, tolerance
from grader.checks.marks import part
from grader.evidence import Timing
from grader.judge import CheckFailure
from grader.student import Student, f64, labels, normal
from grader.timing import sizes, subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from grader.timing.ratio import Ratio
    from grader.timing.subjects import Truth

    Array = NDArray[Any]

LEAST_US = 50.0
"""Below this the host's launches decide, and nothing is scored."""

FASTER = 0.95
"""Of the reference's time, certainly: from here on it is worth a word."""

TILE_ROWS = 1021
"""Rows of random numbers that are repeated on the device: a prime, which fits no block."""


def check_kernel(
    student: Student, function: str, arguments: list[Any], floats_a_row: int, true: Truth
) -> None:
    """Time a kernel, and check what the launches that were timed left behind.

    Args:
        student: whose.
        function: the launcher in kernels.py.
        arguments: arrays of TILE_ROWS rows, repeated on the device, and other values.
        floats_a_row: read and written at least.
        true: see `grader.timing.subjects.Kernel`.
    """
    pair, most = student.beside_reference(), student.max_points
    N = sizes.TOUCHED_BYTES // (4 * floats_a_row)
    ratio = pair.compare(_subject(function, arguments, N, true), most)
    bytes_moved = 4 * floats_a_row * N
    copy_per_us = pair.copied.bytes_per_us
    shares = [
        bytes_moved / time_us / copy_per_us for time_us in (ratio.time_us, ratio.reference_us)
    ]
    speed = f"{bytes_moved / ratio.time_us * 1e-6:.2f} TB/s, {shares[0]:.0%} of what a copy reaches"
    name = f"{function}, {N:,} rows"
    show(student, name, ratio, speed, scored=ratio.reference_us >= LEAST_US, shares=shares)
    show_small(student, function, arguments, true)
    judge(student, ratio, speed)


def show_small(student: Student, function: str, arguments: list[Any], true: Truth) -> None:
    """Show, without scoring it, the time at the homework's size: the host's launches decide."""
    pair = student.beside_reference()
    N = sizes.N
    small = [a[:N] if isinstance(a, np.ndarray) and len(a) == TILE_ROWS else a for a in arguments]
    subject = _subject(function, small, N, true, tile_rows=N)
    bursts = []
    for contender in (pair.submission, pair.reference):
        contender.prepare(subject.request, subject.arrays)
        contender.burst({"shifts": [0]})
        bursts.append(contender.burst({"shifts": list(range(10))}))
    yours, reference = (burst.median_us for burst in bursts)
    student.show(Timing(f"{function}, {N} rows", yours, reference, "shown, not scored"))


def show(
    student: Student,
    name: str,
    ratio: Ratio,
    speed: str,
    *,
    scored: bool,
    shares: Sequence[float] = (),
) -> None:
    """Put a time into the page."""
    note = f"{ratio}" + (f"; {speed}" if speed else "")
    conditions = student.beside_reference().conditions
    if conditions:
        note += f"; {conditions}"
    if ratio.is_noisy:
        note += "; too noisy to score: no points lost"
    elif not scored:
        note += "; shown, not scored"
    elif ratio.high < FASTER:
        note += "; faster than the reference!"
    interval = (ratio.low, ratio.high)
    beside_us = ratio.time_us / ratio.value  # so that a page's three figures agree
    student.show(Timing(name, ratio.time_us, beside_us, note, interval, tuple(shares)))


def judge(student: Student, ratio: Ratio, speed: str) -> None:
    """Give the points that a ratio is worth."""
    most = student.max_points
    points = ratio.points(most) if ratio.reference_us >= LEAST_US else most
    if points < most:
        text = f"takes {ratio.time_us:.0f} µs, {ratio}" + (f"; {speed}" if speed else "")
        raise CheckFailure(text, points=points)


def _subject(
    function: str, arguments: list[Any], N: int, true: Truth, tile_rows: int = TILE_ROWS
) -> subjects.Kernel:
    request, arrays = sizes.launch(function, arguments, tile_rows, N)
    return subjects.Kernel(request, arrays, tile_rows, N, true)


def of_tile(rows: Array, shift: int) -> Array:
    """Which rows of the tile lie in these rows of the device's array."""
    shifted: Array = (rows + shift) % TILE_ROWS
    return shifted


@part("5.1", "bias add")
def test_bias_add_time(student: Student) -> None:
    """bias_add is about as fast as the reference's."""
    C = 256
    Z, b = normal(student.rng, TILE_ROWS, C), normal(student.rng, C)

    def true(rows: Array, N: int, shift: int) -> list[tuple[str, Array, Array]]:
        del N
        values = f64(Z[of_tile(rows, shift)]) + f64(b)
        return [("Z + b", values, tolerance.rounding(values))]

    check_kernel(student, "bias_add", [Z, b], 2 * C, true)


@part("5.1", "softmax xent")
def test_softmax_xent_time(student: Student) -> None:
    """softmax_xent is about as fast as the reference's."""
    C = 1000
    Z, y = normal(student.rng, TILE_ROWS, C), labels(student.rng, TILE_ROWS, C)

    def true(rows: Array, N: int, shift: int) -> list[tuple[str, Array, Array]]:
        del N
        rows = of_tile(rows, shift)
        losses, dZ = oracle.softmax_xent(f64(Z[rows]), y[rows])
        loss_limit, dZ_limit = tolerance.softmax_xent(f64(Z[rows]), y[rows])
        return [("losses", losses, loss_limit), ("dZ", dZ, dZ_limit)]

    check_kernel(student, "softmax_xent", [Z, y], 2 * C + 2, true)


@part("5.1", "column mean")
def test_column_mean_time(student: Student) -> None:
    """column_mean is about as fast as the reference's."""
    K = 256
    A = normal(student.rng, TILE_ROWS, K) + np.float32(1)

    def true(rows: Array, N: int, shift: int) -> list[tuple[str, Array, Array]]:
        del rows
        times, rest = divmod(N, TILE_ROWS)
        last = f64(A[of_tile(np.arange(rest), shift)])
        values = (times * f64(A).sum(axis=0) + last.sum(axis=0)) / N
        # The mean of absolute values is that of one tile, near enough; the sum's depth is N's.
        limit = tolerance.mean(f64(A)) * (1 + np.log2(max(1, times)))
        return [("mean", values, limit)]

    check_kernel(student, "column_mean", [A], K, true)


@part("5.1", "activate")
def test_activate_time(student: Student) -> None:
    """A call of activate is about as fast as the reference's."""
    H = 256
    Z = normal(student.rng, TILE_ROWS, H)

    def true(rows: Array, N: int, shift: int) -> list[tuple[str, Array, Array]]:
        del N
        rows = of_tile(rows, shift)
        values = oracle.activate(f64(Z[rows]), "tanh")
        return [("tanh(Z)", values, tolerance.activate(f64(Z[rows]), "tanh"))]

    check_kernel(student, "activate", [Z, "tanh"], 2 * H, true)


@part("5.1", "activate backward")
def test_activate_backward_time(student: Student) -> None:
    """activate_backward is about as fast as the reference's."""
    H = 256
    dA, A = normal(student.rng, TILE_ROWS, H), normal(student.rng, TILE_ROWS, H)

    def true(rows: Array, N: int, shift: int) -> list[tuple[str, Array, Array]]:
        del N
        rows = of_tile(rows, shift)
        values = oracle.activate_backward(f64(dA[rows]), f64(A[rows]), "relu")
        limit = tolerance.activate_backward(f64(dA[rows]), f64(A[rows]), "relu")
        return [("dZ", values, limit)]

    check_kernel(student, "activate_backward", [dA, A, "relu"], 3 * H, true)


MINIBATCHES = 4
"""Of which each run of steps takes one."""


@part("5.2", "step")
def test_step_time(student: Student) -> None:
    """A training step of the network is about as fast as the reference's."""
    request = sizes.step("network.TwoLayerNetwork")
    arrays = sizes.minibatches(student.rng, MINIBATCHES)
    subject = subjects.Step(request, arrays, MINIBATCHES)
    ratio = student.beside_reference().compare(subject, student.max_points)
    show(student, f"step, {sizes.N} × {sizes.D}, {sizes.H} hidden units", ratio, "", scored=True)
    judge(student, ratio, "")


@part("5.3", "graph")
def test_graphed_step(student: Student) -> None:
    """graphed_step replays the training step as one graph."""
    student.require("training.graphed_step")
    graph = student.beside_reference().submission
    for what in sizes.MODELS:
        graph.prepare({**sizes.step(what), "graph": True}, sizes.minibatches(student.rng, 1))
        graph.replayed(1)
        launches, parameters = graph.replayed(9)
        subjects.check_graph(what, launches, parameters)
