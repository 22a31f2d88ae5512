"""bfloat16 numbers, and arithmetic on the bytes and halves of a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.emulator.compiler.bench import Bench

BFLOAT = """
#include <cuda_bf16.h>
extern "C" __global__ void k(const float *x, float *o) {
  int t = threadIdx.x;
  __nv_bfloat16 a = __float2bfloat16(x[t]), b = __float2bfloat16(3.0f);
  o[4 * t] = __bfloat162float(a);
  o[4 * t + 1] = __bfloat162float(__hadd(a, b));
  o[4 * t + 2] = __bfloat162float(__hfma(a, b, a));
  __nv_bfloat162 two = __floats2bfloat162_rn(2.0f, 1.0f);
  __nv_bfloat162 pair = __hmul2(__floats2bfloat162_rn(x[t], 1.0f), two);
  o[4 * t + 3] = __low2float(pair) + __high2float(pair) + (float)__hgt(a, b);
}
"""
LANES = """
extern "C" __global__ void k(const unsigned *x, unsigned *o) {
  unsigned a = x[0], b = x[1];
  o[0] = __vadd4(a, b); o[1] = __vsub4(a, b); o[2] = __vaddss4(a, b); o[3] = __vaddus4(a, b);
  o[4] = __vmins4(a, b); o[5] = __vmaxu4(a, b); o[6] = __vabsdiffu4(a, b); o[7] = __vavgu4(a, b);
  o[8] = __vcmpeq4(a, b); o[9] = __vcmpgts4(a, b); o[10] = __vsetltu4(a, b); o[11] = __vabs4(a);
  o[12] = __vsadu4(a, b); o[13] = __vadd2(a, b); o[14] = __vsubss2(a, b); o[15] = __vnegss2(a);
}
"""


def to_bfloat16(x: np.ndarray) -> np.ndarray:
    """Floats rounded to the nearest bfloat16, ties to even."""
    bits = x.astype(np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def test_bfloat16(bench: Bench) -> None:
    """Conversions and arithmetic round to the nearest bfloat16, ties to even."""
    ties = np.array([1 + 2**-8, 1 + 3 * 2**-8, -1e37, 65535.0], np.float32)
    x = np.concatenate([ties, np.random.default_rng(0).normal(size=28).astype(np.float32)])
    o = np.zeros((32, 4), np.float32)
    assert bench.run(bench.load(BFLOAT), "k", x, o, threads=32) == []
    a = to_bfloat16(x)
    np.testing.assert_array_equal(o[:, 0], a)
    np.testing.assert_array_equal(o[:, 1], to_bfloat16(a + np.float32(3)))
    np.testing.assert_array_equal(o[:, 2], to_bfloat16((4.0 * a.astype(float)).astype(np.float32)))
    np.testing.assert_array_equal(o[:, 3], 2 * a + np.float32(1) + (a > 3))


def test_lanes_of_a_word(bench: Bench) -> None:
    """Bytes and halves are added, compared and clamped on their own, without a carry."""
    x = np.array([0x80FF7F01, 0x80027F03], np.uint32)
    o = np.zeros(16, np.uint32)
    assert bench.run(bench.load(LANES), "k", x, o) == []
    s, u = (x.view(kind).reshape(2, -1).astype(int) for kind in (np.int8, np.uint8))
    (sa, sb), (ua, ub) = s, u
    h, g = (x.view(kind).reshape(2, -1).astype(int) for kind in (np.int16, np.uint16))

    def word(values: np.ndarray) -> int:
        return int(
            sum(int(v) % 2**n << n * i for n in [32 // len(values)] for i, v in enumerate(values))
        )

    expected = [
        *(ua + ub, ua - ub, np.clip(sa + sb, -128, 127), np.minimum(ua + ub, 255)),
        *(np.minimum(sa, sb), np.maximum(ua, ub), abs(ua - ub), (ua + ub + 1) // 2),
        *(np.where(ua == ub, -1, 0), np.where(sa > sb, -1, 0), ua < ub, abs(sa)),
        *(np.array([abs(ua - ub).sum()]), g[0] + g[1], np.clip(h[0] - h[1], -32768, 32767)),
        np.clip(-h[0], -32768, 32767),
    ]
    assert [hex(v) for v in o] == [hex(word(values)) for values in expected]
