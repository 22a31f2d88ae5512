"""How far right parameters lie from the truth after training, and wrong ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader import curves, oracle, trained
from grader.lockstep import Training
from grader.student import normal


def training(model: str, seed: int) -> Training:
    """As the checks of 2.5 and 4.3 train."""
    rng = np.random.default_rng(seed)
    is_linear = model == "linear.LinearClassifier"
    X, y = curves.images(rng, 19 * 128 + 67 if is_linear else 24 * 64 + 37)
    D, H, C = X.shape[1], 32, 10
    shapes: dict[str, Any] = {"W": (D, C), "b": (C,)}
    if not is_linear:
        shapes = {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}
    p = {name: normal(rng, *shape, scale=shape[0] ** -0.5) for name, shape in shapes.items()}
    batch_size, sizes = (128, (D, C)) if is_linear else (64, (D, H, C, curves.ACTIVATION))
    return Training("", model, sizes, p, X, y, 2, batch_size, 0.1, seed)


def off(training: Training, end: dict[str, Any]) -> float:
    """The largest share of its way that a parameter is off, as the check takes it."""
    true = training.end()
    return max(
        float(np.linalg.norm(end[n] - true[n]) / np.linalg.norm(true[n] - training.p[n]))
        for n in true
    )


def in_float32(training: Training, batches: list[Any]) -> dict[str, Any]:
    """Parameters after these batches, in float32 throughout."""
    w = dict(training.p)
    for batch in batches:
        data = training.X[batch], training.y[batch]
        if training.is_linear:
            _, g = oracle.linear_gradients(w, *data)
        else:
            _, g = oracle.network_gradients(w, *data, curves.ACTIVATION)
        w = {n: (v - np.float32(0.1) * g[n].astype(np.float32)).astype("f4") for n, v in w.items()}
    return w


@pytest.mark.parametrize("model", ["linear.LinearClassifier", "network.TwoLayerNetwork"])
@pytest.mark.parametrize("seed", range(2))
def test_margin(model: str, seed: int) -> None:
    """Float32 ends a hundred times nearer than is allowed; a step left out, five times further."""
    given = training(model, seed)
    batches = given.batches()
    assert off(given, in_float32(given, batches)) < trained.MOST_OFF / 50
    for left_out in (0, len(batches) // 2, len(batches) - 1):
        rest = batches[:left_out] + batches[left_out + 1 :]
        assert off(given, in_float32(given, rest)) > 3 * trained.MOST_OFF
