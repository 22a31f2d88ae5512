"""The truth is checked against derivatives taken numerically, and against its own definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader import oracle

EPSILON = 1e-6  # central differences in float64: errors of about ε² and u/ε


def numeric(f: Any, at: Any) -> Any:
    """The gradient of a scalar function of an array, by central differences."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[index] = EPSILON
        gradient[index] = (f(at + step) - f(at - step)) / (2 * EPSILON)
    return gradient


def test_softmax_gradient() -> None:
    """DZ is the derivative of each example's loss."""
    rng = np.random.default_rng(0)
    Z, y = rng.standard_normal((3, 4)), np.array([3, 0, 1])
    _, dZ = oracle.softmax_xent(Z, y)
    wanted = numeric(lambda z: oracle.softmax_xent(z, y)[0].sum(), Z)
    np.testing.assert_allclose(dZ, wanted, atol=1e-8)


@pytest.mark.parametrize("kind", oracle.KINDS)
def test_network_gradients(kind: str) -> None:
    """Backpropagation gives the derivatives of the mean loss, for each tensor."""
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((5, 3)), rng.integers(0, 2, 5)
    shapes = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    p = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    _, gradients = oracle.network_gradients(p, X, y, kind)
    for name, values in p.items():

        def loss(changed: Any, name: str = name) -> float:
            return oracle.network_gradients({**p, name: changed}, X, y, kind)[0]

        np.testing.assert_allclose(gradients[name], numeric(loss, values), atol=1e-7)


def test_linear_is_mean_of_outer_products() -> None:
    """The two ways to the gradient of a linear classifier agree."""
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((7, 3)), rng.integers(0, 4, 7)
    p = {"W": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}
    _, gradients = oracle.linear_gradients(p, X, y)
    _, dZ = oracle.softmax_xent(X @ p["W"] + p["b"], y)
    mean = oracle.outer_products(X, dZ).mean(axis=0).reshape(3, 4)
    np.testing.assert_allclose(gradients["W"], mean)


def test_minibatches() -> None:
    """Each epoch visits each row once; the last batch is partial; epochs differ."""
    batches = list(oracle.minibatches(10, 2, 4, seed=3))
    assert [len(batch) for batch in batches] == [4, 4, 2, 4, 4, 2]
    first, second = np.concatenate(batches[:3]), np.concatenate(batches[3:])
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)


def test_xor() -> None:
    """The network by hand computes XOR."""
    _, Z = oracle.network_forward(
        oracle.xor_parameters(), np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), "sigmoid"
    )
    assert list(Z.argmax(axis=1)) == [0, 1, 1, 0]
