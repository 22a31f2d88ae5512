"""The truth: the homework's mathematics in float64 NumPy, equation by equation of the handout.

Arrays are named and shaped as in the handout: X (N, D), y (N,), W (D, C), b (C,), Z (N, C). Inputs
are float64 (labels: integers); nothing here knows of devices, submissions or points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Parameters = Mapping[str, Array]

KINDS = ("relu", "sigmoid", "tanh")


def softmax_xent(Z: Array, y: Array) -> tuple[Array, Array]:
    """Losses (N,) (eq. 3) and dZ (N, C) = softmax(Z) − onehot(y) (eq. 2, 5), a row an example."""
    shifted = Z - Z.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    loss_of_each = np.log(sums[:, 0]) - shifted[rows, y]
    dZ = exponentials / sums
    dZ[rows, y] -= 1.0
    return loss_of_each, dZ


def activate(Z: Array, kind: str) -> Array:
    """φ(Z) (eq. 9)."""
    if kind == "relu":
        return np.maximum(Z, 0.0)
    if kind == "sigmoid":
        small = np.exp(-np.abs(Z))
        return np.where(Z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
    if kind == "tanh":
        return np.tanh(Z)
    raise ValueError(f"unknown activation {kind!r}; expected one of {KINDS}")


def activate_backward(dA: Array, A: Array, kind: str) -> Array:
    """DZ = dA ⊙ φ'(Z), the derivative in terms of A = φ(Z) (eq. 10)."""
    if kind == "relu":
        return dA * (A > 0)
    if kind == "sigmoid":
        return dA * A * (1.0 - A)
    if kind == "tanh":
        return dA * (1.0 - A * A)
    raise ValueError(f"unknown activation {kind!r}; expected one of {KINDS}")


def outer_products(X: Array, dZ: Array) -> Array:
    """G (N, D·C), row n is the outer product of X[n] and dZ[n], flattened (eq. 6)."""
    return (X[:, :, None] * dZ[:, None, :]).reshape(len(X), -1)


def linear_gradients(p: Parameters, X: Array, y: Array) -> tuple[float, dict[str, Array]]:
    """Mean loss (eq. 4) and its gradients dW, db (eq. 7)."""
    losses, dZ = softmax_xent(X @ p["W"] + p["b"], y)
    return float(losses.mean()), {"W": X.T @ dZ / len(X), "b": dZ.mean(axis=0)}


def network_forward(p: Parameters, X: Array, kind: str) -> tuple[Array, Array]:
    """Hidden activations A (N, H) (eq. 11) and logits Z (N, C) (eq. 12)."""
    A = activate(X @ p["W1"] + p["b1"], kind)
    return A, A @ p["W2"] + p["b2"]


def network_gradients(
    p: Parameters, X: Array, y: Array, kind: str
) -> tuple[float, dict[str, Array]]:
    """Mean loss and its gradients by backpropagation (eq. 13 to 16)."""
    A, Z = network_forward(p, X, kind)
    loss_of_each, dZ = softmax_xent(Z, y)
    dZ1 = activate_backward(dZ @ p["W2"].T, A, kind)
    gradients = {
        "W1": X.T @ dZ1 / len(X),
        "b1": dZ1.mean(axis=0),
        "W2": A.T @ dZ / len(X),
        "b2": dZ.mean(axis=0),
    }
    return float(loss_of_each.mean()), gradients


def initial_parameters(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Array]:
    """Weights as the given code draws them, float32 normal × sqrt(1/fan_in); biases zero."""
    rng = np.random.default_rng(seed)
    return {
        name: (
            (rng.standard_normal(shape) * np.sqrt(1.0 / shape[0])).astype(np.float32)
            if len(shape) > 1
            else np.zeros(shape, dtype=np.float32)
        )
        for name, shape in shapes.items()
    }


def minibatches(N: int, epochs: int, batch_size: int, seed: int) -> Iterator[Array]:
    """Rows of each minibatch: consecutive slices of one permutation an epoch, the last partial."""
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(N)
        for first in range(0, N, batch_size):
            yield order[first : first + batch_size]


def xor_parameters() -> dict[str, Array]:
    """Weights of a network that computes XOR: two ORs, of inputs and negations, and an AND."""
    sharpness = 20.0  # a sigmoid at ±10 is within 5e-5 of 0 or 1
    return {
        "W1": sharpness * np.array([[1.0, -1.0], [1.0, -1.0]]),
        "b1": sharpness * np.array([-0.5, 1.5]),
        "W2": sharpness * np.array([[0.0, 1.0], [0.0, 1.0]]),
        "b2": sharpness * np.array([0.0, -1.5]),
    }
