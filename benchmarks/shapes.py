"""The training steps that are measured, and how every contender starts them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]

LEARNING_RATE = 0.1


class Shape(NamedTuple):
    """Sizes of a training step; H = 0 is the linear classifier."""

    N: int
    D: int
    H: int
    C: int

    def __str__(self) -> str:
        return f"{self.N},{self.D},{self.H or '–'},{self.C}"


SHAPES = (
    Shape(128, 784, 0, 10),
    Shape(128, 784, 256, 10),
    Shape(1024, 784, 256, 10),
    Shape(1024, 784, 1024, 10),
    Shape(8192, 784, 1024, 10),
)


def minibatch(shape: Shape) -> tuple[Floats, Labels]:
    """Return X (N, D) in [0, 1] and labels y (N,), the same for every contender."""
    rng = np.random.default_rng(1)
    X = rng.random((shape.N, shape.D), dtype=np.float32)
    return X, rng.integers(0, shape.C, shape.N).astype(np.int32)


def parameters(shape: Shape) -> dict[str, Floats]:
    """Return the initial parameters, as the models of the homework draw them for seed 0."""
    D, H, C = shape.D, shape.H, shape.C
    rng = np.random.default_rng(0)
    sizes = {"W1": (D, H), "W2": (H, C)} if H else {"W": (D, C)}
    drawn: dict[str, Floats] = {}
    for name, size in sizes.items():
        drawn[name] = (rng.standard_normal(size) * np.sqrt(1 / size[0])).astype(np.float32)
        drawn[name.replace("W", "b")] = np.zeros(size[1], np.float32)
    return drawn
