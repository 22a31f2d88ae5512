"""How far a right float32 result may lie from the float64 truth: derived, never guessed.

Every function returns an elementwise bound on |computed − true| for float32 arithmetic that
evaluates the handout's formulas in any order of summation. Sources:

- Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., SIAM 2002: the model fl(a∘b) =
(a∘b)(1+δ),
  |δ| ≤ u (2.4), γ_n = n·u/(1−n·u) (Lemma 3.1), sums in any order (4.4) and inner products (3.5).
- CUDA C++ Programming Guide, "Mathematical Functions": largest errors of the float32 functions in
ulp. One ulp is
  at most 2u relative. expf 2 ulp, logf 1 ulp, tanhf 2 ulp, division 0.5 ulp; __expf(x) 2 +
  floor(|1.173·x|) ulp,
  __logf 2^-21.41 absolute near 1 and 3 ulp elsewhere, __fdividef 2 ulp. The intrinsics are slower
  to go wrong than to fail a deadline: a kernel that uses them is right, and the bounds cover them.

Bounds of a stage are propagated to the next to first order, by the derivative of the next stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import oracle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]

U = 2.0**-24
"""Unit roundoff of float32."""

ULP = 2 * U
"""The largest relative size of one ulp."""

TINY = float(np.finfo(np.float32).tiny)
"""Results below the smallest normal number may be flushed to zero (nvcc -ftz=true,
--use_fast_math)."""

SAFETY = 2.0
"""Allowed is twice the bound: a right result that happens to reach its bound stays at half of what
is allowed."""

LOSS_DRIFT = 1e-5
"""How far a loss curve may drift within the steps that are compared. Measured with float32 against
float64 NumPy at batch 128 (linear, rate 0.1: 3e-7 over 940 steps; ReLU network of 256: 2e-7 after
100 steps). NumPy adds pairwise, with errors that grow like log2(n); a serial sum of the 784
features errs by √784 = 28 times more (Higham & Mary 2019)."""


def gamma(n: float) -> float:
    """γ_n of Higham's Lemma 3.1: the relative error of n roundings in a row."""
    return n * U / (1.0 - n * U)


def allowed(bound: Array | float) -> Array:
    """What a check accepts, for a bound of this module."""
    return np.asarray(SAFETY * np.asarray(bound, dtype=np.float64) + TINY)


def rounding(true: Array) -> Array:
    """One operation, rounded once."""
    return np.asarray(U * np.abs(true))


def mean(A: Array, error: Array | float = 0.0) -> Array:
    """Column means of A (N, K): N − 1 additions in any order, then 1/N and a product.

    Args:
        A: the true values.
        error: bound on the error of each.
    """
    summed = gamma(len(A) + 1) * np.abs(A).mean(axis=0)
    return np.asarray(summed + np.broadcast_to(error, A.shape).mean(axis=0))


def product(A: Array, B: Array, dA: Array | float = 0.0, dB: Array | float = 0.0) -> Array:
    """A B for A (M, K), B (K, N), with errors dA and dB of the factors; scaled once."""
    size_a, size_b = np.abs(A), np.abs(B)
    bound = gamma(A.shape[1] + 2) * (size_a @ size_b)
    bound = bound + np.broadcast_to(dA, A.shape) @ size_b + size_a @ np.broadcast_to(dB, B.shape)
    return np.asarray(bound)


def gemm(A: Array, B: Array, alpha: float, beta: float, C: Array | None) -> Array:
    """alpha·A B + beta·C, A and B already transposed as asked."""
    bound = abs(alpha) * product(A, B)
    if C is not None and beta != 0.0:
        bound = bound + gamma(3) * np.abs(beta * C) + U * np.abs(alpha * (A @ B) + beta * C)
    return bound


def softmax_xent(Z: Array, y: Array, dZ_in: Array | float = 0.0) -> tuple[Array, Array]:
    """Losses (N,) and dZ (N, C) from logits Z (N, C) that are off by up to dZ_in."""
    N, C = Z.shape
    rows = np.arange(N)
    shifted = Z - Z.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    p = exponentials / sums
    # exp(z − m): the rounding of z − m, 2 ulp, and 1.173 ulp for each unit of the argument
    # (__expf).
    exp_error = 2 * ULP + (U + 1.173 * ULP) * np.abs(shifted)
    sum_error = gamma(C) + (p * exp_error).sum(axis=1, keepdims=True)
    # The quotient costs up to 2 ulp (__fdividef); log(sum) inside an exponent, instead of a
    # quotient, U·log(sum).
    p_error = exp_error + sum_error + 2 * ULP + 3 * ULP * (1.0 + np.log(sums))
    onehot = np.zeros_like(Z)
    onehot[rows, y] = 1.0
    incoming = np.broadcast_to(dZ_in, Z.shape)
    weighted = (p * incoming).sum(axis=1, keepdims=True)
    dZ_bound = p * p_error + U * np.abs(p - onehot) + p * (incoming + weighted)
    log_error = 2.0**-21.41 + 3 * ULP * np.log(sums[:, 0])
    losses = np.log(sums[:, 0]) - shifted[rows, y]
    loss_bound = sum_error[:, 0] + log_error + U * np.abs(shifted[rows, y]) + U * np.abs(losses)
    # (log(sum) + m) − z_y is as right as log(sum) − (z_y − m): it rounds at the size of the scores.
    loss_bound = loss_bound + U * np.abs(Z.max(axis=1))
    return loss_bound + incoming[rows, y] + weighted[:, 0], dZ_bound


def activate(Z: Array, kind: str, dZ: Array | float = 0.0) -> Array:
    """φ(Z), by the library's function or by exponentials; relu does not round."""
    A = oracle.activate(Z, kind)
    slope = _slope(A, kind)
    incoming = slope * np.broadcast_to(dZ, Z.shape)
    if kind == "relu":
        return np.asarray(incoming)
    # exp of ±z or ±2z, an addition, a quotient; formulas that subtract (1 + tanh, 2σ − 1) err by an
    # ulp of 1.
    exponent = np.abs(Z) if kind == "sigmoid" else 2 * np.abs(Z)
    through_exp = (2 * ULP + (U + 1.173 * ULP) * exponent) * slope
    return np.asarray(through_exp + 3 * ULP * np.abs(A) + 2 * ULP + incoming)


def activate_backward(
    dA: Array, A: Array, kind: str, ddA: Array | float = 0.0, dA_in: Array | float = 0.0
) -> Array:
    """The gradient dA ⊙ φ'(Z) in terms of A, with errors ddA of dA and dA_in of A.

    For relu, A may be Z, and dA_in its error: where that flips the sign, nothing is decided.
    """
    slope = _slope(A, kind)
    incoming = slope * np.broadcast_to(ddA, A.shape)
    spread = np.broadcast_to(dA_in, A.shape)
    if kind == "relu":
        flips = (np.abs(A) <= spread) & (spread > 0)
        return np.asarray(incoming + np.abs(dA) * flips)
    bend = np.abs(1 - 2 * A) if kind == "sigmoid" else 2 * np.abs(A)
    own = gamma(3) * np.abs(dA) * (np.abs(A) + A * A if kind == "sigmoid" else 1 + A * A)
    return np.asarray(own + incoming + np.abs(dA) * bend * spread)


def update(w: Array, g: Array, learning_rate: float, dg: Array | float = 0.0) -> Array:
    """W − learning_rate·g: the rate in float32, a product and a difference (or one fma)."""
    step = abs(learning_rate) * np.abs(g)
    return np.asarray(U * np.abs(w - learning_rate * g) + 2 * U * step + abs(learning_rate) * dg)


def scores(X: Array, W: Array, b: Array, dX: Array | float = 0.0) -> Array:
    """X W + b: an inner product of D + 1 terms."""
    return np.asarray(product(X, W, dX) + gamma(2) * np.abs(b) + U * np.abs(X @ W + b))


def linear_gradients(p: Mapping[str, Array], X: Array, y: Array) -> dict[str, Array]:
    """The mean loss ("loss", shape ()) and the gradients "W" and "b" of a linear classifier."""
    Z = X @ p["W"] + p["b"]
    loss_errors, dZ_errors = softmax_xent(Z, y, scores(X, p["W"], p["b"]))
    losses, dZ = oracle.softmax_xent(Z, y)
    return {
        "loss": mean(losses[:, None], loss_errors[:, None])[0],
        "W": product(X.T, dZ, 0.0, dZ_errors) / len(X) + U * np.abs(X.T @ dZ) / len(X),
        "b": mean(dZ, dZ_errors),
    }


def network_gradients(p: Mapping[str, Array], X: Array, y: Array, kind: str) -> dict[str, Array]:
    """The mean loss, "A", "Z" and the four gradients of a two-layer network."""
    N = len(X)
    Z1_errors = scores(X, p["W1"], p["b1"])
    A, Z = oracle.network_forward(p, X, kind)
    Z1 = X @ p["W1"] + p["b1"]
    A_errors = activate(Z1, kind, Z1_errors)
    Z_errors = scores(A, p["W2"], p["b2"], A_errors)
    loss_errors, dZ_errors = softmax_xent(Z, y, Z_errors)
    losses, dZ = oracle.softmax_xent(Z, y)
    dA, dA_errors = dZ @ p["W2"].T, product(dZ, p["W2"].T, dZ_errors)
    dZ1 = oracle.activate_backward(dA, A, kind)
    around = Z1 if kind == "relu" else A
    spread = Z1_errors if kind == "relu" else A_errors
    dZ1_errors = activate_backward(dA, around, kind, dA_errors, spread)
    if kind == "relu":
        dZ1_errors = np.where((Z1 <= 0) & (np.abs(Z1) > Z1_errors), 0.0, dZ1_errors)
    return {
        "loss": mean(losses[:, None], loss_errors[:, None])[0],
        "A": A_errors,
        "Z": Z_errors,
        "W1": product(X.T, dZ1, 0.0, dZ1_errors) / N + U * np.abs(X.T @ dZ1) / N,
        "b1": mean(dZ1, dZ1_errors),
        "W2": product(A.T, dZ, A_errors.T, dZ_errors) / N + U * np.abs(A.T @ dZ) / N,
        "b2": mean(dZ, dZ_errors),
    }


def _slope(A: Array, kind: str) -> Array:
    if kind == "relu":
        return np.ones_like(A)
    return A * (1 - A) if kind == "sigmoid" else 1 - A * A
