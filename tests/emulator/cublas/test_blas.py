from __future__ import annotations

import ctypes

import numpy as np
import pytest

from emulator.cublas import library
from emulator.cublas.blas import HostBlas, find_host_blas
from tests.emulator.cublas.device import LETTERS, Blas, gamma, matrix, random, turned, wide


def product(blas: Blas, letter: str, ta: int, tb: int) -> None:
    """One product of every shape and transpose against double precision."""
    dtype, rng = LETTERS[letter], np.random.default_rng(1)
    A, B = (
        random(rng, dtype, *((9, 17) if ta else (17, 9))),
        random(rng, dtype, *((11, 9) if tb else (9, 11))),
    )
    C = random(rng, dtype, 17, 11)
    (a, lda), (b, ldb), (c, ldc) = (matrix(blas.memory, X, 1) for X in (A, B, C))
    half = dtype.type(0.5)
    blas(f"{letter}gemm_v2", ta, tb, 17, 11, 9, half, a, lda, b, ldb, half, c, ldc)
    truth = 0.5 * turned(wide(A), ta) @ turned(wide(B), tb) + 0.5 * wide(C)
    np.testing.assert_allclose(c.get(), truth, rtol=0, atol=gamma(9, dtype) * 100)


@pytest.mark.parametrize("tb", [0, 1, 2])
@pytest.mark.parametrize("ta", [0, 1, 2])
@pytest.mark.parametrize("letter", "SDCZ")
def test_products_without_a_host_blas(
    letter: str, ta: int, tb: int, blas: Blas, libraries: dict[str, ctypes.CDLL]
) -> None:
    """Where NumPy has no BLAS of a known name, plain loops give the same product."""
    assert libraries
    library.connect(library._connected[-1], HostBlas())
    product(blas, letter, ta, tb)
    library.connect(library._connected[-1], find_host_blas())
    product(blas, letter, ta, tb)


def test_numpy_wheels_have_a_blas_that_is_found() -> None:
    """All four products of NumPy's own BLAS, and the width of its integers."""
    found = find_host_blas()
    if not any(found.gemm):
        pytest.skip("this NumPy has no BLAS of a known name; plain loops are used")
    assert all(found.gemm)


def test_numpy_keeps_its_number_of_threads(blas: Blas) -> None:
    """The emulated product uses one thread, and gives NumPy's setting back."""
    found = find_host_blas()
    if not found.get_threads:
        pytest.skip("this NumPy's BLAS has no setting of threads")
    get = ctypes.CFUNCTYPE(ctypes.c_int)(found.get_threads)
    put = ctypes.CFUNCTYPE(None, ctypes.c_int)(found.set_threads)
    before = get()
    put(2)
    product(blas, "S", 0, 0)
    after = get()
    put(before)
    assert after == 2
