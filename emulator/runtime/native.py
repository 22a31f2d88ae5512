"""The C++ runtime: built, loaded, started."""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from .build import shared_library

_HERE = Path(__file__).parent

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
