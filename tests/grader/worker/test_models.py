"""The judge's own models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from grader.actions import Host, Kept, call, new
from grader.verdicts import CheckFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from grader.judge import Judge


@pytest.mark.parametrize(
    ("model", "function", "source"),
    [
        ("grader.Echo", "training.accuracy", "def accuracy(model, X, y):\n    model.scores(X)\n"),
        ("grader.Recorder", "training.train", "def train(model, X, y):\n    model.step(X, y, 1)\n"),
    ],
)
def test_host_arrays_are_refused(
    judged: Callable[..., Judge], model: str, function: str, source: str
) -> None:
    """What forgets to_device fails here as it would with a model of the homework."""
    X, y = np.zeros((4, 2), dtype=np.float32), np.zeros(4, dtype=np.int32)
    actions = new("model", model), call(function, Kept("model"), Host(X), Host(y))
    with pytest.raises(CheckFailure, match="X: expected a GPUArray, found ndarray") as caught:
        judged(training=source).run(*actions)
    assert (caught.value.file, caught.value.line) == ("training.py", 2)
