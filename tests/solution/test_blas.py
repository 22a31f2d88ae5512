import numpy as np
import pytest
from blas import gemm
from device import to_device

U = 2.0**-24  # unit roundoff of float32


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(
    ("M", "K", "N"), [(5, 7, 11), (1, 3, 2), (4, 1, 3), (2, 5, 1), (37, 101, 10)]
)
def test_gemm(
    M: int, K: int, N: int, transpose_a: bool, transpose_b: bool, rng: np.random.Generator
) -> None:
    """Gemm is alpha op(A) op(B) + beta C, for every combination of transposes and ragged shapes."""
    op_A, op_B = rng.standard_normal((M, K), np.float32), rng.standard_normal((K, N), np.float32)
    C = rng.standard_normal((M, N), np.float32)
    A = to_device(op_A.T if transpose_a else op_A)
    B = to_device(op_B.T if transpose_b else op_B)
    out = to_device(C)
    result = gemm(A, B, transpose_a, transpose_b, alpha=0.5, beta=-2.0, out=out)
    assert result is out
    true = 0.5 * (op_A.astype(np.float64) @ op_B) - 2.0 * C
    allowed = U * (K + 3) * (0.5 * np.abs(op_A) @ np.abs(op_B) + 2.0 * np.abs(C))
    assert np.all(np.abs(out.get() - true) <= allowed)


def test_gemm_makes_its_result(rng: np.random.Generator) -> None:
    """Without `out`, the result is a new array, and its old contents don't matter."""
    A, B = rng.standard_normal((3, 4), np.float32), rng.standard_normal((4, 2), np.float32)
    C = gemm(to_device(A), to_device(B)).get()
    assert C.dtype == np.float32
    np.testing.assert_allclose(C, A @ B, atol=1e-5)


def test_beta_zero_overwrites_nan() -> None:
    """With beta = 0, `out` may hold NaN: it is overwritten, not multiplied."""
    eye, out = to_device(np.eye(3)), to_device(np.full((3, 3), np.nan))
    np.testing.assert_array_equal(gemm(eye, eye, out=out).get(), np.eye(3))


def test_gemm_takes_slices_of_rows(rng: np.random.Generator) -> None:
    """A minibatch is a slice of rows, somewhere in the middle of its matrix."""
    A, B = rng.standard_normal((9, 4), np.float32), rng.standard_normal((4, 2), np.float32)
    np.testing.assert_allclose(gemm(to_device(A)[2:5], to_device(B)).get(), A[2:5] @ B, atol=1e-5)


def test_shapes_that_do_not_fit() -> None:
    """Shapes that don't fit are a ValueError that names the sizes."""
    A, B = to_device(np.zeros((2, 3))), to_device(np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"op\(A\) is \(2, 3\) and op\(B\) is \(4, 5\)"):
        gemm(A, B)
    with pytest.raises(ValueError, match=r"out: expected shape \(3, 3\), found \(2, 3\)"):
        gemm(A, A, transpose_a=True, out=A)


def test_beta_needs_out() -> None:
    """Beta without `out` is a ValueError: there is nothing to add to."""
    A = to_device(np.eye(2))
    with pytest.raises(ValueError, match=r"beta = 1\.0 needs `out`"):
        gemm(A, A, beta=1.0)


def test_a_transposed_view_is_refused() -> None:
    """A.T moves no elements, and would silently be read as A."""
    A = to_device(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"B: .*rows one after the other"):
        gemm(A, A.T)
