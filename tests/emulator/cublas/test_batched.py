from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.findings import Kind, findings
from tests.emulator.cublas.device import (
    FACTORS,
    LETTERS,
    PADS,
    PROPERTY,
    SEEDS,
    Blas,
    Memory,
    Operand,
    assert_within,
    gamma,
    half,
    linear,
    matrix,
    random,
    turned,
    vector,
    wide,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALL = pytest.mark.parametrize("letter", "SDCZ")
OPERATIONS = st.integers(0, 2)
OPTIONS = st.integers(0, 1)
COUNTS = st.integers(0, 3)
ORDERS = st.integers(1, 6)


def batch(
    memory: Memory, values: NDArray[Any], pad: int = 0, *, written: bool = True
) -> tuple[list[Operand], Operand, int]:
    """Matrices, the array of their addresses in device memory, and their leading dimension."""
    made = [matrix(memory, value, pad, written=written) for value in values]
    operands = [operand for operand, _ in made]
    pointers = vector(memory, np.array([operand.address for operand in operands], np.uint64))
    return operands, pointers, max(1, values.shape[1]) + pad


@ALL
@PROPERTY
@given(OPERATIONS, OPERATIONS, ORDERS, ORDERS, ORDERS, PADS, FACTORS, COUNTS, SEEDS)
def test_gemm_batched(
    letter: str, blas: Blas, ta: int, tb: int, m: int, n: int, k: int, pad: int, beta: float,
    count: int, seed: int,
) -> None:  # fmt: skip
    """Each product of a batch, by pointers and by strides, is that of gemm."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    A = random(rng, dtype, count, *((k, m) if ta else (m, k)))
    B = random(rng, dtype, count, *((n, k) if tb else (k, n)))
    C = random(rng, dtype, count, m, n)
    alpha, factor = dtype.type(0.5), dtype.type(beta)
    _, a, lda = batch(blas.memory, A, pad)
    _, b, ldb = batch(blas.memory, B)
    products, c, ldc = batch(blas.memory, C, pad, written=beta != 0)
    blas(f"{letter}gemmBatched", ta, tb, m, n, k, alpha, a, lda, b, ldb, factor, c, ldc, count)
    stacks = [np.ascontiguousarray(X.transpose(0, 2, 1)) for X in (A, B, C)]
    flat = [vector(blas.memory, stack.reshape(-1)) for stack in stacks]
    lds = [X.shape[1] for X in (A, B, C)]
    strides = [ctypes.c_longlong(X[0].size if count else 0) for X in (A, B, C)]
    blas(
        f"{letter}gemmStridedBatched", ta, tb, m, n, k, alpha, flat[0], lds[0], strides[0],
        flat[1], lds[1], strides[1], factor, flat[2], lds[2], strides[2], count,
    )  # fmt: skip
    strided = flat[2].get().reshape(count, n, m).transpose(0, 2, 1)
    for i in range(count):
        truth, size = linear(0.5, turned(wide(A[i]), ta), turned(wide(B[i]), tb), beta, wide(C[i]))
        assert_within(products[i].get(), truth, gamma(k, dtype) * size)
        assert_within(strided[i], truth, gamma(k, dtype) * size)
        assert products[i].marked_exactly()
    assert not findings()


@ALL
@PROPERTY
@given(OPTIONS, OPTIONS, OPERATIONS, ORDERS, ORDERS, COUNTS, SEEDS)
def test_trsm_batched(
    letter: str, blas: Blas, side: int, fill: int, trans: int, m: int, n: int, count: int, seed: int
) -> None:
    """Each triangular system of a batch is solved."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    order = n if side else m
    A = (random(rng, dtype, count, order, order) / 4 + 2 * np.eye(order)).astype(dtype)
    B = random(rng, dtype, count, m, n)
    stored = np.array([half(value, fill) for value in A]).reshape(A.shape).astype(dtype)
    _, a, lda = batch(blas.memory, stored, 1)
    solutions, b, ldb = batch(blas.memory, B)
    blas(f"{letter}trsmBatched", side, fill, trans, 0, m, n, dtype.type(2), a, lda, b, ldb, count)
    for i in range(count):
        T = turned(np.tril(wide(A[i])) if fill == 0 else np.triu(wide(A[i])), trans)
        X = wide(solutions[i].get())
        back, size = linear(1, *((X, T) if side else (T, X)), 0, 0)
        assert_within(back, 2 * wide(B[i]), gamma(order + 2, dtype) * (size + np.abs(2 * B[i])))


@pytest.mark.parametrize("pivoting", [True, False])
@ALL
@PROPERTY
@given(ORDERS, ORDERS, OPERATIONS, PADS, COUNTS, SEEDS)
def test_lu_batched(
    letter: str, pivoting: bool, blas: Blas, n: int, columns: int, trans: int, pad: int,
    count: int, seed: int,
) -> None:  # fmt: skip
    """Factors of getrf solve (getrs) and invert (getri) to a small residual."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    A = (random(rng, dtype, count, n, n) / 4 + (0 if pivoting else 3) * np.eye(n)).astype(dtype)
    if pivoting:
        A += np.roll(3 * np.eye(n), 1, axis=0).astype(dtype)  # needs its rows exchanged
    B = random(rng, dtype, count, n, columns)
    _, a, lda = batch(blas.memory, A, pad)
    pivots = vector(blas.memory, np.zeros(count * n, np.int32), written=False)
    info = vector(blas.memory, np.full(max(count, 1), -1, np.int32), written=False)
    exchanges = pivots if pivoting else None
    blas(f"{letter}getrfBatched", n, a, lda, exchanges, info, count)
    solutions, b, ldb = batch(blas.memory, B)
    inverses, c, ldc = batch(blas.memory, np.zeros_like(A), 1, written=False)
    status = ctypes.c_int(-1)
    operands = (a, lda, exchanges, b, ldb, ctypes.byref(status), count)
    blas(f"{letter}getrsBatched", trans, n, columns, *operands)
    blas(f"{letter}getriBatched", n, a, lda, exchanges, c, ldc, info, count)
    assert status.value == 0
    growth = 8 * n * gamma(n, dtype)  # Higham, §9.3: backward error with a modest growth factor
    for i in range(count):
        assert info.get()[i] == 0
        operator, X = turned(wide(A[i]), trans), wide(solutions[i].get())
        scale = np.abs(operator).sum() * max(1.0, np.abs(X).max())
        assert_within(operator @ X, wide(B[i]), np.full(B[i].shape, growth * scale))
        inverse = wide(inverses[i].get())
        scale = np.abs(operator).sum() * np.abs(inverse).max()
        assert_within(wide(A[i]) @ inverse, np.eye(n), np.full((n, n), growth * scale))
    assert not findings()


def test_getrf_names_the_zero_pivot(blas: Blas) -> None:
    """A singular matrix gives the index, from 1, of its first zero pivot."""
    _, a, lda = batch(blas.memory, np.diag([1.0, 0.0, 2.0]).astype(np.float32)[None])
    info = vector(blas.memory, np.zeros(1, np.int32), written=False)
    blas("SgetrfBatched", 3, a, lda, None, info, 1)
    assert info.get()[0] == 2


def test_too_short_an_info_array_is_reported_and_survived(blas: Blas) -> None:
    """Flags that don't fit are named and not stored; the factors are right."""
    _, a, lda = batch(blas.memory, np.ones((3, 1, 1), np.float32))
    info = vector(blas.memory, np.zeros(1, np.int32), written=False)
    blas("SgetrfBatched", 1, a, lda, None, info, 3)
    (finding,) = findings()
    assert finding.kind == Kind.OUT_OF_BOUNDS
    assert not finding.fatal
    assert "infoArray[1]" in finding.message


def test_wrong_pivots_are_refused(blas: Blas) -> None:
    """Row numbers outside the matrix, which a device would follow, are an invalid argument."""
    _, a, lda = batch(blas.memory, np.ones((1, 2, 2), np.float32))
    _, b, ldb = batch(blas.memory, np.ones((1, 2, 2), np.float32))
    pivots = vector(blas.memory, np.array([1, 900], np.int32))
    status = ctypes.c_int()
    operands = (a, lda, pivots, b, ldb, ctypes.byref(status), 1)
    assert blas.status("SgetrsBatched", 0, 2, 2, *operands) == 7
    assert "devIpiv" in findings()[0].message


def test_host_array_of_pointers_is_refused(blas: Blas) -> None:
    """The addresses of a batch must themselves lie in device memory."""
    (one,), pointers, ld = batch(blas.memory, np.ones((1, 1, 1), np.float32))
    host = np.array([one.address], np.uint64)
    factors = (np.float32(1), host, ld, pointers, ld, np.float32(0), pointers, ld, 1)
    assert blas.status("SgemmBatched", 0, 0, 1, 1, 1, *factors) == 13
    (finding,) = findings()
    assert finding.kind == Kind.HOST_POINTER
    assert "Aarray" in finding.message


def test_a_bad_matrix_of_a_batch_is_numbered(blas: Blas) -> None:
    """A null pointer in the array of addresses is named with its index."""
    _, pointers, ld = batch(blas.memory, np.ones((2, 1, 1), np.float32))
    broken = vector(blas.memory, np.array([0, 0], np.uint64))
    factors = (np.float32(1), broken, ld, pointers, ld, np.float32(0), pointers, ld, 2)
    assert blas.status("SgemmBatched", 0, 0, 1, 1, 1, *factors) == 13
    (finding,) = findings()
    assert finding.kind == Kind.NULL_POINTER
    assert "Aarray[0]" in finding.message
