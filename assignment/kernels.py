# Homework 5, tasks 1.1, 1.2, 1.3, 1.4, 2.2, 2.4. The text is in handout.md and homework5.ipynb.
# Write at the TODOs, then: make grade TASK=1.1. Stuck? make hint TASK=1.1

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

# --- 1.1 bias_add ---
# (1) Z = XW + b: this is the "+ b", in place.
BIAS_ADD = r"""
__global__ void bias_add(float* __restrict__ Z, const float* __restrict__ b,
                         const int N, const int C)
{
    // TODO(1.1): Z[n*C + c] += b[c]. The last block may have more threads than elements are
    // left, and N*C may not fit an int.
}
"""
bias_add_kernel = compile_kernel(BIAS_ADD, "bias_add", "PPii")


def bias_add(Z: GPUArray, b: GPUArray) -> None:
    """Add b (C,) to every row of Z (N, C), in place (eq. 1)."""
    N, C = require("Z", Z, ("N", "C"))
    require("b", b, (C,))
    # TODO(1.1): launch bias_add_kernel(grid, block, Z, b, N, C) with a thread for each element.
    raise NotImplementedError("TODO(1.1): bias_add in kernels.py")


# --- 1.2 softmax_xent ---
# (2) p_c = exp(z_c) / Σ exp(z_k)
# (3) ℓ = log Σ exp(z_k − m) − (z_y − m); any m gives the same ℓ, m = max z keeps exp from overflow
# (5) ∂ℓ/∂z = p − onehot(y)
SOFTMAX_XENT = r"""
__global__ void softmax_xent(const float* __restrict__ Z, const int* __restrict__ y,
                             float* __restrict__ losses, float* __restrict__ dZ,
                             const int N, const int C)
{
    // TODO(1.2): row n: the maximum m, the sum of exp(z - m), then losses[n] (eq. 3) and
    // dZ[n*C + c] (eq. 5). Never take exp of a positive number, nor log of a quotient that may
    // be 0. C may be 1, and may be larger than a block.
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
    # TODO(1.2): allocate losses and dZ by empty(shape), launch softmax_xent_kernel, return both.
    raise NotImplementedError("TODO(1.2): softmax_xent in kernels.py")


# --- 1.3 column_mean ---
# (4), (7) the average (1/N) Σ_n over the rows of A (N, K), for each of its columns.
COLUMN_MEAN = r"""
__global__ void column_mean(const float* __restrict__ A, float* __restrict__ mean,
                            const int N, const int K, const int rows_per_block,
                            const float divisor)
{
    // TODO(1.3): sum the rows of A in parallel: each thread adds up some rows, then a tree in
    // shared memory adds up the threads. Neighbouring threads should read neighbouring columns.
    // Every thread of a block must reach every __syncthreads(). The last two parameters are a
    // proposal: you may change them, here and in the signature given to compile_kernel.
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
    # TODO(1.3): launch column_mean_kernel and return mean. One block a column tile is a start;
    # a long matrix (N of a million, K = 1) wants many blocks, and a second launch that adds up
    # what they found.
    raise NotImplementedError("TODO(1.3): column_mean in kernels.py")


# --- given ---
def mean_of(losses: GPUArray) -> GPUArray:
    """Return the mean (1,) of losses (N,): to column_mean, a matrix of one column (eq. 4)."""
    return column_mean(reshaped(losses, (losses.size, 1)))


KINDS = {"relu": 0, "sigmoid": 1, "tanh": 2}

# --- 1.4 activate ---
# (9) relu max(0, z), sigmoid σ(z) = 1 / (1 + e^−z), and tanh.
ACTIVATE = r"""
enum { RELU, SIGMOID, TANH };

__global__ void activate(const float* __restrict__ Z, float* __restrict__ A,
                         const long long size, const int kind)
{
    // TODO(1.4): A[i] = φ(Z[i]) (eq. 9), φ chosen by kind. No NaN for |z| up to 1e4: what is
    // exp(1e4) in float32, and what does your formula make of it?
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
    # TODO(1.4): allocate A, launch activate_kernel(grid, block, Z, A, Z.size, number), return A.
    raise NotImplementedError("TODO(1.4): activate in kernels.py")


# (10) φ'(z) in terms of a = φ(z): relu [a > 0], sigmoid a(1 − a), tanh 1 − a². (14) dZ = dA ⊙ φ'.
ACTIVATE_BACKWARD = r"""
enum { RELU, SIGMOID, TANH };

__global__ void activate_backward(const float* __restrict__ dA, const float* __restrict__ A,
                                  float* __restrict__ dZ, const long long size, const int kind)
{
    // TODO(1.4): dZ[i] = dA[i] * φ'(z), written in terms of A[i] (eq. 10). relu: 0 at A = 0.
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
    # TODO(1.4): as in activate, with activate_backward_kernel.
    raise NotImplementedError("TODO(1.4): activate_backward in kernels.py")


# --- given ---
def kind_number(kind: str) -> int:
    """Return the kernels' number for an activation.

    Raises:
        ValueError: there is no such activation.
    """
    if kind not in KINDS:
        raise ValueError(f"activation: expected one of {', '.join(KINDS)}, found {kind!r}")
    return KINDS[kind]


# --- 2.2 outer_products ---
# (6) dW of one example = x ∂zᵀ, for all N examples: G[n, d*C + c] = X[n, d] * dZ[n, c].
OUTER_PRODUCTS = r"""
__global__ void outer_products(const float* __restrict__ X, const float* __restrict__ dZ,
                               float* __restrict__ G, const int N, const int D, const int C)
{
    // TODO(2.2): G[n*D*C + d*C + c] = X[n*D + d] * dZ[n*C + c]. Let neighbouring threads write
    // neighbouring elements of G, and mind that N*D*C may not fit an int.
}
"""
outer_products_kernel = compile_kernel(OUTER_PRODUCTS, "outer_products", "PPPiii")


def outer_products(X: GPUArray, dZ: GPUArray) -> GPUArray:
    """Return G (N, D·C), row n the gradient of example n's loss: X[n] dZ[n]ᵀ, flattened (eq. 6).

    X is (N, D), dZ is (N, C), and G[n, d·C + c] = X[n, d] · dZ[n, c].
    """
    N, D = require("X", X, ("N", "D"))
    _, C = require("dZ", dZ, (N, "C"))
    # TODO(2.2): allocate G, launch outer_products_kernel, return G.
    raise NotImplementedError("TODO(2.2): outer_products in kernels.py")


# --- 2.4 sgd_update ---
# (8) w ← w − η g, in place.
SGD_UPDATE = r"""
__global__ void sgd_update(float* __restrict__ w, const float* __restrict__ g,
                           const float learning_rate, const long long size)
{
    // TODO(2.4): w[i] -= learning_rate * g[i] (eq. 8).
}
"""
sgd_update_kernel = compile_kernel(SGD_UPDATE, "sgd_update", "PPfq")


def sgd_update(w: GPUArray, g: GPUArray, learning_rate: float) -> None:
    """Take a step of gradient descent, w −= learning_rate · g, in place (eq. 8).

    Parameters w and their gradient g have one shape, whatever it is.
    """
    require("g", g, require("w", w, w.shape))
    # TODO(2.4): launch sgd_update_kernel with a thread for each of the w.size elements.
    raise NotImplementedError("TODO(2.4): sgd_update in kernels.py")
