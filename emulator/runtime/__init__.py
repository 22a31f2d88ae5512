"""The emulated device itself: its memory, and launches of compiled kernels on it.

A thin face over the C++ runtime of this folder, which is built once with the host's compiler.
"""

from __future__ import annotations

import ctypes
import os
from array import array
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.findings import Finding, Kind
from emulator.runtime import report
from emulator.runtime.build import BuildError, shared_library
from emulator.runtime.report import Cost, Counters

if TYPE_CHECKING:
    from emulator.compiler.image import Image
    from emulator.compiler.kernel_table import Kernel

__all__ = [
    "HEAP_BYTES", "Allocation", "BuildError", "Cost", "Counters", "Launch", "allocation_near",
    "bytes_in_use", "copy_written", "first_unwritten", "free", "in_device_memory", "is_checked",
    "launch", "library", "malloc", "mark_written", "poison", "range_ok", "register_host_range",
    "register_image", "start", "unregister_host_range",
]  # fmt: skip

Index3 = tuple[int, int, int]

_HERE = Path(__file__).parent
_NO_COUNTERS = Counters()
# Harmless in PyCUDA's own kernels: reductions read shared memory that they don't use, and are
# warp-synchronous through volatile.
_LIBRARY_KINDS = (Kind.UNWRITTEN_READ, Kind.MISSING_SYNCWARP, Kind.RACE)


class Allocation(NamedTuple):
    """A piece of device memory; not `live` when it has been freed."""

    address: int
    size_bytes: int
    live: bool


@dataclass(frozen=True)
class Launch:
    """What a launch left behind."""

    findings: list[Finding]
    output: str
    counters: Counters


HEAP_BYTES = 8 << 20  # of kernels' malloc, unless a program sets the limit MALLOC_HEAP_SIZE


class _Request(ctypes.Structure):
    _fields_ = [
        ("image", ctypes.c_void_p),
        ("run", ctypes.c_void_p),
        ("arguments", ctypes.c_char_p),
        ("offsets", ctypes.c_void_p),
        ("parameter_count", ctypes.c_uint32),
        ("argument_bytes", ctypes.c_uint32),
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("dynamic_bytes", ctypes.c_uint64),
        ("heap_bytes", ctypes.c_uint64),
        ("time_limit_s", ctypes.c_double),
        ("profile", ctypes.c_int32),
        ("most_threads", ctypes.c_int32),
    ]


class _Result(ctypes.Structure):
    _fields_ = [
        ("findings", ctypes.POINTER(report.RawFinding)),
        ("finding_count", ctypes.c_uint64),
        ("output", ctypes.c_void_p),
        ("output_bytes", ctypes.c_uint64),
        ("counters", ctypes.POINTER(report.RawCounters)),
        ("counter_count", ctypes.c_uint64),
    ]


class _Variable(ctypes.Structure):
    _fields_ = [
        ("address", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("kind", ctypes.c_int),
    ]


_DEVICE, _CONSTANT, _GUARD = 0, 1, 2  # kinds of variables in images.cpp


_SIGNATURES: dict[str, tuple[type[Any] | None, tuple[type[Any], ...]]] = {
    "emurt_start": (ctypes.c_int, (ctypes.c_uint64, ctypes.c_int)),
    "emurt_is_checked": (ctypes.c_int, ()),
    "emurt_malloc": (ctypes.c_uint64, (ctypes.c_uint64,)),
    "emurt_free": (ctypes.c_int, (ctypes.c_uint64,)),
    "emurt_bytes_in_use": (ctypes.c_uint64, ()),
    "emurt_in_device_memory": (ctypes.c_int, (ctypes.c_uint64,)),
    "emurt_range_ok": (ctypes.c_int, (ctypes.c_uint64, ctypes.c_uint64)),
    "emurt_poison": (None, (ctypes.c_uint64, ctypes.c_uint64)),
    "emurt_mark_written": (None, (ctypes.c_uint64, ctypes.c_uint64)),
    "emurt_copy_written": (None, (ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)),
    "emurt_first_unwritten": (ctypes.c_int64, (ctypes.c_uint64, ctypes.c_uint64)),
    "emurt_register_host_range": (None, (ctypes.c_uint64, ctypes.c_uint64)),
    "emurt_unregister_host_range": (ctypes.c_int, (ctypes.c_uint64,)),
    "emurt_forget_image": (None, (ctypes.c_void_p,)),
}


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """The C++ runtime; built if need be, and loaded so that compiled kernels find its symbols.

    Raises:
        BuildError: there is no compiler, or the cache folder can't be written.
    """
    include = _HERE.parent / "include"
    abi = include / "emulator" / "abi.h"
    sources = sorted(_HERE.glob("*.cpp"))
    headers = [*sorted(_HERE.glob("*.h")), abi]
    path = shared_library("emulator-runtime", sources, [include], headers=headers)
    loaded = ctypes.CDLL(str(path), mode=os.RTLD_GLOBAL | os.RTLD_NOW)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    loaded.emurt_launch.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    return loaded


def start(memory_bytes: int, checked: bool) -> None:
    """Reserve the device's memory; a second call with the same mode does nothing.

    Raises:
        RuntimeError: the address space is too small, or the device runs in the other mode already.
    """
    if not library().emurt_start(memory_bytes, checked):
        raise RuntimeError(
            f"the emulated device can't be started with {memory_bytes:,} bytes, checks "
            f"{'on' if checked else 'off'}: it runs in the other mode already, or this process may "
            "not reserve so much address space (ulimit -v). "
            "Next: a process of its own, or a smaller EMULATOR_MEMORY_BYTES."
        )


def is_checked() -> bool:
    """Whether accesses are checked."""
    return bool(library().emurt_is_checked())


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


def register_image(image: Image) -> None:
    """Make an image's variables known, after it was loaded and before its first launch.

    Raises:
        RuntimeError: the image was compiled for another version of the runtime.
    """
    items = [
        _Variable(
            variable.address, variable.size_bytes, _CONSTANT if variable.constant else _DEVICE
        )
        for variable in image.variables.all
    ]
    items += [
        _Variable(guard.address, guard.size_bytes, _GUARD) for guard in image.variables.guards
    ]
    table = (_Variable * max(1, len(items)))(*items)
    status = library().emurt_register_image(
        ctypes.c_void_p(image.header), table, ctypes.c_uint64(len(items))
    )
    if status:
        raise RuntimeError(
            "a compiled kernel is of another version of the emulator; "
            "next: delete PyCUDA's compiler cache (pycuda.compiler's cache_dir)"
        )


class _Prepared:
    """The request of one kernel, filled in once; a launch changes only what differs."""

    def __init__(self, image: Image, kernel: Kernel) -> None:
        self.request = _Request()
        self.result = _Result()
        self.offsets = array("I", [parameter.offset for parameter in kernel.parameters] or [0])
        request = self.request
        request.image = image.header
        request.run = kernel.run
        request.offsets = self.offsets.buffer_info()[0]
        request.parameter_count = len(kernel.parameters)
        request.most_threads = _cores()
        self.addresses = (ctypes.addressof(request), ctypes.addressof(self.result))
        self.shape: tuple[Index3, Index3] | None = None


@lru_cache(maxsize=1)
def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_prepared: dict[tuple[int, int], _Prepared] = {}


def launch(
    image: Image,
    kernel: Kernel,
    grid: Index3,
    block: Index3,
    arguments: bytes,
    dynamic_shared_bytes: int,
    time_limit_s: float,
    profile: bool = False,
    heap_bytes: int = HEAP_BYTES,
) -> Launch:
    """Run a kernel to its end.

    Args:
        image: a registered image.
        kernel: one of its kernels.
        grid: blocks in x, y, z.
        block: threads of a block in x, y, z; at most 1024 in all.
        arguments: the parameters, laid out as by their offsets.
        dynamic_shared_bytes: at most 256 KiB.
        time_limit_s: the kernel is stopped after so much work (100 million accesses a second).
        profile: count what the launch costs; only in checked images.
        heap_bytes: what all mallocs of kernels may have at one time.
    """
    key = (image.header, kernel.run)
    prepared = _prepared.get(key)
    if prepared is None:
        prepared = _prepared[key] = _Prepared(image, kernel)
    request, result = prepared.request, prepared.result
    if prepared.shape != (grid, block):
        request.grid[:], request.block[:] = grid, block
        prepared.shape = (grid, block)
    request.arguments = arguments
    request.argument_bytes = len(arguments)
    request.dynamic_bytes = dynamic_shared_bytes
    request.time_limit_s = time_limit_s
    request.profile = profile
    request.heap_bytes = heap_bytes
    status = library().emurt_launch(*prepared.addresses)
    if status:
        raise ValueError(
            f"{kernel.name}: the launch asks for more than a device has: {len(arguments):,} bytes "
            f"of parameters (at most 4,096), {dynamic_shared_bytes:,} of dynamic shared memory "
            "(at most 262,144)"
        )
    output = ""
    if result.output_bytes:
        output = ctypes.string_at(result.output, result.output_bytes).decode(errors="replace")
    found: list[Finding] = []
    if result.finding_count:
        found = _findings(image, kernel, result)
    counted = _NO_COUNTERS
    if profile:
        raw = [result.counters[i] for i in range(result.counter_count)]
        counted = report.counters(raw, image.locate)
    return Launch(found, output, counted)


def _findings(image: Image, kernel: Kernel, result: _Result) -> list[Finding]:
    raw = [result.findings[i] for i in range(result.finding_count)]
    found = report.merged(
        [(report.finding(item, kernel.name, image), report.both_write(item)) for item in raw]
    )
    # at no line: the compiler's own flag, whether a shared variable's constructor has run
    found = [f for f in found if f.place is not None or f.kind is not Kind.UNWRITTEN_READ]
    if image.library:
        found = [item for item in found if item.kind not in _LIBRARY_KINDS]
    return found
