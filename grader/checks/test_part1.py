"""Part 1: the kernels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import diagnoses, expect, oracle, tolerance
from grader.actions import kept, look
from grader.checks import limits, probes
from grader.checks.marks import part
from grader.judge import CheckFailure, call
from grader.student import Student, f64, labels, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from grader.judge import Outcome

    Array = NDArray[Any]

# Sizes: primes and near-primes that fill no warp (32) and no block (128, 256, 512, 1024) evenly, on
# both sides of one block, so that a missing guard, a grid rounded down and a fixed block all show.


# What a check demands of a value, its probes demand, too, without looking for a diagnosis: for them
# `quantity` is "".


def added(outcome: Outcome, Z: Array, b: Array, quantity: str = "") -> None:
    """Demand Z + b in the place of Z."""
    true = f64(Z) + f64(b)
    yours = expect.device_array(outcome.arguments["0"], "Z", true.shape)
    bound, inputs = tolerance.rounding(true), {"Z": f64(Z), "b": f64(b)}
    expect.close("Z + b", yours, true, bound, quantity=quantity, inputs=inputs)


def check_bias_add(student: Student, N: int, C: int) -> None:
    """bias_add on random (N, C)."""
    Z, b = normal(student.rng, N, C), normal(student.rng, C)
    for outcome in student.kernel("bias_add", Z, b):
        expect.nothing(outcome)
        expect.unchanged(outcome, b=(1, b))
        added(outcome, Z, b, "bias_add")


def bias_arguments(rng: np.random.Generator, N: int, C: int) -> tuple[Array, Array]:
    """Z (N, C) and b (C,)."""
    return normal(rng, N, C), normal(rng, C)


def zeros(*shape: int) -> Array:
    """Zeros in float32, for calls in which nothing is computed."""
    return np.zeros(shape, dtype=np.float32)


@part("1.1", "small")
def test_bias_small(student: Student) -> None:
    """bias_add adds b to each of a few rows."""
    check_bias_add(student, 3, 5)


@part("1.1", "ragged")
def test_bias_ragged(student: Student) -> None:
    """bias_add works for sizes that fill no block."""
    cases = ((127, 10), (61, 67), (7, 1031))
    for N, C in student.shapes(*cases):
        check_bias_add(student, N, C)
    for N, C in probes.sizes(student, *cases):
        probes.launcher(student, "bias_add", partial(bias_arguments, student.rng, N, C), added)
    large = zeros(limits.MANY, 5), zeros(5)
    limits.check(student, "bias_add", large, bias_arguments(student.rng, 3, 5), added)


@part("1.1", "single")
def test_bias_single(student: Student) -> None:
    """bias_add works for one row and for one column."""
    for N, C in student.shapes((1, 13), (523, 1), (1, 1)):
        check_bias_add(student, N, C)


BOTH = ("losses", "dZ")


def returned(
    outcome: Outcome,
    Z: Array,
    y: Array,
    which: Sequence[str] = BOTH,
    quantity: str = "",
    calls_before: int = 0,
) -> None:
    """Demand those of softmax_xent's losses and dZ."""
    values = dict(zip(BOTH, expect.items(outcome.returned, *BOTH), strict=True))
    truths = dict(zip(BOTH, oracle.softmax_xent(f64(Z), y), strict=True))
    bounds = dict(zip(BOTH, tolerance.softmax_xent(f64(Z), y), strict=True))
    inputs = {"Z": f64(Z), "y": y, "calls_before": calls_before}
    for name in which:
        yours = expect.device_array(values[name], name, truths[name].shape)
        known = quantity and f"{quantity}.{name}"
        expect.close(name, yours, truths[name], bounds[name], quantity=known, inputs=inputs)


def check_softmax(student: Student, Z: Array, y: Array, *which: str) -> None:
    """softmax_xent on given logits."""
    N, C = Z.shape
    for number, outcome in enumerate(student.kernel("softmax_xent", Z, y)):
        first, second = expect.items(outcome.returned, *BOTH)
        if (first.shape, second.shape) == ((N, C), (N,)):
            raise CheckFailure(
                f"(losses, dZ) come as (dZ, losses): the first is {first}",
                diagnoses=diagnoses.named("items-swapped"),
            )
        expect.unchanged(outcome, Z=(0, Z), y=(1, y))
        returned(outcome, Z, y, which or BOTH, "softmax", number)


def probe_softmax(student: Student, *cases: tuple[int, int]) -> None:
    """Probe softmax_xent on some of these sizes."""

    def draw(N: int, C: int) -> tuple[Array, Array]:
        return normal(student.rng, N, C), labels(student.rng, N, C)

    parts = tuple(partial(returned, which=(name,)) for name in BOTH)
    for N, C in probes.sizes(student, *cases):
        probes.launcher(student, "softmax_xent", partial(draw, N, C), returned, parts=parts)


@part("1.2", "losses")
def test_softmax_losses(student: Student) -> None:
    """The losses are −log of the label's probability."""
    check_softmax(
        student, normal(student.rng, 7, 10, scale=2), labels(student.rng, 7, 10), "losses"
    )


@part("1.2", "gradient")
def test_softmax_gradient(student: Student) -> None:
    """The gradient dZ is softmax(Z) − onehot(y), one row an example."""
    check_softmax(student, normal(student.rng, 7, 10, scale=2), labels(student.rng, 7, 10), "dZ")


@part("1.2", "ragged")
def test_softmax_ragged(student: Student) -> None:
    """softmax_xent works for sizes that fill no block."""
    rng = student.rng
    cases = ((1, 10), (131, 10), (257, 3), (67, 33))
    for N, C in student.shapes(*cases):
        check_softmax(student, normal(rng, N, C, scale=3), labels(rng, N, C))
    probe_softmax(student, *cases)
    large = zeros(limits.MANY, 2), np.zeros(limits.MANY, dtype=np.int32)
    limits.check(student, "softmax_xent", large, (normal(rng, 3, 2), labels(rng, 3, 2)), returned)


@part("1.2", "classes")
def test_softmax_classes(student: Student) -> None:
    """softmax_xent works for one class and for 5,000 classes."""
    for N, C in student.shapes((5, 1), (3, 1031), (2, 5000)):
        check_softmax(student, normal(student.rng, N, C), labels(student.rng, N, C))
    probe_softmax(student, (3, 1031), (2, 5000))  # not one class: zeros are right then


@part("1.2", "extreme")
def test_softmax_extreme(student: Student) -> None:
    """softmax_xent stays finite and accurate for logits of ±10,000."""
    rng, C = student.rng, 11
    Z = normal(rng, 29, C)
    Z[:7] += np.float32(1e4)
    Z[7:14] -= np.float32(1e4)
    Z[14:21] = rng.choice(np.array([-1e4, 0, 1e4], dtype=np.float32), (7, C))
    Z[21] = -1e4
    Z[22] = 1e4
    check_softmax(student, Z, labels(rng, 29, C))


def averaged(outcome: Outcome, A: Array, quantity: str = "", calls_before: int = 0) -> None:
    """Demand the mean of A's columns."""
    true = f64(A).mean(axis=0)
    yours = expect.device_array(outcome.returned, "mean", true.shape)
    bound, inputs = tolerance.mean(f64(A)), {"A": f64(A), "calls_before": calls_before}
    expect.close("mean", yours, true, bound, quantity=quantity, inputs=inputs)


def check_column_mean(student: Student, A: Array) -> None:
    """column_mean on a given matrix."""
    for number, outcome in enumerate(student.kernel("column_mean", A)):
        expect.unchanged(outcome, A=(0, A))
        averaged(outcome, A, "column_mean", number)


def probe_column_mean(student: Student, *cases: tuple[int, int]) -> None:
    """Probe column_mean on some of these sizes."""

    def draw(N: int, K: int) -> tuple[Array]:
        # Means that differ by more than long sums may: an earlier one is not taken for right.
        return (normal(student.rng, N, K) + normal(student.rng, K, scale=2.0),)

    for N, K in probes.sizes(student, *cases):
        probes.launcher(student, "column_mean", partial(draw, N, K), averaged)


@part("1.3", "small")
def test_mean_small(student: Student) -> None:
    """column_mean is the mean of each column of a small matrix."""
    check_column_mean(student, normal(student.rng, 6, 4) + np.float32(1))
    first, *others = (normal(student.rng, N, K) for N, K in ((6, 4), (5, 3), (6, 4)))
    name, what = "first mean", "kernels.column_mean"
    calls = [call(what, other) for other in others]
    outcomes = student.run(kept(call(what, first), name), *calls, look(name))
    before, after = (
        expect.device_array(outcomes[place].returned, "mean", (4,)) for place in (0, -1)
    )
    if not np.array_equal(before, after, equal_nan=True):
        raise CheckFailure(
            "the mean that one call returned changed when column_mean was called for another "
            "matrix",
            diagnoses=diagnoses.named("same-memory"),
        )


@part("1.3", "ragged")
def test_mean_ragged(student: Student) -> None:
    """column_mean works for sizes that fill no block."""
    cases = ((127, 10), (67, 33), (1031, 5), (3, 1031))
    for N, K in student.shapes(*cases):
        check_column_mean(student, normal(student.rng, N, K) + np.float32(1))
    probe_column_mean(student, *cases)
    large, small = (zeros(2, limits.MANY),), (normal(student.rng, 2, 3),)
    limits.check(student, "column_mean", large, small, averaged)


@part("1.3", "long")
def test_mean_long(student: Student) -> None:
    """column_mean works for long columns."""
    cases = ((30_011, 1), (5_003, 7))
    for N, K in student.shapes(*cases):
        check_column_mean(student, normal(student.rng, N, K) + np.float32(1))
    probe_column_mean(student, *cases)


@part("1.3", "single")
def test_mean_single(student: Student) -> None:
    """column_mean works for one row and for one element."""
    for N, K in student.shapes((1, 37), (1, 1), (2, 1)):
        check_column_mean(student, normal(student.rng, N, K) + np.float32(1))


@part("1.3", "parallel")
def test_mean_parallel(student: Student) -> None:
    """column_mean is a parallel reduction: many threads share a long column."""
    # Ones, and 2²⁴ after a third: in float32, 2²⁴ + 1 is 2²⁴. A running sum over the whole column
    # loses the ones that come behind it, whichever end it starts from; of partial sums, only the
    # one with 2²⁴ in it does.
    N = 20_011
    A = np.ones((N, 2), dtype=np.float32)
    A[N // 3] = 2.0**24
    true = f64(A).mean(axis=0)
    (outcome,) = student.kernel("column_mean", A, repeat=1)
    yours = expect.device_array(outcome.returned, "mean", (2,))
    running = [float(np.cumsum(ends, dtype=np.float32)[-1]) for ends in (A[:, 0], A[::-1, 0])]
    is_running = bool(np.isclose(yours[0] * N, running, rtol=0, atol=8.0).any())  # 4 float32 steps
    # One atomicAdd an element is a running sum, too, but made by as many threads.
    most_threads = max(outcome.own_threads)
    if is_running and most_threads < A.size / 16:  # fewer threads than 16 a value
        raise serial(f"all {N:,} values went through one running sum")
    expect.close("mean", yours, true, tolerance.mean(f64(A)))
    # Whoever adds up in double loses nothing, but makes all accesses.
    accesses = student.busiest_thread(call("kernels.column_mean", A))
    if accesses > N * NEARLY_ALL:
        raise serial(
            f"a thread makes {accesses:,} accesses to memory, where a column has {N:,} values"
        )


NEARLY_ALL = 3 / 4


def serial(seen: str) -> CheckFailure:
    """The verdict where one thread does what many should share."""
    return CheckFailure(
        f"one thread adds up a whole column: {seen}. "
        "Let the threads of a block add up a part each, then combine their sums by a tree",
        diagnoses=diagnoses.named("serial-reduction"),
    )


def activated(
    outcome: Outcome, Z: Array, kind: str, quantity: str = "", calls_before: int = 0
) -> None:
    """Demand φ(Z)."""
    true, bound = oracle.activate(f64(Z), kind), tolerance.activate(f64(Z), kind)
    inputs = {"Z": f64(Z), "kind": kind, "calls_before": calls_before}
    yours = expect.device_array(outcome.returned, "A", Z.shape)
    expect.close(f"{kind}(Z)", yours, true, bound, quantity=quantity, inputs=inputs)


def check_activation(student: Student, kind: str, Z: Array) -> None:
    """Activate of one kind."""
    for number, outcome in enumerate(student.kernel("activate", Z, kind)):
        expect.unchanged(outcome, Z=(0, Z))
        activated(outcome, Z, kind, "activate", number)


def sloped(
    outcome: Outcome, dA: Array, A: Array, kind: str, quantity: str = "", calls_before: int = 0
) -> None:
    """Demand dA times the derivative in terms of A."""
    true = oracle.activate_backward(f64(dA), f64(A), kind)
    bound = tolerance.activate_backward(f64(dA), f64(A), kind)
    inputs = {"dA": f64(dA), "A": f64(A), "kind": kind, "calls_before": calls_before}
    yours = expect.device_array(outcome.returned, "dZ", A.shape)
    expect.close(f"dZ for {kind}", yours, true, bound, quantity=quantity, inputs=inputs)


def check_backward(student: Student, kind: str, Z: Array) -> None:
    """activate_backward of one kind, given what a right activate returns for Z."""
    dA, A = normal(student.rng, *Z.shape), oracle.activate(f64(Z), kind).astype(np.float32)
    for number, outcome in enumerate(student.kernel("activate_backward", dA, A, kind)):
        expect.unchanged(outcome, dA=(0, dA), A=(1, A))
        sloped(outcome, dA, A, kind, "activate_backward", number)


SHAPES = ((5, 3), (67, 31), (1, 1031))
SCALE = {"relu": 3, "sigmoid": 3, "tanh": 2}
"""Of Z, for each kind: it shows the whole curve."""


def probe_activation(student: Student, kind: str) -> None:
    """Probe activate of one kind."""
    right = partial(activated, kind=kind)

    def draw(*shape: int) -> tuple[Array]:
        return (normal(student.rng, *shape, scale=SCALE[kind]),)

    for shape in probes.sizes(student, *SHAPES):
        probes.launcher(student, "activate", partial(draw, *shape), right, kind)


def probe_backward(student: Student, kind: str) -> None:
    """Probe activate_backward of one kind."""
    right = partial(sloped, kind=kind)

    def draw(*shape: int) -> tuple[Array, Array]:
        A = oracle.activate(f64(normal(student.rng, *shape, scale=SCALE[kind])), kind)
        return normal(student.rng, *shape), A.astype(np.float32)

    for shape in probes.sizes(student, *SHAPES):
        probes.launcher(student, "activate_backward", partial(draw, *shape), right, kind)


def relu_inputs(student: Student) -> Iterator[Array]:
    """Z of several shapes, with zeros in it."""
    for shape in student.shapes(*SHAPES):
        Z = normal(student.rng, *shape, scale=SCALE["relu"])
        Z.flat[::5] = 0.0
        yield Z


EXTREME = np.array([[-1e4, -100, -89, -50, -0.0, 0.0, 50, 88, 89, 100, 1e4]], dtype=np.float32)
SMOOTH = ("sigmoid", "tanh")

# activate and activate_backward have parts of their own, so that one of them that is written and
# right earns its half of the points while the other is not.


@part("1.4", "relu")
def test_relu(student: Student) -> None:
    """Relu, by activate."""
    for Z in relu_inputs(student):
        check_activation(student, "relu", Z)
    probe_activation(student, "relu")


@part("1.4", "sigmoid and tanh")
def test_smooth(student: Student) -> None:
    """Sigmoid and tanh, by activate."""
    for kind in SMOOTH:
        for shape in student.shapes(*SHAPES[:2]):
            check_activation(student, kind, normal(student.rng, *shape, scale=SCALE[kind]))
        probe_activation(student, kind)


@part("1.4", "extreme")
def test_activations_extreme(student: Student) -> None:
    """No NaN from activate for |Z| up to 10,000."""
    for kind in oracle.KINDS:
        check_activation(student, kind, EXTREME)


@part("1.4", "relu backward")
def test_relu_backward(student: Student) -> None:
    """activate_backward for relu, whose derivative is 0 at A = 0."""
    for Z in (*relu_inputs(student), EXTREME):
        check_backward(student, "relu", Z)
    probe_backward(student, "relu")


@part("1.4", "sigmoid and tanh backward")
def test_smooth_backward(student: Student) -> None:
    """activate_backward for sigmoid, A(1 − A), and tanh, 1 − A²."""
    for kind in SMOOTH:
        for shape in student.shapes(*SHAPES[:2]):
            check_backward(student, kind, normal(student.rng, *shape, scale=SCALE[kind]))
        check_backward(student, kind, EXTREME)
        probe_backward(student, kind)


@part("1.4", "kinds")
def test_activation_kinds(student: Student) -> None:
    """Another kind is a ValueError."""
    Z = normal(student.rng, 3, 4)
    for name, arguments in (("activate", (Z,)), ("activate_backward", (Z, Z))):
        raised = student.raised(call(f"kernels.{name}", *arguments, "swish"))
        if raised != "ValueError":
            what = f"raises {raised}" if raised else "raises nothing"
            raise CheckFailure(
                f"{name}(…, 'swish') should raise ValueError; yours {what}",
                diagnoses=diagnoses.named("other-exception" if raised else "kind-not-refused"),
            )
