"""The CUDA kernels of the homework, and a launcher for each.

Sizes: N examples, D features, H hidden units, C classes; at least 1 each. Matrices are row-major:
A[n, k] of an (N, K) matrix lies at A[n*K + k]. Values are float32, labels int32. Launchers take and
return GPUArrays, don't wait for the device, and raise TypeError or ValueError for arrays of another
type or shape.
"""

import numpy as np
from device import blocks_for, compile_kernel, empty, require, reshaped
from pycuda.gpuarray import GPUArray

# Threads in a block: whole warps, and few enough that several blocks share a multiprocessor.
THREADS = 256

# (1) Z = XW + b: this is the "+ b", in place.
BIAS_ADD = r"""
__global__ void bias_add(float* __restrict__ Z, const float* __restrict__ b,
                         const int N, const int C)
{
    // BEGIN SOLUTION 1.1
    //| // TODO(1.1): Z[n*C + c] += b[c]. The last block may have more threads than elements are
    //| // left, and N*C may not fit an int.
    // Four elements a thread, blockDim.x apart: in each round the 32 threads of a warp touch 32
    // neighbours, whatever C is. All four are read before the first is used, so that four reads are
    // on their way at a time: that keeps the memory busy. b comes from the cache.
    const long long size = (long long)N * C;
    const long long first = 4LL * blockIdx.x * blockDim.x + threadIdx.x;
    float z[4];
    #pragma unroll
    for (int j = 0; j < 4; j++) {
        const long long i = first + j * blockDim.x;
        if (i < size) z[j] = Z[i];
    }
    int c = first % C;  // one slow division a thread; the next column is found by adding
    #pragma unroll
    for (int j = 0; j < 4; j++) {
        const long long i = first + j * blockDim.x;
        if (i < size) Z[i] = z[j] + b[c];
        c = (c + blockDim.x) % C;
    }
    // END SOLUTION
}
"""
bias_add_kernel = compile_kernel(BIAS_ADD, "bias_add", "PPii")


def bias_add(Z: GPUArray, b: GPUArray) -> None:
    """Add b (C,) to every row of Z (N, C), in place (eq. 1)."""
    N, C = require("Z", Z, ("N", "C"))
    require("b", b, (C,))
    # BEGIN SOLUTION 1.1
    #| # TODO(1.1): launch bias_add_kernel(grid, block, Z, b, N, C) with a thread for each element.
    bias_add_kernel(blocks_for(N * C, 4 * THREADS), THREADS, Z, b, N, C)  # 4 elements a thread
    # END SOLUTION


# (2) p_c = exp(z_c) / Σ exp(z_k)
# (3) ℓ = log Σ exp(z_k − m) − (z_y − m); any m gives the same ℓ, m = max z keeps exp from overflow
# (5) ∂ℓ/∂z = p − onehot(y)
SOFTMAX_XENT = r"""
__global__ void softmax_xent(const float* __restrict__ Z, const int* __restrict__ y,
                             float* __restrict__ losses, float* __restrict__ dZ,
                             const int N, const int C)
{
    // BEGIN SOLUTION 1.2
    //| // TODO(1.2): row n: the maximum m, the sum of exp(z - m), then losses[n] (eq. 3) and
    //| // dZ[n*C + c] (eq. 5). Never take exp of a positive number, nor log of a quotient that may
    //| // be 0. C may be 1, and may be larger than a block.
    // A block takes blockDim.y rows. They lie one after the other, so that all its threads together
    // copy them to shared memory and, at the end, back, neighbours reading and writing neighbours
    // whatever C is: device memory is read once and written once, eight elements a thread on their
    // way at a time.
    const long long first = (long long)blockIdx.x * blockDim.y;
    const int rows = min((long long)blockDim.y, N - first);
    const int thread = threadIdx.y * blockDim.x + threadIdx.x, threads = blockDim.x * blockDim.y;

    const auto work_in = [&](float* const place) {
        #pragma unroll 8
        for (int i = thread; i < rows * C; i += threads) place[i] = Z[first * C + i];
        __syncthreads();

        // A row belongs to the blockDim.x threads (a power of two up to 32) of equal threadIdx.y:
        // lanes of one warp, so that shuffles reduce it. Each lane takes every blockDim.x-th class.
        const unsigned all_lanes = 0xffffffff;
        const int row = threadIdx.y;
        const int classes = row < rows ? C : 0;  // past the last row: just a shuffle partner
        const int label = row < rows ? y[first + row] : 0;
        float* const z = place + row * C;

        float m = -INFINITY;
        for (int c = threadIdx.x; c < classes; c += blockDim.x) m = fmaxf(m, z[c]);
        for (int offset = blockDim.x / 2; offset > 0; offset /= 2)
            m = fmaxf(m, __shfl_xor_sync(all_lanes, m, offset));

        float sum = 0.0f, z_label = 0.0f;
        for (int c = threadIdx.x; c < classes; c += blockDim.x) {
            const float shifted = z[c] - m, e = expf(shifted);
            if (c == label) z_label = shifted;
            z[c] = e;
            sum += e;
        }
        for (int offset = blockDim.x / 2; offset > 0; offset /= 2)
            sum += __shfl_xor_sync(all_lanes, sum, offset);

        const float scale = 1.0f / sum;
        for (int c = threadIdx.x; c < classes; c += blockDim.x)
            z[c] = z[c] * scale - (c == label ? 1.0f : 0.0f);
        const int owner = label & (blockDim.x - 1);  // label % blockDim.x: who has seen z_label
        if (row < rows && threadIdx.x == owner) losses[first + row] = logf(sum) - z_label;
        __syncthreads();
    };

    // Rows too long for the 48 KB of shared memory are worked on in dZ itself.
    extern __shared__ float copies[];
    if (blockDim.y * C > 12 * 1024) return work_in(dZ + first * C);
    work_in(copies);
    #pragma unroll 8
    for (int i = thread; i < rows * C; i += threads) dZ[first * C + i] = copies[i];
    // END SOLUTION
}
"""
softmax_xent_kernel = compile_kernel(SOFTMAX_XENT, "softmax_xent", "PPPPii")


def softmax_xent(Z: GPUArray, y: GPUArray) -> tuple[GPUArray, GPUArray]:
    """Return the cross-entropy losses (N,) of logits Z (N, C), and their gradient dZ (N, C).

    Row n of dZ is softmax(Z[n]) − onehot(y[n]), the gradient of losses[n] alone, not averaged
    (eq. 2, 3, 5). Finite and accurate for logits of ±1e4 and for any C; labels y (N,) are int32.
    """
    N, C = require("Z", Z, ("N", "C"))
    require("y", y, (N,), np.int32)
    # BEGIN SOLUTION 1.2
    #| # TODO(1.2): allocate losses and dZ by empty(shape), launch softmax_xent_kernel, return both.
    losses, dZ = empty(N), empty((N, C))
    # Lanes of a warp that share a row: a power of two with 8 classes or more for each.
    lanes = min(32, 1 << (max(C // 8, 1).bit_length() - 1))
    # A block has 48 KB of shared memory on any device. Small blocks wait less at a barrier.
    rows = min(64, 128 // lanes, 12 * 1024 // C) or 4
    shared_bytes = 4 * rows * C if rows * C <= 12 * 1024 else 0
    grid, block = blocks_for(N, rows), (lanes, rows)
    softmax_xent_kernel(grid, block, Z, y, losses, dZ, N, C, shared_bytes=shared_bytes)
    return losses, dZ
    # END SOLUTION


# (4), (7) the average (1/N) Σ_n over the rows of A (N, K), for each of its columns.
COLUMN_MEAN = r"""
__global__ void column_mean(const float* __restrict__ A, float* __restrict__ mean,
                            const int N, const int K, const int rows_per_block,
                            const float divisor)
{
    // BEGIN SOLUTION 1.3
    //| // TODO(1.3): sum the rows of A in parallel: each thread adds up some rows, then a tree in
    //| // shared memory adds up the threads. Neighbouring threads should read neighbouring columns.
    //| // Every thread of a block must reach every __syncthreads(). The last two parameters are a
    //| // proposal: you may change them, here and in the signature given to compile_kernel.
    // threadIdx.x is a column, so that neighbouring threads read neighbours; blockDim.y threads
    // share it. Block (x, y) reduces rows [y*rows_per_block, …) of the x-th tile of columns to one
    // row of sums: first every thread its own rows in a register, then the threads by a tree.
    __shared__ float sums[1024];  // blockDim.x * blockDim.y at most
    const int thread = threadIdx.y * blockDim.x + threadIdx.x;
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    const long long first = (long long)blockIdx.y * rows_per_block;
    const long long last = min(first + rows_per_block, (long long)N);

    float sum = 0.0f;
    if (k < K) {
        #pragma unroll 8  // eight reads on their way at a time
        for (long long n = first + threadIdx.y; n < last; n += blockDim.y) sum += A[n * K + k];
    }
    sums[thread] = sum;

    for (int rows = blockDim.y, half; rows > 1; rows = half) {
        half = (rows + 1) / 2;
        __syncthreads();  // the upper half is written, before the lower half reads it
        if (threadIdx.y + half < rows) sums[thread] += sums[thread + half * blockDim.x];
    }
    if (threadIdx.y == 0 && k < K) mean[(long long)blockIdx.y * K + k] = sums[thread] / divisor;
    // END SOLUTION
}
"""
column_mean_kernel = compile_kernel(COLUMN_MEAN, "column_mean", "PPiiif")


def column_mean(A: GPUArray, out: GPUArray | None = None) -> GPUArray:
    """Return the mean (K,) over the rows of A (N, K), by a parallel reduction (eq. 4, 7).

    The same bits each time: the order of additions depends on N and K alone. The mean is written to
    `out` (K,), or to a new array if that is None.
    """
    N, K = require("A", A, ("N", "K"))
    mean = empty(K) if out is None else out
    require("out", mean, (K,))
    # BEGIN SOLUTION 1.3
    #| # TODO(1.3): launch column_mean_kernel and return mean. One block a column tile is a start;
    #| # a long matrix (N of a million, K = 1) wants many blocks, and a second launch that adds up
    #| # what they found.
    # Blocks as wide as the matrix, up to a warp, and as high as threads are left: for K = 10, 102
    # rows of 10 threads read 1,020 neighbours. Each launch turns the rows of a block into one row,
    # until one block takes them all and averages.
    tiles = blocks_for(K, 32)
    width = blocks_for(K, tiles)
    height = min(1024 // width, blocks_for(N, 8))  # 8 rows a thread, for as many reads at a time
    # No more than 32 rows a thread, lest they take longer than another launch. A grid is at most
    # 65,535 blocks high.
    rows, rows_per_block = N, max(32 * height, blocks_for(N, 65_535))
    while rows > rows_per_block:
        blocks = blocks_for(rows, rows_per_block)
        sums = empty((blocks, K))
        column_mean_kernel((tiles, blocks), (width, height), A, sums, rows, K, rows_per_block, 1.0)
        A, rows = sums, blocks
    column_mean_kernel(tiles, (width, height), A, mean, rows, K, rows, float(N))
    return mean
    # END SOLUTION


def mean_of(losses: GPUArray) -> GPUArray:
    """Return the mean (1,) of losses (N,): to column_mean, a matrix of one column (eq. 4)."""
    return column_mean(reshaped(losses, (losses.size, 1)))


KINDS = {"relu": 0, "sigmoid": 1, "tanh": 2}

# (9) relu max(0, z), sigmoid σ(z) = 1 / (1 + e^−z), and tanh.
ACTIVATE = r"""
enum { RELU, SIGMOID, TANH };

__global__ void activate(const float* __restrict__ Z, float* __restrict__ A,
                         const long long size, const int kind)
{
    // BEGIN SOLUTION 1.4
    //| // TODO(1.4): A[i] = φ(Z[i]) (eq. 9), φ chosen by kind. No NaN for |z| up to 1e4: what is
    //| // exp(1e4) in float32, and what does your formula make of it?
    // Four elements a thread, all read before the first is used, as in bias_add. All threads take
    // the same case, so that the switch diverges nowhere.
    const long long first = 4LL * blockIdx.x * blockDim.x + threadIdx.x;
    float z[4];
    #pragma unroll
    for (int j = 0; j < 4; j++) {
        const long long i = first + j * blockDim.x;
        if (i < size) z[j] = Z[i];
    }
    #pragma unroll
    for (int j = 0; j < 4; j++) {
        const long long i = first + j * blockDim.x;
        if (i >= size) return;
        switch (kind) {
            case RELU: A[i] = fmaxf(z[j], 0.0f); break;
            case SIGMOID: A[i] = 1.0f / (1.0f + expf(-z[j])); break;  // exp(big): 1 / inf = 0
            case TANH: A[i] = tanhf(z[j]); break;
        }
    }
    // END SOLUTION
}
"""
activate_kernel = compile_kernel(ACTIVATE, "activate", "PPqi")


def activate(Z: GPUArray, kind: str) -> GPUArray:
    """Return A = φ(Z), of Z's shape (N, H), by element (eq. 9).

    Raises:
        ValueError: kind is none of "relu", "sigmoid", "tanh".
    """
    require("Z", Z, ("N", "H"))
    number = kind_number(kind)
    # BEGIN SOLUTION 1.4
    #| # TODO(1.4): allocate A, launch activate_kernel(grid, block, Z, A, Z.size, number), return A.
    A = empty(Z.shape)
    activate_kernel(blocks_for(Z.size, 4 * THREADS), THREADS, Z, A, Z.size, number)
    return A
    # END SOLUTION


# (10) φ'(z) in terms of a = φ(z): relu [a > 0], sigmoid a(1 − a), tanh 1 − a². (14) dZ = dA ⊙ φ'.
ACTIVATE_BACKWARD = r"""
enum { RELU, SIGMOID, TANH };

__global__ void activate_backward(const float* __restrict__ dA, const float* __restrict__ A,
                                  float* __restrict__ dZ, const long long size, const int kind)
{
    // BEGIN SOLUTION 1.4
    //| // TODO(1.4): dZ[i] = dA[i] * φ'(z), written in terms of A[i] (eq. 10). relu: 0 at A = 0.
    // One thread an element. Both are read at once, though relu could do without dA where a is 0:
    // a read that waits for another takes twice as long.
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    const float a = A[i], da = dA[i];
    switch (kind) {
        case RELU: dZ[i] = a > 0.0f ? da : 0.0f; break;
        case SIGMOID: dZ[i] = da * a * (1.0f - a); break;
        case TANH: dZ[i] = da * (1.0f - a * a); break;
    }
    // END SOLUTION
}
"""
activate_backward_kernel = compile_kernel(ACTIVATE_BACKWARD, "activate_backward", "PPPqi")


def activate_backward(dA: GPUArray, A: GPUArray, kind: str) -> GPUArray:
    """Return dZ = dA ⊙ φ'(Z), for A = φ(Z); dA, A and dZ are (N, H) (eq. 10, 14).

    Raises:
        ValueError: kind is none of "relu", "sigmoid", "tanh".
    """
    require("dA", dA, require("A", A, ("N", "H")))
    number = kind_number(kind)
    # BEGIN SOLUTION 1.4
    #| # TODO(1.4): as in activate, with activate_backward_kernel.
    dZ = empty(A.shape)
    activate_backward_kernel(blocks_for(A.size, THREADS), THREADS, dA, A, dZ, A.size, number)
    return dZ
    # END SOLUTION


def kind_number(kind: str) -> int:
    """Return the kernels' number for an activation.

    Raises:
        ValueError: there is no such activation.
    """
    if kind not in KINDS:
        raise ValueError(f"activation: expected one of {', '.join(KINDS)}, found {kind!r}")
    return KINDS[kind]


# (6) dW of one example = x ∂zᵀ, for all N examples: G[n, d*C + c] = X[n, d] * dZ[n, c].
OUTER_PRODUCTS = r"""
__global__ void outer_products(const float* __restrict__ X, const float* __restrict__ dZ,
                               float* __restrict__ G, const int N, const int D, const int C)
{
    // BEGIN SOLUTION 2.2
    //| // TODO(2.2): G[n*D*C + d*C + c] = X[n*D + d] * dZ[n*C + c]. Let neighbouring threads write
    //| // neighbouring elements of G, and mind that N*D*C may not fit an int.
    // One thread an element of G, in the order of memory: i = (n*D + d)*C + c.
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)N * D * C) return;
    const long long nd = i / C, n = nd / D;
    G[i] = X[nd] * dZ[n * C + i % C];
    // END SOLUTION
}
"""
outer_products_kernel = compile_kernel(OUTER_PRODUCTS, "outer_products", "PPPiii")


def outer_products(X: GPUArray, dZ: GPUArray) -> GPUArray:
    """Return G (N, D·C), row n the gradient of example n's loss: X[n] dZ[n]ᵀ, flattened (eq. 6).

    X is (N, D), dZ is (N, C), and G[n, d·C + c] = X[n, d] · dZ[n, c].
    """
    N, D = require("X", X, ("N", "D"))
    _, C = require("dZ", dZ, (N, "C"))
    # BEGIN SOLUTION 2.2
    #| # TODO(2.2): allocate G, launch outer_products_kernel, return G.
    G = empty((N, D * C))
    outer_products_kernel(blocks_for(G.size, THREADS), THREADS, X, dZ, G, N, D, C)
    return G
    # END SOLUTION


# (8) w ← w − η g, in place.
SGD_UPDATE = r"""
__global__ void sgd_update(float* __restrict__ w, const float* __restrict__ g,
                           const float learning_rate, const long long size)
{
    // BEGIN SOLUTION 2.4
    //| // TODO(2.4): w[i] -= learning_rate * g[i] (eq. 8).
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) w[i] -= learning_rate * g[i];
    // END SOLUTION
}
"""
sgd_update_kernel = compile_kernel(SGD_UPDATE, "sgd_update", "PPfq")


def sgd_update(w: GPUArray, g: GPUArray, learning_rate: float) -> None:
    """Take a step of gradient descent, w −= learning_rate · g, in place (eq. 8).

    Parameters w and their gradient g have one shape, whatever it is.
    """
    require("g", g, require("w", w, w.shape))
    # BEGIN SOLUTION 2.4
    #| # TODO(2.4): launch sgd_update_kernel with a thread for each of the w.size elements.
    sgd_update_kernel(blocks_for(w.size, THREADS), THREADS, w, g, learning_rate, w.size)
    # END SOLUTION
