from __future__ import annotations

import numpy as np
import pytest

from grader import expect
from grader.judge import CheckFailure, Outcome, Value


def gpu(array: np.ndarray) -> Value:
    """A device array that came back."""
    return Value("GPUArray", str(array.dtype), array.shape, array)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Value("None"), "yours is None"),
        (Value("ndarray", "float32", (2, 3)), "yours is ndarray"),
        (gpu(np.zeros((3, 2), np.float32)), r"yours has \(3, 2\)"),
        (gpu(np.zeros((6,), np.float32)), r"yours has \(6,\)"),
        (gpu(np.zeros((2, 3))), "should be float32; yours is float64"),
        (Value("GPUArray", "float32", (2, 3)), "not C-contiguous"),
    ],
)
def test_device_array(value: Value, message: str) -> None:
    """What is no float32 device array of the right shape is told by what it is."""
    with pytest.raises(CheckFailure, match=message):
        expect.device_array(value, "A", (2, 3))


def test_close_names_the_worst_element() -> None:
    """A mismatch tells how many elements differ, the worst of them, and what is allowed."""
    true = np.arange(6.0).reshape(2, 3)
    yours = true.copy()
    yours[0, 1] += 0.01
    yours[1, 2] += 0.5
    with pytest.raises(CheckFailure) as caught:
        expect.close("dW", yours, true, 1e-6)
    assert caught.value.message == (
        "dW: 2 of 6 elements differ; worst at [1, 2]: yours 5.5, true 5 (allowed ±2e-06)"
    )


def test_nan_is_worst() -> None:
    """Not-a-number is worse than any number, and infinity is not close to infinity's neighbour."""
    true = np.zeros(3)
    with pytest.raises(CheckFailure, match=r"2 of 3 .* worst at \[1\]: yours nan"):
        expect.close("b", np.array([5.0, np.nan, 0.0]), true, 1e-6)


def test_unchanged() -> None:
    """An input that was changed, by a bit only, is named."""
    before = np.zeros(3, np.float32)
    after = np.array([0, -0.0, 0], np.float32)
    outcome = Outcome(Value("None"), {"0": gpu(after)}, ())
    with pytest.raises(CheckFailure, match="A is an input"):
        expect.unchanged(outcome, A=(0, before))


def test_own_kernel() -> None:
    """Launches of PyCUDA's own kernels are not the student's."""
    launch = {"kernel": "fill", "grid": [1, 1, 1], "block": [32, 1, 1], "own": False}
    with pytest.raises(CheckFailure, match="launched no kernel of yours"):
        expect.own_kernel(Outcome(Value("None"), {}, (launch,), "kernels.bias_add"))


@pytest.mark.parametrize(
    "value", [Value("float", number=0.5), gpu(np.array([0.5], np.float32))], ids=["float", "array"]
)
def test_loss(value: Value) -> None:
    """A loss may be a device array (1,) or a number."""
    assert expect.loss(value)[0] == 0.5


def test_items_and_entries() -> None:
    """A tuple of the wrong length and a dict without the key are told by what they are."""
    with pytest.raises(CheckFailure, match=r"should return \(losses, dZ\); yours returns None"):
        expect.items(Value("None"), "losses", "dZ")
    with pytest.raises(CheckFailure, match=r"the key 'W'; yours is dict with the keys 'w'"):
        expect.entry(Value("dict", entries={"w": Value("None")}), "W")
