from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.findings import findings
from tests.emulator.cublas.device import (
    FACTORS,
    LETTERS,
    PADS,
    PROPERTY,
    SEEDS,
    SIZES,
    Blas,
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

OPERATIONS = st.integers(0, 2)
OPTIONS = st.integers(0, 1)
ALL = pytest.mark.parametrize("letter", "SDCZ")


@ALL
@PROPERTY
@given(OPERATIONS, OPERATIONS, SIZES, SIZES, SIZES, PADS, FACTORS, FACTORS, SEEDS)
def test_gemm(
    blas: Blas,
    letter: str,
    ta: int,
    tb: int,
    m: int,
    n: int,
    k: int,
    pad: int,
    alpha: complex,
    beta: float,
    seed: int,
) -> None:
    """C = alpha op(A) op(B) + beta C; C is not read for beta = 0; nothing between is touched."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    A = random(rng, dtype, *((m, k) if ta == 0 else (k, m)))
    B = random(rng, dtype, *((k, n) if tb == 0 else (n, k)))
    C = random(rng, dtype, m, n) if beta else np.full((m, n), np.nan, dtype)
    if not alpha:  # then neither A nor B is read
        A[:] = B[:] = np.nan
    a, lda = matrix(blas.memory, A, pad, written=alpha != 0)
    b, ldb = matrix(blas.memory, B, written=alpha != 0)
    c, ldc = matrix(blas.memory, C, pad, written=beta != 0)
    blas(
        f"{letter}gemm_v2",
        ta,
        tb,
        m,
        n,
        k,
        dtype.type(alpha),
        a,
        lda,
        b,
        ldb,
        dtype.type(beta),
        c,
        ldc,
    )
    factors = (turned(np.nan_to_num(wide(A)), ta), turned(np.nan_to_num(wide(B)), tb))
    truth, size = linear(alpha, *factors, beta, wide(C))
    assert_within(c.get(), truth, gamma(k, dtype) * size)
    assert c.marked_exactly()
    assert not findings()


@pytest.mark.parametrize("letter", "SD")
def test_gemm_large(blas: Blas, letter: str) -> None:
    """A product of the homework's size is right in every element."""
    dtype, rng = LETTERS[letter], np.random.default_rng(0)
    A, B = random(rng, dtype, 128, 300), random(rng, dtype, 300, 257)
    (a, lda), (b, ldb) = matrix(blas.memory, A), matrix(blas.memory, B)
    c, ldc = matrix(blas.memory, np.zeros((128, 257), dtype), written=False)
    blas(
        f"{letter}gemm_v2",
        0,
        0,
        128,
        257,
        300,
        dtype.type(1),
        a,
        lda,
        b,
        ldb,
        dtype.type(0),
        c,
        ldc,
    )
    truth, size = linear(1, wide(A), wide(B), 0, 0)
    assert_within(c.get(), truth, gamma(300, dtype) * size)


@pytest.mark.parametrize("routine", ["symm", "hemm"])
@ALL
@PROPERTY
@given(OPTIONS, OPTIONS, SIZES, SIZES, PADS, FACTORS, FACTORS, SEEDS)
def test_symm(
    blas: Blas,
    routine: str,
    letter: str,
    side: int,
    fill: int,
    m: int,
    n: int,
    pad: int,
    alpha: complex,
    beta: float,
    seed: int,
) -> None:
    """C = alpha A B + beta C with a symmetric or Hermitian A, of which one half is read."""
    if routine == "hemm" and letter in "SD":
        return
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    order = n if side else m
    A, B, C = random(rng, dtype, order, order), random(rng, dtype, m, n), random(rng, dtype, m, n)
    a, lda = matrix(blas.memory, half(A, fill), pad)
    (b, ldb), (c, ldc) = matrix(blas.memory, B, pad), matrix(blas.memory, C)
    blas(
        f"{letter}{routine}_v2",
        side,
        fill,
        m,
        n,
        dtype.type(alpha),
        a,
        lda,
        b,
        ldb,
        dtype.type(beta),
        c,
        ldc,
    )
    whole = mirrored(wide(A), fill, hermitian=routine == "hemm")
    factors = (wide(B), whole) if side else (whole, wide(B))
    truth, size = linear(alpha, *factors, beta, wide(C))
    assert_within(c.get(), truth, gamma(order, dtype) * size)


@pytest.mark.parametrize("routine", ["syrk", "syr2k", "herk", "her2k"])
@ALL
@PROPERTY
@given(OPTIONS, OPTIONS, SIZES, SIZES, PADS, FACTORS, FACTORS, SEEDS)
def test_rank_k(
    blas: Blas,
    routine: str,
    letter: str,
    fill: int,
    turn: int,
    n: int,
    k: int,
    pad: int,
    alpha: complex,
    beta: float,
    seed: int,
) -> None:
    """Rank-k and rank-2k updates touch one half of C only."""
    hermitian, two = routine.startswith("he"), routine.endswith("2k")
    if hermitian and letter in "SD":
        return
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    trans = (2 if hermitian else 1) * turn
    A, B = (random(rng, dtype, *((k, n) if trans else (n, k))) for _ in range(2))
    C = random(rng, dtype, n, n)
    (a, lda), (b, ldb), (c, ldc) = (
        matrix(blas.memory, A, pad), matrix(blas.memory, B), matrix(blas.memory, C, pad),
    )  # fmt: skip
    real = wide(np.zeros(1, dtype)).real.astype(dtype.type(0).real.dtype).dtype.type
    if routine == "herk":
        alpha = real(alpha.real)
    first = alpha
    last = real(beta) if hermitian else dtype.type(beta)
    blas(
        f"{letter}{routine}_v2",
        fill,
        trans,
        n,
        k,
        first,
        a,
        lda,
        *([b, ldb] if two else []),
        last,
        c,
        ldc,
    )
    other = 2 if hermitian else 1
    left, right = turned(wide(A), trans), turned(wide(B), trans) if two else turned(wide(A), trans)
    truth, size = linear(alpha, left, turned(right, other), beta, wide(C))
    if two:
        more, more_size = linear(
            np.conj(alpha) if hermitian else alpha, right, turned(left, other), 0, 0
        )
        truth, size = truth + more, size + more_size
    if hermitian:
        np.fill_diagonal(truth, np.diag(truth).real)
    stored = ~np.isnan(half(wide(C), fill))
    result = c.get()
    assert_within(result[stored], truth[stored], gamma(2 * k, dtype) * size[stored])
    assert (result[~stored] == C[~stored]).all()


@pytest.mark.parametrize("routine", ["trmm", "trsm"])
@ALL
@PROPERTY
@given(OPTIONS, OPTIONS, OPERATIONS, OPTIONS, SIZES, SIZES, PADS, FACTORS, SEEDS)
def test_triangular(
    blas: Blas,
    routine: str,
    letter: str,
    side: int,
    fill: int,
    trans: int,
    unit: int,
    m: int,
    n: int,
    pad: int,
    alpha: complex,
    seed: int,
) -> None:
    """Products with, and solutions of, triangular matrices; a unit diagonal is not read."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    order = n if side else m
    A = (random(rng, dtype, order, order) / 4 + 2 * np.eye(order)).astype(dtype)  # well conditioned
    B = random(rng, dtype, m, n)
    stored = half(A, fill)
    T = np.tril(wide(A)) if fill == 0 else np.triu(wide(A))
    if unit:
        np.fill_diagonal(stored, np.nan)
        np.fill_diagonal(T, 1)
    (a, lda), (b, ldb) = matrix(blas.memory, stored, pad), matrix(blas.memory, B, pad)
    common = (side, fill, trans, unit, m, n, dtype.type(alpha), a, lda, b, ldb)
    operator = turned(T, trans)
    if routine == "trmm":
        c, ldc = matrix(blas.memory, np.zeros_like(B), written=False)
        blas(f"{letter}trmm_v2", *common, c, ldc)
        factors = (wide(B), operator) if side else (operator, wide(B))
        truth, size = linear(alpha, *factors, 0, 0)
        assert_within(c.get(), truth, gamma(order, dtype) * size)
        blas(f"{letter}trmm_v2", *common, b, ldb)
        assert_within(b.get(), truth, gamma(order, dtype) * size)
    else:
        blas(f"{letter}trsm_v2", *common)
        X = wide(b.get())
        factors = (X, operator) if side else (operator, X)
        back, size = linear(1, *factors, 0, 0)  # small backward error: Higham, theorem 8.5
        assert_within(back, alpha * wide(B), gamma(order + 2, dtype) * (size + np.abs(alpha * B)))


@ALL
@PROPERTY
@given(OPERATIONS, OPERATIONS, SIZES, SIZES, PADS, FACTORS, FACTORS, SEEDS)
def test_geam(
    blas: Blas,
    letter: str,
    ta: int,
    tb: int,
    m: int,
    n: int,
    pad: int,
    alpha: complex,
    beta: float,
    seed: int,
) -> None:
    """C = alpha op(A) + beta op(B); a matrix of factor 0 is not read."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    alpha = factor(dtype, alpha)
    A, B = (random(rng, dtype, *((n, m) if t else (m, n))) for t in (ta, tb))
    if not alpha:
        A[:] = np.nan
    (a, lda), (b, ldb) = matrix(blas.memory, A, pad, written=alpha != 0), matrix(blas.memory, B)
    c, ldc = matrix(blas.memory, np.zeros((m, n), dtype), pad, written=False)
    blas(f"{letter}geam", ta, tb, m, n, dtype.type(alpha), a, lda, dtype.type(beta), b, ldb, c, ldc)
    first = alpha * turned(wide(A), ta) if alpha else np.zeros((m, n))
    second = beta * turned(wide(B), tb)
    assert_within(c.get(), first + second, gamma(1, dtype) * (np.abs(first) + np.abs(second)))
    assert c.marked_exactly()
    assert not findings()


@ALL
@PROPERTY
@given(OPTIONS, SIZES, SIZES, st.sampled_from([1, 2, -2]), PADS, SEEDS)
def test_dgmm(
    blas: Blas, letter: str, side: int, m: int, n: int, increment: int, pad: int, seed: int
) -> None:
    """Rows or columns are scaled by the elements of a vector."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    A, x = random(rng, dtype, m, n), random(rng, dtype, n if side else m)
    (a, lda), (c, ldc) = matrix(blas.memory, A, pad), matrix(blas.memory, np.zeros((m, n), dtype))
    blas(f"{letter}dgmm", side, m, n, a, lda, vector(blas.memory, x, increment), increment, c, ldc)
    truth = wide(A) * (wide(x)[None, :] if side else wide(x)[:, None])
    assert_within(c.get(), truth, gamma(1, dtype) * np.abs(truth))
