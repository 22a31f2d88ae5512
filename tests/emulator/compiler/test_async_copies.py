"""Copies that go on while a kernel works: cuda_pipeline.h, cooperative_groups/memcpy_async.h."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.emulator.compiler.bench import Bench

PIPELINE = """
#include <cuda_pipeline.h>
extern "C" __global__ void k(const float *x, float *o) {
  __shared__ float s[2][64];
  int t = threadIdx.x;
  __pipeline_memcpy_async(&s[0][t], &x[t], sizeof(float));
  __pipeline_commit();
  for (int i = 0; i < 4; i++) {
    if (i < 3) __pipeline_memcpy_async(&s[(i + 1) % 2][t], &x[64 * (i + 1) + t], 4, i == 2 ? 4 : 0);
    __pipeline_commit();
    __pipeline_wait_prior(WAIT);
    __syncthreads();
    o[64 * i + t] = s[i % 2][63 - t];
    __syncthreads();
  }
}
"""
GROUP = """
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
namespace cg = cooperative_groups;
extern "C" __global__ void k(const float *x, float *o) {
  __shared__ float s[2][128];
  auto block = cg::this_thread_block();
  cg::memcpy_async(block, s[0], x, sizeof(float) * 128);
  cg::memcpy_async(block, s[1], 128, x + 128, 128);
  FIRST;
  for (int i = threadIdx.x; i < 128; i += 64) o[i] = s[0][127 - i];
  cg::wait(block);
  for (int i = threadIdx.x; i < 128; i += 64) o[128 + i] = s[1][127 - i];
}
"""


def test_a_pipeline(bench: Bench) -> None:
    """A wait leaves the last batches on their way; bytes beyond the source are zero."""
    x, o = np.arange(256, dtype=np.float32), np.zeros((4, 64), np.float32)
    assert bench.run(bench.load(PIPELINE.replace("WAIT", "1")), "k", x, o, threads=64) == []
    x[192:] = 0
    np.testing.assert_array_equal(o, x.reshape(4, 64)[:, ::-1])


def test_copies_of_a_group(bench: Bench) -> None:
    """A group's threads share a copy, and wait for it together, one batch a call."""
    x, o = np.arange(256, dtype=np.float32), np.zeros((2, 128), np.float32)
    image = bench.load(GROUP.replace("FIRST", "cg::wait_prior<1>(block)"))
    assert bench.run(image, "k", x, o, threads=64) == []
    np.testing.assert_array_equal(o, x.reshape(2, 128)[:, ::-1])


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (PIPELINE.replace("WAIT", "2"), 13),
        (GROUP.replace("FIRST", "block.sync()"), 11),
        (GROUP.replace("FIRST", "cg::wait_prior<2>(block)"), 11),
    ],
)
def test_read_before_the_wait(bench: Bench, source: str, line: int) -> None:
    """What is read before its copy was waited for was never written, or races with the copy."""
    x, o = np.arange(256, dtype=np.float32), np.zeros(256, np.float32)
    found = bench.run(bench.load(source), "k", x, o, threads=64)
    assert found
    assert {str(f.kind) for f in found} <= {"unwritten-read", "race"}
    assert all(line in {p.line for p in (f.place, f.other) if p} for f in found)
