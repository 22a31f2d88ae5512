"""PyCUDA's own arrays, kernels generators and random numbers on the emulated device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import emulator

emulator.install(check=True, report=False)

import pycuda.driver as drv  # noqa: E402  # below the emulator
from pycuda import cumath, curandom, gpuarray, scan, tools  # noqa: E402
from pycuda.elementwise import ElementwiseKernel  # noqa: E402
from pycuda.reduction import ReductionKernel  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True, scope="module")
def context() -> Iterator[Any]:
    """One context, so that compiled kernels are shared."""
    drv.init()
    context = drv.Device(0).make_context()
    emulator.clear_findings()
    yield context
    context.pop()
    tools.clear_context_caches()
    assert emulator.findings() == [], "PyCUDA's own kernels are right"


X = np.random.default_rng(5).standard_normal((37, 19)).astype(np.float32)
Y = np.random.default_rng(6).standard_normal((37, 19)).astype(np.float32)


def device(array: np.ndarray[Any, Any]) -> Any:
    """The array on the device."""
    return gpuarray.to_gpu(array)


SAME: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract a number": lambda x, _: 3 - x,
    "divide": lambda x, y: x / y,
    "power": lambda x, _: x**2,
    "negate": lambda x, _: -x,
    "absolute": lambda x, _: abs(x),
    "slice rows": lambda x, _: x[3:9],
    "slice columns": lambda x, _: x[:, 3:9],
    "reshape": lambda x, _: x.reshape(19, 37),
    "view": lambda x, _: x.view(np.int32),
    "transpose": lambda x, _: x.T,
    "cast": lambda x, _: x.astype(np.float64),
    "copy": lambda x, _: x.copy(),
}


@pytest.mark.parametrize("name", SAME)
def test_like_numpy(name: str) -> None:
    """Arithmetic, slices and views give what NumPy gives."""
    expected = SAME[name](X, Y)
    result = SAME[name](device(X), device(Y)).get()
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_in_place() -> None:
    """In-place operations and item assignment change the array itself."""
    x = device(X)
    same = x
    x += device(Y)
    x *= 2
    x[:5] = 7
    assert same is x
    expected = (X + Y) * 2
    expected[:5] = 7
    np.testing.assert_allclose(x.get(), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "sqrt", "floor"])
def test_cumath(name: str) -> None:
    """Elementwise functions are those of NumPy, to float32's accuracy."""
    x = np.abs(X) + np.float32(0.1)
    expected = getattr(np, name)(x.astype(np.float64))
    np.testing.assert_allclose(
        getattr(cumath, name)(device(x)).get(), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("size", [1, 31, 513, 20_000])
def test_reductions(size: int) -> None:
    """Sum, dot, min and max of long and short arrays."""
    x = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    g = device(x)
    assert np.isclose(gpuarray.sum(g).get(), x.astype(np.float64).sum(), rtol=1e-4, atol=1e-3)
    assert np.isclose(gpuarray.dot(g, g).get(), (x.astype(np.float64) ** 2).sum(), rtol=1e-4)
    assert (gpuarray.min(g).get(), gpuarray.max(g).get()) == (x.min(), x.max())


def test_kernel_generators() -> None:
    """Elementwise, reduction and scan kernels of a program's own compile and run."""
    axpy = ElementwiseKernel("float a, float *x, float *y", "y[i] += a * x[i]", "axpy")
    x, y = device(X), device(Y)
    axpy(2, x, y)
    np.testing.assert_allclose(y.get(), Y + 2 * X, rtol=1e-5, atol=1e-6)
    largest = ReductionKernel(
        np.float32, "0", "fmaxf(a, b)", map_expr="fabsf(x[i])", arguments="const float *x"
    )
    assert largest(x).get() == np.abs(X).max()
    numbers = np.arange(1000, dtype=np.int32)
    total = device(numbers)
    scan.InclusiveScanKernel(np.int32, "a + b")(total)
    assert np.array_equal(total.get(), np.cumsum(numbers))


def test_selection() -> None:
    """Comparisons, if_positive and fill."""
    assert np.array_equal((device(X) < device(Y)).get(), X < Y)
    positive = gpuarray.if_positive(device(X), device(X), gpuarray.zeros_like(device(X)))
    assert np.array_equal(positive.get(), np.maximum(X, 0))
    filled = gpuarray.empty(5, np.int32)
    filled.fill(3)
    assert filled.get().tolist() == [3] * 5


def test_random() -> None:
    """curandom.rand is uniform on [0, 1)."""
    x = curandom.rand(10_000, np.float32).get()
    assert 0 <= x.min() < x.max() <= 1
    assert abs(x.mean() - 0.5) < 0.02


def test_pool() -> None:
    """Arrays whose memory comes from a pool give it back."""
    pool = tools.DeviceMemoryPool()
    x = gpuarray.to_gpu(X, allocator=pool.allocate)
    np.testing.assert_array_equal((x + x).get(), X + X)
    del x
    assert pool.active_blocks == 0


def test_asynchronous() -> None:
    """Asynchronous copies through page-locked memory."""
    stream = drv.Stream()
    host = drv.pagelocked_empty(X.shape, np.float32)
    host[...] = X
    x = gpuarray.to_gpu_async(host, stream=stream)
    back = (x * 2).get_async(stream=stream)
    stream.synchronize()
    np.testing.assert_array_equal(back, 2 * X)
