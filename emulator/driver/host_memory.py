"""Host memory that the device knows: page-locked, managed, registered; and aligned memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from emulator import runtime
from emulator.driver.context import current
from emulator.driver.errors import (
    HOST_MEMORY_ALREADY_REGISTERED,
    INVALID_HANDLE,
    INVALID_VALUE,
    fail,
)
from emulator.driver.memory import DeviceAllocation
from emulator.driver.stream import Stream, check_stream

_PAGE_BYTES = 4096


class _Block:
    """`size` bytes of host memory at an aligned address."""

    def __init__(self, size: int, alignment: int) -> None:
        # One page more than asked for: an allocation of 0 bytes has an address, too.
        self._memory = np.empty(size + alignment, np.uint8)
        start = self._memory.ctypes.data
        self.address = -(-start // alignment) * alignment
        self.size = max(size, 1)


class HostPointer:
    """Base of host memory objects; `_block` keeps the memory alive."""

    _routine = ""
    _valid = False
    _address = 0

    def get_device_pointer(self) -> int:
        """The address kernels use: the same as the host's (unified addressing)."""
        current("cuMemHostGetDevicePointer")
        return self._address

    def _withdraw(self) -> None:
        """End the device's knowledge of the memory; once only."""
        if not self._valid:
            fail(self._routine, INVALID_HANDLE, "this memory was already released")
        self._valid = False
        runtime.unregister_host_range(self._address)

    def __del__(self) -> None:
        if self._valid and runtime is not None:
            self._withdraw()


class PagelockedHostAllocation(HostPointer):
    """Page-locked memory: kernels may touch it, asynchronous copies may use it."""

    _routine = "pagelocked_host_allocation::free"

    def __init__(self, size: int, flags: int = 0) -> None:
        current("cuMemHostAlloc")
        self._block: _Block | None = _Block(size, _PAGE_BYTES)
        self._flags = flags
        self._address = self._block.address
        runtime.register_host_range(self._address, self._block.size)
        self._valid = True

    def free(self) -> None:
        """Give the memory back; arrays on it must not be used afterwards."""
        self._withdraw()

    def get_flags(self) -> int:
        """The flags it was made with."""
        return self._flags


class AlignedHostAllocation(HostPointer):
    """Ordinary host memory at an aligned address."""

    def __init__(self, size: int, alignment: int) -> None:
        if alignment <= 0 or alignment & (alignment - 1):
            detail = f"alignment must be a power of two, got {alignment}"
            fail("aligned_malloc", INVALID_VALUE, detail)
        self._block = _Block(size, alignment)
        self._address = self._block.address
        self._valid = True

    def free(self) -> None:
        """Give the memory back."""
        if not self._valid:
            fail("aligned_host_allocation::free", INVALID_HANDLE, "already freed")
        self._valid = False

    def __del__(self) -> None:
        self._valid = False


class ManagedAllocation(DeviceAllocation):
    """Managed memory: one address for host and device."""

    def __init__(self, size: int, flags: int = 0) -> None:
        del flags  # who may access it: both, always
        current("cuMemAllocManaged")
        if size == 0:
            fail("cuMemAllocManaged", INVALID_VALUE, "0 bytes requested")
        self._block = _Block(size, _PAGE_BYTES)
        runtime.register_host_range(self._block.address, self._block.size)
        super().__init__(self._block.address)

    def _release(self) -> None:
        runtime.unregister_host_range(self._address)

    def get_device_pointer(self) -> int:
        """The address kernels use."""
        return self._address

    def attach(self, mem_flags: int, stream: Stream | None = None) -> None:
        """Say who will access the memory: nothing to do here."""
        del mem_flags
        check_stream(stream)
        current("cuStreamAttachMemAsync")


class RegisteredHostMemory(HostPointer):
    """A NumPy array that was made known to the device."""

    _routine = "registered_host_memory::free"
    _known: dict[int, int] = {}  # noqa: RUF012  # address → bytes of what is registered now

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        current("cuMemHostRegister")
        start, size = array.ctypes.data, max(array.nbytes, 1)
        for other, other_size in self._known.items():
            if start < other + other_size and other < start + size:
                detail = f"{size} bytes at {start:#x} overlap {other_size} bytes at {other:#x}"
                fail("cuMemHostRegister", HOST_MEMORY_ALREADY_REGISTERED, detail)
        self.base = array
        self._address = start
        runtime.register_host_range(start, size)
        self._known[start] = size
        self._valid = True

    def _withdraw(self) -> None:
        super()._withdraw()
        self._known.pop(self._address, None)

    def unregister(self) -> None:
        """Withdraw the memory from the device."""
        self._withdraw()


class _OnHost(Protocol):
    @property
    def _address(self) -> int: ...


def array_on(
    make: Callable[[int], _OnHost], shape: object, dtype: object, order: str
) -> np.ndarray[Any, Any]:
    """A NumPy array whose memory and base is `make(size_bytes)`."""
    kind = np.dtype(dtype)  # type: ignore[call-overload]  # anything that NumPy takes
    if order not in ("C", "F", "c", "f"):
        fail("numpy_empty", INVALID_VALUE, f"order must be 'C' or 'F', got {order!r}")
    extents = _extents(shape)
    strides, step = [], kind.itemsize
    for extent in extents if order in "Ff" else reversed(extents):
        strides.append(step)
        step *= extent
    owner = make(step)
    # NumPy reads this from the object, makes it the array's base, and needs it no longer.
    owner.__array_interface__ = {  # type: ignore[attr-defined]
        "shape": extents,
        "typestr": kind.str,
        "descr": kind.descr,
        "data": (owner._address, False),  # noqa: SLF001  # of this module's classes
        "strides": tuple(strides if order in "Ff" else reversed(strides)),
        "version": 3,
    }
    array = np.asarray(owner)
    del owner.__array_interface__  # type: ignore[attr-defined]
    return array


def _extents(shape: object) -> tuple[int, ...]:
    if isinstance(shape, Iterable):
        return tuple(extent.__index__() for extent in shape)
    if isinstance(shape, (int, np.integer)):
        return (int(shape),)
    raise TypeError(f"shape must be an int or a sequence of ints, got {type(shape).__name__}")


def pagelocked_empty(
    shape: object, dtype: object, order: str = "C", mem_flags: int = 0
) -> np.ndarray[Any, Any]:
    """An array in page-locked memory."""
    return array_on(lambda size: PagelockedHostAllocation(size, mem_flags), shape, dtype, order)


def aligned_empty(
    shape: object, dtype: object, order: str = "C", alignment: int = _PAGE_BYTES
) -> np.ndarray[Any, Any]:
    """An array in ordinary memory at an aligned address."""
    return array_on(lambda size: AlignedHostAllocation(size, alignment), shape, dtype, order)


def managed_empty(
    shape: object, dtype: object, order: str = "C", mem_flags: int = 0
) -> np.ndarray[Any, Any]:
    """An array in managed memory, which can be passed to kernels as it is."""
    return array_on(lambda size: ManagedAllocation(size, mem_flags), shape, dtype, order)


def register_host_memory(ary: np.ndarray[Any, Any], flags: int = 0) -> np.ndarray[Any, Any]:
    """A view of `ary` whose memory kernels may touch, until its base is unregistered."""
    del flags
    if not isinstance(ary, np.ndarray):
        detail = f"ary argument is not a numpy array but {type(ary).__name__}"
        fail("register_host_memory", INVALID_VALUE, detail)
    if not ary.flags.forc:
        fail("register_host_memory", INVALID_VALUE, "ary argument is not contiguous")
    order = "C" if ary.flags.c_contiguous else "F"
    return array_on(lambda _: RegisteredHostMemory(ary), ary.shape, ary.dtype, order)
