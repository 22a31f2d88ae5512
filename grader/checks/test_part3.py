"""Part 3: XOR, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from grader import diagnoses, expect, oracle
from grader.checks.marks import part
from grader.judge import CheckFailure, new, take

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from grader.result import Diagnosed
    from grader.student import Student

    Array = NDArray[Any]

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
WANTED = {(False, True, True, True): "OR", (True, True, True, False): "OR of the negations"}
SHARPER = 20.0
"""Times the weights: soft gates of the right kind compute XOR then, other gates never do."""
SHAPES = {"W1": (2, 2), "b1": (2,), "W2": (2, 2), "b2": (2,)}


def parameters(student: Student) -> dict[str, Array]:
    """The parameters of the submission's XOR network, float64."""
    student.require("network.xor_network")

    def read(_rng: np.random.Generator) -> dict[str, Array]:
        after = student.run(new("xor", "network.xor_network"), take("xor"))[1]
        return {
            name: expect.device_array(expect.entry(after.returned, name), name, shape)
            for name, shape in SHAPES.items()
        }

    found: dict[str, Array] = student.once("parameters", read)
    return found


@part("3.1", "shape")
def test_xor_shape(student: Student) -> None:
    """xor_network has two inputs, two hidden units and two classes, and finite weights."""
    for name, values in parameters(student).items():
        if not np.isfinite(values).all():
            raise CheckFailure(f"{name} is not finite: {values.tolist()}")


@part("3.1", "hidden")
def test_xor_hidden(student: Student) -> None:
    """One hidden unit is the OR of the inputs, the other the OR of their negations."""
    p = parameters(student)
    units = _hidden_gates(p)
    for pattern, name in WANTED.items():
        if pattern not in units:
            shown = "; ".join(_row(unit) for unit in sorted(units))
            raise CheckFailure(
                f"no hidden unit is the {name}. For the inputs 00, 01, 10, 11 your "
                f"units are on: {shown}",
                diagnoses=_known(p),
            )


@part("3.1", "truth")
def test_xor_truth(student: Student) -> None:
    """The right class gets a probability of at least 0.9 for each of the four inputs."""
    _, Z = oracle.network_forward(parameters(student), INPUTS, "sigmoid")
    losses, _ = oracle.softmax_xent(Z, np.array([0, 1, 1, 0]))
    right = np.exp(-losses)
    if not (right >= 0.9).all():  # noqa: PLR2004 - the contract's number
        worst = int(np.argmin(right))
        inputs = ", ".join(f"{value:.0f}" for value in INPUTS[worst])
        raise CheckFailure(
            f"inputs ({inputs}): the right class has a probability of {right[worst]:.3g}, "
            "at least 0.9 is asked",
            diagnoses=_known(parameters(student)),
        )


def _computes_xor(p: dict[str, Array], *, at_least: float = 0.9) -> bool:
    """Whether each input's right class gets at least that probability."""
    _, Z = oracle.network_forward(p, INPUTS, "sigmoid")
    losses, _ = oracle.softmax_xent(Z, np.array([0, 1, 1, 0]))
    return bool((np.exp(-losses) > at_least).all())


def _known(p: dict[str, Array]) -> tuple[Diagnosed, ...]:
    """What is known of weights that don't do what they should."""
    initial = oracle.initial_parameters({name: w.shape for name, w in p.items()}, 0)
    if all(np.array_equal(p[name], values) for name, values in initial.items()):
        return diagnoses.named("xor-not-set")
    if _computes_xor(p):
        return diagnoses.named("xor-other-gates")
    for name in ("W1", "W2"):
        if _computes_xor({**p, name: p[name].T}):
            return diagnoses.named("xor-transposed", f"It is {name}.")
    if _computes_xor({**p, "W2": p["W2"][:, ::-1], "b2": p["b2"][::-1]}):
        return diagnoses.named("xor-inverted")
    sharp = {name: SHARPER * values for name, values in p.items()}
    if _computes_xor(sharp):
        return diagnoses.named("xor-soft")
    return diagnoses.named("xor-top-gate" if _hidden_gates(p) >= set(WANTED) else "xor-hidden-gate")


def _hidden_gates(p: dict[str, Array]) -> set[tuple[bool, ...]]:
    """For each hidden unit, whether it is on for each of the four inputs."""
    on = oracle.activate(INPUTS @ p["W1"] + p["b1"], "sigmoid") > 0.5  # noqa: PLR2004 - a gate
    return {tuple(bool(gate) for gate in on[:, unit]) for unit in range(2)}


def _row(on: tuple[bool, ...]) -> str:
    return " ".join("1" if gate else "0" for gate in on)
