"""The homework's training step in plain launches and as one graph, and the fused one."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pycuda.driver as cuda
from device import to_device
from linear import LinearClassifier
from network import TwoLayerNetwork
from training import graphed_step

from benchmarks.fused import fused
from benchmarks.shapes import LEARNING_RATE, SHAPES, Shape, minibatch
from benchmarks.timing import wall_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from training import Model

    from benchmarks.peers import Peers


ROUNDS = 5


class Steps(NamedTuple):
    """What a shape's step takes, in µs: the best of rounds in which all contenders had a turn.

    The best for everybody: the host's speed, which decides what is launched one by one, changes by
    half from second to second with what else its machine does, for one process and not the other.

    Attributes:
        launches: the model's step, launched operation by operation.
        graph: the same, replayed as one graph.
        fused: benchmarks/fused.py, replayed as one graph.
        theirs: PyTorch's, by contender; empty without PyTorch.
        losses_apart: the largest difference between contenders in the losses of the first steps.
    """

    launches: float
    graph: float
    fused: float
    theirs: dict[str, float]
    losses_apart: float

    @property
    def times_eager(self) -> float:
        """How many times faster than PyTorch eager the launches are."""
        return self.theirs.get("eager", nan) / self.launches


def measure(shape: Shape, peers: Peers, compared_steps: int) -> Steps:
    """Measure everybody on the minibatch that all contenders share."""
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

    number = SHAPES.index(shape)
    all_losses = [losses, fused_losses, peers.round(number).get("losses") or losses]
    contenders: tuple[Callable[[], object], ...] = (
        lambda: model.step(X, y, LEARNING_RATE),
        graphed_step(model, X, y, LEARNING_RATE),
        replay_fused,
    )
    theirs: dict[str, list[float]] = {}
    ours: list[list[float]] = []
    for _ in range(ROUNDS):
        for name, time_us in peers.round(number).items():
            theirs.setdefault(name, []).append(time_us)
        ours.append([wall_us(contender, cuda.Context.synchronize) for contender in contenders])
    launches, graph, fused_step = (min(times) for times in zip(*ours, strict=True))
    return Steps(
        launches,
        graph,
        fused_step,
        {name: min(times) for name, times in theirs.items()},
        max(abs(a - b) for row in all_losses for a, b in zip(row, losses, strict=True)),
    )


def model_of(shape: Shape) -> Model:
    """Return the homework's model of a shape."""
    if shape.H:
        return TwoLayerNetwork(shape.D, shape.H, shape.C)
    return LinearClassifier(shape.D, shape.C)
