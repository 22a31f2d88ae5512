"""A program for test_unchecked.py: an unchecked device in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from emulator import runtime
from tests.emulator.runtime import device

SOURCE = """
__global__ void scale(float *x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = 2 * x[i] + threadIdx.x % 3;
}
__global__ void tree(const float *x, float *sums) {
  __shared__ float s[128];
  s[threadIdx.x] = x[blockIdx.x * 128 + threadIdx.x];
  __syncthreads();
  for (int h = 64; h > 0; h /= 2) {
    if (threadIdx.x < h) s[threadIdx.x] += s[threadIdx.x + h];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = s[0];
}
__global__ void ticket(int *order, int *next) {
  if (threadIdx.x == 0) order[atomicAdd(next, 1)] = blockIdx.x;
}
__global__ void divide(int *k, int d) { k[threadIdx.x + blockIdx.x * blockDim.x] = 7 / d; }
__global__ void endless(int n) { while (n); }
__global__ void null(float *x) { x[threadIdx.x] = 1; }
__global__ void wait_for_lane(int *k) {
  if (threadIdx.x == 31) atomicExch(k, 1);
  while (atomicAdd(k, 0) == 0);
}
"""


def main() -> None:
    """Assert what an unchecked device does."""
    runtime.library()
    runtime.start(1 << 30, checked=False)
    image = device.compile_source(SOURCE, Path(sys.argv[1]), checked=False)
    n = 300_000
    x = np.arange(n, dtype=np.float32)
    address = device.upload(x)
    for _ in range(50):
        assert not device.launch(image, "scale", n // 256 + 1, 256, address, n).findings
    for _ in range(50):
        x = 2 * x + (np.arange(n) % 256 % 3).astype(np.float32)
    np.testing.assert_array_equal(device.download(address, x), x)

    rows = np.arange(2000 * 128, dtype=np.float32).reshape(2000, 128) % 5
    sums = runtime.malloc(4 * 2000)
    for _ in range(20):
        assert not device.launch(image, "tree", 2000, 128, device.upload(rows), sums).findings
        np.testing.assert_array_equal(device.download(sums, rows[:, 0]), rows.sum(axis=1))

    order = runtime.malloc(4 * 1000)
    device.launch(image, "ticket", 1000, 64, order, device.upload(np.zeros(1, np.int32)))
    np.testing.assert_array_equal(device.download(order, np.zeros(1000, np.int32)), range(1000))

    k = runtime.malloc(4 << 16)
    kinds = [
        [str(f.kind) for f in launch.findings]
        for launch in (
            device.launch(image, "divide", 512, 128, k, 0),
            device.launch(image, "endless", 1, 32, 1, limit_s=0.05),
            device.launch(image, "endless", 512, 128, 1, limit_s=0.05),
            device.launch(image, "null", 1, 32, 0),
            device.launch(image, "wait_for_lane", 1, 32, device.upload(np.zeros(1, np.int32))),
            device.launch(image, "divide", 512, 128, k, 2),
        )
    ]
    assert [found[:1] for found in kinds] == [
        ["division-by-zero"],
        ["time-limit"],
        ["time-limit"],
        ["null-pointer"],
        [],
        [],
    ], kinds
    print("fine")


main()
