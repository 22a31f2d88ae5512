"""The homework's kernels at sizes where memory decides, against a copy by the driver."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import kernels
import numpy as np
import pycuda.driver as cuda
from blas import gemm
from device import compile_kernel, empty, reshaped, to_device

from benchmarks.timing import device_us
from grader.worker.driver import Driver, ways_to_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycuda.gpuarray import GPUArray

ARRAY_BYTES = 256 << 20  # five times the largest cache of an H100: launches find it cold
SIZE = ARRAY_BYTES // 4
GOAL = 0.85  # of the copy's bandwidth

NOTHING = r"""
__global__ void nothing() {}
"""


class Row(NamedTuple):
    """One kernel's figures.

    Attributes:
        name: with its size.
        time_us: of one call of the launcher, on the device.
        bytes_moved: the fewest it can move.
        share: of the copy's bandwidth.
    """

    name: str
    time_us: float
    bytes_moved: int
    share: float


class Limits(NamedTuple):
    """What the device can do.

    Attributes:
        copy_tb_s: bytes read and written by a device-to-device copy: by the driver, by a kernel, or
            by a kernel in place, whichever is the quickest, as in gradings.
        launch_us: an empty kernel, launched again and again from Python.
        sgemm_tflop_s: of cuBLAS, float32, 4096 × 4096 × 4096.
    """

    copy_tb_s: float
    launch_us: float
    sgemm_tflop_s: float


def limits() -> Limits:
    """Measure the limits."""
    source, target = random(SIZE), empty(SIZE)
    copy_us = min(device_us(copy) for copy in ways_to_copy(Driver(), target, source).values())
    nothing = compile_kernel(NOTHING, "nothing", "")
    n = 4096
    A, B, C = random(n, n), random(n, n), empty((n, n))
    sgemm = partial(gemm, A, B, out=C)
    return Limits(
        copy_tb_s=2 * ARRAY_BYTES / copy_us * 1e-6,
        launch_us=device_us(partial(nothing, 1, 32), launches=1000),
        sgemm_tflop_s=2 * n**3 / device_us(sgemm, launches=5) * 1e-6,
    )


def rows(copy_tb_s: float) -> list[Row]:
    """Measure each kernel on 256 MB or more."""
    found = []

    def measure(
        name: str, bytes_moved: int, launcher: Callable[..., object], *arguments: object
    ) -> None:
        time_us = device_us(partial(launcher, *arguments))
        found.append(Row(name, time_us, bytes_moved, bytes_moved / time_us * 1e-6 / copy_tb_s))

    for C in (10, 1000):
        N = SIZE // C
        Z, b, y = random(N, C), to_device(np.zeros(C)), to_device(np.arange(N) % C, np.int32)
        measure(f"bias_add C={C}", 8 * N * C, kernels.bias_add, Z, b)
        measure(f"softmax_xent C={C}", 8 * N * C + 8 * N, kernels.softmax_xent, Z, y)
    Z, dA = random(SIZE // 256, 256), random(SIZE // 256, 256)
    for kind in kernels.KINDS:
        A = kernels.activate(Z, kind)
        measure(f"activate {kind}", 8 * SIZE, kernels.activate, Z, kind)
        measure(f"activate_backward {kind}", 12 * SIZE, kernels.activate_backward, dA, A, kind)
    measure("sgd_update", 12 * SIZE, kernels.sgd_update, Z, dA, 0.0)
    for K in (10, 1024):
        A = random(2 * SIZE // K, K)  # 512 MB, as the kernels above touch
        measure(f"column_mean K={K}", A.nbytes, kernels.column_mean, A)
    return found


def random(*shape: int) -> GPUArray:
    """Return a device array of normal numbers: a random megabyte, again and again."""
    seed = to_device(np.random.default_rng(0).standard_normal(1 << 18))
    out = empty(int(np.prod(shape)))
    for start in range(0, out.nbytes, seed.nbytes):
        size = min(seed.nbytes, out.nbytes - start)
        cuda.memcpy_dtod(int(out.gpudata) + start, seed.gpudata, size)
    return reshaped(out, shape)
