"""Cost counters: what a profiler counts on a device, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from emulator import runtime
from tests.emulator.runtime import device

if TYPE_CHECKING:
    from emulator.compiler.image import Image

SOURCE = """
__global__ void copy(const float *x, float *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}
__global__ void strided(const float *x, float *y, int stride) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i * stride];
}
__global__ void broadcast(const float *x, float *y) {
  y[threadIdx.x] = x[3];
}
__global__ void vectors(const float4 *x, float4 *y) {
  y[threadIdx.x] = x[threadIdx.x];
}
__global__ void columns(float *y) {
  __shared__ float s[32][32];
  s[threadIdx.x][threadIdx.y] = 1;
  __syncthreads();
  y[threadIdx.y * 32 + threadIdx.x] = s[threadIdx.y][threadIdx.x];
}
__global__ void padded_columns(float *y) {
  __shared__ float s[32][33];
  s[threadIdx.x][threadIdx.y] = 1;
  __syncthreads();
  y[threadIdx.y * 32 + threadIdx.x] = s[threadIdx.y][threadIdx.x];
}
__global__ void add_to_one(int *k) { atomicAdd(&k[0], 1); }
__global__ void add_to_many(int *k) { atomicAdd(&k[threadIdx.x], 1); }
__global__ void half_idle(float *y) {
  if (threadIdx.x % 2) y[threadIdx.x] = 1;
}
__global__ void uneven_loop(const float *x, float *y) {
  float sum = 0;
  for (int q = 0; q <= threadIdx.x; q++) sum += x[q];
  y[threadIdx.x] = sum;
}
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The kernels above."""
    device.start()
    return device.compile_source(SOURCE, tmp_path_factory.mktemp("counters"))


@pytest.fixture
def x() -> int:
    """4096 floats."""
    return device.upload(np.ones(4096, np.float32))


@pytest.fixture
def y() -> int:
    """Room for 4096 floats."""
    return runtime.malloc(4 * 4096)


def test_coalesced_copy(image: Image, x: int, y: int) -> None:
    """A warp's 128 contiguous bytes are one request of four sectors."""
    cost = device.launch(image, "copy", 4, 64, x, y, profile=True).counters
    assert (cost.global_requests, cost.global_sectors, cost.global_ideal_sectors) == (16, 64, 64)
    assert cost.global_bytes == 2 * 4 * 256
    assert cost.idle_lanes == 0


@pytest.mark.parametrize(("stride", "sectors"), [(1, 4), (2, 8), (8, 32), (16, 32)])
def test_strided_reads(image: Image, x: int, y: int, stride: int, sectors: int) -> None:
    """A stride of n touches n times the sectors, up to one for each lane."""
    cost = device.launch(image, "strided", 1, 32, x, y, stride, profile=True).counters
    assert cost.global_sectors == sectors + 4
    assert cost.global_ideal_sectors == 4 + 4


def test_broadcast(image: Image, x: int, y: int) -> None:
    """Lanes that read the same word share a sector."""
    cost = device.launch(image, "broadcast", 1, 32, x, y, profile=True).counters
    assert cost.global_sectors == 1 + 4


def test_vectors(image: Image, x: int, y: int) -> None:
    """Sixteen bytes a lane are sixteen sectors a request."""
    cost = device.launch(image, "vectors", 1, 32, x, y, profile=True).counters
    assert (cost.global_requests, cost.global_sectors) == (2, 32)


def test_bank_conflicts(image: Image, y: int) -> None:
    """A column of 32 words lies in one bank; with a row length of 33 it lies in all."""
    cost = device.launch(image, "columns", 1, (32, 32), y, profile=True).counters
    assert (cost.shared_requests, cost.shared_wavefronts) == (64, 32 * 32 + 32)
    assert cost.bank_conflicts == 31 * 32
    cost = device.launch(image, "padded_columns", 1, (32, 32), y, profile=True).counters
    assert (cost.shared_wavefronts, cost.bank_conflicts) == (64, 0)
    assert cost.barriers == 32


def test_atomic_conflicts(image: Image) -> None:
    """Lanes that meet at one address wait for each other."""
    k = device.upload(np.zeros(64, np.int32))
    cost = device.launch(image, "add_to_one", 1, 64, k, profile=True).counters
    assert (cost.atomic_requests, cost.atomic_operations, cost.atomic_conflicts) == (2, 64, 62)
    cost = device.launch(image, "add_to_many", 1, 64, k, profile=True).counters
    assert (cost.atomic_requests, cost.atomic_conflicts) == (2, 0)


def test_idle_lanes(image: Image, y: int) -> None:
    """Lanes that sit out a branch are counted."""
    cost = device.launch(image, "half_idle", 1, 32, y, profile=True).counters
    assert (cost.active_lanes, cost.idle_lanes) == (16, 16)


def test_uneven_loop(image: Image, x: int, y: int) -> None:
    """The n-th iterations of all lanes are one request, whichever lane runs first."""
    cost = device.launch(image, "uneven_loop", 1, 32, x, y, profile=True).counters
    assert (cost.global_requests, cost.global_sectors) == (32 + 1, 32 + 4)
    assert cost.idle_lanes == sum(range(32))


def test_busiest_thread(image: Image, x: int, y: int) -> None:
    """Of the thread with most accesses all are counted, of another block's none."""
    cost = device.launch(image, "uneven_loop", 1, 32, x, y, profile=True).counters
    assert cost.busiest_thread == 32 + 1
    cost = device.launch(image, "copy", 4, 64, x, y, profile=True).counters
    assert cost.busiest_thread == 2


def test_lines_add_up(image: Image, x: int, y: int) -> None:
    """The counters of the lines are those of the launch, and a second launch has the same."""
    first = device.launch(image, "strided", 2, 64, x, y, 4, profile=True).counters
    second = device.launch(image, "strided", 2, 64, x, y, 4, profile=True).counters
    assert first == second
    assert {place.line for place in first.lines} == {8}
    total = sum((cost for cost in first.lines.values()), runtime.Cost())
    assert total.global_sectors == first.global_sectors


def test_profiling_finds_what_checking_finds(image: Image, x: int) -> None:
    """A profiled launch is a checked one."""
    result = device.launch(image, "copy", 65, 64, x, x, profile=True)
    assert [str(finding.kind) for finding in result.findings] == ["out-of-bounds"]


def test_aborted_launch_leaves_no_counts(image: Image, x: int, y: int) -> None:
    """What an aborted launch had counted is not the next launch's."""
    assert device.launch(image, "copy", 65, 64, x, x, profile=True).findings
    cost = device.launch(image, "copy", 1, 32, x, y, profile=True).counters
    assert (cost.global_requests, cost.global_sectors) == (2, 8)
