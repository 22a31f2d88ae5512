"""Numbers exchanged for others that are as plausible, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grader.worker import mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats = arrays(
    np.float32,
    st.integers(2, 60),
    elements=st.floats(-1e4, 1e4, width=32).filter(lambda x: x == 0 or abs(x) > 1e-6),
)


@pytest.fixture(autouse=True)
def call() -> None:
    """Another call begins."""
    mask.begin()


def hidden(values: NDArray[Any]) -> NDArray[Any]:
    """What the host sees of them."""
    seen: NDArray[Any] = values.copy(order="K")
    mask.hide(mask.words_of(seen))
    return seen


@given(Floats)
def test_there_and_back(values: NDArray[np.float32]) -> None:
    """What is exchanged is finite, no larger, the same each time, and comes back as it was."""
    mask.begin()
    seen = hidden(values)
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() <= np.abs(values).max()
    assert np.array_equal(hidden(values), seen)
    assert not ((seen == values) & (values != 0)).any()
    moved = seen[::-1].copy()
    mask.reveal(mask.words_of(moved))
    assert np.array_equal(moved, values[::-1])


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32])
def test_labels_stay(dtype: type) -> None:
    """Labels, sizes and zeros are what they were."""
    values: NDArray[Any] = np.array(
        [0, 9, 65_535] if dtype is not np.float32 else [0, 0, 0], dtype=dtype
    )
    assert np.array_equal(hidden(values), values)


def test_sums_change() -> None:
    """Also the mean of a column that is copied on its own is another one."""
    values = np.random.default_rng(1).standard_normal(37).astype(np.float32)
    assert abs(hidden(values).mean() - values.mean()) > 1e-4


def test_first_single_elements_stay() -> None:
    """A loss may be looked at; an array that is copied element by element is not seen."""
    values = np.random.default_rng(2).standard_normal(20).astype(np.float32)
    seen = np.array([hidden(values[i : i + 1])[0] for i in range(20)])
    assert np.array_equal(seen[:8], values[:8])
    assert not (seen[8:] == values[8:]).any()


def test_any_layout() -> None:
    """Fortran order, doubles, bytes and strided rows are exchanged in place."""
    rng = np.random.default_rng(3)
    layouts: tuple[NDArray[Any], ...] = (
        np.asfortranarray(rng.standard_normal((5, 3))).astype(np.float32, order="F"),
        rng.standard_normal((5, 3)),
        rng.integers(0, 256, 31).astype(np.uint8),
    )
    for values in layouts:
        assert (hidden(values) != values).any()
    whole = rng.standard_normal((5, 4)).astype(np.float32)
    rows = whole.view(np.uint32)[:, 1:3]
    before = whole.copy()
    mask.hide(rows)
    assert (whole[:, 1:3] != before[:, 1:3]).all()
    assert np.array_equal(whole[:, [0, 3]], before[:, [0, 3]])


def test_same_single_element_stays() -> None:
    """A loss may be looked at again and again; bytes that are copied one by one are not seen."""
    loss = np.array([2.3456], np.float32)
    assert all(hidden(loss)[0] == loss[0] for _ in range(20))
    raw = np.random.default_rng(4).integers(2, 256, 64).astype(np.uint8)
    seen = np.concatenate([hidden(raw[i : i + 1]) for i in range(64)])
    assert np.array_equal(seen[:8], raw[:8])
    assert not np.array_equal(seen[8:], raw[8:])


@pytest.mark.parametrize(("copied", "sent"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_converted_and_back(copied: type, sent: type) -> None:
    """What the host makes longer, or shorter, stands for the same numbers."""
    values: NDArray[Any] = (
        np.random.default_rng(5).standard_normal(30).astype(np.float32).astype(copied)
    )
    moved: NDArray[Any] = hidden(values).astype(sent)
    mask.reveal(mask.words_of(moved))
    assert np.array_equal(moved, values.astype(sent))


@pytest.mark.parametrize("sent", [np.float32, np.float64])
def test_tells_what_was_moved(sent: type) -> None:
    """Numbers in another order or type, zeros, ones and labels are not made; sums are."""
    values = np.random.default_rng(6).standard_normal(30).astype(np.float32)
    seen = hidden(values)
    assert not mask.only_moved()
    mask.sent(mask.words_of(np.concatenate([[0, 1, 7], seen[::-1]]).astype(sent)))
    assert mask.only_moved()
    mask.sent(mask.words_of(np.array([seen.sum()]).astype(sent)))
    assert not mask.only_moved()


def test_some_constants_are_not_made() -> None:
    """Kernels may get a constant or two besides, and whole numbers."""
    seen = hidden(np.random.default_rng(7).standard_normal(30).astype(np.float32))
    mask.sent(mask.words_of(seen))
    mask.sent(mask.words_of(np.array([1 / 7, 0.1], np.float32)), copied=False)
    mask.sent(mask.words_of(np.array([123_456_789, 70_000], np.int32)), copied=False)
    assert mask.only_moved()
    mask.sent(mask.words_of(np.array([1 / 11], np.float32)), copied=False)
    assert not mask.only_moved()
