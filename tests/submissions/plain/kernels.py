"""Part 1, written plainly: one thread an element, a row or a share of a column."""

import numpy as np
from device import compile_kernel, empty, zeros

THREADS = 256


def blocks(size, threads=THREADS):
    return (size + threads - 1) // threads


BIAS_ADD = r"""
__global__ void bias_add(float* Z, const float* b, int N, int C)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < N * C) Z[i] += b[i % C];
}
"""
bias_add_kernel = compile_kernel(BIAS_ADD, "bias_add", "PPii")


def bias_add(Z, b):
    N, C = Z.shape
    bias_add_kernel(blocks(N * C), THREADS, Z, b, N, C)


SOFTMAX_XENT = r"""
__global__ void softmax_xent(const float* Z, const int* y, float* losses, float* dZ, int N, int C)
{
    int n = blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= N) return;
    const float* z = Z + n * C;
    int label = y[n];
    float m = z[0];
    for (int c = 1; c < C; c++) m = fmaxf(m, z[c]);
    float sum = 0.0f;
    for (int c = 0; c < C; c++) sum += expf(z[c] - m);
    losses[n] = logf(sum) - (z[label] - m);
    for (int c = 0; c < C; c++) {
        float p = expf(z[c] - m) / sum;
        dZ[n * C + c] = p - (c == label ? 1.0f : 0.0f);
    }
}
"""
softmax_xent_kernel = compile_kernel(SOFTMAX_XENT, "softmax_xent", "PPPPii")


def softmax_xent(Z, y):
    N, C = Z.shape
    losses = empty(N)
    dZ = empty((N, C))
    softmax_xent_kernel(blocks(N, 64), 64, Z, y, losses, dZ, N, C)
    return losses, dZ


COLUMN_MEAN = r"""
__global__ void column_mean(const float* A, float* mean, int N, int K)
{
    __shared__ float sums[256];
    int t = threadIdx.x, k = blockIdx.x;
    float sum = 0.0f;
    for (int n = t; n < N; n += blockDim.x) sum += A[n * K + k];
    sums[t] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (t < half) sums[t] += sums[t + half];
        __syncthreads();
    }
    if (t == 0) mean[k] = sums[0] / N;
}
"""
column_mean_kernel = compile_kernel(COLUMN_MEAN, "column_mean", "PPii")


def column_mean(A):
    N, K = A.shape
    mean = empty(K)
    column_mean_kernel(K, 256, A, mean, N, K)
    return mean


def mean_of(losses):
    return column_mean(losses.reshape(losses.size, 1))


KINDS = {"relu": 0, "sigmoid": 1, "tanh": 2}

ACTIVATE = r"""
__global__ void activate(const float* Z, float* A, int size, int kind)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    float z = Z[i];
    if (kind == 0) A[i] = fmaxf(z, 0.0f);
    if (kind == 1) A[i] = 1.0f / (1.0f + expf(-z));
    if (kind == 2) A[i] = tanhf(z);
}
"""
activate_kernel = compile_kernel(ACTIVATE, "activate", "PPii")


def activate(Z, kind):
    if kind not in KINDS:
        raise ValueError(f"no activation {kind}")
    A = empty(Z.shape)
    activate_kernel(blocks(Z.size), THREADS, Z, A, Z.size, KINDS[kind])
    return A


ACTIVATE_BACKWARD = r"""
__global__ void activate_backward(const float* dA, const float* A, float* dZ, int size, int kind)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= size) return;
    float a = A[i];
    if (kind == 0) dZ[i] = a > 0.0f ? dA[i] : 0.0f;
    if (kind == 1) dZ[i] = dA[i] * a * (1.0f - a);
    if (kind == 2) dZ[i] = dA[i] * (1.0f - a * a);
}
"""
activate_backward_kernel = compile_kernel(ACTIVATE_BACKWARD, "activate_backward", "PPPii")


def activate_backward(dA, A, kind):
    if kind not in KINDS:
        raise ValueError(f"no activation {kind}")
    dZ = empty(A.shape)
    activate_backward_kernel(blocks(A.size), THREADS, dA, A, dZ, A.size, KINDS[kind])
    return dZ


OUTER_PRODUCTS = r"""
__global__ void outer_products(const float* X, const float* dZ, float* G, int N, int D, int C)
{
    long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)N * D * C) return;
    int c = i % C, d = i / C % D, n = i / C / D;
    G[i] = X[n * D + d] * dZ[n * C + c];
}
"""
outer_products_kernel = compile_kernel(OUTER_PRODUCTS, "outer_products", "PPPiii")


def outer_products(X, dZ):
    (N, D), C = X.shape, dZ.shape[1]
    G = empty((N, D * C))
    outer_products_kernel(blocks(G.size), THREADS, X, dZ, G, N, D, C)
    return G


SGD_UPDATE = r"""
__global__ void sgd_update(float* w, const float* g, float learning_rate, int size)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < size) w[i] -= learning_rate * g[i];
}
"""
sgd_update_kernel = compile_kernel(SGD_UPDATE, "sgd_update", "PPfi")


def sgd_update(w, g, learning_rate):
    sgd_update_kernel(blocks(w.size), THREADS, w, g, learning_rate, w.size)
