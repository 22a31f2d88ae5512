"""Launches of compiled kernels: images made known, and kernels run to their end."""

from __future__ import annotations

import ctypes
import os
from array import array
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from emulator.findings import Finding, Kind

from . import costs, report
from .native import library

if TYPE_CHECKING:
    from emulator.compiler.image import Image
    from emulator.compiler.kernel_table import Kernel

Index3 = tuple[int, int, int]

_NO_COUNTERS = costs.Counters()
# Harmless in PyCUDA's own kernels: reductions read shared memory that they don't use, and are
# warp-synchronous through volatile.
_LIBRARY_KINDS = (Kind.UNWRITTEN_READ, Kind.MISSING_SYNCWARP, Kind.RACE)


@dataclass(frozen=True)
class Launch:
    """What a launch left behind."""

    findings: list[Finding]
    output: str
    counters: costs.Counters


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
        ("counters", ctypes.POINTER(costs.RawCounters)),
        ("counter_count", ctypes.c_uint64),
    ]


class _Variable(ctypes.Structure):
    _fields_ = [
        ("address", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("kind", ctypes.c_int),
    ]


_DEVICE, _CONSTANT, _GUARD = 0, 1, 2  # kinds of variables in images.cpp


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
        counted = costs.counters(raw, image.locate)
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
