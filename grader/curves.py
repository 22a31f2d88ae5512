"""Training judged: what `train` feeds the model, and loss curves in lockstep with float64."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from data.fashion_mnist import load_fashion_mnist
from grader import expect, oracle, tolerance
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


@lru_cache(maxsize=1)
def _test_images() -> tuple[Array, Array]:
    everything = load_fashion_mnist()
    return everything.X_test, everything.y_test  # the rest is freed


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
    rows = _array(seen.returned, "rows")
    wanted_sizes = [len(batch) for batch in batches]
    if sizes != wanted_sizes:
        raise CheckFailure(_sizes_message(sizes, wanted_sizes, N, batch_size, epochs))
    wanted = np.concatenate(batches)
    if not np.array_equal(rows, wanted):
        raise CheckFailure(_order_message(rows, wanted, N, epochs))
    if not np.array_equal(_array(seen.returned, "labels"), y[wanted]):
        raise CheckFailure(
            "the labels are not those of the images: shuffle X and y in the same order"
        )
    rates = _array(seen.returned, "rates")
    if not np.allclose(rates, rate, rtol=1e-6, atol=0):  # float32 of the rate is accepted
        raise CheckFailure(
            f"model.step got the learning rate {rates[0]:g}; train was given {rate:g}"
        )
    losses = _losses(outcome, len(batches))
    if not np.array_equal(losses, np.arange(1, len(batches) + 1)):
        raise CheckFailure("the losses returned are not those of the steps, in their order")


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
    last = scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1)
    hint = ""
    if abs(yours - float(np.mean(last == y))) <= 1e-6:  # noqa: PLR2004 - as above
        hint = ": of equal scores, yours takes the last; the lowest index counts"
    elif abs(yours - 100 * true) <= 1e-3:  # noqa: PLR2004 - as above
        hint = ": yours is in per cent"
    elif abs(yours - true * len(y)) <= 1e-3:  # noqa: PLR2004 - as above
        hint = ": yours is the number of examples that are right, not their fraction"
    raise CheckFailure(f"accuracy of {len(y)} examples is {true:.6f}; yours is {yours:.6f}{hint}")


def linear_curve(
    p: Mapping[str, Array], X: Array, y: Array, epochs: int, batch_size: int, rate: float, seed: int
) -> Array:
    """The losses of minibatch descent of a linear classifier, in float64."""
    return _curve(oracle.linear_gradients, p, X, y, epochs, batch_size, rate, seed)


def network_curve(
    p: Mapping[str, Array], X: Array, y: Array, epochs: int, batch_size: int, rate: float, seed: int
) -> Array:
    """The losses of minibatch descent of a ReLU network, in float64."""

    def gradients(w: Any, rows: Array, labels: Array) -> tuple[float, dict[str, Array]]:
        return oracle.network_gradients(w, rows, labels, "relu")

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


def _losses(outcome: Outcome, steps: int) -> Array:
    value = outcome.returned
    if value.kind != "ndarray" or value.array is None:
        raise CheckFailure(
            f"train should return the losses as a NumPy array; yours returns {value}"
        )
    if value.shape != (steps,):
        raise CheckFailure(
            f"train should return {steps} losses, one a step; yours have {value.shape}"
        )
    if value.dtype != "float32":
        raise CheckFailure(f"the losses should be float32; yours are {value.dtype}")
    return f64(value.array)


def _array(value: Value, name: str) -> Array:
    found = value.entries[name].array
    return np.zeros(0) if found is None else found


def _sizes_message(
    sizes: list[int], wanted: list[int], N: int, batch_size: int, epochs: int
) -> str:
    told = f"{N} examples in batches of {batch_size}, {epochs} epochs: expected {len(wanted)} steps"
    full = [size for size in wanted if size == batch_size]
    if sizes == full:
        return (
            f"{told}; the last, partial batch of each epoch is dropped ({N % batch_size} examples)"
        )
    if sizes == wanted[: len(wanted) // epochs]:
        return f"{told}; yours stops after one epoch"
    shown = ", ".join(map(str, sizes[:10])) + (", …" if len(sizes) > 10 else "")  # noqa: PLR2004
    return f"{told}; model.step was called {len(sizes)} times, with batches of {shown or 'nothing'}"


def _order_message(rows: Array, wanted: Array, N: int, epochs: int) -> str:
    epoch = rows[:N]
    if np.array_equal(rows, np.tile(np.arange(N), epochs)):
        return "the examples are not shuffled: each epoch takes the next rng.permutation(N)"
    if np.array_equal(epoch, wanted[:N]):
        return "the first epoch is right, the second is not: draw a new permutation for each epoch"
    if sorted(epoch.astype(int).tolist()) != list(range(N)):
        return "not every example is visited once an epoch"
    return (
        "the order of the examples is not that of default_rng(seed).permutation(N), epoch by epoch"
    )
