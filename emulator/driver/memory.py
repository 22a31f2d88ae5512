"""Device memory: allocations, what may stand for a device address, and checked address ranges."""

from __future__ import annotations

import ctypes
import gc
from typing import Any, NoReturn

import numpy as np

from emulator import runtime
from emulator.driver.context import current
from emulator.driver.device import MAX_PITCH_BYTES, TEXTURE_ALIGNMENT_BYTES
from emulator.driver.errors import (
    INVALID_HANDLE,
    INVALID_VALUE,
    OUT_OF_MEMORY,
    DeviceMemoryError,
    fail,
    mismatch,
)
from emulator.driver.settings import settings

_NEAR_BYTES = 1 << 20  # an address this far beyond an allocation is said to have missed it


class Pointer:
    """Anything that PyCUDA converts to a device address by itself."""

    def __int__(self) -> int:
        raise NotImplementedError

    def __index__(self) -> int:
        return int(self)

    __long__ = __index__

    def as_buffer(self, size: int, offset: int = 0) -> memoryview:
        """`size` bytes from `offset` as a writable buffer (host code touches device memory)."""
        start = int(self) + offset
        check_range("as_buffer", start, size)
        runtime.mark_written(start, size)
        return memoryview((ctypes.c_ubyte * size).from_address(start)).cast("B")


class PointerHolderBase(Pointer):
    """Base for a program's own holders of device addresses: override `get_pointer`."""

    def get_pointer(self) -> int:
        """The device address."""
        raise RuntimeError("Pure virtual function called")

    def __int__(self) -> int:
        return self.get_pointer()


class DeviceAllocation(Pointer):
    """Device memory from `mem_alloc`, freed with the object.

    Args:
        address: What `allocate` returned.
    """

    _valid = False

    def __init__(self, address: int) -> None:
        self._address = address
        self._valid = True

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        """Give the memory back; twice is an error."""
        if not self._valid:
            fail("device_allocation::free", INVALID_HANDLE, "this allocation was already freed")
        self._valid = False
        self._release()

    def _release(self) -> None:
        runtime.free(self._address)

    def __del__(self) -> None:
        # Module globals may be gone when the interpreter shuts down.
        if self._valid and runtime is not None:
            self.free()


def allocate(routine: str, size: int) -> int:
    """`size` bytes of device memory.

    Raises:
        LogicError: The size is 0.
        MemoryError: (PyCUDA's) There is not that much left.
    """
    current(routine)
    size = size.__index__()
    if size < 0:
        raise OverflowError("can't convert negative value to unsigned int")
    if size == 0:
        fail(routine, INVALID_VALUE, "0 bytes requested")
    address = runtime.malloc(size)
    if not address:
        free_bytes = settings.memory_bytes - runtime.bytes_in_use()
        detail = f"{size:,} bytes requested, {free_bytes:,} of {settings.memory_bytes:,} are free"
        fail(routine, OUT_OF_MEMORY, detail)
    return address


def allocate_or_collect(routine: str, size: int) -> int:
    """`allocate`, retried after a garbage collection, as PyCUDA's mem_alloc_gc does."""
    try:
        return allocate(routine, size)
    except DeviceMemoryError:
        gc.collect()
        return allocate(routine, size)


def mem_alloc(bytes: int) -> DeviceAllocation:  # noqa: A002  # PyCUDA's name
    """Allocate device memory."""
    return DeviceAllocation(allocate_or_collect("cuMemAlloc", bytes))


def mem_alloc_pitch(width: int, height: int, access_size: int) -> tuple[DeviceAllocation, int]:
    """Allocate rows of `width` bytes, each aligned for accesses of `access_size` bytes.

    Returns:
        The allocation, and the bytes from one row to the next.
    """
    if access_size not in (4, 8, 16):
        detail = f"access_size is {access_size}, expected 4, 8 or 16"
        fail("cuMemAllocPitch", INVALID_VALUE, detail)
    pitch = -(-width // TEXTURE_ALIGNMENT_BYTES) * TEXTURE_ALIGNMENT_BYTES
    if pitch > MAX_PITCH_BYTES:
        fail("cuMemAllocPitch", INVALID_VALUE, f"a row of {width} bytes exceeds {MAX_PITCH_BYTES}")
    return DeviceAllocation(allocate_or_collect("cuMemAllocPitch", pitch * height)), pitch


def mem_get_info() -> tuple[int, int]:
    """Free and total device memory in bytes."""
    current("cuMemGetInfo")
    return settings.memory_bytes - runtime.bytes_in_use(), settings.memory_bytes


def mem_get_address_range(pointer: Pointer | int) -> tuple[int, int]:
    """Base address and size of the allocation that holds `pointer`."""
    current("cuMemGetAddressRange")
    address = address_of("mem_get_address_range", pointer)
    near = runtime.allocation_near(address)
    if near is None or not near.live or not 0 <= address - near.address < near.size_bytes:
        fail("cuMemGetAddressRange", INVALID_VALUE, describe(address, 1))
    return near.address, near.size_bytes


def address_of(function: str, pointer: object) -> int:
    """The device address that `pointer` stands for, as an argument of pycuda.driver.`function`."""
    if not isinstance(pointer, (int, Pointer)):
        refuse_pointer(function, pointer)
    return int(pointer)


def refuse_pointer(function: str, pointer: object) -> NoReturn:
    """Raise Boost.Python's error for something that is no device address."""
    kind = type(pointer).__name__
    if hasattr(pointer, "gpudata"):
        hint = f"pass the {kind}'s memory: its .gpudata (or its .ptr)"
    elif hasattr(pointer, "__array_interface__"):
        hint = (
            f"a NumPy {kind} lives in host memory; expected a device address here "
            "(are destination and source swapped?)"
        )
    else:
        hint = f"expected a device address (DeviceAllocation or int), got {kind}"
    mismatch(function, (pointer,), "unsigned long long (CUdeviceptr)", hint)


def bytes_at(address: int, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bytes at an address, host or device (which share one address space), to look at."""
    return np.frombuffer(memoryview((ctypes.c_ubyte * size).from_address(address)), np.uint8)


def check_range(routine: str, address: int, size: int) -> None:
    """Fail as `routine` unless `size` bytes at `address` lie in one live allocation."""
    if size and not runtime.range_ok(address, size):
        fail(routine, INVALID_VALUE, describe(address, size))


def describe(address: int, size: int) -> str:
    """Why `size` bytes at `address` are not a range of device memory."""
    if address == 0:
        return f"{size:,} bytes at the null pointer"
    near = runtime.allocation_near(address)
    if near is None or not -_NEAR_BYTES < address - near.address < near.size_bytes + _NEAR_BYTES:
        return f"{size:,} bytes at {address:#x}, which is no device memory"
    offset = address - near.address
    beyond = offset + size - near.size_bytes
    text = f"{size:,} bytes at byte {offset:,} of an allocation of {near.size_bytes:,} bytes"
    if not near.live:
        return f"{text} that was already freed"
    return f"{text}: {beyond:,} bytes too many" if offset >= 0 else f"{text}: before its start"
