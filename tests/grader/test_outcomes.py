"""The worker's JSON, read into values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.actions import call
from grader.outcomes import Outcome, Value, outcome

ACTION = call("kernels.bias_add")
ARRAYS = [np.ones((2, 3), dtype=np.float32)]


def read(**result: Any) -> Outcome:
    """The outcome of a result."""
    return outcome(ACTION, result, ARRAYS)


def test_arrays_and_numbers() -> None:
    """Arrays are found by number, containers are read through."""
    array = {"kind": "GPUArray", "dtype": "float32", "shape": [2, 3], "array": 0}
    dictionary = {"kind": "dict", "entries": {"W": array}}
    loss = {"kind": "float", "value": 0.5}
    read_back = read(returned={"kind": "tuple", "items": [loss, dictionary]}).returned
    assert read_back.items[0].number == 0.5
    assert read_back.items[1].entries["W"].array is ARRAYS[0]
    assert str(read_back) == "tuple (float 0.5, dict with the keys 'W')"


def test_own_threads() -> None:
    """Only launches of the submission's own kernels count."""
    launches = [
        {"kernel": "fill", "grid": [9, 1, 1], "block": [1, 1, 1], "own": False},
        {"kernel": "bias_add", "grid": [2, 3, 1], "block": [32, 1, 1], "own": True},
    ]
    assert read(launches=launches).own_threads == [192]


def test_nothing_returned() -> None:
    """An action without a result returned None, and belongs to no line."""
    assert read() == Outcome(Value("None"), {}, (), "kernels.bias_add")


@pytest.mark.parametrize(
    "returned", [{}, {"kind": "GPUArray", "array": 7}, {"kind": "x", "shape": ["a"]}, 3, None]
)
def test_nonsense(returned: Any) -> None:
    """What no worker of ours writes is an ordinary error, which the judge expects."""
    with pytest.raises((KeyError, TypeError, ValueError, IndexError, AttributeError)):
        read(returned=returned)
