"""Launches: shapes, limits, output, attributes, and kernels' errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycuda.driver as drv
import pytest
from pycuda import gpuarray

import emulator


def test_launch_forms(module: Any) -> None:
    """Plain, prepared, timed and asynchronous calls all run the kernel."""
    z, b = gpuarray.zeros(8, np.float32), gpuarray.to_gpu(np.ones(8, np.float32))
    add, stream = module.get_function("bias_add"), drv.Stream()
    plain = (z, b, np.int32(8), np.float32(1))
    add(*plain, block=(8, 1, 1))
    add(*plain, block=(4, 1, 1), grid=(2, 1), stream=stream)
    assert add(*plain, block=(8, 1, 1), time_kernel=True) >= 0
    prepared = (z.gpudata, b.gpudata, 8, 1.0)
    add.prepare([np.intp, np.intp, np.int32, np.float32])
    add.prepared_call((1, 1), (8, 1, 1), *prepared)
    add.prepared_async_call((1, 1), (8, 1, 1), stream, *prepared)
    assert add.prepared_timed_call((1, 1), (8, 1, 1), *prepared)() >= 0
    assert z.get().tolist() == [6] * 8


def test_in_out(module: Any) -> None:
    """In, Out and InOut copy around the launch."""
    b, z = np.ones(4, np.float32), np.full(4, 2, np.float32)
    arguments = (drv.InOut(z), drv.In(b), np.int32(4), np.float32(3))
    module.get_function("bias_add")(*arguments, block=(4, 1, 1))
    assert z.tolist() == [5] * 4
    out = np.empty(4, np.int32)
    module.get_function("fill")(drv.Out(out), np.int32(3), block=(4, 1, 1))
    assert out.tolist() == [3] * 4


BAD_SHAPES = [
    ({"block": (2048, 1, 1)}, drv.LogicError, "cuFuncSetBlockShape .*2,048 threads.*1,024"),
    ({"block": (32, 32, 2)}, drv.LogicError, "2,048 threads"),
    ({"block": (1, 1, 65)}, drv.LogicError, "limit of z is 64"),
    ({"block": (0, 1, 1)}, drv.LogicError, "at least 1"),
    ({"block": (256, 1)}, TypeError, "three Python ints"),
    ({"block": (256,)}, TypeError, "did not match C"),
    ({"block": (np.int64(4), 1, 1)}, TypeError, "numpy.int64"),
    ({"block": (4.0, 1, 1)}, TypeError, "float"),
    ({"grid": (0, 1)}, drv.LogicError, "cuLaunchKernel .*grid .0, 1, 1.*at least 1"),
    ({"grid": (1, 65536)}, drv.LogicError, "limit of y is 65,535"),
    ({"grid": (2**31, 1)}, drv.LogicError, "limit of x is 2,147,483,647"),
    ({"grid": (1, 1, 1, 1)}, drv.LogicError, "too many grid dimensions"),
    ({"grid": (np.int64(1), 1)}, TypeError, "unsigned int .*numpy.int64.*convert with int"),
    ({"grid": (1.0, 1)}, TypeError, "float"),
    ({"grid": (-1, 1)}, OverflowError, "negative"),
    ({"grid": [1, 1]}, TypeError, "must be a tuple"),
    ({"shared": 49153}, drv.LogicError, "49,153 of dynamic.*49,152"),
    ({"shared": -1}, OverflowError, "negative"),
    ({"shared": 1.5}, TypeError, "float"),
    ({"stream": 5}, TypeError, "pycuda::stream.*int"),
]


@pytest.mark.parametrize(("how", "error", "text"), BAD_SHAPES)
def test_bad_launch(module: Any, how: dict[str, Any], error: type, text: str) -> None:
    """A launch beyond a limit raises PyCUDA's error with the limit and the value."""
    with pytest.raises(error, match=text):
        module.get_function("nothing")(**({"block": (1, 1, 1)} | how))
    module.get_function("nothing")(block=(1, 1, 1))


def test_block_is_required(module: Any) -> None:
    """Forgetting the block is PyCUDA's own error."""
    with pytest.raises(ValueError, match="must specify block size"):
        module.get_function("nothing")()


def test_static_shared_counts(module: Any) -> None:
    """Static and dynamic shared memory together are limited."""
    out = gpuarray.zeros(4, np.int32)
    with pytest.raises(drv.LogicError, match="16,384 bytes of static and 40,000 of dynamic"):
        module.get_function("static_shared")(out, block=(4, 1, 1), shared=40000)


def test_more_dynamic_shared_memory(module: Any) -> None:
    """The limit of dynamic shared memory can be raised to what the device has."""
    out, kernel = gpuarray.zeros(4, np.int32), module.get_function("dynamic_shared")
    attribute = drv.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES
    kernel.set_attribute(attribute, 100_000)
    kernel(out, block=(4, 1, 1), shared=100_000)
    assert out.get().tolist() == [3, 2, 1, 0]
    assert kernel.max_dynamic_shared_size_bytes == 100_000
    with pytest.raises(drv.LogicError, match=r"200,000 bytes .*166,912"):
        kernel.set_attribute(attribute, 200_000)


def test_printf(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A kernel's printf goes to sys.stdout."""
    module.get_function("say")(np.int32(3), block=(2, 1, 1))
    assert capsys.readouterr().out == "n is 3\nn is 3\n"


def test_attributes(module: Any) -> None:
    """Attributes are there in PyCUDA's two spellings."""
    kernel = module.get_function("static_shared")
    assert kernel.shared_size_bytes == 4096 * 4
    assert kernel.get_attribute(drv.function_attribute.MAX_THREADS_PER_BLOCK) == 1024
    assert kernel.num_regs > 0
    assert kernel.binary_version == 80
    kernel.set_cache_config(drv.func_cache.PREFER_L1)


def test_out_of_bounds(module: Any) -> None:
    """An illegal access is a LogicError that tells where, and is in the log of findings."""
    out = gpuarray.zeros(4, np.int32)
    with pytest.raises(drv.LogicError) as error:
        module.get_function("fill")(out, np.int32(1), block=(5, 1, 1))
    assert "cuLaunchKernel failed: an illegal memory access was encountered - " in str(error.value)
    assert "fill" in str(error.value)
    (finding,) = emulator.findings()
    assert (finding.kind, finding.kernel, finding.fatal) == ("out-of-bounds", "fill", True)
    assert (finding.block, finding.thread) == ((0, 0, 0), (4, 0, 0))


def test_pooled_overrun(module: Any) -> None:
    """On a checked device a pool's allocation ends where it was asked to end."""
    from pycuda.tools import DeviceMemoryPool  # noqa: PLC0415

    out = gpuarray.empty(33, np.int32, allocator=DeviceMemoryPool().allocate)
    with pytest.raises(drv.LogicError, match="illegal memory access"):
        module.get_function("fill")(out, np.int32(1), block=(34, 1, 1))


def test_arguments_are_not_kept(module: Any) -> None:
    """A launch does not keep the memory of its arguments alive."""
    free, _ = drv.mem_get_info()
    function = module.get_function("fill").prepare("Pi")
    memory = drv.mem_alloc(1 << 20)
    function.prepared_call((1, 1), (4, 1, 1), memory, 3)
    del memory
    assert drv.mem_get_info()[0] == free


def test_not_emulated(module: Any) -> None:
    """Textures and the launch interface of CUDA 3 are refused by name."""
    kernel = module.get_function("nothing")
    with pytest.raises(drv.LogicError, match=r"texture references .*are not emulated"):
        kernel.param_set_texref(None)
    with pytest.raises(drv.LogicError, match="stateful launch interface"):
        kernel._launch_grid(1, 1)
