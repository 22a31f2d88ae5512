"""Memory pools, with the bins of PyCUDA's mempool.hpp: 16 sizes between powers of two."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from emulator import runtime
from emulator.driver.errors import INVALID_HANDLE, OUT_OF_MEMORY, DeviceMemoryError, fail
from emulator.driver.host_memory import PagelockedHostAllocation, array_on
from emulator.driver.memory import Pointer, allocate, allocate_or_collect
from emulator.driver.settings import settings

_LEADING_BITS = 4  # of a size, kept in its bin's number (mempool.hpp's default)
_MANTISSA = (1 << _LEADING_BITS) - 1

if TYPE_CHECKING:
    import numpy as np

Block = TypeVar("Block")  # a device address, or a page-locked allocation


def bitlog2(value: int) -> int:
    """The position of the highest set bit; 0 for 0."""
    return max(value.bit_length() - 1, 0)


def _shift(value: int, by: int) -> int:
    return value << by if by >= 0 else value >> -by


class _Pool(Generic[Block]):
    """Blocks that were given back are held in bins and handed out again.

    Attributes:
        held_blocks: Blocks that wait to be handed out again.
        active_blocks: Blocks in use.
        managed_bytes: Bytes of both.
        active_bytes: Bytes asked for by the blocks in use.
    """

    def __init__(self) -> None:
        self._bins: dict[int, list[Block]] = {}
        self._holding = True
        self.held_blocks = 0
        self.active_blocks = 0
        self.managed_bytes = 0
        self.active_bytes = 0

    def bin_number(self, size: int) -> int:
        """The bin for blocks of `size` bytes."""
        exponent = bitlog2(size)
        return exponent << _LEADING_BITS | _shift(size, _LEADING_BITS - exponent) & _MANTISSA

    def alloc_size(self, bin_number: int) -> int:
        """The largest size, in bytes, of a bin: what its blocks have."""
        shift = (bin_number >> _LEADING_BITS) - _LEADING_BITS
        ones = max(_shift(1, shift) - 1, 0)
        return _shift(1 << _LEADING_BITS | bin_number & _MANTISSA, shift) | ones

    def free_held(self) -> None:
        """Give held blocks back to the device."""
        while self._free_one():
            pass

    def stop_holding(self) -> None:
        """Give held blocks back, and hold none from now on."""
        self._holding = False
        self.free_held()

    def _new(self, size: int) -> Block:
        raise NotImplementedError

    def _discard(self, block: Block) -> None:
        raise NotImplementedError

    def _acquire(self, size: int) -> Block:
        size = size.__index__()
        if size < 0:
            raise OverflowError("can't convert negative value to unsigned int")
        number = self.bin_number(size)
        blocks = self._bins.setdefault(number, [])
        block = self._reuse(blocks) if blocks else self._grow(number)
        self.active_blocks += 1
        self.active_bytes += size
        return block

    def _reuse(self, blocks: list[Block]) -> Block:
        self.held_blocks -= 1
        return blocks.pop()

    def _grow(self, number: int) -> Block:
        """A new block; where memory is short, after garbage and then held blocks were freed."""
        size = self.alloc_size(number)
        try:
            block = self._new(size)
        except DeviceMemoryError:
            gc.collect()
            if self._bins[number]:
                return self._reuse(self._bins[number])
            block = self._new_after_freeing(size)
        self.managed_bytes += size
        return block

    def _new_after_freeing(self, size: int) -> Block:
        if not self._free_one():
            detail = f"failed to free memory for allocation of {size:,} bytes"
            fail("memory_pool::allocate", OUT_OF_MEMORY, detail)
        try:
            return self._new(size)
        except DeviceMemoryError:
            return self._new_after_freeing(size)

    def _free_one(self) -> bool:
        """Free a held block of the largest bin that has any."""
        number = max((number for number, blocks in self._bins.items() if blocks), default=None)
        if number is None:
            return False
        self._discard(self._reuse(self._bins[number]))
        self.managed_bytes -= self.alloc_size(number)
        return True

    def _release(self, block: Block, size: int) -> None:
        self.active_blocks -= 1
        self.active_bytes -= size
        number = self.bin_number(size)
        if self._holding:
            self.held_blocks += 1
            self._bins.setdefault(number, []).append(block)
        else:
            self._discard(block)
            self.managed_bytes -= self.alloc_size(number)

    def __del__(self) -> None:
        if runtime is not None:
            self.free_held()


class DeviceMemoryPool(_Pool[int]):
    """A pool of device memory.

    On a checked device the blocks are bookkeeping only (address 0) and each allocation is one of
    the device's own, of exactly the size asked for: so an access beyond it, after it was freed, or
    of what the block's last user left there is seen.
    """

    def allocate(self, size: int) -> PooledDeviceAllocation:
        """`size` bytes of device memory that return to the pool with the object."""
        return PooledDeviceAllocation(self, size)

    def _new(self, size: int) -> int:
        return 0 if settings.check else allocate("cuMemAlloc", size)

    def _discard(self, block: int) -> None:
        if block:
            runtime.free(block)


class PooledDeviceAllocation(Pointer):
    """Device memory of a pool."""

    _valid = False

    def __init__(self, pool: DeviceMemoryPool, size: int) -> None:
        self._pool = pool
        self._size = size
        self._own = allocate_or_collect("cuMemAlloc", max(size, 1)) if settings.check else 0
        self._block = pool._acquire(size)  # noqa: SLF001  # the pool's other half
        self._address = self._own or self._block
        self._valid = True

    def __int__(self) -> int:
        return self._address

    def __len__(self) -> int:
        return self._size

    def free(self) -> None:
        """Return the memory to the pool; twice is an error."""
        if not self._valid:
            detail = "this allocation was already freed"
            fail("pooled_device_allocation::free", INVALID_HANDLE, detail)
        self._valid = False
        if self._own:
            runtime.free(self._own)
        self._pool._release(self._block, self._size)  # noqa: SLF001

    def __del__(self) -> None:
        if self._valid and runtime is not None:
            self.free()


class PageLockedAllocator:
    """Makes the blocks of a PageLockedMemoryPool."""

    def __init__(self, flags: int = 0) -> None:
        self.flags = flags


class PageLockedMemoryPool(_Pool[PagelockedHostAllocation]):
    """A pool of page-locked host memory."""

    def __init__(self, allocator: PageLockedAllocator | None = None) -> None:
        super().__init__()
        self._flags = allocator.flags if allocator else 0

    def allocate(self, shape: object, dtype: object, order: str = "C") -> np.ndarray[Any, Any]:
        """An array in page-locked memory that returns to the pool with the array."""
        return array_on(lambda size: PooledHostAllocation(self, size), shape, dtype, order)

    def _new(self, size: int) -> PagelockedHostAllocation:
        return PagelockedHostAllocation(size, self._flags)

    def _discard(self, block: PagelockedHostAllocation) -> None:
        block.free()


class PooledHostAllocation:
    """Page-locked memory of a pool."""

    _valid = False

    def __init__(self, pool: PageLockedMemoryPool, size: int) -> None:
        self._pool = pool
        self._size = size
        self._block = pool._acquire(size)  # noqa: SLF001  # the pool's other half
        self._address = self._block._address  # noqa: SLF001
        self._valid = True

    def __len__(self) -> int:
        return self._size

    def free(self) -> None:
        """Return the memory to the pool; twice is an error."""
        if not self._valid:
            detail = "this allocation was already freed"
            fail("pooled_device_allocation::free", INVALID_HANDLE, detail)
        self._valid = False
        self._pool._release(self._block, self._size)  # noqa: SLF001

    def __del__(self) -> None:
        if self._valid and runtime is not None:
            self.free()
