"""Wrong answers of the kernels of part 1, computed from their inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import oracle
from grader.diagnoses.mistake import Mistake

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from grader.diagnoses.mistake import Case, Inputs

    Array = NDArray[Any]


def _exponentials(Z: Array) -> Array:
    return np.asarray(np.exp(Z - Z.max(axis=1, keepdims=True)))


def _onehot(Z: Array, y: Array) -> Array:
    """Rows of zeros where a label is no class."""
    return np.asarray(y[:, None] == np.arange(Z.shape[1]), dtype=np.float64)


def _at_label(Z: Array, y: Array) -> Array | None:
    """Z[n, y[n]] as a kernel reads memory: a label off by one may read a neighbouring row."""
    places = np.arange(len(y)) * Z.shape[1] + y
    inside = (places >= 0).all() and (places < Z.size).all()
    return np.asarray(Z.ravel()[places]) if inside else None


def _p(i: Inputs) -> Array:
    e = _exponentials(i["Z"])
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _log_sum(i: Inputs) -> Array:
    """Log Σ exp(z − m)."""
    return np.asarray(np.log(_exponentials(i["Z"]).sum(axis=1)))


def _losses_of(i: Inputs, y: Array) -> Array | None:
    label = _at_label(i["Z"], y)
    return None if label is None else _log_sum(i) - (label - i["Z"].max(axis=1))


def _over_examples(i: Inputs) -> Array:
    e = np.exp(i["Z"] - i["Z"].max(axis=0))
    return np.asarray(e / e.sum(axis=0))


def _over_everything(i: Inputs) -> Array:
    e = np.exp(i["Z"] - i["Z"].max())
    return np.asarray(e / e.sum())


def _minus_log_at_label(p: Array, i: Inputs) -> Array:
    return np.asarray(-np.log(p[np.arange(len(p)), i["y"]]))


def _to_dZ(p: Array, i: Inputs) -> Array:
    return np.asarray(p - _onehot(p, i["y"]))


def _if_taller(i: Inputs, wrong: Array) -> Array | None:
    """A wrong softmax over examples has another meaning for a single one."""
    return wrong if len(i["Z"]) > 1 else None


def _by_rows(i: Inputs, _: Array) -> Array | None:
    Z, b = i["Z"], i["b"]
    return Z + b[: len(Z), None] if 1 < len(Z) <= len(b) else None


def _sizes_swapped(i: Inputs, _: Array) -> Array | None:
    N, C = i["Z"].shape
    repeated = np.resize(i["b"][:N], i["Z"].shape)
    return np.asarray(i["Z"] + repeated) if 1 < N < C else None


def _bias_after(i: Inputs, _: Array) -> Array:
    p = i["p"]
    return np.asarray(oracle.activate(i["X"] @ p["W1"], i["kind"]) + p["b1"])


def _kinds_but(i: Inputs) -> list[str]:
    return [kind for kind in oracle.KINDS if kind != i["kind"]]


def _other_kind(which: int) -> Any:
    return lambda i, _: oracle.activate(i["Z"], _kinds_but(i)[which])


def _other_slope(which: int) -> Any:
    return lambda i, _: oracle.activate_backward(i["dA"], i["A"], _kinds_but(i)[which])


def _only(kind: str, answer: Any) -> Any:
    """An answer that a mistake gives for one activation."""
    return lambda i, true: answer(i, true) if i["kind"] == kind else None


def _slope(i: Inputs) -> Array:
    return oracle.activate_backward(np.ones_like(i["A"]), i["A"], i["kind"])


def _probabilities_at_label(i: Inputs) -> tuple[Array, ...]:
    p = _p(i)[np.arange(len(i["y"])), i["y"]]
    return p, -p, 1 - p, (1 - p) ** 2


def _half_shifted(i: Inputs) -> tuple[Array, ...]:
    losses, m = oracle.softmax_xent(i["Z"], i["y"])[0], i["Z"].max(axis=1)
    return losses + m, losses - m


def _by_threads(case: Case) -> str | None:
    N = len(case.inputs["A"])
    for threads in (32, 64, 128, 256, 512, 1024):
        if threads != N and case.matches(case.true * N / threads):
            return f"The sum of the {N:,} rows is divided by {threads}."
    return None


def _is_other_activation(case: Case) -> str | None:
    i = dict(case.inputs)
    if "Z" not in i:
        i["Z"] = i["X"] @ i["p"]["W1"] + i["p"]["b1"]
    for which, kind in enumerate(_kinds_but(i)):
        if case.matches(_other_kind(which)(i, case.true)):
            return f"For {i['kind']} you return {kind}."
    return None


def _leaks(case: Case) -> str | None:
    if case.inputs["kind"] != "relu":
        return None
    Z = case.inputs["Z"]
    below = Z < 0
    if not below.any():
        return None
    slope = float(np.median(case.yours[below] / Z[below]))
    wrong = np.where(below, slope * Z, Z)
    return f"Its slope there is {slope:.3g}." if 0 < slope < 1 and case.matches(wrong) else None


MISTAKES = (
    Mistake(
        "bias-by-row",
        "b is indexed by the row, not by the column",
        "Every element of row n got b[n]; the bias belongs to the class, the column: Z[n, c] += "
        "b[c] (eq. 1).",
        "Element i of the row-major Z lies in column i % C.",
        {"bias_add": _by_rows},
    ),
    Mistake(
        "bias-sizes-swapped",
        "N and C are exchanged",
        "Element i of Z got b[i % N]: the kernel took N for the number of columns (eq. 1).",
        "Are the launch's arguments in the order of the kernel's parameters?",
        {"bias_add": _sizes_swapped},
    ),
    Mistake(
        "bias-column-major",
        "Z is indexed as if it lay column by column",
        "Every N neighbours in memory got the same b[c]; rows lie one after the other (eq. 1).",
        "Z[n, c] of the row-major Z is Z[n*C + c].",
        {"bias_add": lambda i, _: i["Z"] + np.repeat(i["b"], len(i["Z"])).reshape(i["Z"].shape)},
    ),
    Mistake(
        "bias-overwrites",
        "Z is overwritten by b",
        "Z now holds b in every row, without what was there: Z[n, c] += b[c] (eq. 1).",
        "Write += where you write =.",
        {"bias_add": lambda i, _: np.broadcast_to(i["b"], i["Z"].shape).copy()},
    ),
    Mistake(
        "bias-twice",
        "the bias is added twice",
        "Z has 2b added: each element is visited by two threads, or by a loop and a thread.",
        "Give each element to one thread (eq. 1).",
        {
            "bias_add": lambda i, _: i["Z"] + 2 * i["b"],
            "scores": lambda i, true: true + i["p"]["b"],
        },
    ),
    Mistake(
        "bias-subtracted",
        "the bias is subtracted",
        "Z − b came back; the scores are XW + b (eq. 1).",
        "Turn the sign round.",
        {
            "bias_add": lambda i, _: i["Z"] - i["b"],
            "scores": lambda i, true: true - 2 * i["p"]["b"],
        },
    ),
    Mistake(
        "bias-first-row",
        "only the first row gets the bias",
        "Row 0 is right and the others are as they were: b has to reach all N rows (eq. 1).",
        "Compare the guard with N*C elements, not with C.",
        {
            "bias_add": lambda i, _: (
                np.vstack([i["Z"][:1] + i["b"], i["Z"][1:]]) if len(i["Z"]) > 1 else None
            )
        },
    ),
    Mistake(
        "onehot-missing",
        "these are the probabilities, not the gradient",
        "dZ is p − onehot(y) (eq. 5); yours is p.",
        "Subtract 1 where c is the label.",
        {"softmax.dZ": lambda i, _: _p(i)},
    ),
    Mistake(
        "onehot-added",
        "1 is added at the label instead of subtracted",
        "dZ is p − onehot(y) (eq. 5); yours is p + onehot(y).",
        "Turn the sign at the label round.",
        {"softmax.dZ": lambda i, _: _p(i) + _onehot(i["Z"], i["y"])},
    ),
    Mistake(
        "dz-negative",
        "dZ has the wrong sign",
        "Yours is onehot(y) − p; the derivative of the loss is p − onehot(y) (eq. 5).",
        "Exchange the two terms.",
        {"softmax.dZ": lambda _, true: -true},
    ),
    Mistake(
        "dz-averaged",
        "the 1/N comes too early",
        "softmax_xent gives one loss and one gradient an example, divided by nothing; the means "
        "are taken later (eq. 4, 5 and 7).",
        "Leave the 1/N to the loss, to dW and to db.",
        {
            "softmax.dZ": lambda _, true: true / len(true),
            "softmax.losses": lambda _, true: true / len(true),
        },
    ),
    Mistake(
        "labels-one-up",
        "labels are off by one: y + 1 is used",
        "Your label of example n is y[n] + 1. Classes count from 0 to C − 1, as in C and NumPy.",
        "Use y[n] as it is.",
        {
            "softmax.dZ": lambda i, _: _p(i) - _onehot(i["Z"], i["y"] + 1),
            "softmax.losses": lambda i, _: _losses_of(i, i["y"] + 1),
        },
    ),
    Mistake(
        "labels-one-down",
        "labels are off by one: y − 1 is used",
        "Your label of example n is y[n] − 1. Labels are 0 to C − 1 already.",
        "Use y[n] as it is.",
        {
            "softmax.dZ": lambda i, _: _p(i) - _onehot(i["Z"], i["y"] - 1),
            "softmax.losses": lambda i, _: _losses_of(i, i["y"] - 1),
        },
    ),
    Mistake(
        "softmax-axis",
        "the softmax runs over the examples instead of the classes",
        "Each row of Z is one example: maximum and sum run over its C classes (eq. 2).",
        "Add up Z[n*C + c] over c, not over n.",
        {
            "softmax.dZ": lambda i, _: _if_taller(i, _to_dZ(_over_examples(i), i)),
            "softmax.losses": lambda i, _: _if_taller(i, _minus_log_at_label(_over_examples(i), i)),
        },
    ),
    Mistake(
        "softmax-global",
        "one softmax is taken over the whole batch",
        "All N·C exponentials share one sum; each example has its own (eq. 2).",
        "Start a new maximum and a new sum for each row.",
        {
            "softmax.dZ": lambda i, _: _if_taller(i, _to_dZ(_over_everything(i), i)),
            "softmax.losses": lambda i, _: _if_taller(
                i, _minus_log_at_label(_over_everything(i), i)
            ),
        },
    ),
    Mistake(
        "softmax-not-normalised",
        "the exponentials are not divided by their sum",
        "Yours is exp(z − m) − onehot(y); p is exp(z − m) / Σ exp(z_k − m) (eq. 2).",
        "Divide by the sum of the row.",
        {"softmax.dZ": lambda i, _: _exponentials(i["Z"]) - _onehot(i["Z"], i["y"])},
    ),
    Mistake(
        "sigmoid-for-softmax",
        "a sigmoid stands where the softmax belongs",
        "Each score went through 1/(1 + e^−z) on its own; the softmax divides by the sum over "
        "all classes (eq. 2).",
        "Use eq. 2.",
        {"softmax.dZ": lambda i, _: _to_dZ(oracle.activate(i["Z"], "sigmoid"), i)},
    ),
    Mistake(
        "softmax-derivative-twice",
        "the derivative of the softmax is applied twice",
        "Yours is (p − onehot(y))·p(1 − p). p − onehot(y) is the derivative by the scores "
        "already (eq. 5).",
        "Leave the factor p(1 − p) out.",
        {"softmax.dZ": lambda i, true: true * _p(i) * (1 - _p(i))},
    ),
    Mistake(
        "exp-base-two",
        "powers of 2 are taken instead of powers of e",
        "exp2f(z) is 2^z; the softmax and its loss are defined by e^z (eq. 2).",
        "Use expf.",
        {
            "softmax.dZ": lambda i, _: _to_dZ(_p({"Z": i["Z"] * np.log(2)}), i),
            "softmax.losses": lambda i, _: _minus_log_at_label(_p({"Z": i["Z"] * np.log(2)}), i),
        },
    ),
    Mistake(
        "loss-negative",
        "the loss has the wrong sign",
        "Yours is log p_y; the loss is −log p_y, which is never negative (eq. 3).",
        "Turn the sign round.",
        {"softmax.losses": lambda _, true: -true},
    ),
    Mistake(
        "loss-is-probability",
        "the loss lacks the logarithm",
        "Yours is the label's probability p_y (or −p_y, 1 − p_y, its square); the loss is −log p_y "
        "(eq. 3).",
        "Take the logarithm: log Σ exp(z_k − m) − (z_y − m).",
        looks=lambda case: (
            ""
            if any(case.matches(wrong) for wrong in _probabilities_at_label(case.inputs))
            else None
        ),
        quantities=("softmax.losses",),
    ),
    Mistake(
        "loss-log2",
        "the logarithm has another base",
        "Yours is the loss in another unit, log2 or log10; the homework's is in nats, the "
        "natural logarithm (eq. 3).",
        "Use logf.",
        looks=lambda case: (
            "" if any(case.matches(case.true / np.log(base)) for base in (2, 10)) else None
        ),
        quantities=("softmax.losses", "linear.loss", "network.loss"),
    ),
    Mistake(
        "loss-without-label",
        "the label's score is missing from the loss",
        "Yours is log Σ exp(z_k − m), the same whatever the label is; z_y − m has to be "
        "subtracted (eq. 3).",
        "Subtract Z[n*C + y[n]] − m.",
        {
            "softmax.losses": lambda i, _: _log_sum(i),
        },
    ),
    Mistake(
        "max-in-one-place",
        "the maximum is subtracted in one place only",
        "ℓ = log Σ exp(z_k − m) − (z_y − m): m belongs into both terms, or into neither (eq. 3).",
        "Subtract m from z_y, too.",
        looks=lambda case: (
            "" if any(case.matches(wrong) for wrong in _half_shifted(case.inputs)) else None
        ),
        quantities=("softmax.losses",),
    ),
    Mistake(
        "loss-of-first-label",
        "every example gets the first example's label",
        "Your losses use y[0] for all rows; example n has the label y[n] (eq. 3).",
        "Index y by the row.",
        {
            "softmax.losses": lambda i, _: _losses_of(i, np.full_like(i["y"], i["y"][0])),
            "softmax.dZ": lambda i, _: _p(i) - _onehot(i["Z"], np.full_like(i["y"], i["y"][0])),
        },
    ),
    Mistake(
        "row-mean",
        "these are means over rows, not over columns",
        "Element k is the mean of row k of A; it should be the mean of column k over the N rows "
        "(eq. 4 and 7).",
        "Add up A[n*K + k] over n.",
        {
            "column_mean": lambda i, _: (
                i["A"][: i["A"].shape[1]].mean(axis=1)
                if i["A"].shape[0] >= i["A"].shape[1] > 1
                else None
            )
        },
    ),
    Mistake(
        "column-major-index",
        "A is read as if it lay column by column",
        "Element k adds up A's memory at k*N + n; row-major, A[n, k] lies at n*K + k.",
        "Index by A[n*K + k] (eq. 7).",
        {
            "column_mean": lambda i, _: (
                i["A"].ravel().reshape(i["A"].shape[::-1]).mean(axis=1)
                if min(i["A"].shape) > 1
                else None
            )
        },
    ),
    Mistake(
        "divided-by-columns",
        "the sum is divided by the number of columns",
        "Yours is the sum over the N rows divided by K; their mean is divided by N (eq. 4).",
        "Divide by the number of rows.",
        {"column_mean": lambda i, true: true * len(i["A"]) / i["A"].shape[1]},
    ),
    Mistake(
        "divided-by-threads",
        "the sum is divided by the number of threads",
        "The sum over the rows is right, but its divisor is the size of the block instead of "
        "N (eq. 4).",
        "Divide by N, the number of rows, whatever the launch looks like.",
        looks=_by_threads,
        quantities=("column_mean",),
    ),
    Mistake(
        "maximum-for-mean",
        "the largest element came back, not the mean",
        "Element k is the maximum of column k.",
        "Add up instead of comparing, and divide by N (eq. 4).",
        {"column_mean": lambda i, _: i["A"].max(axis=0)},
    ),
    Mistake(
        "bias-after-activation",
        "the bias is added after the activation",
        "A = φ(X W1 + b1): b1 stands inside (eq. 11).",
        "First bias_add, then activate.",
        {"network.A": _bias_after},
    ),
    Mistake(
        "activation-missing",
        "the activation is not applied",
        "A is Z unchanged; A = φ(Z) (eq. 9).",
        "Apply φ to each element.",
        {
            "activate": lambda i, _: i["Z"],
            "network.A": lambda i, _: i["X"] @ i["p"]["W1"] + i["p"]["b1"],
        },
    ),
    Mistake(
        "activation-other",
        "another activation is computed than the one asked for",
        "The result is right for another of relu, sigmoid and tanh: are the cases exchanged, "
        "does one fall through to the next, or is kind ignored (eq. 9)?",
        "Check which case each kind takes.",
        looks=_is_other_activation,
        quantities=("activate", "network.A"),
    ),
    Mistake(
        "sigmoid-sign",
        "the sign in the sigmoid's exponent is wrong",
        "Yours is 1/(1 + e^z), which falls where σ rises: σ(z) = 1/(1 + e^−z) (eq. 9).",
        "Take expf(-z).",
        {"activate": _only("sigmoid", lambda _, true: 1 - true)},
    ),
    Mistake(
        "relu-keeps-negatives",
        "relu keeps the negative numbers",
        "Yours is min(0, z); relu is max(0, z) (eq. 9).",
        "Use fmaxf(z, 0.0f).",
        {"activate": _only("relu", lambda i, _: np.minimum(i["Z"], 0))},
    ),
    Mistake(
        "relu-absolute",
        "relu returns |z|",
        "Negative scores become positive; relu makes them 0 (eq. 9).",
        "Use fmaxf(z, 0.0f).",
        {"activate": _only("relu", lambda i, _: np.abs(i["Z"]))},
    ),
    Mistake(
        "leaky-relu",
        "relu lets a part of the negative numbers through",
        "Below 0 yours is a small multiple of z, a leaky relu; the handout's relu is 0 there "
        "(eq. 9).",
        "Return 0 for z < 0.",
        looks=_leaks,
        quantities=("activate",),
    ),
    Mistake(
        "slope-missing",
        "the slope of the activation is missing",
        "dZ is dA unchanged; it is dA ⊙ φ′(Z) (eq. 14).",
        "Multiply by the slope of eq. 10.",
        {"activate_backward": lambda i, _: None if i["kind"] == "relu" else i["dA"]},
    ),
    Mistake(
        "slope-only",
        "the incoming gradient dA is missing",
        "dZ is φ′ alone; it is dA ⊙ φ′(Z) (eq. 14).",
        "Multiply the slope by dA.",
        {"activate_backward": lambda i, _: _slope(i)},
    ),
    Mistake(
        "relu-mask-at-zero",
        "relu lets the gradient through where A = 0",
        "The slope at A = 0 is 0: the mask is A > 0, not A >= 0, and not left out (eq. 10).",
        "Write > for >=.",
        {
            "activate_backward": _only("relu", lambda i, _: i["dA"] * (i["A"] >= 0)),
        },
    ),
    Mistake(
        "relu-mask-from-gradient",
        "relu's mask is taken from dA, not from A",
        "Elements pass where dA > 0; they should pass where A > 0 (eq. 10).",
        "Test a > 0, the activation of the forward pass.",
        {"activate_backward": _only("relu", lambda i, _: i["dA"] * (i["dA"] > 0))},
    ),
    Mistake(
        "relu-mask-inverted",
        "relu's mask is the wrong way round",
        "Elements pass where A = 0 and are stopped where A > 0 (eq. 10).",
        "Exchange the two cases.",
        {"activate_backward": _only("relu", lambda i, _: i["dA"] * (i["A"] <= 0))},
    ),
    Mistake(
        "slope-of-activation",
        "the slope takes A for Z",
        "A is φ(Z) already: σ′ = A(1 − A) and tanh′ = 1 − A² (eq. 10); yours applies φ once more.",
        "Use A itself in the slope.",
        {
            "activate_backward": lambda i, _: (
                None
                if i["kind"] == "relu"
                else oracle.activate_backward(
                    i["dA"], oracle.activate(i["A"], i["kind"]), i["kind"]
                )
            )
        },
    ),
    Mistake(
        "slope-of-other",
        "the slope of another activation is taken",
        "The result is right for another of relu, sigmoid and tanh (eq. 10): are the cases "
        "exchanged, or does one fall through to the next?",
        "Check which case each kind takes.",
        looks=lambda case: (
            ""
            if any(case.matches(_other_slope(which)(case.inputs, case.true)) for which in (0, 1))
            else None
        ),
        quantities=("activate_backward",),
    ),
    Mistake(
        "tanh-not-squared",
        "tanh′ lacks the square",
        "Yours is dA (1 − A); the slope of tanh is 1 − A² (eq. 10).",
        "Square A.",
        {"activate_backward": _only("tanh", lambda i, _: i["dA"] * (1 - i["A"]))},
    ),
    Mistake(
        "sigmoid-half-slope",
        "σ′ lacks one of its two factors",
        "The slope of the sigmoid is A(1 − A) (eq. 10); yours is A alone, or 1 − A alone.",
        "Multiply both.",
        looks=lambda case: (
            ""
            if case.inputs["kind"] == "sigmoid"
            and any(
                case.matches(case.inputs["dA"] * factor)
                for factor in (case.inputs["A"], 1 - case.inputs["A"])
            )
            else None
        ),
        quantities=("activate_backward",),
    ),
)
