"""The homework's training step in plain launches and as one graph, and the fused one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pycuda.driver as cuda
from device import to_device
from linear import LinearClassifier
from network import TwoLayerNetwork
from training import graphed_step

from benchmarks.fused import fused
from benchmarks.shapes import LEARNING_RATE, Shape, minibatch
from benchmarks.timing import wall_us

if TYPE_CHECKING:
    from training import Model


class Steps(NamedTuple):
    """What a shape's step takes.

    Attributes:
        launches_us: the model's step, launched operation by operation.
        graph_us: the same, replayed as one graph.
        fused_us: benchmarks/fused.py, replayed as one graph.
        losses: of the first steps, by contender.
    """

    launches_us: float
    graph_us: float
    fused_us: float
    losses: dict[str, list[float]]


def measure(shape: Shape, compared_steps: int) -> Steps:
    """Measure all three on the minibatch that all contenders share."""
    images, labels = minibatch(shape)
    X, y = to_device(images), to_device(labels, np.int32)
    model = model_of(shape)
    losses = [float(model.step(X, y, LEARNING_RATE).get()[0]) for _ in range(compared_steps)]

    made = fused(shape)
    replay_fused = made.graph()
    fused_losses = []
    for _ in range(compared_steps):
        replay_fused()
        cuda.Context.synchronize()
        fused_losses.append(float(made.loss.get()[0]))

    synchronize = cuda.Context.synchronize
    return Steps(
        wall_us(lambda: model.step(X, y, LEARNING_RATE), synchronize),
        wall_us(graphed_step(model, X, y, LEARNING_RATE), synchronize),
        wall_us(replay_fused, synchronize),
        {"homework": losses, "fused": fused_losses},
    )


def model_of(shape: Shape) -> Model:
    """Return the homework's model of a shape."""
    if shape.H:
        return TwoLayerNetwork(shape.D, shape.H, shape.C)
    return LinearClassifier(shape.D, shape.C)
