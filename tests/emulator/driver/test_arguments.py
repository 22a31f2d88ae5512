"""Arguments of launches against the signatures of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycuda.driver as drv
import pytest
from pycuda import gpuarray

import emulator

WRONG = [
    ("bias_add", "Zbf1", ["parameter 3", "of bias_add is", "int", "numpy.float32 5.0", "int32"]),
    ("bias_add", "Zbl1", ["parameter 3", "numpy.int64 5", "4 bytes are expected, 8", "int32"]),
    ("bias_add", "Zbi2", ["parameter 4", "float", "numpy.int32 5", "silently", "float32"]),
    ("bias_add", "Zbid", ["parameter 4", "numpy.float64 5.0", "4 bytes are expected, 8"]),
    ("bias_add", "Zbi", ["takes 4 arguments", "3 were passed"]),
    ("bias_add", "Zbi11", ["takes 4 arguments", "5 were passed"]),
    ("bias_add", "", ["takes 4 arguments", "0 were passed"]),
    ("bias_add", "hbi1", ["parameter 1", "host", "(3,)", "gpuarray.to_gpu"]),
    ("bias_add", "ZbZ1", ["parameter 3", "a device pointer", "int32"]),
    ("bias_add", "5bi1", ["parameter 1", "the integer 5", "no device address"]),
    ("bias_add", "ibi1", ["parameter 1", "numpy.int32 5", "GPUArray"]),
    ("bias_add", "1bi1", ["parameter 1", "numpy.float32 1.0", "GPUArray"]),
    ("take_double", "Z1l", ["parameter 2", "double", "8 bytes are expected, 4", "float64"]),
    ("take_double", "Zdi", ["parameter 3", "8 bytes are expected, 4", "int64"]),
    ("take_vector", "Z1", ["parameter 2", "12 bytes are expected, 4", "gpuarray.vec"]),
    ("take_wide", "Ziv", ["parameter 3", "without their alignment", "byte 16", "byte 12"]),
    ("nothing", "i", ["takes 0 arguments", "1 was passed"]),
]


def arguments(letters: str) -> list[Any]:
    """Arguments by one letter each: arrays Z and b, host array h, scalars by type, numbers."""
    values: dict[str, Any] = {
        "Z": gpuarray.zeros(8, np.float32),
        "b": gpuarray.zeros(8, np.float32),
        "h": np.zeros(3),
        "f": np.float32(5),
        "d": np.float64(5),
        "i": np.int32(5),
        "l": np.int64(5),
        "5": np.intp(5),
        "1": np.float32(1),
        "2": np.int32(5),
        "v": np.zeros(1, gpuarray.vec.float4)[0],
    }
    return [values[letter] for letter in letters]


@pytest.mark.parametrize(("kernel", "letters", "parts"), WRONG)
def test_wrong_argument(module: Any, kernel: str, letters: str, parts: list[str]) -> None:
    """An argument that does not fit is an error that names parameter, kernel and remedy."""
    function = module.get_function(kernel)
    with pytest.raises(drv.LogicError) as error:
        function(*arguments(letters), block=(1, 1, 1))
    assert str(error.value).startswith("cuLaunchKernel failed: invalid argument - ")
    for part in parts:
        assert part in str(error.value)


def test_wrong_argument_breaks_nothing(module: Any) -> None:
    """A refused launch leaves the context usable."""
    function = module.get_function("bias_add")
    with pytest.raises(drv.LogicError):
        function(*arguments("Zbf1"), block=(1, 1, 1))
    function(*arguments("Zbi1"), block=(1, 1, 1))


def test_host_address_is_named_with_the_line_that_uses_it(module: Any) -> None:
    """A checked kernel is stopped where it uses an address of the host; the argument is named."""
    host = np.ones(8, np.float32)
    values = [np.intp(host.ctypes.data), *arguments("bi1")]
    with pytest.raises(drv.LogicError, match=r"host-pointer in bias_add at .* parameter 1"):
        module.get_function("bias_add")(*values, block=(1, 1, 1))
    assert host.tolist() == [1] * 8
    (finding,) = emulator.findings()
    assert finding.place is not None


def test_python_int_is_refused_by_pycuda(module: Any) -> None:
    """A plain Python number is PyCUDA's own TypeError, which names the parameter's number."""
    with pytest.raises(TypeError, match="parameter #2"):
        module.get_function("bias_add")(*arguments("Zb"), 5, np.float32(1), block=(1, 1, 1))


def test_unsigned_for_signed(module: Any) -> None:
    """Integers of the same size fit, whatever their sign."""
    out = gpuarray.zeros(4, np.int32)
    module.get_function("fill")(out, np.uint32(7), block=(4, 1, 1))
    assert out.get().tolist() == [7, 7, 7, 7]


def test_structure(module: Any) -> None:
    """A structure of the right size is passed by value."""
    out = gpuarray.zeros(3, np.float32)
    module.get_function("take_vector")(out, gpuarray.vec.make_float3(1, 2, 3), block=(1, 1, 1))
    assert out.get().tolist() == [1, 2, 3]


def test_null_pointer_may_be_passed(module: Any) -> None:
    """A null pointer is a valid argument as long as it is not followed."""
    z = gpuarray.zeros(1, np.float32)
    arguments = (z, np.intp(0), np.int32(0), np.float32(0))
    module.get_function("bias_add")(*arguments, block=(1, 1, 1))


def test_prepared_format(module: Any) -> None:
    """A wrong format of `prepare` is refused when the kernel is launched."""
    function = module.get_function("bias_add").prepare("PPff")
    z = gpuarray.zeros(1, np.float32)
    with pytest.raises(drv.LogicError, match=r"parameter 3 .*of bias_add"):
        function.prepared_call((1, 1), (1, 1, 1), z.gpudata, z.gpudata, 1.0, 1.0)


def test_own_bytes(module: Any) -> None:
    """Bytes that a program packed itself are checked by their length."""
    function = module.get_function("fill")
    with pytest.raises(drv.LogicError, match="take 12 bytes, the arguments have 4"):
        function._launch_kernel((1,), (1, 1, 1), b"\0\0\0\0", 0, None)
