"""The device's memory: allocations, and what of them has been written."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from .native import library


class Allocation(NamedTuple):
    """A piece of device memory; not `live` when it has been freed."""

    address: int
    size_bytes: int
    live: bool


def malloc(size_bytes: int) -> int:
    """The address of fresh device memory, full of NaN and unwritten; 0 when there is no more."""
    return int(library().emurt_malloc(size_bytes))


def free(address: int) -> None:
    """Give an allocation back.

    Raises:
        ValueError: no live allocation begins there.
    """
    if library().emurt_free(address):
        raise ValueError(f"0x{address:x} is not the address of a live device allocation")


def bytes_in_use() -> int:
    """The sum of the sizes of all live allocations."""
    return int(library().emurt_bytes_in_use())


def in_device_memory(address: int) -> bool:
    """Whether an address lies in the device's memory, allocated or not."""
    return bool(library().emurt_in_device_memory(address))


def range_ok(address: int, size_bytes: int) -> bool:
    """Whether a range lies inside one live allocation, registered host range or module variable."""
    return bool(library().emurt_range_ok(address, size_bytes))


def allocation_near(address: int) -> Allocation | None:
    """The allocation that an address belongs to, or the nearest one."""
    base, size = ctypes.c_uint64(), ctypes.c_uint64()
    state = library().emurt_allocation_near(
        ctypes.c_uint64(address), ctypes.byref(base), ctypes.byref(size)
    )
    return Allocation(base.value, size.value, state == 2) if state else None  # noqa: PLR2004  # live


def poison(address: int, size_bytes: int) -> None:
    """Make a part of an allocation fresh again: NaN, unwritten. For memory pools."""
    library().emurt_poison(address, size_bytes)


def mark_written(address: int, size_bytes: int) -> None:
    """Note that the host wrote here."""
    library().emurt_mark_written(address, size_bytes)


def copy_written(destination: int, source: int, size_bytes: int) -> None:
    """Note that the device copied: the copy is as written as its source."""
    library().emurt_copy_written(destination, source, size_bytes)


def first_unwritten(address: int, size_bytes: int) -> int | None:
    """The offset of the first byte of a range that was never written; None if there is none."""
    offset = int(library().emurt_first_unwritten(address, size_bytes))
    return None if offset < 0 else offset


def register_host_range(address: int, size_bytes: int) -> None:
    """Let kernels touch a range of host memory (page-locked, managed)."""
    library().emurt_register_host_range(address, size_bytes)


def unregister_host_range(address: int) -> None:
    """Withdraw a range of host memory.

    Raises:
        ValueError: no registered range begins there.
    """
    if library().emurt_unregister_host_range(address):
        raise ValueError(f"0x{address:x} is not the address of a registered host range")
