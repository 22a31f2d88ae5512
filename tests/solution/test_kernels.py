"""Every kernel against float64 NumPy, at tolerances derived from float32 rounding."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from device import to_device
from kernels import (
    activate,
    activate_backward,
    bias_add,
    column_mean,
    outer_products,
    sgd_update,
    softmax_xent,
)

Doubles = npt.NDArray[np.float64]

U = 2.0**-24  # unit roundoff of float32: one operation is right within a factor of 1 ± U
ULPS = 4  # of expf, logf and tanhf: at most 2 each (CUDA C++ Programming Guide, 13.1)

# Ragged primes, one example, one class, a power of two and its neighbours, several blocks.
SHAPES = [(1, 1), (1, 10), (7, 1), (31, 7), (257, 10), (13, 31), (5, 32), (3, 33), (11, 257)]


def close(found: object, true: Doubles, allowed: Doubles | float) -> None:
    """Assert that an array on the device is the true one within the allowed error."""
    values = found.get()  # type: ignore[attr-defined]  # a GPUArray; PyCUDA has no type hints
    assert values.dtype == np.float32
    assert values.shape == true.shape
    excess = np.abs(values - true) - allowed
    assert np.all(excess <= 0), f"worst: {excess.max()} beyond what rounding explains"


@pytest.mark.parametrize("shape", SHAPES)
def test_bias_add(shape: tuple[int, int], rng: np.random.Generator) -> None:
    """bias_add adds b to every row, in place, with one rounding."""
    Z, b = rng.standard_normal(shape, np.float32), rng.standard_normal(shape[1], np.float32)
    Z_device = to_device(Z)
    bias_add(Z_device, to_device(b))
    np.testing.assert_array_equal(Z_device.get(), Z + b)


def softmax_xent_true(Z: Doubles, y: npt.NDArray[np.int32]) -> tuple[Doubles, Doubles]:
    """Return losses and dZ in float64 (eq. 2, 3, 5)."""
    shifted = Z - Z.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    p = np.exp(shifted) / sums
    losses = np.log(sums[:, 0]) - shifted[rows, y]
    p[rows, y] -= 1
    return losses, p


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("shape", [*SHAPES, (2, 5000), (5, 12_289)])
def test_softmax_xent(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> None:
    """Losses and dZ are accurate for any C, for equal logits, and for logits up to ±1e4."""
    N, C = shape
    Z = rng.uniform(-scale, scale, shape).astype(np.float32)
    y = rng.integers(0, C, N).astype(np.int32)
    losses, dZ = softmax_xent(to_device(Z), to_device(y, np.int32))

    true_losses, true_dZ = softmax_xent_true(Z.astype(np.float64), y)
    # Rounding z − m shifts log p by up to U·|z − m|, and U·|z − m|·p ≤ U for every term of a sum;
    # then exp, C additions in some order, a division or a logarithm, and the last subtraction.
    operations = C + 2 * ULPS + 4
    close(losses, true_losses, U * (operations + 3 * true_losses))
    close(dZ, true_dZ, U * operations * (np.abs(true_dZ) + U) + 2 * U)


def test_softmax_xent_of_one_class(rng: np.random.Generator) -> None:
    """With one class, there is nothing to lose: losses and gradients are exactly 0."""
    Z = to_device(rng.uniform(-1e4, 1e4, (17, 1)))
    losses, dZ = softmax_xent(Z, to_device(np.zeros(17), np.int32))
    assert not losses.get().any()
    assert not dZ.get().any()


def test_softmax_xent_leaves_its_inputs(rng: np.random.Generator) -> None:
    """softmax_xent changes neither logits nor labels."""
    Z, y = rng.standard_normal((9, 5), np.float32), np.arange(9, dtype=np.int32) % 5
    Z_device, y_device = to_device(Z), to_device(y, np.int32)
    softmax_xent(Z_device, y_device)
    np.testing.assert_array_equal(Z_device.get(), Z)
    np.testing.assert_array_equal(y_device.get(), y)


# One launch and two, blocks of every width, rows fewer and more than a block's threads.
@pytest.mark.parametrize(
    "shape", [*SHAPES, (8192, 1), (8193, 1), (1031, 10), (257, 32), (300, 33), (2, 1024)]
)
def test_column_mean(shape: tuple[int, int], rng: np.random.Generator) -> None:
    """column_mean is the mean over the rows, for long, narrow, wide and single-row matrices."""
    A = rng.standard_normal(shape, np.float32)
    N = shape[0]
    true = A.astype(np.float64).mean(axis=0)
    # 32 additions a thread and a tree of at most 10 levels, in at most 3 launches; one division.
    close(column_mean(to_device(A)), true, U * (3 * 42 + 1) * np.abs(A).sum(axis=0) / N)


def test_column_mean_repeats_its_bits(rng: np.random.Generator) -> None:
    """The same matrix gives the same bits each time."""
    A = to_device(rng.standard_normal((9001, 3)))
    np.testing.assert_array_equal(column_mean(A).get(), column_mean(A).get())


def test_column_mean_writes_to_out() -> None:
    """The mean goes where `out` says; an `out` of another size is an error."""
    A = to_device(np.arange(6).reshape(2, 3))
    out = to_device(np.zeros(3))
    assert column_mean(A, out=out) is out
    np.testing.assert_array_equal(out.get(), [1.5, 2.5, 3.5])
    with pytest.raises(ValueError, match=r"out: expected shape \(3,\)"):
        column_mean(A, out=to_device(np.zeros(2)))


def test_column_mean_of_many_columns() -> None:
    """More columns than a grid is high in warps (65,535 · 32) are all averaged."""
    K = 2_100_001
    row = np.arange(K, dtype=np.float32) % 1000
    np.testing.assert_array_equal(column_mean(to_device(row.reshape(1, K))).get(), row)


def test_column_mean_of_many_rows() -> None:
    """A mean of many equal numbers is that number: partial sums stay small enough to be exact."""
    ones = to_device(np.ones((300_001, 1)))
    np.testing.assert_array_equal(column_mean(ones).get(), [1.0])


PHI: dict[str, Callable[[Doubles], Doubles]] = {
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}
SLOPE: dict[str, Callable[[Doubles], Doubles]] = {
    "relu": lambda a: np.where(a > 0, 1.0, 0.0),
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
}
EXTREMES = np.array([0, -0.0, 1e-30, 9.01, 88.8, -88.8, 104, -104, 1e4, -1e4], np.float32)


@pytest.mark.parametrize("kind", PHI)
def test_activate(kind: str, rng: np.random.Generator) -> None:
    """Each activation is accurate, and finite for |z| up to 1e4."""
    Z = np.concatenate([EXTREMES, rng.standard_normal(507, np.float32)]).reshape(11, 47)
    with np.errstate(over="ignore"):
        true = PHI[kind](Z.astype(np.float64))
    close(activate(to_device(Z), kind), true, U * (ULPS + 4))


@pytest.mark.parametrize("kind", PHI)
def test_activate_backward(kind: str, rng: np.random.Generator) -> None:
    """Backward is dA times the derivative in terms of A; 0 at A = 0 for relu."""
    A = PHI[kind](rng.standard_normal((11, 47))).astype(np.float32)
    A[0, :2] = 0, 1
    dA = rng.standard_normal(A.shape, np.float32)
    true = dA * SLOPE[kind](A.astype(np.float64))
    close(activate_backward(to_device(dA), to_device(A), kind), true, U * 4 * np.abs(dA))


def test_unknown_activation() -> None:
    """Another activation is a ValueError that lists those there are."""
    A = to_device(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="relu, sigmoid, tanh, found 'gelu'"):
        activate(A, "gelu")
    with pytest.raises(ValueError, match="found 'ReLU'"):
        activate_backward(A, A, "ReLU")


@pytest.mark.parametrize(("N", "D", "C"), [(1, 1, 1), (7, 13, 5), (3, 257, 10), (37, 2, 1)])
def test_outer_products(N: int, D: int, C: int, rng: np.random.Generator) -> None:
    """Row n of G is the outer product of X[n] and dZ[n], with one rounding."""
    X, dZ = rng.standard_normal((N, D), np.float32), rng.standard_normal((N, C), np.float32)
    G = outer_products(to_device(X), to_device(dZ)).get()
    np.testing.assert_array_equal(G, (X[:, :, None] * dZ[:, None, :]).reshape(N, D * C))


@pytest.mark.parametrize("shape", [(1,), (257,), (31, 33)])
def test_sgd_update(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """The update is w −= η g in place, for parameters of any shape; g is left as it is."""
    w, g = rng.standard_normal(shape, np.float32), rng.standard_normal(shape, np.float32)
    w_device, g_device = to_device(w), to_device(g)
    sgd_update(w_device, g_device, 0.3)
    true = w - np.float64(0.3) * g
    close(w_device, true, U * (np.abs(true) + 2 * 0.3 * np.abs(g)))
    np.testing.assert_array_equal(g_device.get(), g)


def test_wrong_operands_are_named() -> None:
    """Arrays of shapes that don't belong together are errors, not wild accesses."""
    Z, y = to_device(np.zeros((4, 3))), to_device(np.zeros(4), np.int32)
    with pytest.raises(ValueError, match="b: expected shape"):
        bias_add(Z, to_device(np.zeros(4)))
    with pytest.raises(ValueError, match="y: expected shape"):
        softmax_xent(Z, y[:3])
    with pytest.raises(TypeError, match="y: expected dtype int32"):
        softmax_xent(Z, to_device(np.zeros(4)))
    with pytest.raises(ValueError, match="dZ: expected shape"):
        outer_products(Z, to_device(np.zeros((3, 3))))
    with pytest.raises(ValueError, match="g: expected shape"):
        sgd_update(Z, to_device(np.zeros((3, 4))), 0.1)
