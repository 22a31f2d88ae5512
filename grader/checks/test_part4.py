"""Part 4: the two-layer network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import curves, diagnoses, expect, lockstep, oracle, tolerance
from grader.checks import probes
from grader.checks.marks import part
from grader.judge import CheckFailure, Host, Kept, call, new, put, take
from grader.lockstep import Training
from grader.student import Student, f64, labels, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

CASES = (
    (5, 7, 4, 3, "relu"),
    (67, 31, 17, 10, "relu"),
    (13, 11, 5, 4, "tanh"),
    (1, 3, 2, 2, "sigmoid"),
)
"""N, D, H, C and the activation: every size is different, so that swapped dimensions show."""
BATCH = (64, 784, 32, 10, "relu")
"""The same of a step in the training on images."""


def network(
    rng: np.random.Generator, N: int, D: int, H: int, C: int
) -> tuple[dict[str, Array], Array, Array]:
    """Parameters and a batch for a two-layer network; no bias is zero."""
    p = {
        "W1": normal(rng, D, H, scale=D**-0.5),
        "b1": normal(rng, H, scale=0.5),
        "W2": normal(rng, H, C, scale=H**-0.5),
        "b2": normal(rng, C, scale=0.5),
    }
    return p, normal(rng, N, D), labels(rng, N, C)


def on_network(p: dict[str, Array], kind: str, method: str, *arguments: Any) -> list[Any]:
    """Actions: a network with these parameters, one call, and its parameters afterwards."""
    (D, H), C = p["W1"].shape, p["b2"].size
    return [
        new("model", "network.TwoLayerNetwork", D, H, C, kind),
        put("model", **p),
        call(f"model.{method}", *arguments),
        take("model"),
    ]


def exact(p: dict[str, Array]) -> dict[str, Array]:
    """The parameters in float64."""
    return {name: f64(values) for name, values in p.items()}


def run_all(student: Student, method: str, *, with_labels: bool) -> list[tuple[probes.Run, str]]:
    """One call of a method on every case, with the activation; parameters must not change."""
    student.require(f"network.TwoLayerNetwork.{method}")

    def run(rng: np.random.Generator) -> list[tuple[probes.Run, str]]:
        results = []
        for N, D, H, C, kind in student.shapes(*CASES):
            p, X, y = network(rng, N, D, H, C)
            arguments = (X, y) if with_labels else (X,)
            _, _, outcome, after = student.run(*on_network(p, kind, method, *arguments))
            expect.unchanged(outcome, X=(0, X))
            for name, values in p.items():
                now = expect.entry(after.returned, name).array
                if now is None or now.tobytes() != values.tobytes():
                    raise CheckFailure(
                        f"the parameter {name} was changed; only step may change it",
                        diagnoses=diagnoses.named("parameters-changed"),
                    )
            results.append((probes.Run(p, X, y, outcome, after), kind))
        return results

    results: list[tuple[probes.Run, str]] = student.once(method, run)
    return results


def try_again(
    student: Student,
    method: str,
    *rest: Any,
    cases: Sequence[tuple[int, int, int, int, str]] = CASES[:2],
    labelled: bool = True,
) -> Iterator[probes.Trial]:
    """Call a method again and again on a small and a large network, at last in odd ways."""
    what = f"network.TwoLayerNetwork.{method}"

    def run(rng: np.random.Generator, sizes: Sequence[int], kind: str) -> probes.Trial:
        draw = partial(network, rng, *sizes)
        return probes.of_model(student, what, (*sizes[1:], kind), draw, *rest, labelled=labelled)

    for *sizes, kind in cases:
        once = partial(run, sizes=sizes, kind=kind)
        yield student.once(f"{method} of {sizes}, again", once)


def check_forward(student: Student, which: int, name: str) -> None:
    """A (which = 0) or Z (1) of forward."""

    def right(run: probes.Run, kind: str = CASES[0][-1], quantity: str = "") -> None:
        items = expect.items(run.outcome.returned, "A", "Z")
        value, other = items[which], items[1 - which]
        p, X = exact(run.p), f64(run.X)
        true = oracle.network_forward(p, X, kind)[which]
        bound = tolerance.network_gradients(p, X, run.y, kind)[name]
        if value.shape != true.shape == other.shape:
            raise CheckFailure(
                f"(A, Z) come as (Z, A): the {('first', 'second')[which]} is {value}",
                diagnoses=diagnoses.named("items-swapped"),
            )
        yours = expect.device_array(value, name, true.shape)
        inputs = {"p": p, "X": X, "kind": kind}
        expect.close(f"{name} ({kind})", yours, true, bound, quantity=quantity, inputs=inputs)

    for run, kind in run_all(student, "forward", with_labels=False):
        right(run, kind, f"network.{name}")
    for trial in try_again(student, "forward", labelled=False):
        trial.check(student, right)


@part("4.1", "hidden")
def test_hidden(student: Student) -> None:
    """The hidden activations are A = φ(X W1 + b1)."""
    check_forward(student, 0, "A")


@part("4.1", "logits")
def test_logits(student: Student) -> None:
    """The logits are Z = A W2 + b2."""
    check_forward(student, 1, "Z")


def check_gradient(student: Student, name: str) -> None:
    """One tensor of gradients, and the loss beside W2's."""

    def right(run: probes.Run, kind: str = CASES[0][-1], quantity: str = "") -> None:
        returned_loss, gradients = expect.items(run.outcome.returned, "loss", "gradients")
        p, X = exact(run.p), f64(run.X)
        loss, true = oracle.network_gradients(p, X, run.y, kind)
        bounds = tolerance.network_gradients(p, X, run.y, kind)
        inputs = {"p": p, "X": X, "y": run.y, "kind": kind}
        yours = expect.device_array(expect.entry(gradients, name), f"d{name}", p[name].shape)
        shown, known = f"d{name} ({kind})", quantity and f"{quantity}.{name}"
        expect.close(shown, yours, true[name], bounds[name], quantity=known, inputs=inputs)
        if name == "W2" and quantity:
            yours, known = expect.loss(returned_loss), f"{quantity}.loss"
            wanted = np.array([loss])
            expect.close("loss", yours, wanted, bounds["loss"], quantity=known, inputs=inputs)

    for run, kind in run_all(student, "gradients", with_labels=True):
        right(run, kind, "network")
    for trial in try_again(student, "gradients"):
        trial.check(student, right)


@part("4.2", "W2")
def test_W2(student: Student) -> None:
    """The gradient dW2 and the loss match the true ones."""
    check_gradient(student, "W2")


@part("4.2", "b2")
def test_b2(student: Student) -> None:
    """The gradient db2 matches the true one."""
    check_gradient(student, "b2")


@part("4.2", "W1")
def test_W1(student: Student) -> None:
    """The gradient dW1 matches the true one."""
    check_gradient(student, "W1")


@part("4.2", "b1")
def test_b1(student: Student) -> None:
    """The gradient db1 matches the true one."""
    check_gradient(student, "b1")


@part("4.3", "step")
def test_network_step(student: Student) -> None:
    """Step updates all four parameters by the gradients before the update."""
    student.require("network.TwoLayerNetwork.step")
    for N, D, H, C, kind in student.shapes(*CASES[1:3]):
        p, X, y = network(student.rng, N, D, H, C)
        _, _, outcome, after = student.run(*on_network(p, kind, "step", X, y, RATE))
        check_step(probes.Run(p, X, y, outcome, after), kind)
    probes.in_place(student, on_network(p, kind, "step", X, y, RATE))
    right, apart = (partial(each, kind=BATCH[-1]) for each in (check_step, check_moved))
    for trial in try_again(student, "step", RATE, cases=(CASES[0], BATCH)):
        trial.check(student, right, apart)


RATE = 0.4
"""Of the steps that are judged one by one."""


def check_step(run: probes.Run, kind: str) -> None:
    """The loss that a step returned, and the parameters after it."""
    p = exact(run.p)
    loss, _ = oracle.network_gradients(p, f64(run.X), run.y, kind)
    bounds = tolerance.network_gradients(p, f64(run.X), run.y, kind)
    state = {"p": p, "X": f64(run.X), "y": run.y, "kind": kind, "learning_rate": RATE}
    yours, true = expect.loss(run.outcome.returned), np.array([loss])
    expect.close("loss", yours, true, bounds["loss"], quantity="step.loss", inputs=state)
    check_moved(run, kind)


def check_moved(run: probes.Run, kind: str) -> None:
    """The parameters after a step."""
    p = exact(run.p)
    _, gradients = oracle.network_gradients(p, f64(run.X), run.y, kind)
    bounds = tolerance.network_gradients(p, f64(run.X), run.y, kind)
    state = {"p": p, "X": f64(run.X), "y": run.y, "kind": kind, "learning_rate": RATE}
    for name, g in gradients.items():
        value = expect.entry(run.after.returned, name)
        yours = expect.device_array(value, name, p[name].shape)
        bound = tolerance.update(p[name], g, RATE, bounds[name])
        inputs = {**state, "w": p[name], "g": g}
        true = p[name] - RATE * g
        expect.close(name, yours, true, bound, quantity=f"step.{name}", inputs=inputs)


@part("4.3", "curve")
def test_network_curve(student: Student) -> None:
    """50 steps on Fashion-MNIST follow the true loss curve."""
    student.require("network.TwoLayerNetwork.step")
    X, y = curves.images(student.rng, 24 * 64 + 37)
    seed, rate, H = int(student.rng.integers(1000)), 0.1, 32
    p, _, _ = network(student.rng, 1, X.shape[1], H, 10)
    title, model = "Loss of the network on Fashion-MNIST", "network.TwoLayerNetwork"
    sizes = (X.shape[1], H, 10, curves.ACTIVATION)
    lockstep.check(student, Training(title, model, sizes, p, X, y, 2, 64, rate, seed))


@part("4.3", "accuracy")
def test_network_accuracy(student: Student) -> None:
    """A short training on Fashion-MNIST reaches the accuracy that it should."""
    student.require("network.TwoLayerNetwork.step")
    X, y = curves.images(student.rng, curves.TRAINED_ON + curves.TESTED_ON)
    (X, X_test), (y, y_test) = (np.split(a, [curves.TRAINED_ON]) for a in (X, y))
    seed = int(student.rng.integers(1000))
    p, _, _ = network(student.rng, 1, X.shape[1], 32, 10)
    outcomes = student.run(
        new("model", "network.TwoLayerNetwork", X.shape[1], 32, 10, "relu"),
        put("model", **p),
        call("training.train", Kept("model"), Host(X), Host(y), 1, 64, 0.1, seed),
        take("model"),
    )
    found = {
        name: expect.device_array(expect.entry(outcomes[-1].returned, name), name, p[name].shape)
        for name in p
    }
    _, Z = oracle.network_forward(found, f64(X_test), "relu")
    reached = float(np.mean(Z.argmax(axis=1) == y_test))
    if not reached >= curves.ACCURACY_FLOOR:
        raise CheckFailure(
            f"after one epoch the accuracy on unseen images is {reached:.3f}; right code reaches "
            f"at least {curves.ACCURACY_FLOOR:.3f} for every seed"
        )
