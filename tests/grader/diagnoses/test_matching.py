"""A known mistake is named if its wrong answer, and no other's, is what came back."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from grader import oracle, tolerance
from grader.diagnoses import recognise
from grader.diagnoses.mistakes import MISTAKES

RNG = np.random.default_rng(11)
Z, Y = RNG.standard_normal((7, 10)) * 2, RNG.integers(0, 10, 7)
A = RNG.standard_normal((6, 4)) + 1
LEFT, RIGHT, C = RNG.standard_normal((7, 5)), RNG.standard_normal((5, 11)), np.ones((7, 11))
W, G = RNG.standard_normal((5, 3)), RNG.standard_normal((5, 3))
SLOPES, HIDDEN = RNG.standard_normal((5, 3)), np.maximum(RNG.standard_normal((5, 3)), 0)

# quantity → (truth, inputs), as the checks make them
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "softmax.dZ": (oracle.softmax_xent(Z, Y)[1], {"Z": Z, "y": Y, "N": 7}),
    "softmax.losses": (oracle.softmax_xent(Z, Y)[0], {"Z": Z, "y": Y, "N": 7}),
    "column_mean": (A.mean(axis=0), {"A": A, "N": 6}),
    "gemm": (
        0.5 * LEFT @ RIGHT - 1.25 * C,
        {"A": LEFT, "B": RIGHT, "alpha": 0.5, "beta": -1.25, "C": C},
    ),
    "sgd.update": (W - 0.3 * G, {"w": W, "g": G, "learning_rate": 0.3}),
    "sgd.step": (W - 0.3 * G, {"w": W, "g": G, "learning_rate": 0.3}),
    "scores": (LEFT @ RIGHT + C, {"b": np.arange(1.0, 12.0)}),
    "linear.W": (G, {"N": 7}),
    "linear.b": (G[0], {"N": 7}),
    "linear.loss": (np.array([2.0]), {"N": 7}),
    "network.W1": (G, {"N": 7}),
    "network.W2": (G, {"N": 7}),
    "network.b1": (G[0], {"N": 7}),
    "network.b2": (G[0], {"N": 7}),
    "network.loss": (np.array([2.0]), {"N": 7}),
    "activate_backward": (
        oracle.activate_backward(SLOPES, np.tanh(HIDDEN), "tanh"),
        {"dA": SLOPES, "A": np.tanh(HIDDEN), "kind": "tanh"},
    ),
}


def limit(true: Any) -> Any:
    """What a check would allow, roughly: inner products err by the size of all their terms."""
    return np.broadcast_to(tolerance.allowed(1e-6 * np.abs(true).max()), true.shape)


@pytest.mark.parametrize("quantity", CASES)
def test_truth_is_not_diagnosed(quantity: str) -> None:
    """The truth itself matches no known mistake."""
    true, inputs = CASES[quantity]
    assert recognise(quantity, true, true, limit(true), inputs) == ()


@pytest.mark.parametrize("quantity", CASES)
def test_unambiguous(quantity: str) -> None:
    """Each mistake's answer is named by that mistake alone, on inputs like those of the checks."""
    true, inputs = CASES[quantity]
    for mistake in MISTAKES:
        if quantity not in mistake.quantities:
            continue
        wrong = mistake.wrong(inputs, true)
        if np.allclose(wrong, true):
            continue  # this case cannot show it
        found = recognise(
            quantity, wrong.astype(np.float32).astype(float), true, limit(true), inputs
        )
        assert [diagnosis.id for diagnosis in found] == [mistake.id]


def test_every_mistake_can_be_recognised() -> None:
    """Every quantity of the bank has a case here, and ids are unique."""
    assert {quantity for mistake in MISTAKES for quantity in mistake.quantities} <= {
        *CASES,
        "activate_backward",
    }
    for one, other in combinations(MISTAKES, 2):
        assert one.id != other.id


def test_something_else_is_not_guessed() -> None:
    """A wrong answer that is no known mistake's gets no diagnosis."""
    true, inputs = CASES["linear.W"]
    assert recognise("linear.W", true * 1.7, true, limit(true), inputs) == ()


def test_untouched_memory() -> None:
    """NaNs at the end are a grid that is too small; NaNs throughout, a result that nobody wrote."""
    true = np.arange(1.0, 9.0)
    yours = true.copy()
    yours[5:] = np.nan
    (found,) = recognise("", yours, true, limit(true), {})
    assert found.id == "tail-not-written"
    (found,) = recognise("", np.full(8, np.nan), true, limit(true), {})
    assert found.id == "nothing-written"


def test_scattered_nan_is_not_guessed() -> None:
    """NaNs here and there have other reasons."""
    true = np.arange(1.0, 9.0)
    yours = true.copy()
    yours[::3] = np.nan
    assert recognise("", yours, true, limit(true), {}) == ()
