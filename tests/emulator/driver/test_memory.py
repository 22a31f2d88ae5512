"""Device memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycuda.driver as drv
import pytest
from pycuda import gpuarray


def test_accounting() -> None:
    """Free memory shrinks with an allocation and grows when it is freed or forgotten."""
    free, total = drv.mem_get_info()
    memory = drv.mem_alloc(1 << 20)
    assert drv.mem_get_info() == (free - (1 << 20), total)
    del memory
    assert drv.mem_get_info() == (free, total)
    assert total == drv.Device(0).total_memory()


def test_too_much() -> None:
    """More memory than there is raises PyCUDA's MemoryError with both numbers."""
    with pytest.raises(drv.MemoryError, match=r"out of memory - 1,099,511,627,776 bytes req"):
        drv.mem_alloc(1 << 40)
    assert issubclass(drv.MemoryError, drv.Error)
    assert not issubclass(drv.MemoryError, MemoryError)


@pytest.mark.parametrize("size", [0, -1, 1.5, None])
def test_senseless_size(size: Any) -> None:
    """Zero bytes are a LogicError, negative and fractional ones a Python error, as in PyCUDA."""
    errors = {0: drv.LogicError, -1: OverflowError}
    with pytest.raises(errors.get(size, (TypeError, AttributeError))):
        drv.mem_alloc(size)


def test_double_free() -> None:
    """Freeing twice is an error."""
    memory = drv.mem_alloc(4)
    memory.free()
    with pytest.raises(drv.LogicError, match="device_allocation::free failed: invalid resource"):
        memory.free()


def test_use_after_free(module: Any) -> None:
    """A kernel that is given freed memory raises what a device raises."""
    memory = drv.mem_alloc(16)
    memory.free()
    with pytest.raises(drv.LogicError, match="illegal memory access"):
        module.get_function("fill")(memory, np.int32(1), block=(4, 1, 1))


def test_pitch() -> None:
    """Rows are padded to the alignment of textures, and the access size is checked."""
    memory, pitch = drv.mem_alloc_pitch(100, 3, 4)
    assert pitch == drv.Device(0).texture_alignment
    assert drv.mem_get_address_range(memory) == (int(memory), 3 * pitch)
    with pytest.raises(drv.LogicError, match="access_size is 5"):
        drv.mem_alloc_pitch(100, 3, 5)


def test_address_range() -> None:
    """An inner pointer leads to its allocation; a freed one to an error."""
    memory = drv.mem_alloc(100)
    assert drv.mem_get_address_range(int(memory) + 99) == (int(memory), 100)
    with pytest.raises(drv.LogicError, match="cuMemGetAddressRange failed: invalid argument"):
        drv.mem_get_address_range(int(memory) + 100)


def test_alignment() -> None:
    """Addresses are multiples of 256, as CUDA promises."""
    assert all(int(drv.mem_alloc(size)) % 256 == 0 for size in (1, 7, 300))


def test_as_buffer() -> None:
    """Device memory can be looked at as a buffer."""
    memory = drv.to_device(np.arange(4, dtype=np.int32))
    view = np.frombuffer(memory.as_buffer(8, 4), np.int32)
    view[0] = 9
    assert drv.from_device(memory, (4,), np.int32).tolist() == [0, 9, 2, 3]
    with pytest.raises(drv.LogicError, match="as_buffer failed"):
        memory.as_buffer(17)


class Holder(drv.PointerHolderBase):  # type: ignore[misc]  # PyCUDA has no type hints
    """A program's own holder of memory."""

    def __init__(self, memory: Any) -> None:
        super().__init__()
        self.memory = memory

    def get_pointer(self) -> int:
        """The address."""
        return int(self.memory)


def test_pointer_holder(module: Any) -> None:
    """A PointerHolderBase stands for its address in copies, arrays and launches."""
    holder = Holder(drv.to_device(np.arange(4, dtype=np.int32)))
    array = gpuarray.GPUArray((4,), np.int32, gpudata=holder)
    module.get_function("fill")(array, np.int32(3), block=(2, 1, 1))
    assert array.get().tolist() == [3, 3, 2, 3]
    with pytest.raises(RuntimeError, match="Pure virtual"):
        int(drv.PointerHolderBase())
