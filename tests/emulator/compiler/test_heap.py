"""Memory that kernels ask for themselves: malloc, free, new and delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.emulator.compiler.bench import Bench

RIGHT = """
struct Node { int value; Node *next; __device__ Node(int v, Node *n) : value(v), next(n) {} };
extern "C" __global__ void k(int *o) {
  int t = threadIdx.x;
  int *p = (int *)malloc(4 * sizeof(int));
  if (!p) return;
  for (int i = 0; i < 4; i++) p[i] = i * t;
  o[t] = p[3];
  free(p);
  free(nullptr);
  Node *head = nullptr;
  for (int i = 0; i < 3; i++) head = new Node(t + i, head);
  while (head) { o[t] += head->value; Node *old = head; head = head->next; delete old; }
  __shared__ float *room;
  if (t == 0) room = new float[blockDim.x];
  __syncthreads();
  room[t] = t;
  __syncthreads();
  o[t] += (int)room[blockDim.x - 1 - t];
  __syncthreads();
  if (t == 0) delete[] room;
}
extern "C" __global__ void churn(int *o) {
  for (int i = 0; i < 3000; i++) { int *p = new int(i); o[threadIdx.x] += *p & 1; delete p; }
}
extern "C" __global__ void full(int *o) { *o = malloc(9 << 20) == nullptr; }
"""
WRONG = {
    "out-of-bounds": "int *p = (int *)malloc(4 * sizeof(int)); p[0] = 1;\no[0] = p[0]; p[4] = 1;",
    "use-after-free": "int *p = new int[4]; p[o[1]] = 1; delete[] p;\no[0] = p[o[1]];",
    "use-after-free twice": "int *p = new int(3); o[0] = *p; delete p;\ndelete p;",
    "unwritten-read": "int *p = (int *)malloc(4);\no[0] = *p;",
    "trap": "int *p = (int *)malloc(8);\nfree(p + 1);",
    "trap of Python's": "int *p = o;\nfree(p);",
    "null-pointer": "int *p = (int *)malloc(9 << 20);\n*p = 1;",
}


def test_kernels_make_memory(bench: Bench) -> None:
    """Malloc, new, lists and arrays shared by a block; what is freed is there again, and clean."""
    o = np.zeros(32, np.int32)
    image = bench.load(RIGHT)
    assert bench.run(image, "k", o, threads=32) == []
    t = np.arange(32)
    np.testing.assert_array_equal(o, 3 * t + 3 * t + 3 + 31 - t)
    o[:] = 0
    assert bench.run(image, "churn", o, threads=32) == []
    assert (o == 1500).all()
    assert bench.run(image, "full", o) == []
    assert o[0] == 1


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_with_the_heap(bench: Bench, case: str) -> None:
    """What is wrong with memory of Python's is found in a kernel's own, too, at its line."""
    image = bench.load(f'extern "C" __global__ void k(int *o) {{\n{WRONG[case]}\n}}')
    found = bench.run(image, "k", np.zeros(4, np.int32))
    assert [str(f.kind) for f in found] == [case.split(maxsplit=1)[0]]
    assert found[0].place is not None
    assert found[0].place.line == 3
