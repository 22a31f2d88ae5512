"""Every test of the driver has a context of its own, so that an error that sticks ends with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import emulator

emulator.install(check=True, report=False)

import pycuda.driver as drv  # noqa: E402  # below the emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

KERNELS = """
__global__ void bias_add(float *Z, const float *b, int n, float scale)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) Z[i] += scale * b[i];
}
__global__ void fill(int *out, int value) { out[threadIdx.x] = value; }
__global__ void nothing() {}
__global__ void allocate(int *fits, size_t bytes)
{
    void *p = malloc(bytes);
    *fits = p != nullptr;
    free(p);
}
__global__ void take_double(double *out, double x, long long n) { out[n] = x; }
__global__ void take_vector(float *out, float3 v) { out[0] = v.x; out[1] = v.y; out[2] = v.z; }
__global__ void take_wide(float *out, int n, float4 v) { out[0] = v.x + n; }
__global__ void static_shared(int *out)
{
    __shared__ int s[4096];
    s[threadIdx.x] = threadIdx.x;
    out[threadIdx.x] = s[threadIdx.x];
}
__global__ void dynamic_shared(int *out)
{
    extern __shared__ int s[];
    s[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}
__global__ void say(int n) { printf("n is %d\\n", n); }
__device__ int table[4];
__constant__ float factor[2];
__global__ void look_up(float *out) { out[threadIdx.x] = table[threadIdx.x] * factor[0]; }
"""


@pytest.fixture(scope="session")
def cubin() -> bytes:
    """The kernels above, compiled."""
    from pycuda.compiler import compile as compile_source  # noqa: PLC0415

    drv.init()
    context = drv.Device(0).make_context()
    try:
        return bytes(compile_source(KERNELS))
    finally:
        context.pop()
        context.detach()


@pytest.fixture(autouse=True)
def context() -> Iterator[Any]:
    """A new context, current in the test."""
    drv.init()
    before = drv.Context.get_current()  # of another test module, perhaps
    context = drv.Device(0).make_context()
    emulator.clear_findings()
    yield context
    while drv.Context.get_current() != before:
        drv.Context.pop()
    emulator.clear_findings()


@pytest.fixture
def module(cubin: bytes, context: object) -> Any:  # noqa: ARG001  # loaded in the test's context
    """The compiled kernels, loaded."""
    return drv.module_from_buffer(cubin)
