"""Part 5: times, on a GPU, beside the reference's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import expect, oracle, tolerance
from grader.checks.marks import part
from grader.evidence import Timing
from grader.judge import CheckFailure
from grader.student import Student, f64, labels, normal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from grader.timing.ratio import Ratio

    Array = NDArray[Any]

TOUCHED_BYTES = 256 << 20
"""By each kernel: more than the largest cache, and 90 µs on the fastest device there is today."""

LEAST_US = 50.0
"""Below this the host's launches decide, and nothing is scored."""

TILE_ROWS = 1021
"""Rows of random numbers that are repeated on the device: a prime, which fits no block."""

SAMPLED_ROWS = 256
"""Of the results on the timed buffers, drawn after the timing."""


def check_kernel(
    student: Student,
    function: str,
    arguments: list[Any],
    floats_a_row: int,
    true: Callable[[Array, int], list[tuple[str, Array, Array]]],
) -> None:
    """Time a kernel, and check what the last launch that was timed left behind.

    Args:
        student: whose.
        function: the launcher in kernels.py.
        arguments: arrays of TILE_ROWS rows, repeated on the device, and other values.
        floats_a_row: read and written at least.
        true: of the sampled rows of the tile and N: name, values and what is allowed, for each
            array that the launcher returns, or for its first argument if it returns none.
    """
    pair, most = student.beside_reference(), student.max_points
    N = TOUCHED_BYTES // (4 * floats_a_row)
    ratio = pair.compare(*_request(function, arguments, N), count=3, most=most)
    rows = np.sort(student.rng.integers(0, N, SAMPLED_ROWS))
    yours = pair.submission.results(rows)
    for (name, values, limit), found in zip(true(rows % TILE_ROWS, N), yours, strict=False):
        if found.shape != values.shape:
            raise CheckFailure(f"{name}: shape {found.shape} where {values.shape} was expected")
        expect.close(f"{name} of the timed launch", found, values, limit)

    bytes_moved = 4 * floats_a_row * N
    share = bytes_moved / ratio.time_us / pair.copy_bytes_per_us()
    speed = f"{bytes_moved / ratio.time_us * 1e-6:.2f} TB/s, {share:.0%} of what a copy reaches"
    show(student, f"{function}, {N:,} rows", ratio, speed, scored=ratio.reference_us >= LEAST_US)
    show_small(student, function, arguments)
    judge(student, ratio, speed)


def show_small(student: Student, function: str, arguments: list[Any]) -> None:
    """Show, without scoring it, the time at the homework's size: the host's launches decide."""
    pair = student.beside_reference()
    small = [a[:128] if isinstance(a, np.ndarray) and len(a) == TILE_ROWS else a for a in arguments]
    for contender in (pair.submission, pair.reference):
        contender.prepare(*_request(function, small, 128))
    time_us, reference_us = pair.submission.burst(10), pair.reference.burst(10)
    student.show(Timing(f"{function}, 128 rows", time_us, reference_us, "shown, not scored"))


def show(student: Student, name: str, ratio: Ratio, speed: str, *, scored: bool) -> None:
    """Put a time into the page."""
    note = f"{ratio}" + (f"; {speed}" if speed else "")
    if ratio.is_noisy:
        note += "; too noisy to score: no points lost"
    elif not scored:
        note += "; shown, not scored"
    elif ratio.high < 1:
        note += "; faster than the reference!"
    student.show(Timing(name, ratio.time_us, ratio.reference_us, note))


def judge(student: Student, ratio: Ratio, speed: str) -> None:
    """Give the points that a ratio is worth."""
    most = student.max_points
    points = ratio.points(most) if ratio.reference_us >= LEAST_US else most
    if points < most:
        text = f"takes {ratio.time_us:.0f} µs, {ratio}" + (f"; {speed}" if speed else "")
        raise CheckFailure(text, points=points)


def _request(function: str, arguments: list[Any], N: int) -> tuple[dict[str, Any], list[Array]]:
    arrays = [argument for argument in arguments if isinstance(argument, np.ndarray)]
    entries: list[dict[str, Any]] = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            place = sum("tile" in entry for entry in entries)
            rows = N if argument.ndim == 2 or argument.dtype == np.int32 else len(argument)  # noqa: PLR2004 - matrices and labels
            entries.append({"tile": place, "rows": rows})
        else:
            entries.append({"value": argument})
    return {"what": f"kernels.{function}", "arguments": entries}, arrays


@part("5.1", "bias add")
def test_bias_add_time(student: Student) -> None:
    """bias_add is about as fast as the reference's."""
    C = 256
    Z, b = normal(student.rng, TILE_ROWS, C), normal(student.rng, C)

    def true(rows: Array, N: int) -> list[tuple[str, Array, Array]]:
        del N
        values = f64(Z[rows]) + f64(b)
        return [("Z + b", values, tolerance.rounding(values))]

    check_kernel(student, "bias_add", [Z, b], 2 * C, true)


@part("5.1", "softmax xent")
def test_softmax_xent_time(student: Student) -> None:
    """softmax_xent is about as fast as the reference's."""
    C = 1000
    Z, y = normal(student.rng, TILE_ROWS, C), labels(student.rng, TILE_ROWS, C)

    def true(rows: Array, N: int) -> list[tuple[str, Array, Array]]:
        del N
        losses, dZ = oracle.softmax_xent(f64(Z[rows]), y[rows])
        loss_limit, dZ_limit = tolerance.softmax_xent(f64(Z[rows]), y[rows])
        return [("losses", losses, loss_limit), ("dZ", dZ, dZ_limit)]

    check_kernel(student, "softmax_xent", [Z, y], 2 * C + 2, true)


@part("5.1", "column mean")
def test_column_mean_time(student: Student) -> None:
    """column_mean is about as fast as the reference's."""
    K = 256
    A = normal(student.rng, TILE_ROWS, K) + np.float32(1)

    def true(rows: Array, N: int) -> list[tuple[str, Array, Array]]:
        del rows
        times, rest = divmod(N, TILE_ROWS)
        values = (times * f64(A).sum(axis=0) + f64(A[:rest]).sum(axis=0)) / N
        # The mean of absolute values is that of one tile, near enough; the sum's depth is N's.
        limit = tolerance.mean(f64(A)) * (1 + np.log2(max(1, times)))
        return [("mean", values, limit)]

    check_kernel(student, "column_mean", [A], K, true)


@part("5.1", "activate")
def test_activate_time(student: Student) -> None:
    """Activate is about as fast as the reference's."""
    H = 256
    Z = normal(student.rng, TILE_ROWS, H)

    def true(rows: Array, N: int) -> list[tuple[str, Array, Array]]:
        del N
        values = oracle.activate(f64(Z[rows]), "tanh")
        return [("tanh(Z)", values, tolerance.activate(f64(Z[rows]), "tanh"))]

    check_kernel(student, "activate", [Z, "tanh"], 2 * H, true)


@part("5.1", "activate backward")
def test_activate_backward_time(student: Student) -> None:
    """activate_backward is about as fast as the reference's."""
    H = 256
    dA, A = normal(student.rng, TILE_ROWS, H), normal(student.rng, TILE_ROWS, H)

    def true(rows: Array, N: int) -> list[tuple[str, Array, Array]]:
        del N
        values = oracle.activate_backward(f64(dA[rows]), f64(A[rows]), "relu")
        limit = tolerance.activate_backward(f64(dA[rows]), f64(A[rows]), "relu")
        return [("dZ", values, limit)]

    check_kernel(student, "activate_backward", [dA, A, "relu"], 3 * H, true)


N, D, H, C = 128, 784, 256, 10
LEARNING_RATE = 0.1


def minibatch(student: Student) -> list[Array]:
    """Images and labels of the homework's size."""
    return [student.rng.random((N, D), dtype=np.float32), labels(student.rng, N, C)]


@part("5.2", "step")
def test_step_time(student: Student) -> None:
    """A training step of the network is about as fast as the reference's."""
    pair = student.beside_reference()
    request = {
        "what": "network.TwoLayerNetwork",
        "sizes": [D, H, C],
        "learning_rate": LEARNING_RATE,
    }
    ratio = pair.compare(request, minibatch(student), count=20, most=student.max_points)
    (yours, *_), (reference, *_) = pair.submission.results(), pair.reference.results()
    # 50 steps is as far as rounding cannot part two right curves (DESIGN: 2e-7 after 100).
    expect.close("loss of the timed steps", f64(yours[:50]), f64(reference[:50]), np.full(50, 1e-5))
    show(student, f"step, {N} × {D}, {H} hidden units", ratio, "", scored=True)
    judge(student, ratio, "")


@part("5.3", "graph")
def test_graphed_step(student: Student) -> None:
    """graphed_step replays the training step as one graph."""
    student.require("training.graphed_step")
    graph = student.beside_reference().submission
    for what, sizes in (
        ("linear.LinearClassifier", [D, C]),
        ("network.TwoLayerNetwork", [D, H, C]),
    ):
        request = {"what": what, "sizes": sizes, "learning_rate": LEARNING_RATE, "graph": True}
        graph.prepare(request, minibatch(student))
        launches = graph.burst(9)
        parameters = graph.results()
        half = len(parameters) // 2
        for place, (yours, plain) in enumerate(
            zip(parameters[:half], parameters[half:], strict=True)
        ):
            limit = np.full(plain.shape, 1e-5)
            expect.close(f"parameter {place} after ten replays", f64(yours), f64(plain), limit)
        if launches:
            raise CheckFailure(
                f"nine replays launched {launches:.0f} kernels one by one: a graph launches none"
            )
