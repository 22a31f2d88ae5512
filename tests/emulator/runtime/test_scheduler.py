"""Blocks and threads: all run, in an order that does not matter, and stuck ones are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator import runtime
from emulator.findings import Kind
from tests.emulator.runtime import device

if TYPE_CHECKING:
    from emulator.compiler.image import Image

SOURCE = """
__global__ void tree(const float *x, float *sums, int n) {
  __shared__ float s[256];
  int t = threadIdx.x, row = blockIdx.y;
  s[t] = x[row * n + t];
  __syncthreads();
  for (int h = 128; h > 0; h /= 2) {
    if (t < h) s[t] += s[t + h];
    __syncthreads();
  }
  if (t == 0) sums[row] = s[0];
}
__global__ void shuffles(float *sums) {
  float x = threadIdx.x;
  for (int r = 0; r < 40; r++) x = __shfl_xor_sync(0xffffffffu, x, 1);
  if (threadIdx.x == 0) sums[blockIdx.x] = x;
}
__global__ void indices(int *out) {
  int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  int threads = blockDim.x * blockDim.y * blockDim.z;
  int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * threads + thread] = block * threads + thread;
}
__global__ void say() {
  printf("%d:%d\\n", blockIdx.x, threadIdx.x);
}
__global__ void counts(int *out) {
  int t = threadIdx.x;
  int all = __syncthreads_and(t < 63);
  out[t] = __syncthreads_count(t % 3 == 0) + 1000 * __syncthreads_or(t == 7) + 10000 * all;
}
__global__ void warp_results(int *out) {
  int t = threadIdx.x;
  int *o = out + 8 * t;
  o[0] = __shfl_sync(0xffffffffu, t, 5);
  o[1] = __shfl_up_sync(0xffffffffu, t, 3, 8);
  o[2] = __shfl_down_sync(0xffffffffu, t, 3, 8);
  o[3] = __shfl_xor_sync(0xffffffffu, t, 9);
  o[4] = __ballot_sync(0xffffffffu, t & 1);
  o[5] = __match_any_sync(0xffffffffu, t % 4);
  o[6] = __reduce_add_sync(0xffffffffu, t);
  o[7] = __reduce_min_sync(0xffffffffu, 5 - t);
}
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The kernels above."""
    device.start()
    return device.compile_source(SOURCE, tmp_path_factory.mktemp("scheduler"))


def test_many_blocks_with_barriers_all_run(image: Image) -> None:
    """The time slices of a long launch end at barriers, too, and lose no block."""
    x = np.arange(400 * 256, dtype=np.float32).reshape(400, 256) % 7
    sums = runtime.malloc(4 * 400)
    result = device.launch(image, "tree", (1, 400), 256, device.upload(x), sums, 256)
    assert not result.findings
    np.testing.assert_array_equal(device.download(sums, x[:, 0]), x.sum(axis=1))


def test_many_blocks_with_shuffles_all_run(image: Image) -> None:
    """The time slices of a long launch end in warp operations, too."""
    like = np.zeros(600, np.float32)
    sums = runtime.malloc(like.nbytes)
    assert not device.launch(image, "shuffles", 600, 96, sums).findings
    np.testing.assert_array_equal(device.download(sums, like), like)


@pytest.mark.parametrize(
    ("grid", "block"), [((3, 4, 5), (2, 3, 4)), ((7,), (1024,)), ((1,), (33,))]
)
def test_indices(image: Image, grid: tuple[int, ...], block: tuple[int, ...]) -> None:
    """Every thread of every block runs once and knows where it is."""
    expected = np.arange(np.prod(grid) * np.prod(block), dtype=np.int32)
    out = runtime.malloc(expected.nbytes)
    assert not device.launch(image, "indices", grid, block, out).findings
    np.testing.assert_array_equal(device.download(out, expected), expected)


def test_printf_in_order(image: Image) -> None:
    """Output comes in the order of blocks and threads."""
    output = device.launch(image, "say", 2, 3).output
    assert output.split() == ["0:0", "0:1", "0:2", "1:0", "1:1", "1:2"]


def test_barrier_reductions(image: Image) -> None:
    """__syncthreads_count, _or and _and give all threads the block's result."""
    out = runtime.malloc(4 * 64)
    assert not device.launch(image, "counts", 1, 64, out).findings
    assert set(device.download(out, np.zeros(64, np.int32))) == {22 + 1000}


def test_warp_operations(image: Image) -> None:
    """Shuffles, votes, matches and reductions give what the PTX ISA says."""
    out = runtime.malloc(4 * 8 * 32)
    assert not device.launch(image, "warp_results", 1, 32, out).findings
    got = device.download(out, np.zeros((32, 8), np.int32))
    t = np.arange(32)
    np.testing.assert_array_equal(got[:, 0], 5)
    np.testing.assert_array_equal(got[:, 1], np.where(t % 8 >= 3, t - 3, t))
    np.testing.assert_array_equal(got[:, 2], np.where(t % 8 < 5, t + 3, t))
    np.testing.assert_array_equal(got[:, 3], t ^ 9)
    np.testing.assert_array_equal(got[:, 4].view(np.uint32), 0xAAAAAAAA)
    np.testing.assert_array_equal(got[:, 5].view(np.uint32), 0x11111111 << (t % 4))
    np.testing.assert_array_equal(got[:, 6], t.sum())
    np.testing.assert_array_equal(got[:, 7], 5 - 31)


def test_repeated_launches_give_the_same_findings(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The same program has the same findings in the same order."""
    device.start()
    source = """
    __global__ void racy(float *x) {
      __shared__ float s[64];
      s[threadIdx.x] = x[threadIdx.x];
      x[threadIdx.x] = s[63 - threadIdx.x] + s[(threadIdx.x + 1) % 64];
    }"""
    image = device.compile_source(source, tmp_path_factory.mktemp("racy"))
    values = np.arange(64, dtype=np.float32)
    first, second = (
        device.launch(image, "racy", 2, 64, device.upload(values)).findings for _ in range(2)
    )
    assert first == second
    assert {finding.kind for finding in first} == {Kind.RACE}
