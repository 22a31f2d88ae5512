"""The bank of known mistakes: each entry computes the wrong answer that the mistake gives.

Inputs are named as in the handout; X, W, Z, … in float64, y integers. An entry whose answer does
not exist for some inputs (a mean of a batch of one …) may return the truth: matching ignores
entries that don't differ from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import oracle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Mistake:
    """One known mistake.

    Attributes:
        id: unique, for reports and specimens.
        quantities: what it spoils, e.g. "column_mean" or "linear.W".
        title: in a student's words.
        text: explanation with the equation, and the next step.
        wrong: the wrong answer, from the inputs and the truth.
    """

    id: str
    quantities: tuple[str, ...]
    title: str
    text: str
    wrong: Callable[[Inputs, Array], Array]


def _softmax_over_columns(inputs: Inputs, _: Array) -> Array:
    Z, y = inputs["Z"], inputs["y"]
    p = np.exp(Z - Z.max(axis=0))
    p = p / p.sum(axis=0)
    p[np.arange(len(y)), y] -= 1.0
    return np.asarray(p)


def _probabilities(inputs: Inputs, true: Array) -> Array:
    p = true.copy()
    p[np.arange(len(p)), inputs["y"]] += 1.0
    return np.asarray(p)


def _naive_losses(inputs: Inputs, _: Array) -> Array:
    Z, y = inputs["Z"], inputs["y"]
    return np.asarray(np.log(np.exp(Z).sum(axis=1)) - (Z[np.arange(len(y)), y] - Z.max(axis=1)))


def _by_size(factor: Callable[[int], float]) -> Callable[[Inputs, Array], Array]:
    return lambda inputs, true: true * factor(int(inputs["N"]))


_GRADIENTS = (
    *("linear.W", "linear.b", "linear.loss", "network.loss"),
    *("network.W1", "network.b1", "network.W2", "network.b2"),
)

MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "sum-not-mean",
        ("column_mean", *_GRADIENTS),
        "the average over the batch is missing",
        "Every element is N times too large: this is the sum over the N examples, not their mean. "
        "Divide by N, once (eq. 4 and 7).",
        _by_size(float),
    ),
    Mistake(
        "mean-twice",
        ("column_mean", *_GRADIENTS),
        "the average over the batch is taken twice",
        "Every element is N times too small: 1/N was applied twice. Leave one of them out (eq. 7).",
        _by_size(lambda N: 1.0 / N),
    ),
    Mistake(
        "negative",
        ("softmax.dZ", "softmax.losses", *_GRADIENTS),
        "the sign is the wrong way round",
        "Every element is minus the true one. The gradient of the loss is p − onehot(y) (eq. 5), "
        "and the loss is −log p_y (eq. 3).",
        lambda _, true: -true,
    ),
    Mistake(
        "onehot-missing",
        ("softmax.dZ",),
        "these are the probabilities, not the gradient",
        "dZ is p − onehot(y): subtract 1 where c is the label (eq. 5).",
        _probabilities,
    ),
    Mistake(
        "dz-averaged",
        ("softmax.dZ",),
        "dZ is divided by N here already",
        "softmax_xent gives one gradient an example, not averaged: the mean is taken "
        "later (eq. 5 to 7).",
        _by_size(lambda N: 1.0 / N),
    ),
    Mistake(
        "softmax-axis",
        ("softmax.dZ",),
        "the softmax runs over the examples instead of the classes",
        "Each row of Z is one example: maximum and sum run over its C classes (eq. 2).",
        _softmax_over_columns,
    ),
    Mistake(
        "max-half-subtracted",
        ("softmax.losses",),
        "the maximum is subtracted in one place only",
        "ℓ = log Σ exp(z_k − m) − (z_y − m): m belongs into both terms (eq. 3).",
        _naive_losses,
    ),
    Mistake(
        "row-mean",
        ("column_mean",),
        "these are means over rows, not over columns",
        "column_mean averages over the N rows and keeps the K columns: element k is the "
        "mean of A[:, k].",
        lambda inputs, true: (
            inputs["A"].mean(axis=1) if inputs["A"].shape[0] == inputs["A"].shape[1] else true
        ),
    ),
    Mistake(
        "first-row",
        ("column_mean",),
        "only the first row reaches the result",
        "Each element is A[0, k]/N or A[0, k]: the other rows are not added. Does the loop run "
        "over all N rows, and does the tree add up all threads?",
        lambda inputs, _: inputs["A"][0] / len(inputs["A"]),
    ),
    Mistake(
        "gemm-swapped",
        ("gemm",),
        "the factors are swapped",
        "This is B A. cuBLAS is column-major: asking for B times A in its eyes gives A B in yours, "
        "with the memory of B first (Cᵀ = Bᵀ Aᵀ).",
        lambda inputs, true: (
            inputs["alpha"] * (inputs["B"] @ inputs["A"])
            if inputs["A"].shape == inputs["B"].shape[::-1] == true.shape
            else true
        ),
    ),
    Mistake(
        "gemm-transposed",
        ("gemm",),
        "the result lies transposed in memory",
        "The numbers are right, but column by column: cuBLAS wrote its column-major C. Compute "
        "Cᵀ = Bᵀ Aᵀ by passing B first, with M and N exchanged.",
        lambda _, true: true.T.reshape(true.shape),
    ),
    Mistake(
        "gemm-alpha",
        ("gemm",),
        "alpha is ignored",
        "The result is op(A) op(B) (+ beta C) without the factor alpha.",
        lambda inputs, _: inputs["A"] @ inputs["B"] + inputs["beta"] * inputs["C"],
    ),
    Mistake(
        "gemm-beta",
        ("gemm",),
        "beta is ignored",
        "What `out` held before is not added: C = alpha·op(A) op(B) + beta·C.",
        lambda inputs, _: inputs["alpha"] * (inputs["A"] @ inputs["B"]),
    ),
    Mistake(
        "update-ascends",
        ("sgd.update", "sgd.step"),
        "the step goes uphill",
        "w moves along +gradient: gradient descent subtracts, w ← w − η g (eq. 8).",
        lambda inputs, _: inputs["w"] + inputs["learning_rate"] * inputs["g"],
    ),
    Mistake(
        "update-without-rate",
        ("sgd.update", "sgd.step"),
        "the learning rate is not applied",
        "The whole gradient is subtracted: w ← w − η g (eq. 8).",
        lambda inputs, _: inputs["w"] - inputs["g"],
    ),
    Mistake(
        "rate-twice",
        ("sgd.update", "sgd.step"),
        "the learning rate is applied twice",
        "w moves by η² g instead of η g (eq. 8).",
        lambda inputs, _: inputs["w"] - inputs["learning_rate"] ** 2 * inputs["g"],
    ),
    Mistake(
        "not-updated",
        ("sgd.update", "sgd.step"),
        "the parameter did not change",
        "w is what it was before: is the kernel launched with a thread for every element, on the "
        "parameter itself and not on a copy (eq. 8)?",
        lambda inputs, _: inputs["w"],
    ),
    Mistake(
        "bias-missing",
        ("scores",),
        "the bias is not added",
        "This is X W; the scores are Z = X W + b (eq. 1).",
        lambda inputs, true: true - inputs["b"],
    ),
    Mistake(
        "bias-gradient-zero",
        ("linear.b", "network.b1", "network.b2"),
        "the gradient of the bias is zero",
        "db is the mean of dZ over the batch (eq. 7 and 15).",
        lambda _, true: np.zeros_like(true),
    ),
    Mistake(
        "mask-missing",
        ("activate_backward",),
        "the derivative of the activation is missing",
        "dZ is dA unchanged; it is dA ⊙ φ'(Z) (eq. 14).",
        lambda inputs, true: true if inputs["kind"] == "relu" else inputs["dA"],
    ),
    Mistake(
        "relu-mask-at-zero",
        ("activate_backward",),
        "relu lets the gradient through where A = 0",
        "The derivative at A = 0 is 0: the mask is A > 0, not A >= 0, and not left out (eq. 10).",
        lambda inputs, true: (
            inputs["dA"] * (inputs["A"] >= 0) if inputs["kind"] == "relu" else true
        ),
    ),
    Mistake(
        "derivative-of-z",
        ("activate_backward",),
        "the derivative takes A for Z",
        "A is φ(Z) already: σ' = A(1 − A) and tanh' = 1 − A² (eq. 10); don't apply φ once more.",
        lambda inputs, true: (
            true
            if inputs["kind"] == "relu"
            else oracle.activate_backward(
                inputs["dA"], oracle.activate(inputs["A"], inputs["kind"]), inputs["kind"]
            )
        ),
    ),
)
