"""Training judged: what `train` feeds the model, and loss curves in lockstep with float64."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from data.fashion_mnist import load_test_images
from grader import diagnoses, expect, oracle, tolerance
from grader.evidence import Curve
from grader.judge import CheckFailure, Outcome, Value
from grader.student import f64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[Any]

TRAINED_ON, TESTED_ON = 8000, 2000
"""Images of the short training of task 4.3: 125 steps of 64."""

ACCURACY_FLOOR = 0.64
"""Mean less five standard deviations over 60 seeds of the float64 reference (0.730, 0.018);
tests/grader/test_curves.py."""


ACTIVATION = "tanh"
"""Of the network whose loss curve is compared. A relu that crosses its corner in float32 but not in
float64 makes curves part by chance (by 2.5e-4 on one seed in some hundreds); tanh has no corner."""


@lru_cache(maxsize=1)
def _test_images() -> tuple[Array, Array]:
    return load_test_images()


def images(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Random images of Fashion-MNIST: X (count, 784) float32 in [0, 1], y (count,) int32."""
    X, y = _test_images()
    chosen = rng.choice(len(X), count, replace=False)
    return np.ascontiguousarray(X[chosen]), np.ascontiguousarray(y[chosen])


def check_batches(
    outcome: Outcome,
    seen: Outcome,
    y: Array,
    N: int,
    batch_size: int,
    epochs: int,
    rate: float,
    seed: int,
) -> None:
    """Compare what the recording model was given with what `train` should give it.

    Row n of X held n; the recorder's loss is the number of the step.
    """
    batches = list(oracle.minibatches(N, epochs, batch_size, seed))
    sizes = _array(seen.returned, "sizes").astype(int).tolist()
    rows, labels = _array(seen.returned, "rows"), _array(seen.returned, "labels")
    wanted_sizes = [len(batch) for batch in batches]
    if sizes != wanted_sizes:
        message, known = _sizes_message(sizes, wanted_sizes, N, batch_size, epochs)
        raise CheckFailure(message, diagnoses=diagnoses.named(known) if known else ())
    wanted = np.concatenate(batches)
    if not np.array_equal(rows, wanted):
        message, known = _order_message(rows, wanted, N, epochs)
        if np.array_equal(labels, y[wanted]):
            known = "images-not-shuffled"
        raise CheckFailure(message, diagnoses=diagnoses.named(known) if known else ())
    if not np.array_equal(labels, y[wanted]):
        raise CheckFailure(
            "the labels are not those of the images: shuffle X and y in the same order",
            diagnoses=(
                diagnoses.named("labels-not-shuffled")
                if np.array_equal(labels, np.tile(y, epochs))
                else ()
            ),
        )
    rates = _array(seen.returned, "rates")
    if not np.allclose(rates, rate, rtol=1e-6, atol=0):  # float32 of the rate is accepted
        raise CheckFailure(
            f"model.step got the learning rate {rates[0]:g}; train was given {rate:g}",
            diagnoses=diagnoses.named("rate-not-passed"),
        )
    losses, numbers = _losses(outcome, len(batches), epochs), np.arange(1, len(batches) + 1)
    if not np.array_equal(losses, numbers):
        cumulated = np.array_equal(losses, numbers.cumsum())
        raise CheckFailure(
            "the losses returned are not those of the steps, in their order",
            diagnoses=diagnoses.named("losses-cumulated") if cumulated else (),
        )


def drawn(title: str, outcome: Outcome, true: Array) -> Curve:
    """A loss curve for the page, beside the true one, with the step at which they part."""
    losses = _losses(outcome, len(true))
    wrong = expect.differing(losses, true, _curve_limit(true))
    parts_at = int(np.argmax(wrong)) if wrong.any() else None
    return Curve(title, tuple(losses.tolist()), tuple(true.tolist()), parts_at)


def check_curve(outcome: Outcome, true: Array, steps_per_epoch: int) -> None:
    """Demand that a loss curve follows the true one, and name the first step that parts."""
    losses = _losses(outcome, len(true))
    limit = _curve_limit(true)
    wrong = expect.differing(losses, true, limit)
    if not wrong.any():
        return
    step = int(np.argmax(wrong))
    where = f"step {step + 1} of {len(true)}"
    if step % steps_per_epoch == steps_per_epoch - 1:
        where += " (the last, partial batch of its epoch)"
    elif step == 1:
        where += " (after the first update)"
    raise CheckFailure(
        f"the loss curve parts from the true one at {where}: yours {losses[step]:.6f}, "
        f"true {true[step]:.6f} (allowed ±{limit[step]:.0e})"
    )


def check_accuracy(outcome: Outcome, scores: Array, y: Array) -> None:
    """Demand the fraction of rows whose first largest score is the label's."""
    yours = outcome.returned.number
    if yours is None:
        raise CheckFailure(f"accuracy should return a number; yours returns {outcome.returned}")
    true = float(np.mean(scores.argmax(axis=1) == y))
    if abs(yours - true) <= 1e-6:  # noqa: PLR2004 - a float32 fraction is accepted, one example more is not
        return
    known = [name for name, wrong in _wrong_accuracies(scores, y).items() if _same(yours, wrong)]
    raise CheckFailure(
        f"accuracy of {len(y):,} examples is {true:.6f}; yours is {yours:.6f}",
        diagnoses=tuple(d for name in known for d in diagnoses.named(name)),
    )


def _same(yours: float, wrong: float) -> bool:
    return abs(yours - wrong) <= 1e-5 * max(1.0, abs(wrong))


def _wrong_accuracies(scores: Array, y: Array) -> dict[str, float]:
    """What known mistakes make of the scores."""
    right = scores.argmax(axis=1) == y
    last = scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1)
    true = float(right.mean())
    return {
        "accuracy-ties": float(np.mean(last == y)),
        "accuracy-per-cent": 100 * true,
        "accuracy-count": true * len(y),
        "accuracy-errors": 1 - true,
        "accuracy-lowest": float(np.mean(scores.argmin(axis=1) == y)),
    }


def linear_curve(
    p: Mapping[str, Array], X: Array, y: Array, epochs: int, batch_size: int, rate: float, seed: int
) -> Array:
    """The losses of minibatch descent of a linear classifier, in float64."""
    return _curve(oracle.linear_gradients, p, X, y, epochs, batch_size, rate, seed)


def network_curve(
    p: Mapping[str, Array], X: Array, y: Array, epochs: int, batch_size: int, rate: float, seed: int
) -> Array:
    """The losses of minibatch descent of a network, in float64."""

    def gradients(w: Any, rows: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        return oracle.network_gradients(w, rows, labels, ACTIVATION)

    return _curve(gradients, p, X, y, epochs, batch_size, rate, seed)


def _curve(
    gradients: Callable[..., tuple[float, dict[str, Array]]],
    p: Mapping[str, Array],
    X: Array,
    y: Array,
    epochs: int,
    batch_size: int,
    rate: float,
    seed: int,
) -> Array:
    w = {name: f64(values) for name, values in p.items()}
    losses = []
    for batch in oracle.minibatches(len(X), epochs, batch_size, seed):
        loss, g = gradients(w, f64(X[batch]), y[batch])
        losses.append(loss)
        w = {name: values - rate * g[name] for name, values in w.items()}
    return np.array(losses)


def _curve_limit(true: Array) -> Array:
    """What is allowed at each step of a free run."""
    return np.asarray(tolerance.LOSS_DRIFT * np.maximum(1.0, np.abs(true)))


def _losses(outcome: Outcome, steps: int, epochs: int = 0) -> Array:
    """The losses; where the number of epochs is given, all steps are known to have been taken."""
    value = outcome.returned
    if value.kind != "ndarray" or value.array is None:
        raise CheckFailure(
            f"train should return the losses as a NumPy array; yours returns {value}",
            diagnoses=diagnoses.named({"None": "returns-none", "list": "losses-list"}[value.kind])
            if value.kind in ("None", "list")
            else (),
        )
    if value.shape != (steps,):
        known = {}
        if epochs:
            known = {(epochs,): "losses-per-epoch", (steps // epochs,): "losses-of-last-epoch"}
        raise CheckFailure(
            f"train should return {steps} losses, one a step; yours have {value.shape}",
            diagnoses=diagnoses.named(known[value.shape]) if value.shape in known else (),
        )
    if value.dtype != "float32":
        raise CheckFailure(
            f"the losses should be float32; yours are {value.dtype}",
            diagnoses=diagnoses.named("losses-float64") if value.dtype == "float64" else (),
        )
    return f64(value.array)


def _array(value: Value, name: str) -> Array:
    found = value.entries[name].array
    return np.zeros(0) if found is None else found


def _sizes_message(
    sizes: list[int], wanted: list[int], N: int, batch_size: int, epochs: int
) -> tuple[str, str]:
    """What is wrong with the batches' sizes, and the bank's entry for it."""
    told = f"{N} examples in batches of {batch_size}, {epochs} epochs: expected {len(wanted)} steps"
    if sizes == [size for size in wanted if size == batch_size]:
        left = N % batch_size
        return f"{told}; the {left} examples left over in each epoch are not visited", (
            "partial-batch-dropped"
        )
    if sizes == wanted[: len(wanted) // epochs]:
        return f"{told}; yours stops after one epoch", "one-epoch"
    if sizes == [batch_size] * len(wanted):
        return f"{told}, the last of each epoch with {N % batch_size} examples; yours has more", (
            "partial-batch-filled"
        )
    shown = ", ".join(map(str, sizes[:10])) + (", …" if len(sizes) > 10 else "")  # noqa: PLR2004
    called = f"model.step was called {len(sizes)} times, with batches of {shown or 'nothing'}"
    return f"{told}; {called}", ""


def _order_message(rows: Array, wanted: Array, N: int, epochs: int) -> tuple[str, str]:
    """What is wrong with the order of the examples, and the bank's entry for it."""
    epoch = rows[:N]
    if np.array_equal(rows, np.tile(np.arange(N), epochs)):
        return "the examples come in the order of the data, each epoch", "not-shuffled"
    if np.array_equal(rows, np.tile(wanted[:N], epochs)):
        return "the second epoch has the order of the first", "same-order"
    first, second = wanted[:N].astype(int), wanted[N : 2 * N].astype(int)
    if np.array_equal(epoch, first[first]) or np.array_equal(
        rows[: 2 * N], np.concatenate([first, first[second]])
    ):
        return "the examples come as X[order][order], not as X[order]", "order-applied-twice"
    if np.array_equal(epoch, wanted[:N]):
        return "the first epoch is right, the second is not", ""
    if sorted(epoch.astype(int).tolist()) != list(range(N)):
        known = "with-replacement" if len(set(epoch.tolist())) < N else ""
        return "not every example is visited once an epoch", known
    return (
        "the order of the examples is not that of default_rng(seed).permutation(N), epoch by epoch",
        "",
    )
