"""What is timed, and how large it is: tasks 5.1 to 5.3 and `make time` ask workers for the same."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

TOUCHED_BYTES = 256 << 20
"""By each kernel: more than the largest cache, and 90 µs on the fastest device there is today."""

N, D, H, C = 128, 784, 256, 10
"""Of a training step: the homework's minibatch and models."""

LEARNING_RATE = 0.1

MODELS = {"linear.LinearClassifier": [D, C], "network.TwoLayerNetwork": [D, H, C]}


def launch(
    function: str, arguments: Sequence[Any], tile_rows: int, rows: int
) -> tuple[dict[str, Any], list[Array]]:
    """The request that prepares a launcher, and its arrays; see `grader.worker.timing.prepare`.

    Args:
        function: the launcher in kernels.py.
        arguments: arrays and other values; arrays of `tile_rows` rows are repeated on the device.
        tile_rows: how many rows of those are sent.
        rows: how many there are to be.
    """
    arrays: list[Array] = []
    entries: list[dict[str, Any]] = []
    for argument in arguments:
        if not isinstance(argument, np.ndarray):
            entries.append({"value": argument})
            continue
        entries.append({"tile": len(arrays)})
        if len(argument) == tile_rows:
            entries[-1]["rows"] = rows
        arrays.append(argument)
    return {"what": f"kernels.{function}", "arguments": entries}, arrays


def step(what: str) -> dict[str, Any]:
    """The request that prepares training steps of a model on minibatches of `N`."""
    return {"what": what, "sizes": MODELS[what], "learning_rate": LEARNING_RATE, "batch": N}


def parameter_shapes(what: str) -> list[tuple[int, ...]]:
    """Of a model's parameters, sorted."""
    layers = pairwise(MODELS[what])
    return sorted(shape for inputs, outputs in layers for shape in ((inputs, outputs), (outputs,)))


def minibatches(rng: np.random.Generator, count: int) -> list[Array]:
    """Images (count·N, D) and labels (count·N,)."""
    X = rng.random((count * N, D), dtype=np.float32)
    return [X, rng.integers(0, C, count * N).astype(np.int32)]
