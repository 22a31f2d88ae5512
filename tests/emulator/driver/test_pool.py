"""Memory pools: bins, accounting, reuse."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import pycuda.driver as drv
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycuda import gpuarray
from pycuda.tools import DeviceMemoryPool, PageLockedAllocator, PageLockedMemoryPool, bitlog2

from emulator.driver import pool as pool_module
from emulator.driver.errors import DeviceMemoryError
from emulator.driver.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[True, False], ids=["checked", "unchecked"])
def pool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A device pool as it works with and without checks."""
    monkeypatch.setattr(settings, "check", request.param)
    pool = DeviceMemoryPool()
    yield pool
    pool.stop_holding()


@given(st.integers(1, 1 << 40))
def test_bins(size: int) -> None:
    """A bin's size holds what is put there, and wastes at most an eighth."""
    pool = DeviceMemoryPool()
    number = pool.bin_number(size)
    block = pool.alloc_size(number)
    assert size <= block <= size * (1 + 1 / 8) + 1
    assert pool.bin_number(block) == number


@pytest.mark.parametrize(("value", "position"), [(0, 0), (1, 0), (17, 4), (0xCC3AFFE, 27)])
def test_bitlog2(value: int, position: int) -> None:
    """bitlog2 is the position of the highest bit."""
    assert bitlog2(value) == position


def test_accounting(pool: Any) -> None:
    """Blocks move from active to held and back; held ones can be freed."""
    memory = pool.allocate(1000)
    size = pool.alloc_size(pool.bin_number(1000))
    assert (pool.active_blocks, pool.held_blocks) == (1, 0)
    assert (pool.active_bytes, pool.managed_bytes) == (1000, size)
    assert len(memory) == 1000
    memory.free()
    assert (pool.active_blocks, pool.held_blocks, pool.active_bytes) == (0, 1, 0)
    again = pool.allocate(1001)
    assert (pool.active_blocks, pool.held_blocks, pool.managed_bytes) == (1, 0, size)
    del again
    gc.collect()
    pool.free_held()
    assert (pool.held_blocks, pool.managed_bytes) == (0, 0)


def test_double_free(pool: Any) -> None:
    """Freeing twice is an error."""
    memory = pool.allocate(8)
    memory.free()
    with pytest.raises(drv.LogicError, match="pooled_device_allocation::free failed"):
        memory.free()


def test_stop_holding(pool: Any) -> None:
    """A pool that stopped holding gives memory back at once."""
    free, _ = drv.mem_get_info()
    memory = pool.allocate(1 << 16)
    pool.stop_holding()
    del memory
    assert (drv.mem_get_info()[0], pool.held_blocks) == (free, 0)


class SmallDevice:
    """Stands for the runtime: a device with 1000 bytes."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}

    def allocate(self, routine: str, size: int) -> int:
        """An address, as long as there is room."""
        if sum(self.sizes.values()) + size > 1000:
            raise DeviceMemoryError(routine)
        address = 1 + len(self.sizes)
        self.sizes[address] = size
        return address

    def free(self, address: int) -> None:
        """Make room."""
        self.sizes[address] = 0


def test_held_blocks_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held blocks are freed, large ones first, when the device has no other memory left."""
    device = SmallDevice()
    monkeypatch.setattr(settings, "check", False)
    monkeypatch.setattr(pool_module, "runtime", device)
    monkeypatch.setattr(pool_module, "allocate", device.allocate)
    pool = DeviceMemoryPool()
    blocks = [pool.allocate(size) for size in (100, 200, 300)]
    blocks.clear()
    assert pool.held_blocks == 3
    large = pool.allocate(600)
    assert (len(large), pool.held_blocks) == (600, 2)
    with pytest.raises(drv.MemoryError, match="failed to free memory for allocation of 1,"):
        pool.allocate(1000)
    assert pool.held_blocks == 0
    del large
    pool.free_held()


def test_arrays(pool: Any) -> None:
    """Arrays of a pool compute like others."""
    a = gpuarray.to_gpu(np.arange(10, dtype=np.float32), allocator=pool.allocate)
    assert ((a + a) * 2).get().tolist() == [4 * i for i in range(10)]


def test_pagelocked_pool() -> None:
    """Page-locked arrays return to their pool."""
    pool = PageLockedMemoryPool(PageLockedAllocator(0))
    array = pool.allocate((3, 4), np.float32)
    array[...] = 1
    assert (array.shape, array.sum(), pool.active_blocks) == ((3, 4), 12, 1)
    del array
    assert (pool.active_blocks, pool.held_blocks) == (0, 1)
    again = pool.allocate((12,), np.float32, order="F")
    assert (again.shape, pool.held_blocks) == ((12,), 0)
