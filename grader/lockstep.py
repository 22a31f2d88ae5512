"""Where a loss curve differs: replay it step by step from the true state, and name what parts.

A wrong curve says little: one without the 1/N and one with a larger learning rate look alike. So
the judge puts the submission's model into the float64 reference's state before each step, lets it
take that one step on the same minibatch, and compares tensor by tensor: loss, gradients, updates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import curves, diagnoses, expect, oracle, tolerance, trained
from grader.judge import CheckFailure, Outcome, call, new, put, take
from grader.student import f64

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from grader.result import Diagnosed
    from grader.student import Student

    Array = NDArray[Any]


@dataclass(frozen=True)
class Training:
    """One training on images, as a check asks for it.

    Attributes:
        title: of its loss curve.
        model: "linear.LinearClassifier" or "network.TwoLayerNetwork".
        sizes: the model's arguments.
        p: parameters at the beginning, float32.
        X, y: examples (N, D) float32 and labels (N,) int32.
        epochs, batch_size, rate, seed: as `train` gets them.
    """

    title: str
    model: str
    sizes: tuple[Any, ...]
    p: Mapping[str, Array]
    X: Array
    y: Array
    epochs: int
    batch_size: int
    rate: float
    seed: int

    @property
    def is_linear(self) -> bool:
        """Whether there is no hidden layer; a network's is of `curves.ACTIVATION`."""
        return "W" in self.p

    def run(self, student: Student) -> tuple[Outcome, Outcome]:
        """The submission's own training, and the parameters after it."""
        outcomes = student.run(new("model", self.model, *self.sizes), *trained.actions(self))
        return outcomes[-2], outcomes[-1]

    def gradients(self, w: Any, X: Array, y: Array) -> tuple[float, dict[str, Array]]:
        """The true loss and gradients."""
        if self.is_linear:
            return oracle.linear_gradients(w, X, y)
        return oracle.network_gradients(w, X, y, curves.ACTIVATION)

    def bounds(self, w: Any, X: Array, y: Array) -> dict[str, Array]:
        """How far float32 may be off, for each of them."""
        if self.is_linear:
            return tolerance.linear_gradients(w, X, y)
        return tolerance.network_gradients(w, X, y, curves.ACTIVATION)

    def batches(self) -> list[Array]:
        """The rows of each minibatch."""
        return list(oracle.minibatches(len(self.X), self.epochs, self.batch_size, self.seed))

    def curve(self) -> Array:
        """The true losses."""
        follow = curves.linear_curve if self.is_linear else curves.network_curve
        schedule = (self.epochs, self.batch_size, self.rate, self.seed)
        return follow(self.p, self.X, self.y, *schedule)

    def states(self) -> Iterator[tuple[dict[str, Array], Array]]:
        """The true parameters before each step, rounded to float32, and its rows."""
        w = {name: f64(values) for name, values in self.p.items()}
        for batch in self.batches():
            yield {name: values.astype(np.float32) for name, values in w.items()}, batch
            w = self._stepped(w, batch)

    def end(self) -> dict[str, Array]:
        """The true parameters after all steps, float64."""
        w = {name: f64(values) for name, values in self.p.items()}
        for batch in self.batches():
            w = self._stepped(w, batch)
        return w

    def _stepped(self, w: dict[str, Array], batch: Array) -> dict[str, Array]:
        _, g = self.gradients(w, f64(self.X[batch]), self.y[batch])
        return {name: values - self.rate * g[name] for name, values in w.items()}


@dataclass(frozen=True)
class Parting:
    """The first tensor that parts.

    Attributes:
        step: counted from 0.
        tensor: its name, e.g. "dW1", or "W1" where the gradient is right and the update is not.
        size: how far off, in words.
        known: what that usually means.
    """

    step: int
    tensor: str
    size: str
    known: tuple[Diagnosed, ...]

    @property
    def note(self) -> str:
        """For the plot."""
        return f"step {self.step + 1}: {self.tensor} parts first, {self.size}"


def check(student: Student, training: Training) -> None:
    """Demand that training follows the true loss curve; show both curves.

    Raises:
        CheckFailure: with the first step and the first tensor that part, when each step is replayed
            from the true state, and what that usually means.
    """
    outcome, after = training.run(student)
    true = training.curve()
    curve = curves.drawn(training.title, outcome, true)
    steps_per_epoch = -(-len(training.X) // training.batch_size)
    try:
        curves.check_curve(outcome, true, steps_per_epoch)
    except CheckFailure as failure:
        step = curve.parts_at or 0
        parting = _first_parting(student, training, step)
        if parting is None:
            told, known = _train_is_wrong(training, np.array(curve.yours))
            note = f"step {step + 1}: every single step is right"
        else:
            told = f"Replayed one by one from the true state, {parting.note}."
            note, known = parting.note, parting.known
        student.show(replace(curve, note=note))
        raise CheckFailure(f"{failure.message}. {told}", diagnoses=known) from None
    student.show(curve)
    trained.check(student, training, after)


def _first_parting(student: Student, training: Training, last: int) -> Parting | None:
    """Replay the steps up to the one at which the curves part."""
    states = [state for state, _ in zip(training.states(), range(last + 1), strict=False)]
    actions = [new("model", training.model, *training.sizes)]
    for w, batch in states:
        step = call("model.step", training.X[batch], training.y[batch], training.rate)
        actions += [put("model", **w), step, take("model")]
    outcomes = student.run(*actions)[1:]
    for number, (w, batch) in enumerate(states):
        _, stepped, after = outcomes[3 * number : 3 * number + 3]
        parting = _compare(student, training, number, (w, batch), stepped, after)
        if parting is not None:
            return parting
    return None


def _compare(
    student: Student,
    training: Training,
    number: int,
    state: tuple[dict[str, Array], Array],
    stepped: Outcome,
    after: Outcome,
) -> Parting | None:
    """The first tensor of one step that parts: the loss, a gradient, or an update."""
    w32, batch = state
    w = {name: f64(values) for name, values in w32.items()}
    X, y, rate = f64(training.X[batch]), training.y[batch], training.rate
    loss, g = training.gradients(w, X, y)
    bounds = training.bounds(w, X, y)
    inputs: dict[str, Any] = {"p": w, "X": X, "y": y, "learning_rate": rate}
    if not training.is_linear:
        inputs["kind"] = curves.ACTIVATION
    true, yours = np.array([loss]), expect.loss(stepped.returned)
    if (parts := _parts("step.loss", yours, true, bounds["loss"], inputs)) is not None:
        return Parting(number, "the loss", *parts)
    for name in reversed(g):  # backwards, as backpropagation computes them
        now = expect.device_array(expect.entry(after.returned, name), name, w[name].shape)
        true = w[name] - rate * g[name]
        bound = tolerance.update(w[name], g[name], rate, bounds[name])
        told = {**inputs, "w": w[name], "g": g[name]}
        parts = _parts(f"step.{name}", now, true, bound, told)
        if parts is not None:
            return _gradient(student, training, number, state, name) or _update(
                Parting(number, name, *parts), w[name] - now, rate * g[name]
            )
    return None


def _gradient(
    student: Student,
    training: Training,
    number: int,
    state: tuple[dict[str, Array], Array],
    name: str,
) -> Parting | None:
    """Whether it is the gradient already that parts, at the same state."""
    w, batch = state
    data = training.X[batch], training.y[batch]
    actions = (new("model", training.model, *training.sizes), put("model", **w))
    outcome = student.run(*actions, call("model.gradients", *data))[-1]
    exact = {label: f64(values) for label, values in w.items()}
    inputs: dict[str, Any] = {"p": exact, "X": f64(data[0]), "y": data[1]}
    if not training.is_linear:
        inputs["kind"] = curves.ACTIVATION
    _, true = training.gradients(exact, inputs["X"], data[1])
    bound = training.bounds(exact, inputs["X"], data[1])[name]
    _, returned = expect.items(outcome.returned, "loss", "gradients")
    yours = expect.device_array(expect.entry(returned, name), f"d{name}", true[name].shape)
    quantity = f"{'linear' if training.is_linear else 'network'}.{name}"
    parts = _parts(quantity, yours, true[name], bound, inputs)
    return None if parts is None else Parting(number, f"d{name}", *parts)


def _update(parting: Parting, moved: Array, wanted: Array) -> Parting:
    """The gradient is right, so the update is not: by another rate, if it moves by a multiple."""
    big = np.abs(wanted) > 0.1 * np.abs(wanted).max()  # where rounding of w does not show
    ratio = float(np.median(moved[big] / wanted[big]))
    same = np.abs(moved[big] - ratio * wanted[big]) <= 1e-2 * np.abs(wanted[big])
    if parting.known or not same.all() or not ratio > 0:
        return parting
    size = f"it moves by {ratio:.4g} times η g"
    return replace(parting, size=size, known=diagnoses.named("larger-rate"))


def _parts(
    quantity: str, yours: Array, true: Array, bound: Array, inputs: Mapping[str, Any]
) -> tuple[str, tuple[Diagnosed, ...]] | None:
    """How far a tensor is off, and what that usually means; None if it is not."""
    limit = np.broadcast_to(tolerance.allowed(bound), true.shape)
    if not expect.differing(yours, true, limit).any():
        return None
    known = diagnoses.recognise(quantity, yours, true, limit, inputs)
    return expect.worst(yours, true, limit), known


def _train_is_wrong(training: Training, yours: Array) -> tuple[str, tuple[Diagnosed, ...]]:
    """Every single step is right, so train gives the model something else, or changes it."""
    told = (
        "Every single step is right when it starts from the true state: train feeds other "
        "minibatches, or changes the model between steps."
    )
    for name, wrong in _wrong_curves(training):
        limit = 2 * tolerance.LOSS_DRIFT * np.maximum(1.0, np.abs(wrong))
        if wrong.shape == yours.shape and (np.abs(yours - wrong) <= limit).all():
            return told, diagnoses.named(name)
    return told, ()


def _wrong_curves(training: Training) -> Iterator[tuple[str, Array]]:
    """Curves of known mistakes of `train`."""
    batches, N, y = training.batches(), len(training.X), training.y
    steps = len(batches) // training.epochs
    in_order = list(np.split(np.arange(N), range(training.batch_size, N, training.batch_size)))
    orders = {
        "not-shuffled": ([*in_order * training.epochs], None),
        "same-order": (batches[:steps] * training.epochs, None),
        "labels-not-shuffled": (batches, in_order * training.epochs),
        "images-not-shuffled": (in_order * training.epochs, batches),
    }
    for name, (rows, labels) in orders.items():
        yield name, _curve(training, rows, [y[b] for b in labels or rows])
    shapes = {name: values.shape for name, values in training.p.items()}
    for first in (training.p, *(oracle.initial_parameters(shapes, s) for s in {0, training.seed})):
        later = replace(training, p=first)
        parts = [
            _curve(
                training if epoch == 0 else later,
                batches[epoch * steps : (epoch + 1) * steps],
                [y[b] for b in batches[epoch * steps : (epoch + 1) * steps]],
            )
            for epoch in range(training.epochs)
        ]
        yield "reinitialised", np.concatenate(parts)


def _curve(training: Training, rows: list[Array], labels: list[Array]) -> Array:
    w = {name: f64(values) for name, values in training.p.items()}
    losses = []
    for batch, y in zip(rows, labels, strict=True):
        loss, g = training.gradients(w, f64(training.X[batch]), y)
        losses.append(loss)
        w = {name: values - training.rate * g[name] for name, values in w.items()}
    return np.array(losses)
