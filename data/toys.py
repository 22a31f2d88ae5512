"""Toy problems that a linear classifier cannot solve: XOR, and interleaved spiral arms."""

import numpy as np
import numpy.typing as npt

Points = tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]


def xor() -> Points:
    """Return X (4, 2) float32, the corners of the unit square, and y (4,) int32, their XOR."""
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return X, np.array([0, 1, 1, 0], np.int32)


def spiral(points_per_class: int, classes: int = 3, seed: int = 0) -> Points:
    """Return points on spiral arms around the origin, one arm a class.

    Every arm goes from radius 0 to 1 in 4 radians (0.64 turns), with normal noise of 0.2 radians.

    Args:
        points_per_class: points on each arm.
        classes: arms, spread evenly around the origin.
        seed: of the noise.

    Returns:
        X (classes · points_per_class, 2) float32, and y of as many labels int32, in order of class.
    """
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(classes, dtype=np.int32), points_per_class)
    radius = np.tile(np.linspace(0, 1, points_per_class), classes)
    angle = 2 * np.pi * y / classes + 4 * radius + 0.2 * rng.standard_normal(len(y))
    X = radius * np.array([np.sin(angle), np.cos(angle)])
    return np.ascontiguousarray(X.T, np.float32), y
