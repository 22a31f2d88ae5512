import numpy as np
import pytest

import data


def test_xor() -> None:
    """XOR is true where exactly one input is."""
    X, y = data.xor()
    assert X.shape == (4, 2)
    assert X.dtype == np.float32
    assert y.dtype == np.int32
    np.testing.assert_array_equal(y, X.sum(axis=1) == 1)


@pytest.mark.parametrize(("points", "classes"), [(1, 1), (7, 2), (100, 5)])
def test_spiral(points: int, classes: int) -> None:
    """Each class has its points inside the unit circle, contiguous float32."""
    X, y = data.spiral(points, classes)
    assert X.shape == (points * classes, 2)
    assert X.dtype == np.float32
    assert y.dtype == np.int32
    assert X.flags.c_contiguous
    np.testing.assert_array_equal(np.bincount(y), [points] * classes)
    assert np.linalg.norm(X, axis=1).max() <= 1 + 1e-6


def test_the_seed_decides_the_spiral() -> None:
    """The same seed gives the same points, another seed others."""
    np.testing.assert_array_equal(data.spiral(20, seed=3)[0], data.spiral(20, seed=3)[0])
    assert not np.array_equal(data.spiral(20, seed=3)[0], data.spiral(20, seed=4)[0])
