"""The bounds hold for float32 arithmetic in any order of summation, and are not loose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import curves, oracle, tolerance

f4 = np.float32
SEEDS = st.integers(0, 2**32 - 1)


def serial_sum(A: Any) -> Any:
    """Column sums of a float32 matrix, one row after the other: the worst of orders."""
    total = np.zeros(A.shape[1], f4)
    for row in A:
        total = total + row
    return total


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 3000), st.integers(1, 5), st.floats(-10, 10))
def test_mean_of_any_order(seed: int, N: int, K: int, offset: float) -> None:
    """A mean summed serially, or pairwise, lies within the bound."""
    A = (np.random.default_rng(seed).standard_normal((N, K)) + offset).astype(f4)
    true = A.astype(float).mean(axis=0)
    for computed in (serial_sum(A) / f4(N), A.mean(axis=0, dtype=f4)):
        assert (
            np.abs(computed - true) <= tolerance.allowed(tolerance.mean(A.astype(float))) / 2
        ).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from([1.0, 20.0, 3e3]), st.integers(1, 300))
def test_softmax_in_float32(seed: int, scale: float, C: int) -> None:
    """A stable float32 softmax lies within the bounds for small and for huge logits."""
    rng = np.random.default_rng(seed)
    Z, y = (scale * rng.standard_normal((5, C))).astype(f4), rng.integers(0, C, 5)
    shifted = Z - Z.max(axis=1, keepdims=True)
    e = np.exp(shifted)
    sums = e.sum(axis=1, keepdims=True, dtype=f4)
    rows = np.arange(5)
    losses, dZ = np.log(sums[:, 0]) - shifted[rows, y], e / sums
    dZ[rows, y] -= f4(1)
    true_losses, true_dZ = oracle.softmax_xent(Z.astype(float), y)
    loss_bound, dZ_bound = tolerance.softmax_xent(Z.astype(float), y)
    assert (np.abs(losses - true_losses) <= tolerance.allowed(loss_bound) / 2).all()
    assert (np.abs(dZ - true_dZ) <= tolerance.allowed(dZ_bound) / 2).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 40), st.integers(1, 500), st.integers(1, 40))
def test_product(seed: int, M: int, K: int, N: int) -> None:
    """A product summed serially over its inner dimension lies within the bound."""
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((M, K)).astype(f4), rng.standard_normal((K, N)).astype(f4)
    C = np.zeros((M, N), f4)
    for k in range(K):
        C = C + A[:, k : k + 1] * B[k]
    true = A.astype(float) @ B.astype(float)
    bound = tolerance.product(A.astype(float), B.astype(float))
    assert (np.abs(C - true) <= tolerance.allowed(bound) / 2).all()


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_network_gradients_in_float32(kind: str) -> None:
    """Backpropagation in float32 NumPy lies within the bounds, tensor by tensor."""
    rng = np.random.default_rng(5)
    shapes = {"W1": (31, 17), "b1": (17,), "W2": (17, 10), "b2": (10,)}
    p = {name: (0.3 * rng.standard_normal(shape)).astype(f4) for name, shape in shapes.items()}
    X, y = rng.standard_normal((67, 31)).astype(f4), rng.integers(0, 10, 67)
    _, computed = oracle.network_gradients(p, X, y, kind)
    exact = {name: values.astype(float) for name, values in p.items()}
    _, true = oracle.network_gradients(exact, X.astype(float), y, kind)
    bounds = tolerance.network_gradients(exact, X.astype(float), y, kind)
    for name, values in true.items():
        limit = tolerance.allowed(bounds[name]) / 2
        assert (np.abs(computed[name] - values) <= limit).all()
        assert limit.max() < 1e-3 * np.abs(values).max()  # far below any mistake


def test_loss_curve_drift() -> None:
    """Float32 training stays within half of the allowed drift, for the steps that are compared."""
    rng = np.random.default_rng(6)
    X, y = curves.images(rng, 2499)
    p = {"W": (rng.standard_normal((784, 10)) / 28).astype(f4), "b": np.zeros(10, f4)}
    true = curves.linear_curve(p, X, y, 2, 128, 0.1, seed=1)
    w, losses = dict(p), []
    for batch in oracle.minibatches(len(X), 2, 128, 1):
        rows = batch[::-1]  # another order of summation
        loss, g = oracle.linear_gradients(w, X[rows], y[rows])
        losses.append(loss)
        w = {name: values - f4(0.1) * g[name].astype(f4) for name, values in w.items()}
    assert np.abs(np.array(losses) - true).max() < tolerance.LOSS_DRIFT / 2
