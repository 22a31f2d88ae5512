"""The emulated device itself: its memory, and launches of compiled kernels on it.

A thin face over the C++ runtime of this folder, which is built once with the host's compiler.
"""

from __future__ import annotations

from .build import BuildError
from .costs import Cost, Counters
from .launches import HEAP_BYTES, Launch, launch, register_image
from .memory import (
    Allocation,
    allocation_near,
    bytes_in_use,
    copy_written,
    first_unwritten,
    free,
    in_device_memory,
    malloc,
    mark_written,
    poison,
    range_ok,
    register_host_range,
    unregister_host_range,
)
from .native import is_checked, library, start

__all__ = [
    "HEAP_BYTES", "Allocation", "BuildError", "Cost", "Counters", "Launch", "allocation_near",
    "bytes_in_use", "copy_written", "first_unwritten", "free", "in_device_memory", "is_checked",
    "launch", "library", "malloc", "mark_written", "poison", "range_ok", "register_host_range",
    "register_image", "start", "unregister_host_range",
]  # fmt: skip
