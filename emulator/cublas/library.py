"""Building, loading and connecting the three shared libraries."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from emulator.cublas.blas import HostBlas, find_host_blas
from emulator.cublas.report import Fault, Memory, report

_SOURCES = Path(__file__).parent / "native"
_LIBRARIES = {
    "libcublas.so": ("handle", "level1", "level2", "level3", "batched", "gemm"),
    "libcudart.so": ("cudart",),
    "libcuda.so": ("cuda",),
}
# Without contraction to fused multiply-adds, results don't depend on the compiler's choice.
_FLAGS = ("-ftree-vectorize", "-ffp-contract=off", "-Wall", "-Wextra")

_address = ctypes.c_uint64


class Device(ctypes.Structure):
    """Mirrors emu::Device of native/device.hpp."""

    _fields_ = (
        ("is_checked", ctypes.CFUNCTYPE(ctypes.c_int)),
        ("range_ok", ctypes.CFUNCTYPE(ctypes.c_int, _address, _address)),
        ("in_device_memory", ctypes.CFUNCTYPE(ctypes.c_int, _address)),
        ("first_unwritten", ctypes.CFUNCTYPE(ctypes.c_int64, _address, _address)),
        ("mark_written", ctypes.CFUNCTYPE(None, _address, _address)),
        ("allocate", ctypes.CFUNCTYPE(_address, _address)),
        ("release", ctypes.CFUNCTYPE(ctypes.c_int, _address)),
        ("bytes_in_use", ctypes.CFUNCTYPE(_address)),
        ("total_bytes", _address),
        (
            "report",
            ctypes.CFUNCTYPE(
                None,
                ctypes.c_int,
                ctypes.c_char_p,
                ctypes.c_char_p,
                _address,
                _address,
                ctypes.c_char_p,
            ),
        ),
    )


# Loaded libraries and the functions that they hold pointers to live as long as the process.
_libraries: dict[str, ctypes.CDLL] = {}
_connected: list[Device] = []


def install() -> None:
    """Make `ctypes.cdll.LoadLibrary("libcublas.so")` (libcudart, libcuda) find the emulated ones.

    Idempotent. Must run before skcuda is imported.

    Raises:
        emulator.runtime.BuildError: the libraries can't be built; says what to do.
    """
    from emulator import runtime  # noqa: PLC0415  # tests connect a memory of their own
    from emulator.driver.settings import settings  # noqa: PLC0415

    if not _connected:
        load()
        functions = _runtime_functions(runtime.library())
        connect(device(functions, runtime, settings.memory_bytes), find_host_blas())


def load() -> dict[str, ctypes.CDLL]:
    """The libraries by soname; built where they are not in the cache, loaded once a process."""
    from emulator.runtime.build import shared_library  # noqa: PLC0415  # looks for a compiler

    if not _libraries:
        headers = sorted(file for file in _SOURCES.iterdir() if file.suffix != ".cpp")
        for soname, names in _LIBRARIES.items():
            sources = [_SOURCES / f"{name}.cpp" for name in names]
            flags = [*_FLAGS, f"-Wl,-soname,{soname}"]
            name = "emulator-" + soname.removeprefix("lib").removesuffix(".so")
            file = shared_library(name, sources, [_SOURCES], headers=headers, flags=flags)
            _libraries[soname] = ctypes.CDLL(str(file))
    return dict(_libraries)


def connect(device: Device, blas: HostBlas) -> None:
    """Hand the loaded libraries the device and the BLAS that they work with from now on."""
    _connected.append(device)
    for library in _libraries.values():
        library.emu_connect(ctypes.byref(device))
    _libraries["libcublas.so"].emu_connect_blas(ctypes.byref(blas))


def device(functions: dict[str, Any], memory: Memory, total_bytes: int) -> Device:
    """What the libraries need of a device.

    Args:
        functions: the members of Device but the last two, as C functions or Python callables.
        memory: knows the allocations, for the words of findings.
        total_bytes: size of the device's memory.
    """

    def tell(
        fault: int, routine: bytes, argument: bytes, first: int, size: int, detail: bytes
    ) -> None:
        names = (routine.decode(), argument.decode())
        report(memory, Fault(fault), *names, first, size, detail.decode())

    made = Device(total_bytes=total_bytes)
    types: dict[str, Any] = dict(Device._fields_)
    for name, function in {**functions, "report": tell}.items():
        setattr(made, name, types[name](function))
    return made


def _runtime_functions(library: ctypes.CDLL) -> dict[str, Any]:
    # Addresses, so that C++ calls C++: a callback through Python takes a microsecond.
    names = {"allocate": "malloc", "release": "free"}
    return {
        name: ctypes.cast(library[f"emurt_{names.get(name, name)}"], ctypes.c_void_p).value
        for name, kind in Device._fields_
        if name != "report" and kind is not _address
    }
