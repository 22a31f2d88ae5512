"""Models of the judge's own, by which `train` and `accuracy` are judged on their own.

As the homework's models do, they take arrays on the device only: code that works with them works
with those.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Recorder:
    """A model that learns nothing and notes what `train` gives it.

    Its loss is the number of the step; `seen` are the first column of each batch's X (the judge
    puts the rows' numbers there), the labels, and the learning rates.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.seen: list[tuple[Any, Any, float]] = []

    def step(self, X: Any, y: Any, learning_rate: float) -> Any:
        """Note the batch and return the step's number, counted from 1, as a (1,) device array."""
        from device import require  # noqa: PLC0415 - importable once the backend is active
        from pycuda import gpuarray  # noqa: PLC0415 - as above

        N, _ = require("X", X, ("N", "D"))
        require("y", y, (N,), np.int32)
        self.seen.append((X.get()[:, 0].copy(), y.get(), float(learning_rate)))
        return gpuarray.to_gpu(np.array([len(self.seen)], dtype=np.float32))

    def report(self) -> dict[str, Any]:
        """Rows, labels, sizes and learning rates of all steps, as host arrays."""
        rows, labels, rates = zip(*self.seen, strict=True) if self.seen else ((), (), ())
        nothing = np.zeros(0, dtype=np.float32)
        return {
            "rows": np.concatenate([nothing, *rows]).astype(np.float64),
            "labels": np.concatenate([nothing, *labels]).astype(np.float64),
            "sizes": np.array([len(batch) for batch in rows], dtype=np.int64),
            "rates": np.array(rates, dtype=np.float64),
        }


class Echo:
    """A model whose scores are its inputs: X (N, C) are the logits."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}

    def scores(self, X: Any) -> Any:
        """A copy of X."""
        from device import require  # noqa: PLC0415 - importable once the backend is active

        require("X", X, ("N", "C"))
        return X.copy()

    def report(self) -> dict[str, Any]:
        """Nothing to report."""
        return {}


MODELS: dict[str, type] = {"grader.Recorder": Recorder, "grader.Echo": Echo}
