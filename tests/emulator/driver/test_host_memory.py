"""Page-locked, aligned, managed and registered memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycuda.driver as drv
import pytest

MAKERS = [drv.pagelocked_empty, drv.aligned_empty, drv.managed_empty]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(make: Any, order: str) -> None:
    """Shape, dtype and order are as asked for, and the memory is writable and aligned."""
    array = make((3, 5), np.float32, order)
    assert array.flags.f_contiguous == (order == "F")
    assert (array.shape, array.dtype, array.ctypes.data % 4096) == ((3, 5), np.float32, 0)
    array[...] = np.arange(15).reshape(3, 5)
    assert array.sum() == 105


@pytest.mark.parametrize("make", MAKERS)
def test_other_shapes(make: Any) -> None:
    """One number is a shape, structured dtypes are kept, an unknown order is refused."""
    assert make(7, np.uint8).shape == (7,)
    assert make((np.int64(2), 2), [("x", "i4"), ("y", "f8")])["y"].dtype == np.float64
    with pytest.raises(drv.LogicError, match="'K'"):
        make(3, np.uint8, "K")


def test_pagelocked_in_kernel(module: Any) -> None:
    """A kernel can write page-locked memory through its device pointer."""
    array = drv.pagelocked_zeros(4, np.int32, mem_flags=drv.host_alloc_flags.DEVICEMAP)
    pointer = np.intp(array.base.get_device_pointer())
    module.get_function("fill")(pointer, np.int32(5), block=(4, 1, 1))
    assert array.tolist() == [5, 5, 5, 5]
    assert array.base.get_flags() == drv.host_alloc_flags.DEVICEMAP


def test_managed_in_kernel(module: Any) -> None:
    """A managed array is passed to a kernel as it is."""
    array = drv.managed_zeros(4, np.int32, mem_flags=drv.mem_attach_flags.GLOBAL)
    module.get_function("fill")(array, np.int32(6), block=(4, 1, 1))
    assert array.tolist() == [6, 6, 6, 6]
    array.base.attach(drv.mem_attach_flags.HOST)


def test_registered_in_kernel(module: Any) -> None:
    """A registered array can be written by kernels, until it is unregistered."""
    array = np.zeros(4, np.int32)
    fill = module.get_function("fill")
    address = np.intp(array.ctypes.data)
    registered = drv.register_host_memory(array)
    fill(address, np.int32(7), block=(4, 1, 1))
    assert registered.tolist() == [7, 7, 7, 7]
    with pytest.raises(drv.LogicError, match="already mapped"):
        drv.register_host_memory(array)
    registered.base.unregister()
    with pytest.raises(drv.LogicError, match="no device address"):
        fill(address, np.int32(8), block=(4, 1, 1))


def test_register_what_is_no_array() -> None:
    """Only contiguous NumPy arrays can be registered."""
    with pytest.raises(drv.LogicError, match="not a numpy array but bytes"):
        drv.register_host_memory(b"abc")
    with pytest.raises(drv.LogicError, match="not contiguous"):
        drv.register_host_memory(np.zeros(4)[::2])


def test_double_free() -> None:
    """Freeing twice is an error."""
    base = drv.pagelocked_empty(4, np.uint8).base
    base.free()
    with pytest.raises(drv.LogicError, match="pagelocked_host_allocation::free failed"):
        base.free()


def test_alignment() -> None:
    """aligned_empty takes powers of two."""
    assert drv.aligned_zeros(3, np.float64, alignment=1 << 16).ctypes.data % (1 << 16) == 0
    with pytest.raises(drv.LogicError, match="power of two, got 24"):
        drv.aligned_empty(3, np.float64, alignment=24)
