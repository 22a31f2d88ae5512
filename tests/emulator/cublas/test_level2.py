from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.findings import findings
from tests.emulator.cublas.device import (
    FACTORS,
    INCREMENTS,
    LETTERS,
    PADS,
    PROPERTY,
    SEEDS,
    SIZES,
    Blas,
    Memory,
    Operand,
    assert_within,
    factor,
    gamma,
    half,
    linear,
    matrix,
    mirrored,
    random,
    turned,
    vector,
    wide,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPERATIONS = st.integers(0, 2)
OPTIONS = st.integers(0, 1)
ALL = pytest.mark.parametrize("letter", "SDCZ")


def band(
    memory: Memory, values: NDArray[Any], below: int, above: int, pad: int
) -> tuple[Operand, int, NDArray[Any]]:
    """A band in BLAS storage, its leading dimension, and the matrix that it stands for."""
    ld = below + above + 1 + pad
    i, j = np.indices(values.shape)
    inside = (j - i <= above) & (i - j <= below)
    places = (above + i - j + j * ld)[inside]
    return Operand(memory, values[inside], places), ld, np.where(inside, values, 0)


def packed(memory: Memory, values: NDArray[Any], fill: int) -> Operand:
    """One half of a square matrix, column after column."""
    n = len(values)
    columns = [values[j:, j] if fill == 0 else values[: j + 1, j] for j in range(n)]
    flat = np.concatenate(columns) if n else values.reshape(-1)
    return Operand(memory, flat, np.arange(flat.size))


def check_vector(
    y: Operand, alpha: complex, A: Any, x: Any, beta: float, before: Any, dtype: Any
) -> None:
    """The result of alpha A x + beta y, and the marks of it."""
    truth, size = linear(alpha, A, wide(x), beta, wide(before))
    assert_within(y.get(), truth, gamma(max(A.shape, default=0), dtype) * size)
    if 0 not in A.shape:
        assert y.marked_exactly()
    assert not findings()


@ALL
@PROPERTY
@given(OPERATIONS, SIZES, SIZES, PADS, INCREMENTS, INCREMENTS, FACTORS, FACTORS, SEEDS)
def test_gemv(
    letter: str, blas: Blas, trans: int, m: int, n: int, pad: int, incx: int, incy: int,
    alpha: complex, beta: float, seed: int,
) -> None:  # fmt: skip
    """Y = alpha op(A) x + beta y with increments of either sign; nothing between is touched."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    A = random(rng, dtype, m, n)
    lengths = (m, n) if trans else (n, m)
    x, before = (random(rng, dtype, length) for length in lengths)
    a, lda = matrix(blas.memory, A, pad)
    y = vector(blas.memory, before, incy, written=beta != 0)
    arguments = (trans, m, n, dtype.type(alpha), a, lda, vector(blas.memory, x, incx), incx)
    blas(f"{letter}gemv_v2", *arguments, dtype.type(beta), y, incy)
    if m and n:
        check_vector(y, alpha, turned(wide(A), trans), x, beta, before, dtype)


@ALL
@PROPERTY
@given(OPERATIONS, SIZES, SIZES, st.integers(0, 3), st.integers(0, 3), PADS, FACTORS, SEEDS)
def test_gbmv(
    letter: str, blas: Blas, trans: int, m: int, n: int, below: int, above: int, pad: int,
    alpha: complex, seed: int,
) -> None:  # fmt: skip
    """The product with a band matrix reads the band only."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    lengths = (m, n) if trans else (n, m)
    x, before = (random(rng, dtype, length) for length in lengths)
    a, lda, whole = band(blas.memory, random(rng, dtype, m, n), below, above, pad)
    y = vector(blas.memory, before, 2)
    arguments = (trans, m, n, below, above, dtype.type(alpha), a, lda, vector(blas.memory, x), 1)
    blas(f"{letter}gbmv_v2", *arguments, dtype.type(0.5), y, 2)
    if m and n:
        check_vector(y, alpha, turned(wide(whole), trans), x, 0.5, before, dtype)


@pytest.mark.parametrize("storage", ["full", "band", "packed"])
@pytest.mark.parametrize(
    ("letter", "hermitian"),
    [("S", False), ("D", False), ("C", True), ("Z", True), ("C", False), ("Z", False)],
)
@PROPERTY
@given(OPTIONS, SIZES, st.integers(0, 3), PADS, INCREMENTS, FACTORS, FACTORS, SEEDS)
def test_symmetric(
    letter: str, hermitian: bool, storage: str, blas: Blas, fill: int, n: int, k: int, pad: int,
    inc: int, alpha: complex, beta: float, seed: int,
) -> None:  # fmt: skip
    """Products with symmetric and Hermitian matrices of every storage read one half only."""
    if letter in "CZ" and not hermitian and storage != "full":
        return  # BLAS has no such routine
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    values, x, before = (random(rng, dtype, *shape) for shape in ((n, n), (n,), (n,)))
    kind = "h" if hermitian else "s"
    routine = {"full": "emv" if hermitian else "ymv", "band": "bmv", "packed": "pmv"}[storage]
    if storage == "full":
        a, lda = matrix(blas.memory, half(values, fill), pad)
        operands: tuple[object, ...] = (dtype.type(alpha), a, lda)
    elif storage == "band":
        a, lda, values = band(blas.memory, values, *((k, 0) if fill == 0 else (0, k)), pad)
        operands = (dtype.type(alpha), a, lda)
    else:
        operands = (dtype.type(alpha), packed(blas.memory, values, fill))
    y = vector(blas.memory, before, inc)
    width = (k,) if storage == "band" else ()
    tail = (vector(blas.memory, x, inc), inc, dtype.type(beta), y, inc)
    blas(f"{letter}{kind}{routine}_v2", fill, n, *width, *operands, *tail)
    if n:
        whole = mirrored(wide(values), fill, hermitian=hermitian)
        check_vector(y, alpha, whole, x, beta, before, dtype)


@pytest.mark.parametrize("routine", ["Sger", "Dger", "Cgeru", "Cgerc", "Zgeru", "Zgerc"])
@PROPERTY
@given(SIZES, SIZES, PADS, INCREMENTS, INCREMENTS, FACTORS, SEEDS)
def test_ger(
    routine: str,
    blas: Blas,
    m: int,
    n: int,
    pad: int,
    incx: int,
    incy: int,
    alpha: complex,
    seed: int,
) -> None:
    """A += alpha x yᵀ, conjugated for gerc."""
    blas.memory.reset()
    dtype, rng = LETTERS[routine[0]], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    A, x, y = (random(rng, dtype, *shape) for shape in ((m, n), (m,), (n,)))
    a, lda = matrix(blas.memory, A, pad)
    vectors = (vector(blas.memory, x, incx), incx, vector(blas.memory, y, incy), incy)
    blas(f"{routine}_v2", m, n, dtype.type(alpha), *vectors, a, lda)
    right = wide(y).conj() if routine.endswith("c") else wide(y)
    truth, size = linear(alpha, wide(x)[:, None], right[None, :], 1, wide(A))
    assert_within(a.get(), truth, gamma(1, dtype) * size)


@pytest.mark.parametrize("routine", ["syr", "syr2", "spr", "spr2", "her", "her2", "hpr", "hpr2"])
@ALL
@PROPERTY
@given(OPTIONS, SIZES, PADS, INCREMENTS, INCREMENTS, FACTORS, SEEDS)
def test_half_updates(
    routine: str, letter: str, blas: Blas, fill: int, n: int, pad: int, incx: int, incy: int,
    alpha: complex, seed: int,
) -> None:  # fmt: skip
    """Rank-1 and rank-2 updates of one half, full or packed."""
    real = letter in "SD"
    if (routine[0] == "h" and real) or (routine.startswith("sp") and not real):
        return  # BLAS has no such routine
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    A, x, y = (random(rng, dtype, *shape) for shape in ((n, n), (n,), (n,)))
    hermitian, two, pack = routine[0] == "h", routine.endswith("2"), routine[1] == "p"
    before = wide(A)
    if hermitian and alpha:  # imaginary parts of the diagonal are taken as zero, whatever they are
        np.fill_diagonal(before, np.diag(A).real)
    if pack:
        a = packed(blas.memory, A, fill)
        target: tuple[object, ...] = (a,)
    else:
        a, lda = matrix(blas.memory, A, pad)
        target = (a, lda)
    if hermitian and not two:
        alpha = alpha.real
    vectors: tuple[object, ...] = (vector(blas.memory, x, incx), incx)
    if two:
        vectors = (*vectors, vector(blas.memory, y, incy), incy)
    blas(f"{letter}{routine}_v2", fill, n, alpha, *vectors, *target)
    left, right = wide(x)[:, None], wide(y if two else x)[:, None]
    truth, size = linear(alpha, left, turned(right, 2 if hermitian else 1), 1, before)
    if two:
        again = np.conj(alpha) if hermitian else alpha
        more, more_size = linear(again, right, turned(left, 2 if hermitian else 1), 0, 0)
        truth, size = truth + more, size + more_size
    if pack:
        result, expected = a.get(), packed(blas.memory, truth, fill).get()
        assert_within(result, expected, gamma(2, dtype) * packed(blas.memory, size, fill).get())
    else:
        stored = ~np.isnan(half(wide(A), fill))
        assert_within(a.get()[stored], truth[stored], gamma(2, dtype) * size[stored])
        assert (a.get()[~stored] == A[~stored]).all()


@pytest.mark.parametrize("routine", ["trmv", "trsv", "tbmv", "tbsv", "tpmv", "tpsv"])
@ALL
@PROPERTY
@given(OPTIONS, OPERATIONS, OPTIONS, SIZES, st.integers(0, 3), PADS, INCREMENTS, SEEDS)
def test_triangular(
    routine: str, letter: str, blas: Blas, fill: int, trans: int, unit: int, n: int, k: int,
    pad: int, inc: int, seed: int,
) -> None:  # fmt: skip
    """Products with, and solutions of, triangular matrices of every storage."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    values = (random(rng, dtype, n, n) / 4 + 2 * np.eye(n)).astype(dtype)  # well conditioned
    before = random(rng, dtype, n)
    width: tuple[int, ...] = ()
    if routine[1] == "r":
        values = half(values, fill)
        a, lda = matrix(blas.memory, values, pad)
        operands: tuple[object, ...] = (a, lda)
    elif routine[1] == "b":
        width = (k,)
        a, lda, values = band(blas.memory, values, *((k, 0) if fill == 0 else (0, k)), pad)
        operands = (a, lda)
    else:
        operands = (packed(blas.memory, values, fill),)
    T = np.tril(wide(values)) if fill == 0 else np.triu(wide(values))
    if unit:
        np.fill_diagonal(T, 1)
    x = vector(blas.memory, before, inc)
    blas(f"{letter}{routine}_v2", fill, trans, unit, n, *width, *operands, x, inc)
    operator, result = turned(T, trans), wide(x.get())
    if routine.endswith("mv"):
        truth, size = linear(1, operator, wide(before), 0, 0)
        assert_within(x.get(), truth, gamma(n, dtype) * size)
    else:  # small backward error: Higham, theorem 8.5
        back, size = linear(1, operator, result, 0, 0)
        assert_within(back, wide(before), gamma(n + 2, dtype) * (size + np.abs(before)))
