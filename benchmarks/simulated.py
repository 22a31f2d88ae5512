# mypy: disable-error-code="import-not-found, untyped-decorator"
"""The kernels of emulator.py in numba's CUDA simulator: needs numba, NUMBA_ENABLE_CUDASIM=1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda, float32

TILE = 16
SIDE = 32  # of the matrices: a second's work for the simulator


@cuda.jit
def bias_relu(Z: Any, b: Any) -> None:
    """Z = max(Z + b, 0)."""
    column, row = cuda.grid(2)
    if row < Z.shape[0] and column < Z.shape[1]:
        z = Z[row, column] + b[column]
        Z[row, column] = max(z, 0)


@cuda.jit
def matmul(A: Any, B: Any, C: Any) -> None:
    """C = A B, by tiles in shared memory."""
    a = cuda.shared.array((TILE, TILE), float32)
    b = cuda.shared.array((TILE, TILE), float32)
    column, row = cuda.grid(2)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    total = 0.0
    for k in range(0, A.shape[1], TILE):
        a[y, x], b[y, x] = A[row, k + x], B[k + y, column]
        cuda.syncthreads()
        for q in range(TILE):
            total += a[y, q] * b[q, x]
        cuda.syncthreads()
    C[row, column] = total


_A, _B, _C = (np.ones((SIDE, SIDE), np.float32) for _ in range(3))
_SHAPE = (SIDE // TILE, SIDE // TILE), (TILE, TILE)
# A launch, and the units of work (elements, products) in it.
RUNS = {
    "bias_relu": (lambda: bias_relu[_SHAPE](_A, _B[0]), SIDE**2),
    "matmul": (lambda: matmul[_SHAPE](_A, _B, _C), SIDE**3),
}
