# ruff: noqa: E501 - CUDA sources read better unbroken
from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.compiler.bench import Bench

HEAD = (
    "#include <cooperative_groups.h>\n#include <cooperative_groups/reduce.h>\n"
    "#include <cooperative_groups/scan.h>\nnamespace cg = cooperative_groups;\n"
)
MEMBERS = """
__device__ void members(const cg::coalesced_group &g, int *o) {
  int t = threadIdx.x;
  o[0] = g.size() + 100 * g.thread_rank();
  o[1] = g.shfl(t, 0);
  o[2] = g.shfl(t, g.size() - 1);
  o[3] = g.shfl_up(t, 1);
  o[4] = g.shfl_down(t, 2);
  o[5] = g.any(t == 9) + 2 * g.all(t % 3 == 0);
  o[6] = g.ballot(t % 2);
  o[7] = g.match_any(t / 12);
  int all;
  o[8] = g.match_all(t < 32, all) == g.ballot(1) && all;
  o[9] = cg::reduce(g, t, cg::plus<int>());
  o[10] = cg::reduce(g, t, cg::greater<int>());
  o[11] = cg::inclusive_scan(g, t);
  o[12] = cg::exclusive_scan(g, t);
  o[13] = cg::inclusive_scan(g, t, cg::greater<int>());
  o[14] = cg::exclusive_scan(g, 2, [](int a, int b) { return a + b; });
  g.sync();
}
extern "C" __global__ void k(int *o) {
  if (threadIdx.x % 3 == 0) members(cg::coalesced_threads(), o + 16 * threadIdx.x);
}
"""
SHAPES = """
extern "C" __global__ void k(int *o) {
  int t = threadIdx.x;
  int *at = o + 8 * t;
  cg::coalesced_group all = cg::coalesced_threads();
  at[0] = all.size();
  if (t < 10) {
    auto g = cg::coalesced_threads();
    at[1] = g.size();
    auto pair = cg::tiled_partition(g, 4);
    at[2] = pair.size() + 10 * pair.thread_rank() + 100 * pair.meta_group_rank() + 1000 * pair.meta_group_size();
  } else {
    at[1] = cg::coalesced_threads().size();
    at[2] = 0;
  }
  auto label = cg::labeled_partition(all, t % 5);
  at[3] = label.size() + 100 * label.thread_rank();
  at[4] = label.meta_group_rank() + 100 * label.meta_group_size();
  auto half = cg::binary_partition(cg::tiled_partition<16>(cg::this_thread_block()), t % 4 == 0);
  at[5] = half.size() + 100 * half.thread_rank();
  for (int i = 0; i <= t % 4; i++) at[6] = cg::coalesced_threads().size();
  at[7] = 0;
}
"""
COUNTER = """
__device__ int claim(int *next) {
  auto g = cg::coalesced_threads();
  int first;
  if (g.thread_rank() == 0) first = atomicAdd(next, g.size());
  return g.shfl(first, 0) + g.thread_rank();
}
extern "C" __global__ void k(const int *x, int *out, int *next) {
  int t = threadIdx.x;
  if (x[t] > 0) out[claim(next)] = x[t];
}
"""
ANY_GROUP = """
__device__ int sum(cg::thread_group g, int *room, int value) {
  int rank = g.thread_rank();
  for (int i = g.size() / 2; i > 0; i /= 2) {
    room[rank] = value;
    g.sync();
    if (rank < i) value += room[rank + i];
    g.sync();
  }
  return value;
}
extern "C" __global__ void k(int *o) {
  __shared__ int room[64];
  cg::thread_block block = cg::this_thread_block();
  int whole = sum(block, room, threadIdx.x);
  cg::thread_group tile = cg::tiled_partition(block, 16);
  int part = sum(tile, room + threadIdx.x / 16 * 16, threadIdx.x);
  if (block.thread_rank() == 0) o[0] = whole;
  if (tile.thread_rank() == 0) o[1 + threadIdx.x / 16] = part;
  auto rest = cg::exclusive_scan(cg::tiled_partition<8>(block), 1);
  o[8 + threadIdx.x] = rest;
}
"""
ANY_TILE = """
__device__ int total(cg::thread_block_tile<32> w, int value) { return cg::reduce(w, value, cg::plus<int>()); }
extern "C" __global__ void k(int *o) {
  cg::thread_block block = cg::this_thread_block();
  cg::thread_block_tile<32> w = cg::tiled_partition<32>(block);
  cg::thread_block_tile<8> part = cg::tiled_partition<8>(w);
  int sum = total(cg::tiled_partition<32>(block), 1) + total(w, 1);
  o[threadIdx.x] = sum + 100 * part.shfl(threadIdx.x, 0) + 10000 * w.meta_group_rank();
}
"""


def test_members_of_a_group(bench: Bench) -> None:
    """Lanes in one branch are a group; ranks, shuffles, votes, reductions and scans are over its ranks."""
    o = np.full((32, 16), -1, np.int32)
    assert bench.run(bench.load(HEAD + MEMBERS), "k", o, threads=32) == []
    t = np.arange(0, 32, 3)
    n, rank = t.size, np.arange(t.size)
    assert (np.delete(o, t, axis=0) == -1).all()
    expected = [
        n + 100 * rank,
        np.zeros(n),
        np.full(n, 30),
        np.where(rank > 0, t - 3, t),
        np.where(rank + 2 < n, t + 6, t),
        np.full(n, 3),
        np.full(n, sum(1 << r for r in range(n) if t[r] % 2)),
        [sum(1 << r for r in range(n) if t[r] // 12 == own // 12) for own in t],
        np.ones(n),
        np.full(n, t.sum()),
        np.full(n, 30),
        t.cumsum(),
        t.cumsum() - t,
        t,
        2 * rank,
    ]
    for column, values in enumerate(expected):
        np.testing.assert_array_equal(o[t, column], values, str(column))


def test_shapes_of_groups(bench: Bench) -> None:
    """Both sides of a branch, loops of different lengths, tiles, labels: who is together, and in what order."""
    o = np.zeros((32, 8), np.int32)
    assert bench.run(bench.load(HEAD + SHAPES), "k", o, threads=32) == []
    t = np.arange(32)
    np.testing.assert_array_equal(o[:, 0], 32)
    np.testing.assert_array_equal(o[:, 1], np.where(t < 10, 10, 22))
    sizes, few = np.array([4, 4, 2])[t[:10] // 4], t[:10]
    np.testing.assert_array_equal(o[:10, 2], sizes + 10 * (few % 4) + 100 * (few // 4) + 3000)
    np.testing.assert_array_equal(o[:, 3], np.where(t % 5 < 2, 7, 6) + 100 * (t // 5))
    np.testing.assert_array_equal(o[:, 4], t % 5 + 500)
    rank = np.where(t % 4 == 0, t % 16 // 4, t % 16 - t % 16 // 4 - 1)
    np.testing.assert_array_equal(o[:, 5], np.where(t % 4 == 0, 4, 12) + 100 * rank)
    np.testing.assert_array_equal(o[:, 6], 8 * (4 - t % 4))


def test_one_atomic_for_a_group(bench: Bench) -> None:
    """Warp-aggregated counting, the use that groups were made for: no place is taken twice, and nothing is found."""
    x = np.random.default_rng(0).integers(-3, 4, 96).astype(np.int32)
    out, counter = np.zeros(96, np.int32), np.zeros(1, np.int32)
    assert bench.run(bench.load(HEAD + COUNTER), "k", x, out, counter, threads=96) == []
    assert counter[0] == (x > 0).sum()
    assert sorted(out[: counter[0]]) == sorted(x[x > 0])


def test_functions_of_any_group(bench: Bench) -> None:
    """A thread_group is a block or a part of a warp, whose sync is a barrier or a __syncwarp."""
    o = np.zeros(72, np.int32)
    assert bench.run(bench.load(HEAD + ANY_GROUP), "k", o, threads=64) == []
    assert o[:5].tolist() == [2016, 120, 376, 632, 888]
    assert o[8:].tolist() == [*range(8)] * 8


def test_tiles_without_a_parent(bench: Bench) -> None:
    """A tile is a thread_block_tile<n>, too, as a variable and as a parameter, whatever it is a part of."""
    o = np.zeros(64, np.int32)
    assert bench.run(bench.load(HEAD + ANY_TILE), "k", o, threads=64) == []
    t = np.arange(64)
    np.testing.assert_array_equal(o, 64 + 100 * (t // 8 * 8) + 10000 * (t // 32))


@pytest.mark.skipif(
    not shutil.which("nvcc", path="/usr/local/bin:/usr/local/cuda/bin"), reason="no nvcc"
)
def test_these_sources_are_cuda(tmp_path: Path) -> None:
    """NVIDIA's own compiler takes the sources above."""
    compiler = shutil.which("nvcc", path="/usr/local/bin:/usr/local/cuda/bin")
    assert compiler is not None
    for number, source in enumerate((MEMBERS, SHAPES, COUNTER, ANY_GROUP, ANY_TILE)):
        (tmp_path / f"k{number}.cu").write_text(HEAD + source)
        command = [compiler, "-cubin", "-arch=sm_80", "-std=c++17", f"k{number}.cu"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
