from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.findings import findings
from tests.emulator.cublas.device import (
    FACTORS,
    INCREMENTS,
    LETTERS,
    PROPERTY,
    SEEDS,
    Blas,
    assert_within,
    gamma,
    random,
    vector,
    wide,
)

ALL = pytest.mark.parametrize("letter", "SDCZ")
REAL = pytest.mark.parametrize("letter", "SD")
LENGTHS = st.integers(0, 40)
FORWARD = st.sampled_from([1, 2, 5])


def real_dtype(dtype: Any) -> Any:
    """The dtype of an element's real part."""
    return dtype.type(0).real.dtype


def magnitude(x: Any) -> Any:
    """What BLAS calls the absolute value."""
    return np.abs(x.real) + np.abs(x.imag)


@ALL
@PROPERTY
@given(LENGTHS, FORWARD, SEEDS)
def test_reductions(letter: str, blas: Blas, n: int, inc: int, seed: int) -> None:
    """Sum of magnitudes, Euclidean norm, and first index (from 1) of the extremes."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    values = np.round(random(rng, dtype, n) * 4) if seed % 2 else random(rng, dtype, n)  # ties
    x = vector(blas.memory, values, inc)
    of_real = {"S": "S", "D": "D", "C": "Sc", "Z": "Dz"}[letter]
    total, norm = np.zeros((2, 1), real_dtype(dtype))
    blas(f"{of_real}asum_v2", n, x, inc, total)
    blas(f"{of_real}nrm2_v2", n, x, inc, norm)
    sizes = magnitude(wide(values))
    assert_within(total[0], sizes.sum(), gamma(n, dtype) * sizes.sum())
    length = np.sqrt((np.abs(wide(values)) ** 2).sum())
    assert_within(norm[0], length, gamma(n, dtype) * length)
    for routine, expected in (("amax", np.argmax), ("amin", np.argmin)):
        index = ctypes.c_int(-1)
        blas(f"I{letter.lower()}{routine}_v2", n, x, inc, ctypes.byref(index))
        assert index.value == (expected(magnitude(values)) + 1 if n else 0)


@REAL
def test_nrm2_neither_overflows_nor_underflows(letter: str, blas: Blas) -> None:
    """Norms of the greatest and the least numbers are right although their squares are not."""
    dtype = LETTERS[letter]
    for scale in (np.finfo(dtype).max / 8, np.finfo(dtype).tiny * 8):
        x = vector(blas.memory, np.array([3, 4], dtype) * dtype.type(scale))
        norm = np.zeros(1, dtype)
        blas(f"{letter}nrm2_v2", 2, x, 1, norm)
        assert norm[0] == pytest.approx(5 * float(scale), rel=1e-6)


@pytest.mark.parametrize("routine", ["Sdot", "Ddot", "Cdotu", "Cdotc", "Zdotu", "Zdotc"])
@PROPERTY
@given(LENGTHS, INCREMENTS, INCREMENTS, SEEDS)
def test_dot(routine: str, blas: Blas, n: int, incx: int, incy: int, seed: int) -> None:
    """The inner product, of the conjugate of x for dotc."""
    blas.memory.reset()
    dtype, rng = LETTERS[routine[0]], np.random.default_rng(seed)
    x, y, result = random(rng, dtype, n), random(rng, dtype, n), np.full(1, np.nan, dtype)
    operands = (vector(blas.memory, x, incx), incx, vector(blas.memory, y, incy), incy)
    blas(f"{routine}_v2", n, *operands, result)
    left = wide(x).conj() if routine.endswith("c") else wide(x)
    bound = gamma(n, dtype) * (np.abs(x) @ np.abs(wide(y)))
    assert_within(result[0], left @ wide(y), bound)


@ALL
@PROPERTY
@given(LENGTHS, INCREMENTS, INCREMENTS, FACTORS, SEEDS)
def test_axpy(
    letter: str, blas: Blas, n: int, incx: int, incy: int, alpha: float, seed: int
) -> None:
    """Y += alpha x; nothing between the elements is touched."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    x, before = random(rng, dtype, n), random(rng, dtype, n)
    y = vector(blas.memory, before, incy)
    blas(f"{letter}axpy_v2", n, dtype.type(alpha), vector(blas.memory, x, incx), incx, y, incy)
    truth = alpha * wide(x) + wide(before)
    assert_within(y.get(), truth, gamma(1, dtype) * (np.abs(alpha * x) + np.abs(before)))


@pytest.mark.parametrize("routine", ["Sscal", "Dscal", "Cscal", "Zscal", "Csscal", "Zdscal"])
@PROPERTY
@given(LENGTHS, FORWARD, FACTORS, SEEDS)
def test_scal(routine: str, blas: Blas, n: int, inc: int, alpha: float, seed: int) -> None:
    """X *= alpha, complex ones also by a real factor."""
    blas.memory.reset()
    dtype, rng = LETTERS[routine[0]], np.random.default_rng(seed)
    before = random(rng, dtype, n)
    x = vector(blas.memory, before, inc)
    by_real = len(routine) == len("Csscal")
    factor = real_dtype(dtype).type(alpha) if by_real else dtype.type(alpha)
    blas(f"{routine}_v2", n, factor, x, inc)
    assert_within(x.get(), alpha * wide(before), gamma(1, dtype) * np.abs(before))


@ALL
@PROPERTY
@given(LENGTHS, INCREMENTS, INCREMENTS, SEEDS)
def test_copy_and_swap(letter: str, blas: Blas, n: int, incx: int, incy: int, seed: int) -> None:
    """Copy marks exactly its output as written; swap exchanges."""
    blas.memory.reset()
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    first, second = random(rng, dtype, n), random(rng, dtype, n)
    x, y = vector(blas.memory, first, incx), vector(blas.memory, second, incy, written=False)
    if n:
        blas(f"{letter}copy_v2", n, x, incx, y, incy)
        assert (y.get() == first).all()
        assert y.marked_exactly()
    z = vector(blas.memory, second, incy)
    blas(f"{letter}swap_v2", n, x, incx, z, incy)
    assert (x.get() == second).all()
    assert (z.get() == first).all()
    assert not findings()


@pytest.mark.parametrize("routine", ["Srot", "Drot", "Crot", "Zrot", "Csrot", "Zdrot"])
@PROPERTY
@given(LENGTHS, INCREMENTS, INCREMENTS, SEEDS)
def test_rot(routine: str, blas: Blas, n: int, incx: int, incy: int, seed: int) -> None:
    """Points of the plane are rotated: x = c x + s y, y = c y − conj(s) x."""
    blas.memory.reset()
    dtype, rng = LETTERS[routine[0]], np.random.default_rng(seed)
    first, second = random(rng, dtype, n), random(rng, dtype, n)
    x, y = vector(blas.memory, first, incx), vector(blas.memory, second, incy)
    c = real_dtype(dtype).type(0.6)
    s = (real_dtype(dtype) if len(routine) == len("Csrot") else dtype).type(0.8)
    blas(f"{routine}_v2", n, x, incx, y, incy, c, s)
    c, s = wide(c), wide(s)
    bound = gamma(2, dtype) * (np.abs(first) + np.abs(second))
    assert_within(x.get(), c * wide(first) + s * wide(second), bound)
    assert_within(y.get(), c * wide(second) - s.conj() * wide(first), bound)


@ALL
@PROPERTY
@given(SEEDS, st.sampled_from(["both", "a is 0", "b is 0", "none"]))
def test_rotg(letter: str, blas: Blas, seed: int, case: str) -> None:
    """The rotation that rotg makes turns (a, b) into (r, 0), and is one."""
    dtype, rng = LETTERS[letter], np.random.default_rng(seed)
    a, b = random(rng, dtype, 1), random(rng, dtype, 1)
    a *= case not in {"a is 0", "none"}
    b *= case not in {"b is 0", "none"}
    r, z, c, s = a.copy(), b.copy(), np.zeros(1, real_dtype(dtype)), np.zeros(1, dtype)
    blas(f"{letter}rotg_v2", r, z, c, s)
    size = gamma(4, dtype) * (np.abs(a) + np.abs(b))
    assert_within(r, wide(c) * wide(a) + wide(s) * wide(b), size)
    assert_within(wide(c) * wide(b) - wide(s).conj() * wide(a), np.zeros(1), size)
    assert abs(c[0]) ** 2 + abs(s[0]) ** 2 == pytest.approx(1, rel=gamma(4, dtype))


EIGHTHS = st.integers(-80, 80).map(lambda eighths: eighths / 8)  # far from underflow when squared


@REAL
@PROPERTY
@given(*[st.floats(0.01, 100)] * 2, EIGHTHS, EIGHTHS, st.sampled_from([1.0, 1e-10, 1e10]))
def test_rotmg_and_rotm(
    letter: str, blas: Blas, d1: float, d2: float, x1: float, y1: float, scale: float
) -> None:
    """The modified rotation makes y zero and keeps d1 x² + d2 y²; rotm applies it."""
    blas.memory.reset()
    dtype = LETTERS[letter]
    before = np.array([d1 * scale, d2, x1, y1], dtype)
    after, h = before.copy(), np.zeros(5, dtype)
    pieces = [after[i : i + 1] for i in range(3)]
    blas(f"{letter}rotmg_v2", *pieces, before[3:], h)
    x, y = vector(blas.memory, before[2:3], 1), vector(blas.memory, before[3:], 2)
    blas(f"{letter}rotm_v2", 1, x, 1, y, 2, h)
    weights, points = wide(before[:2]), wide(before[2:])
    energy = float(weights @ points**2)
    tolerance = 50 * float(np.finfo(dtype).eps)
    moved = [float(x.get()[0]), float(y.get()[0])]
    assert float(after[0]) * moved[0] ** 2 == pytest.approx(energy, rel=tolerance)
    assert moved[0] == pytest.approx(float(after[2]), rel=tolerance)
    assert abs(float(after[1])) * moved[1] ** 2 <= tolerance * energy
