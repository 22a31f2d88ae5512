"""Building, loading and connecting the three shared libraries."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Protocol

from emulator.cublas import build, report
from emulator.cublas.blas import HostBlas, find_host_blas

if TYPE_CHECKING:
    from collections.abc import Callable

_address = ctypes.c_uint64


class Runtime(report.Memory, Protocol):
    """The part of emulator.runtime that the libraries stand on."""

    def is_checked(self) -> bool:
        """Whether reads of unwritten memory are looked for."""

    def range_ok(self, address: int, size_bytes: int, /) -> bool:
        """Whether a range lies inside one live allocation."""

    def first_unwritten(self, address: int, size_bytes: int, /) -> int | None:
        """Offset of the first byte that was never written."""

    def mark_written(self, address: int, size_bytes: int, /) -> None:
        """Note that a range was written."""

    def malloc(self, size_bytes: int, /) -> int:
        """A device address; 0: out of memory."""

    def free(self, address: int, /) -> None:
        """Raise ValueError for what is not a live allocation."""

    def bytes_in_use(self) -> int:
        """Bytes of all live allocations."""


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


# Loaded libraries and the callbacks that they hold pointers to live as long as the process.
_libraries: dict[str, ctypes.CDLL] = {}
_connected: list[Device] = []


def install() -> None:
    """Make `ctypes.cdll.LoadLibrary("libcublas.so")` (libcudart, libcuda) find the emulated ones.

    Idempotent. Must run before skcuda is imported.

    Raises:
        emulator.cublas.build.BuildError: the libraries can't be built; says what to do.
    """
    if _libraries:
        return
    from emulator import runtime  # noqa: PLC0415 — tests connect a runtime of their own

    load(runtime)


def load(runtime: Runtime, blas: HostBlas | None = None) -> dict[str, ctypes.CDLL]:
    """Load the libraries (once a process), connect them, and return them by soname."""
    if not _libraries:
        for name, file in build.libraries().items():
            _libraries[name] = ctypes.CDLL(str(file))
    connect(connection(runtime), blas or find_host_blas())
    return dict(_libraries)


def connect(device: Device, blas: HostBlas) -> None:
    """Hand the loaded libraries the device and the BLAS that they work with from now on."""
    _connected.append(device)
    for library in _libraries.values():
        library.emu_connect(ctypes.byref(device))
    _libraries["libcublas.so"].emu_connect_blas(ctypes.byref(blas))


def connection(runtime: Runtime) -> Device:
    """The runtime's functions as C function pointers."""

    def first_unwritten(address: int, size_bytes: int) -> int:
        offset = runtime.first_unwritten(address, size_bytes)
        return -1 if offset is None else offset

    def release(address: int) -> int:
        try:
            runtime.free(address)
        except ValueError:
            return 1
        return 0

    def tell(
        fault: int, routine: bytes, argument: bytes, first: int, size: int, detail: bytes
    ) -> None:
        names = (routine.decode(), argument.decode())
        report.report(runtime, report.Fault(fault), *names, first, size, detail.decode())

    functions: dict[str, Callable[..., object]] = {
        "is_checked": runtime.is_checked,
        "range_ok": runtime.range_ok,
        "in_device_memory": runtime.in_device_memory,
        "first_unwritten": first_unwritten,
        "mark_written": runtime.mark_written,
        "allocate": runtime.malloc,
        "release": release,
        "bytes_in_use": runtime.bytes_in_use,
        "report": tell,
    }
    device = Device(total_bytes=getattr(runtime, "memory_bytes", 0))
    types: dict[str, Any] = dict(Device._fields_)
    for name, function in functions.items():
        setattr(device, name, types[name](function))
    return device
