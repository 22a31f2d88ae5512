"""Wrong gradients and updates, computed by the handout's formulas with one thing changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import oracle
from grader.diagnoses.mistake import Mistake, on

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from grader.diagnoses.mistake import Answer, Case, Inputs

    Array = NDArray[Any]

LINEAR = ("linear.W", "linear.b")
NETWORK = ("network.W1", "network.b1", "network.W2", "network.b2")
GRADIENTS = (*LINEAR, *NETWORK)
LOSSES = ("linear.loss", "network.loss")
HIDDEN = ("network.W1", "network.b1")
UPDATES = ("sgd.update", "step.W", "step.b", "step.W1", "step.b1", "step.W2", "step.b2")


def _N(i: Inputs) -> int:
    return len(i["A"] if "A" in i else i["X"])


def _by(factor: Callable[[int], float]) -> Answer:
    return lambda i, true: true * factor(_N(i)) if _N(i) > 1 else None


def _linear_from(i: Inputs, dZ: Array) -> dict[str, Array]:
    return {"linear.W": i["X"].T @ dZ / len(dZ), "linear.b": dZ.mean(axis=0)}


def _scores(i: Inputs) -> Array:
    return np.asarray(i["X"] @ i["p"]["W"] + i["p"]["b"])


def _probabilities(Z: Array, i: Inputs) -> Array:
    dZ = oracle.softmax_xent(Z, i["y"])[1]
    dZ[np.arange(len(dZ)), i["y"]] += 1.0
    return dZ


def _backward(
    i: Inputs,
    *,
    dZ: Callable[[Array], Array] = lambda dZ: dZ,
    W2: Callable[[Array], Array] = lambda W2: W2,
    slope: Callable[[Array, Array], Array] | None = None,
    A_of: Callable[[Array], Array] | None = None,
) -> dict[str, Array]:
    """Backpropagation (eq. 13 to 16) with some step replaced.

    `dZ` and `W2` replace what they get, `slope` of (dA, A) replaces eq. 14, and `A_of` of Z1 gives
    what stands for A in dW2.
    """
    p, X, kind = i["p"], i["X"], i["kind"]
    A, Z = oracle.network_forward(p, X, kind)
    slopes = dZ(oracle.softmax_xent(Z, i["y"])[1])
    dA = slopes @ W2(p["W2"]).T
    dZ1 = slope(dA, A) if slope else oracle.activate_backward(dA, A, kind)
    left = A_of(X @ p["W1"] + p["b1"]) if A_of else A
    return {
        "network.W1": X.T @ dZ1 / len(X),
        "network.b1": dZ1.mean(axis=0),
        "network.W2": left.T @ slopes / len(X),
        "network.b2": slopes.mean(axis=0),
    }


def _hidden(name: str, **changed: Any) -> Answer:
    return lambda i, _: _backward(i, **changed)[name]


def _hiddens(**changed: Any) -> dict[str, Answer]:
    return {name: _hidden(name, **changed) for name in HIDDEN}


def _from_probabilities(name: str) -> Answer:
    def answer(i: Inputs, _: Array) -> Array:
        if name in LINEAR:
            return _linear_from(i, _probabilities(_scores(i), i))[name]
        _, Z = oracle.network_forward(i["p"], i["X"], i["kind"])
        return _backward(i, dZ=lambda _dZ: _probabilities(Z, i))[name]

    return answer


def _without_bias(name: str) -> Answer:
    def answer(i: Inputs, _: Array) -> Array:
        losses, dZ = oracle.softmax_xent(i["X"] @ i["p"]["W"], i["y"])
        if name == "linear.loss":
            return np.array([losses.mean()])
        return _linear_from(i, dZ)[name]

    return answer


def _if_kind(name: str, kinds: tuple[str, ...], slope: Any) -> Answer:
    def answer(i: Inputs, _: Array) -> Array | None:
        if i["kind"] not in kinds:
            return None
        return _backward(i, slope=lambda dA, A: slope(dA, A, i["kind"]))[name]

    return answer


def _slope(kind: str, dA: Array, A: Array) -> Array:
    return oracle.activate_backward(dA, A, kind)


def _slope_of_other(case: Case) -> str | None:
    kind = case.inputs["kind"]
    for other in oracle.KINDS:
        if other != kind:
            answer = _backward(case.inputs, slope=partial(_slope, other))
            if case.matches(answer[case.quantity]):
                return f"For {kind} you take the slope of {other}."
    return None


def _transposed(_: Inputs, true: Array) -> Array | None:
    return np.asarray(true.T.reshape(true.shape)) if true.ndim > 1 else None  # a matrix


def _by_constant(case: Case) -> str | None:
    N = _N(case.inputs)
    for size in (10, 32, 50, 64, 100, 128, 256, 512, 1000, 1024, 60000):
        if size not in (N, N * N) and case.matches(case.true * N / size):
            return f"Yours is the sum over the {N} examples of this batch divided by {size}."
    return None


def _by_another_size(case: Case) -> str | None:
    i = case.inputs
    sizes = {"features D": i["X"].shape[1], "classes C": len(i["p"].get("b", i["p"].get("b2")))}
    if "b1" in i["p"]:
        sizes["hidden units H"] = len(i["p"]["b1"])
    for name, size in sizes.items():
        if size != len(i["X"]) and case.matches(case.true * len(i["X"]) / size):
            return f"It is divided by the number of {name}, {size}."
    return None


def _moved(factor: Callable[[Inputs], float]) -> Answer:
    return lambda i, _: i["w"] + factor(i) * i["learning_rate"] * i["g"]


def _batch(i: Inputs) -> int:
    return len(i["X"]) if "X" in i else 1


def _new_W2(i: Inputs) -> dict[str, Array]:
    """Gradients of the first layer, with W2 (and b2, which they don't need) already updated."""
    true = oracle.network_gradients(i["p"], i["X"], i["y"], i["kind"])[1]
    return _backward(i, W2=lambda W2: W2 - i["learning_rate"] * true["W2"])


def _after_update(name: str) -> Answer:
    def answer(i: Inputs, _: Array) -> Array:
        changed = _new_W2(i)[f"network.{name}"]
        return np.asarray(i["p"][name] - i["learning_rate"] * changed)

    return answer


def _b_after_W(i: Inputs, _: Array) -> Array:
    p, rate = i["p"], i["learning_rate"]
    g = oracle.linear_gradients(p, i["X"], i["y"])[1]
    moved = {**p, "W": p["W"] - rate * g["W"]}
    return np.asarray(p["b"] - rate * oracle.linear_gradients(moved, i["X"], i["y"])[1]["b"])


def _loss_after(i: Inputs, _: Array) -> Array:
    if "kind" in i:
        g = oracle.network_gradients(i["p"], i["X"], i["y"], i["kind"])[1]
        moved = {name: w - i["learning_rate"] * g[name] for name, w in i["p"].items()}
        return np.array([oracle.network_gradients(moved, i["X"], i["y"], i["kind"])[0]])
    g = oracle.linear_gradients(i["p"], i["X"], i["y"])[1]
    moved = {name: w - i["learning_rate"] * g[name] for name, w in i["p"].items()}
    return np.array([oracle.linear_gradients(moved, i["X"], i["y"])[0]])


MISTAKES = (
    Mistake(
        "sum-not-mean",
        "the average over the batch is missing",
        "Every element is N times too large: this is the sum over the N examples, not their mean "
        "(eq. 4 and 7).",
        "Divide by N, once.",
        {
            **on(("column_mean", *GRADIENTS, *LOSSES), _by(float)),
            **on(
                UPDATES[1:],
                lambda i, _: _moved(lambda i: -_batch(i))(i, _) if _batch(i) > 1 else None,
            ),
        },
    ),
    Mistake(
        "mean-twice",
        "the average over the batch is taken twice",
        "Every element is N times too small: 1/N was applied twice (eq. 7).",
        "Leave one of the two out: dZ is not averaged, dW and db are.",
        {
            **on(("column_mean", *GRADIENTS, *LOSSES), _by(lambda N: 1.0 / N)),
            **on(
                UPDATES[1:],
                lambda i, _: _moved(lambda i: -1.0 / _batch(i))(i, _) if _batch(i) > 1 else None,
            ),
        },
    ),
    Mistake(
        "divided-by-constant",
        "the batch size is a fixed number",
        "The last batch of an epoch is smaller, and the mean is over the rows that are there "
        "(eq. 7).",
        "Divide by X.shape[0].",
        looks=_by_constant,
        quantities=(*GRADIENTS, *LOSSES),
    ),
    Mistake(
        "divided-by-another-size",
        "the sum is divided by another size than N",
        "The mean is over the N examples of the batch (eq. 7).",
        "Divide by X.shape[0].",
        looks=_by_another_size,
        quantities=GRADIENTS,
    ),
    Mistake(
        "gradient-negative",
        "the gradient has the wrong sign",
        "Every element is minus the true one: dZ is p − onehot(y), and the update subtracts (eq. 5 "
        "and 8).",
        "Turn one sign round.",
        on(GRADIENTS, lambda _, true: -true),
    ),
    Mistake(
        "gradient-zero",
        "the gradient is zero",
        "A parameter whose gradient is always 0 never learns. That of the bias is the mean of dZ "
        "over the batch (eq. 7 and 15).",
        "Return column_mean(dZ) for a bias, one product for a weight.",
        on(GRADIENTS, lambda _, true: np.zeros_like(true)),
    ),
    Mistake(
        "gradient-transposed",
        "the gradient lies transposed in memory",
        "The numbers are right, but in the order of the transpose: Xᵀ dZ, not dZᵀ X with another "
        "shape (eq. 7).",
        "Multiply in the order of the equation; reshape moves no element.",
        on(("linear.W", "network.W1", "network.W2"), _transposed),
    ),
    Mistake(
        "gradient-from-probabilities",
        "the label is not subtracted",
        "This gradient follows from p, not from p − onehot(y) (eq. 5).",
        "Use the dZ that softmax_xent returns.",
        {name: _from_probabilities(name) for name in GRADIENTS},
    ),
    Mistake(
        "loss-of-one-example",
        "the loss is the first example's",
        "The loss of a batch is the mean over its N examples (eq. 4).",
        "Return mean_of(losses).",
        on(
            LOSSES,
            lambda i, _: np.array(
                [
                    oracle.softmax_xent(
                        _scores(i)
                        if "W" in i["p"]
                        else oracle.network_forward(i["p"], i["X"], i["kind"])[1],
                        i["y"],
                    )[0][0]
                ]
            ),
        ),
    ),
    Mistake(
        "bias-missing",
        "the bias is not added",
        "This is the product alone; a layer is XW + b (eq. 1, 11 and 12).",
        "Call bias_add.",
        {
            "scores": lambda i, true: true - i["p"]["b"],
            "network.Z": lambda i, true: true - i["p"]["b2"],
            "network.A": lambda i, _: oracle.activate(i["X"] @ i["p"]["W1"], i["kind"]),
            **{name: _without_bias(name) for name in (*LINEAR, "linear.loss")},
        },
    ),
    Mistake(
        "logits-activated",
        "the logits went through the activation",
        "The second layer ends with Z = A W2 + b2; the softmax comes later, in the loss (eq. 12).",
        "Leave the activation to the hidden layer.",
        {"network.Z": lambda i, true: oracle.activate(true, i["kind"])},
    ),
    Mistake(
        "logits-softmaxed",
        "the scores went through the softmax",
        "Scores are the logits Z; softmax_xent takes the softmax itself (eq. 1, 2 and 12).",
        "Return Z.",
        on(
            ("network.Z", "scores"),
            lambda _, true: np.exp(
                -oracle.softmax_xent(
                    np.repeat(true, true.shape[1], axis=0),
                    np.tile(np.arange(true.shape[1]), len(true)),
                )[0]
            ).reshape(true.shape),
        ),
    ),
    Mistake(
        "logits-before-activation",
        "the second layer takes Z1 instead of A",
        "Z is (X W1 + b1) W2 + b2: without the activation between them, two linear layers are one "
        "(eq. 11 and 12).",
        "Multiply A by W2.",
        {
            "network.Z": lambda i, _: (
                (i["X"] @ i["p"]["W1"] + i["p"]["b1"]) @ i["p"]["W2"] + i["p"]["b2"]
            )
        },
    ),
    Mistake(
        "hidden-slope-missing",
        "the slope of the hidden layer is missing",
        "dZ1 is dA unchanged; it is dA ⊙ φ′(A) (eq. 14).",
        "Call activate_backward(dA, A, kind).",
        _hiddens(slope=lambda dA, _A: dA),
    ),
    Mistake(
        "hidden-slope-of-other",
        "the hidden layer's slope is another activation's",
        "The activation is self.activation, in both directions (eq. 14).",
        "Pass self.activation on.",
        looks=_slope_of_other,
        quantities=HIDDEN,
    ),
    Mistake(
        "hidden-slope-of-activation",
        "the hidden layer's slope takes A for Z1",
        "σ′ = A(1 − A) and tanh′ = 1 − A² (eq. 10); yours applies φ to A once more.",
        "Pass A as it is.",
        {
            name: _if_kind(
                name,
                ("sigmoid", "tanh"),
                lambda dA, A, kind: oracle.activate_backward(dA, oracle.activate(A, kind), kind),
            )
            for name in HIDDEN
        },
    ),
    Mistake(
        "hidden-mask-from-gradient",
        "the hidden layer's mask is taken from dA",
        "Elements pass where dA > 0; they should pass where A > 0 (eq. 10 and 14).",
        "Call activate_backward(dA, A, kind), in this order.",
        {name: _if_kind(name, ("relu",), lambda dA, _A, _kind: dA * (dA > 0)) for name in HIDDEN},
    ),
    Mistake(
        "hidden-slope-exchanged",
        "dA and A are exchanged in activate_backward",
        "The slope is that of A, and dA is the factor (eq. 14).",
        "Call activate_backward(dA, A, kind), in this order.",
        {
            name: _if_kind(
                name,
                oracle.KINDS,
                lambda dA, A, kind: oracle.activate_backward(A, dA, kind),
            )
            for name in HIDDEN
        },
    ),
    Mistake(
        "w2-reshaped",
        "W2 is reshaped, not transposed",
        "dA = dZ W2ᵀ (eq. 13): W2.reshape(C, H) has the shape of the transpose, but not its "
        "elements.",
        "Use gemm(dZ, W2, transpose_b=True).",
        _hiddens(W2=lambda W2: W2.reshape(W2.shape[::-1]).T),
    ),
    Mistake(
        "w2-gradient-before-activation",
        "dW2 takes Z1 where A belongs",
        "The input of the second layer is A = φ(Z1), so dW2 = (1/N) Aᵀ dZ (eq. 15).",
        "Use the A that forward returns.",
        {"network.W2": _hidden("network.W2", A_of=lambda Z1: Z1)},
    ),
    Mistake(
        "update-ascends",
        "the step goes uphill",
        "w moves along +gradient; gradient descent subtracts: w ← w − η g (eq. 8).",
        "Turn the sign round.",
        on(UPDATES, _moved(lambda _: 1.0)),
    ),
    Mistake(
        "update-without-rate",
        "the learning rate is not applied",
        "The whole gradient is subtracted: w ← w − η g (eq. 8).",
        "Multiply g by learning_rate.",
        on(UPDATES, _moved(lambda i: -1.0 / i["learning_rate"])),
    ),
    Mistake(
        "rate-squared",
        "the learning rate is applied twice",
        "w moves by η² g instead of η g (eq. 8).",
        "Multiply by learning_rate once.",
        on(UPDATES, _moved(lambda i: -i["learning_rate"])),
    ),
    Mistake(
        "updated-twice",
        "the step is taken twice",
        "w moves by 2η g: the update runs twice, or two threads visit each element (eq. 8).",
        "Update each parameter once a step.",
        on(UPDATES, _moved(lambda _: -2.0)),
    ),
    Mistake(
        "update-overwrites",
        "the parameter is overwritten by the step",
        "w is −η g now; the step is added to what w was: w ← w − η g (eq. 8).",
        "Write -= where you write =.",
        on(UPDATES, lambda i, _: -i["learning_rate"] * i["g"]),
    ),
    Mistake(
        "not-updated",
        "the parameter did not change",
        "w is what it was before: the update is not launched for it, works on a copy, or takes the "
        "gradients of the step before, of which there are none yet (eq. 8).",
        "Update every entry of self.parameters, in place, by the gradients of this step.",
        on(UPDATES, lambda i, _: i["w"]),
    ),
    Mistake(
        "w2-updated-first",
        "W2 is updated before dA is computed",
        "dA = dZ W2ᵀ needs the W2 of the forward pass (eq. 13); here the first layer's gradients "
        "follow from the new one.",
        "Compute all four gradients first, then update.",
        {f"step.{name}": _after_update(name) for name in ("W1", "b1")},
    ),
    Mistake(
        "b-after-w",
        "b follows from the W that was just updated",
        "All gradients of a step belong to the parameters before it (eq. 8).",
        "Compute all gradients first, then update.",
        {"step.b": _b_after_W},
    ),
    Mistake(
        "loss-after-update",
        "the loss is the one after the update",
        "step returns the loss before it moves the parameters; that is the one that gradients "
        "returned.",
        "Return the loss of the same call of gradients.",
        {"step.loss": _loss_after},
    ),
)
