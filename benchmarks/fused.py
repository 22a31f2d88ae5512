"""How far one can go: the same training step, written for speed instead of for reading.

The homework's step is a sequence of small, reusable operations, each a launch that waits for the
last one. This one computes the same numbers with fewer and in part at the same time:

- What concerns one example alone is one kernel: after the first GEMM, a block takes a row through
  bias, ReLU, the second layer, softmax, loss and back to dZ1, and its numbers never leave the chip.
- W ← W − (η/N) Xᵀ dZ is one GEMM: alpha = −η/N, beta = 1, and no gradient is ever stored.
- The bias gradient, the bias update and the mean loss are one kernel: the sums of the columns.
- What does not depend on each other runs at the same time: two streams, each with its own cuBLAS
  handle (a handle's scratch memory must not be used by two streams at once). Captured, the streams'
  events become edges of a graph that forks and joins.
- The whole step is one CUDA graph, so that Python's time does not count.

A network's step:

    main stream   X W1 → rows ┬→ W1 −= (η/N) Xᵀ dZ1 ────────────────────────────────────────────→ ┐
    side stream               └→ b1 −= …, b2 −= … and the loss, W2 −= (η/N) Aᵀ dZ ──────────────→ ┘
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycuda.driver as cuda
from device import blocks_for, empty, to_device
from pycuda.compiler import SourceModule
from skcuda import cublas

from benchmarks.shapes import LEARNING_RATE, Shape, minibatch, parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycuda.gpuarray import GPUArray

KERNELS = r"""
const int MOST_CLASSES = 16;

// A block takes example n from what enters the last layer to what leaves it on the way back.
// Linear classifier (b1 null): A is X. Network: A comes as X W1, and becomes max(0, A + b1).
// Then z = A W + b (C ≤ 16), loss and dZ = softmax(z) − onehot(y), and, for a network,
// dZ1 = (dZ Wᵀ) ⊙ [A > 0].
__global__ void rows(float* __restrict__ A, const float* __restrict__ b1,
                     const float* __restrict__ W, const float* __restrict__ b,
                     const int* __restrict__ y, float* __restrict__ losses,
                     float* __restrict__ dZ, float* __restrict__ dZ1, const int K, const int C)
{
    __shared__ float parts[32][MOST_CLASSES + 1];  // a warp's share of each score
    __shared__ float dz[MOST_CLASSES];
    const long long n = blockIdx.x;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    float* const a = A + n * K;

    float z[MOST_CLASSES] = {};
    for (int k = threadIdx.x; k < K; k += blockDim.x) {
        float ak = a[k];
        if (b1) a[k] = ak = fmaxf(ak + b1[k], 0.0f);
        #pragma unroll  // so that z stays in registers
        for (int c = 0; c < MOST_CLASSES; c++)
            if (c < C) z[c] += ak * W[k * C + c];
    }
    #pragma unroll
    for (int c = 0; c < MOST_CLASSES; c++) {
        for (int offset = 16; offset > 0; offset /= 2)
            z[c] += __shfl_xor_sync(0xffffffff, z[c], offset);
        if (lane == 0) parts[warp][c] = z[c];
    }
    __syncthreads();

    if (warp == 0) {  // lane c has class c
        float score = lane < C ? b[lane] : -INFINITY;
        if (lane < C)
            for (int w = 0; w < warps; w++) score += parts[w][lane];
        float m = score;
        for (int offset = 16; offset > 0; offset /= 2)
            m = fmaxf(m, __shfl_xor_sync(0xffffffff, m, offset));
        const float e = expf(score - m);
        float sum = e;
        for (int offset = 16; offset > 0; offset /= 2)
            sum += __shfl_xor_sync(0xffffffff, sum, offset);
        if (lane < C) {
            const bool label = lane == y[n];
            dZ[n * C + lane] = dz[lane] = e / sum - (label ? 1.0f : 0.0f);
            if (label) losses[n] = logf(sum) - (score - m);
        }
    }
    if (!b1) return;
    __syncthreads();
    for (int k = threadIdx.x; k < K; k += blockDim.x) {
        float sum = 0.0f;
        for (int c = 0; c < C; c++) sum += dz[c] * W[k * C + c];
        dZ1[n * K + k] = a[k] > 0.0f ? sum : 0.0f;
    }
}

// out[k] += alpha * Σ_n A[n, k]. A block takes 32 columns, so that a warp reads 32 neighbours.
__device__ void column_sums(const float* __restrict__ A, float* __restrict__ out, const int N,
                            const int K, const int tile, const float alpha)
{
    __shared__ float sums[32][33];  // a column more than needed: no bank conflicts when transposed
    const int k = tile * 32 + threadIdx.x;
    float sum = 0.0f;
    if (k < K)
        for (int n = threadIdx.y; n < N; n += 32) sum += A[n * K + k];
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    sum = sums[threadIdx.x][threadIdx.y];
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xffffffff, sum, offset);
    const int mine = tile * 32 + threadIdx.y;
    if (threadIdx.x == 0 && mine < K) out[mine] += alpha * sum;
}

__global__ void update_bias(const float* dZ, float* b, const int N, const int K, const float alpha)
{
    column_sums(dZ, b, N, K, blockIdx.x, alpha);
}

// The last layer's: its last block takes the mean of the losses.
__global__ void update_bias_and_loss(const float* dZ, float* b, const float* losses, float* loss,
                                     const int N, const int K, const float alpha)
{
    if (blockIdx.x + 1 < gridDim.x) column_sums(dZ, b, N, K, blockIdx.x, alpha);
    else if (threadIdx.y == 0) {
        float sum = 0.0f;
        for (int n = threadIdx.x; n < N; n += 32) sum += losses[n];
        for (int offset = 16; offset > 0; offset /= 2)
            sum += __shfl_xor_sync(0xffffffff, sum, offset);
        if (threadIdx.x == 0) *loss = sum / N;
    }
}
"""

SIGNATURES = {"rows": "PPPPPPPPii", "update_bias": "PPiif", "update_bias_and_loss": "PPPPiif"}
MOST_CLASSES = 16  # as in the kernel
THREADS = 128  # a row: four warps


class Lane:
    """A stream, and a cuBLAS handle that works on it."""

    def __init__(self) -> None:
        self.stream = cuda.Stream()
        self.handle = cublas.cublasCreate()
        cublas.cublasSetStream(self.handle, self.stream.handle)

    def follow(self, other: Lane) -> None:
        """Let what comes in this stream wait for what the other has been given so far."""
        event = cuda.Event(cuda.event_flags.DISABLE_TIMING)
        event.record(other.stream)
        self.stream.wait_for_event(event)


class FusedStep:
    """One training step of a shape on the minibatch that all contenders share.

    Args:
        shape: H = 0 is the linear classifier, otherwise a ReLU network; at most 16 classes.

    Attributes:
        parameters: as of the homework's models.
        loss: (1,), of the last step before its update.
    """

    def __init__(self, shape: Shape) -> None:
        if shape.C > MOST_CLASSES:
            raise ValueError(f"{shape.C} classes; the rows kernel has registers for {MOST_CLASSES}")
        self.shape = shape
        N, H, C = shape.N, shape.H, shape.C
        X, y = minibatch(shape)
        self.X, self.y = to_device(X), to_device(y, np.int32)
        self.parameters = {name: to_device(array) for name, array in parameters(shape).items()}
        self.A, self.dZ1 = empty((N, H)), empty((N, H))
        self.dZ, self.losses, self.loss = empty((N, C)), empty(N), empty(1)
        module = SourceModule(KERNELS, options=["-O3"])
        self._kernels = {
            name: module.get_function(name).prepare(signature)
            for name, signature in SIGNATURES.items()
        }
        self._main, self._side = Lane(), Lane()

    def step(self) -> None:
        """Queue the step's work on both streams; nothing waits for the host."""
        self._side.follow(self._main)
        if self.shape.H:
            self._network()
        else:
            self._linear()
        self._main.follow(self._side)

    def graph(self) -> Callable[[], object]:
        """Return a function that replays the step as one CUDA graph."""
        from cuda.bindings import driver  # noqa: PLC0415  only where there is a GPU
        from training import given_by  # noqa: PLC0415  as above

        stream = self._main.stream.handle
        mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        given_by(driver.cuStreamBeginCapture(stream, mode))
        try:
            self.step()
        finally:
            (graph,) = given_by(driver.cuStreamEndCapture(stream))
        (executable,) = given_by(driver.cuGraphInstantiate(graph, 0))
        return lambda: given_by(driver.cuGraphLaunch(executable, stream))

    # ------------------------------------------------------------------------------------------

    def _linear(self) -> None:
        N, D, _, C = self.shape
        W, b = self.parameters.values()
        outputs = self.losses, self.dZ, 0
        self._launch(self._main, "rows", N, THREADS, self.X, 0, W, b, self.y, *outputs, D, C)
        self._side.follow(self._main)
        self._update_last(b)
        self._gemm(self._main, self.X, self.dZ, W, (D, N, C), "t", "n", -LEARNING_RATE / N, 1.0)

    def _network(self) -> None:
        N, D, H, C = self.shape
        main, side, rate = self._main, self._side, LEARNING_RATE / N
        W1, b1, W2, b2 = self.parameters.values()
        outputs = self.losses, self.dZ, self.dZ1
        self._gemm(main, self.X, W1, self.A, (N, D, H))
        self._launch(main, "rows", N, THREADS, self.A, b1, W2, b2, self.y, *outputs, H, C)
        side.follow(main)
        self._gemm(main, self.X, self.dZ1, W1, (D, N, H), "t", "n", -rate, 1.0)
        self._launch(side, "update_bias", blocks_for(H, 32), (32, 32), self.dZ1, b1, N, H, -rate)
        self._update_last(b2)
        self._gemm(side, self.A, self.dZ, W2, (H, N, C), "t", "n", -rate, 1.0)

    def _update_last(self, b: GPUArray) -> None:
        N, _, _, C = self.shape
        arrays = self.dZ, b, self.losses, self.loss
        grid, rate = blocks_for(C, 32) + 1, -LEARNING_RATE / N
        self._launch(self._side, "update_bias_and_loss", grid, (32, 32), *arrays, N, C, rate)

    def _launch(
        self, lane: Lane, kernel: str, grid: int, block: int | tuple[int, int], *arguments: Any
    ) -> None:
        values = [a if isinstance(a, int | float) else a.gpudata for a in arguments]
        sizes = block if isinstance(block, tuple) else (block, 1)
        function = self._kernels[kernel]
        function.prepared_async_call((grid, 1), (*sizes, 1), lane.stream, *values)

    def _gemm(
        self,
        lane: Lane,
        A: GPUArray,
        B: GPUArray,
        C: GPUArray,
        sizes: tuple[int, int, int],
        op_a: str = "n",
        op_b: str = "n",
        alpha: float = 1.0,
        beta: float = 0.0,
    ) -> None:
        """C = alpha op(A) op(B) + beta C of row-major matrices; op(A) is (M, K), op(B) (K, N)."""
        M, K, N = sizes
        lda, ldb = A.shape[1], B.shape[1]
        a, b, c = A.gpudata, B.gpudata, C.gpudata
        cublas.cublasSgemm(lane.handle, op_b, op_a, N, M, K, alpha, b, ldb, a, lda, beta, c, N)


def fused(shape: Shape) -> FusedStep:
    """Return a step at its beginning that has run once, so that it may be captured."""
    made = FusedStep(shape)
    made.step()
    cuda.Context.synchronize()
    for name, array in parameters(shape).items():
        made.parameters[name].set(array)
    return made
