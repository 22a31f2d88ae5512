# ruff: noqa: E501 - CUDA sources and tables read better unbroken
from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.emulator.compiler.bench import Bench

EPS32, EPS64 = float(np.finfo(np.float32).eps), float(np.finfo(np.float64).eps)


def apply(bench: Bench, expressions: list[str], x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Each expression of `x` at each point, in x's precision: shape (expressions, points)."""
    kind = "float" if x.dtype == np.float32 else "double"
    lines = [f"y[{i} * n + i] = {expression};" for i, expression in enumerate(expressions)]
    body = "\n".join(lines)
    image = bench.load(
        f'extern "C" __global__ void k(const {kind} *in, {kind} *y, int n) {{\n'
        f"for (int i = 0; i < n; i++) {{ {kind} x = in[i];\n{body}\n}} }}"
    )
    y = np.zeros((len(expressions), x.size), x.dtype)
    assert bench.run(image, "k", x, y, np.int32(x.size)) == []
    return y


def vectorised(function: Any, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Python's own functions of one number, point by point."""
    return np.array([function(float(value)) for value in x])


REFERENCES: dict[str, Any] = {
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "rcbrt": lambda x: 1 / np.cbrt(x),
    "sinpi": lambda x: vectorised(lambda v: math.sin(math.pi * math.remainder(v, 2)), x),
    "cospi": lambda x: vectorised(lambda v: math.cos(math.pi * math.remainder(v, 2)), x),
    "normcdf": lambda x: vectorised(lambda v: math.erfc(-v / math.sqrt(2)) / 2, x),
    "erfcx": lambda x: vectorised(lambda v: math.exp(v * v) * math.erfc(v), x),
    "exp10": lambda x: 10.0**x,
    "cyl_bessel_i0": np.i0,
    "erf": lambda x: vectorised(math.erf, x),
    "tgamma": lambda x: vectorised(math.gamma, x),
    "lgamma": lambda x: vectorised(math.lgamma, x),
    "expm1": np.expm1,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "cbrt": np.cbrt,
}


def test_functions_agree_with_numpy(bench: Bench) -> None:
    """Functions of one argument, in both precisions: a few units in the last place of NumPy's."""
    x = np.linspace(0.05, 4.0, 41)
    doubles = apply(bench, [f"{name}(x)" for name in REFERENCES], x)
    floats = apply(bench, [f"{name}f(x)" for name in REFERENCES], x.astype(np.float32))
    for row, (name, reference) in enumerate(REFERENCES.items()):
        exact = reference(x)
        # np.i0 and the naive erfcx are themselves only this good
        np.testing.assert_allclose(doubles[row], exact, rtol=1e-13, atol=1e-14, err_msg=name)
        rounded = reference(x.astype(np.float32).astype(np.float64))
        np.testing.assert_allclose(floats[row], rounded, rtol=4 * EPS32, atol=2e-7, err_msg=name)


def test_inverses(bench: Bench) -> None:
    """The inverse error functions invert, over the whole range and close to its ends."""
    y = np.array([1e-300, 1e-100, 1e-12, 1e-3, 0.1, 0.5, 0.9, 1.0, 1.3, 1.9, 1.999])
    (x,) = apply(bench, ["erfcinv(x)"], y)
    np.testing.assert_allclose(vectorised(math.erfc, x), y, rtol=2e-12)
    z = np.array([-0.999999, -0.7, -0.2, -1e-10, 0.0, 1e-300, 0.3, 0.6, 0.99])
    (x,) = apply(bench, ["erfinv(x)"], z)
    np.testing.assert_allclose(vectorised(math.erf, x), z, rtol=1e-14)
    (ends,) = apply(bench, ["normcdfinv(x)"], np.array([0.0, 1.0, 0.5]))
    assert ends.tolist() == [-np.inf, np.inf, 0.0]


def test_half_and_whole_turns_are_exact(bench: Bench) -> None:
    """The functions sinpi and cospi of halves are exactly 0, 1 and -1, however large."""
    x = np.array([0.0, 0.5, 1.0, 1.5, -0.5, 2.0**40 + 0.5, 1e300])
    sine, cosine = apply(bench, ["sinpi(x)", "cospi(x)"], x)
    assert sine.tolist() == [0, 1, 0, -1, -1, 1, 0]
    assert cosine.tolist() == [1, 0, -1, 0, 0, 0, 1]


def test_directed_rounding(bench: Bench) -> None:
    """Rounded-up and rounded-down results enclose the exact one and are neighbours; rz goes to zero."""
    x = np.random.default_rng(5).standard_normal(200).astype(np.float32)
    operations = {"fadd": "x, 0.1f", "fmul": "x, 0.1f", "fdiv": "x, 0.3f", "fsub": "0.7f, x"}
    exact = {
        "fadd": x.astype(np.longdouble) + np.float32(0.1),
        "fmul": x.astype(np.longdouble) * np.float32(0.1),
        "fdiv": x.astype(np.longdouble) / np.float32(0.3),
        "fsub": np.float32(0.7) - x.astype(np.longdouble),
    }
    for name, arguments in operations.items():
        down, up, zero, near = apply(
            bench, [f"__{name}_{mode}({arguments})" for mode in ("rd", "ru", "rz", "rn")], x
        )
        assert np.all(down <= exact[name])
        assert np.all(up >= exact[name])
        assert np.all((up == down) | (up == np.nextafter(down, np.float32(np.inf))))
        np.testing.assert_array_equal(zero, np.where(exact[name] < 0, up, down))
        assert np.all((near == up) | (near == down))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("__popc(0xf0f0)", 8),
        ("__popcll(1ull << 60)", 1),
        ("__clz(1)", 31),
        ("__clz(0)", 32),
        ("__clzll(1)", 63),
        ("__ffs(8)", 4),
        ("__ffs(0)", 0),
        ("__brev(1u) == 0x80000000u", 1),
        ("__brevll(2ull) == 1ull << 62", 1),
        ("__byte_perm(0x33221100, 0x77665544, 0x5140) == 0x55114400", 1),
        ("__byte_perm(0x00000080, 0, 0x8888) == 0xffffffffu", 1),
        ("__mul24(-3, 5)", -15),
        ("__mulhi(1 << 30, 8)", 2),
        ("__umulhi(1u << 31, 4u)", 2),
        ("__mul64hi(1ll << 62, 8)", 2),
        ("__hadd(7, 4)", 5),
        ("__rhadd(7, 4)", 6),
        ("__hadd(0x7fffffff, 0x7fffffff) == 0x7fffffff", 1),
        ("__sad(-3, 5, 10u)", 18),
        ("__usad(3u, 5u, 10u)", 12),
        ("__funnelshift_l(0x80000000u, 1u, 1u)", 3),
        ("__funnelshift_r(2u, 1u, 1u) == 0x80000001u", 1),
        ("__funnelshift_lc(7u, 1u, 40u)", 7),
        ("__dp4a(0x01020304, 0x01010101, 5)", 15),
        ("__dp4a(-1, 0x01010101, 0)", -4),
        ("__float2int_rn(2.5f)", 2),
        ("__float2int_rz(-2.7f)", -2),
        ("__float2int_ru(2.1f)", 3),
        ("__float2int_rd(-2.1f)", -3),
        ("__float2int_rz(1e20f) == INT_MAX", 1),
        ("__float2int_rn(CUDART_NAN_F)", 0),
        ("__float2uint_rz(-5.0f)", 0),
        ("__double2ll_rn(2.5)", 2),
        ("(int)__saturatef(7.0f)", 1),
        ("(int)__saturatef(CUDART_NAN_F)", 0),
        ("max(3, 7u)", 7),
        ("(int)max(2.0f, CUDART_NAN_F)", 2),
        ("(int)min(3.0, 2.0f)", 2),
        ("max(-1ll, 5ll)", 5),
        ("__float_as_int(1.0f) == 0x3f800000", 1),
        ("__double2hiint(__hiloint2double(5, 6))", 5),
        ("__double2loint(__hiloint2double(5, 6))", 6),
        ("__int2float_ru(16777217) == 16777218.0f", 1),
        ("__int2float_rz(16777217) == 16777216.0f", 1),
        ("(int)__half2float(__float2half(3.0f) * __float2half(2.0f))", 6),
        ("__half_as_ushort(__float2half(65520.0f)) == 0x7c00", 1),
        ("__half_as_ushort(__float2half(5.9604645e-8f))", 1),
        ("sizeof(half2)", 4),
    ],
)
def test_intrinsics(expression: str, value: int, collected: dict[str, int]) -> None:
    """Intrinsics of integers, conversions and half give the documented values."""
    assert collected[expression] == value


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """All expressions of the table above, computed by one kernel."""
    marks: Any = vars(test_intrinsics)["pytestmark"]  # set by parametrize
    expressions = [row[0] for row in marks[0].args[1]]
    lines = "\n".join(f"o[{i}] = (int)({e});" for i, e in enumerate(expressions))
    bench = Bench(tmp_path_factory.mktemp("intrinsics"))
    image = bench.load(
        "#include <cuda_fp16.h>\n#include <math_constants.h>\n"
        f'extern "C" __global__ void k(int *o) {{\n{lines}\n}}'
    )
    o = np.zeros(len(expressions), np.int32)
    bench.run(image, "k", o)
    return dict(zip(expressions, o.tolist(), strict=True))


def test_half_rounds_as_numpy_does(bench: Bench) -> None:
    """Conversion to half precision and back agrees with NumPy for every kind of number."""
    rng = np.random.default_rng(3)
    x = np.concatenate(
        [
            rng.standard_normal(300) * 10.0 ** rng.integers(-9, 6, 300),
            [0, -0.0, np.inf, 65504, 2**-25],
        ]
    ).astype(np.float32)
    image = bench.load(
        "#include <cuda_fp16.h>\n"
        'extern "C" __global__ void k(float *x, int n) {'
        " for (int i = 0; i < n; i++) { half h = x[i]; x[i] = h; } }"
    )
    with np.errstate(over="ignore"):
        expected = x.astype(np.float16).astype(np.float32)
    bench.run(image, "k", x, np.int32(x.size))
    np.testing.assert_array_equal(x, expected)


def xorwow(seed: int, count: int) -> list[int]:
    """Marsaglia's xorwow with cuRAND's seeding, for subsequence 0."""
    mask = 0xFFFFFFFF
    s0, s1 = (seed & mask) ^ 0xAAD26B49, (seed >> 32) ^ 0xF7DCEFDD
    t0, t1 = 1099087573 * s0 & mask, 2591861531 * s1 & mask
    d = 6615241 + t1 + t0 & mask
    v = [
        123456789 + t0 & mask,
        362436069 ^ t0,
        521288629 + t1 & mask,
        88675123 ^ t1,
        5783321 + t0 & mask,
    ]
    found = []
    for _ in range(count):
        t = v[0] ^ v[0] >> 2
        v = [*v[1:], (v[4] ^ v[4] << 4 ^ t ^ t << 1) & mask]
        d = d + 362437 & mask
        found.append(v[4] + d & mask)
    return found


def test_xorwow(bench: Bench) -> None:
    """The XORWOW generator of cuRAND: its numbers, and skipping ahead is the same as drawing."""
    image = bench.load(
        "#include <curand_kernel.h>\n"
        'extern "C" __global__ void k(unsigned *o, unsigned *skipped, int n) { curandState s, t;'
        " curand_init(1234, 0, 0, &s); curand_init(1234, 0, 0, &t);"
        " for (int i = 0; i < n; i++) { o[i] = curand(&s); }"
        " skipahead(5, &t); skipped[0] = curand(&t); curand_init(1234, 0, 7, &t); skipped[1] = curand(&t);"
        " curand_init(1234, 3, 0, &s); curand_init(1234, 1, 0, &t); skipahead_sequence(2, &t);"
        " skipped[2] = curand(&s); skipped[3] = curand(&t); }"
    )
    numbers, skipped = np.zeros(10, np.uint32), np.zeros(4, np.uint32)
    bench.run(image, "k", numbers, skipped, np.int32(10))
    assert numbers.tolist() == xorwow(1234, 10)
    assert skipped[:2].tolist() == [numbers[5], numbers[7]]
    assert skipped[2] == skipped[3]
