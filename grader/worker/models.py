"""Models of the judge's own, by which `train` and `accuracy` are judged on their own."""

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
        from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

        rows = X.get() if hasattr(X, "gpudata") else np.asarray(X)
        labels = y.get() if hasattr(y, "gpudata") else np.asarray(y)
        self.seen.append((rows[:, 0].copy(), np.array(labels), float(learning_rate)))
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
        """A copy of X on the device."""
        from pycuda import gpuarray  # noqa: PLC0415 - importable once the backend is active

        return gpuarray.to_gpu(np.ascontiguousarray(X.get() if hasattr(X, "gpudata") else X))

    def report(self) -> dict[str, Any]:
        """Nothing to report."""
        return {}


MODELS: dict[str, type] = {"grader.Recorder": Recorder, "grader.Echo": Echo}
