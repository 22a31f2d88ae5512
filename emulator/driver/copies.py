"""Copies between host and device and within the device, and memory sets, range-checked."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from emulator import runtime
from emulator.driver.context import current
from emulator.driver.errors import INVALID_VALUE, fail, not_emulated
from emulator.driver.memory import address_of, bytes_at, check_range
from emulator.driver.reporting import report_unwritten
from emulator.driver.stream import Stream, check_stream

if TYPE_CHECKING:
    from collections.abc import Callable

Array = np.ndarray[Any, Any]


def host_array(buffer: object, *, writable: bool) -> Array:
    """The host memory of anything with a buffer, as PyObject_GetBuffer would give it.

    Raises:
        ValueError: It is not contiguous or not writable.
        TypeError: It has no buffer; a device array was passed.
    """
    if isinstance(buffer, np.ndarray):
        array = buffer
    else:
        if hasattr(buffer, "gpudata"):
            kind = type(buffer).__name__
            raise TypeError(
                f"a bytes-like object is required, not '{kind}': expected host memory (a NumPy "
                "array) here (are destination and source swapped? for device to device copies "
                "use memcpy_dtod)"
            )
        array = np.asarray(memoryview(buffer))  # type: ignore[arg-type]  # raises TypeError
    if not array.flags.forc:
        raise ValueError("ndarray is not contiguous: copy it first, numpy.ascontiguousarray(…)")
    if writable and not array.flags.writeable:
        raise ValueError("buffer source array is read-only: it cannot be a copy's destination")
    return array


def _to_device(routine: str, function: str, dest: object, src: object) -> None:
    current(routine)
    address = address_of(function, dest)
    array = host_array(src, writable=False)
    size = array.nbytes
    check_range(routine, address, size)
    ctypes.memmove(address, array.ctypes.data, size)
    runtime.mark_written(address, size)


def _to_host(routine: str, function: str, dest: object, src: object) -> None:
    current(routine)
    address = address_of(function, src)
    array = host_array(dest, writable=True)
    size = array.nbytes
    check_range(routine, address, size)
    report_unwritten(routine, address, size)
    ctypes.memmove(array.ctypes.data, address, size)


def _within_device(routine: str, function: str, dest: object, src: object, size: int) -> None:
    current(routine)
    target, source = address_of(function, dest), address_of(function, src)
    check_range(routine, source, size)
    check_range(routine, target, size)
    ctypes.memmove(target, source, size)
    runtime.copy_written(target, source, size)


def memcpy_htod(dest: object, src: object) -> None:
    """Copy all of the host buffer `src` to device memory at `dest`."""
    _to_device("cuMemcpyHtoD", "memcpy_htod", dest, src)


def memcpy_htod_async(dest: object, src: object, stream: Stream | None = None) -> None:
    """`memcpy_htod`, which is done when the call returns."""
    check_stream(stream)
    _to_device("cuMemcpyHtoDAsync", "memcpy_htod_async", dest, src)


def memcpy_dtoh(dest: object, src: object) -> None:
    """Fill the host buffer `dest` from device memory at `src`."""
    _to_host("cuMemcpyDtoH", "memcpy_dtoh", dest, src)


def memcpy_dtoh_async(dest: object, src: object, stream: Stream | None = None) -> None:
    """`memcpy_dtoh`, which is done when the call returns."""
    check_stream(stream)
    _to_host("cuMemcpyDtoHAsync", "memcpy_dtoh_async", dest, src)


def memcpy_dtod(dest: object, src: object, size: int) -> None:
    """Copy `size` bytes within the device."""
    _within_device("cuMemcpyDtoD", "memcpy_dtod", dest, src, size)


def memcpy_dtod_async(dest: object, src: object, size: int, stream: Stream | None = None) -> None:
    """`memcpy_dtod`, which is done when the call returns."""
    check_stream(stream)
    _within_device("cuMemcpyDtoDAsync", "memcpy_dtod_async", dest, src, size)


def memcpy_peer(
    dest: object, src: object, size: int, dest_context: object = None, src_context: object = None
) -> None:
    """Copy between contexts, which share one device here."""
    del dest_context, src_context
    _within_device("cuMemcpyPeer", "memcpy_peer", dest, src, size)


def memcpy_peer_async(
    dest: object,
    src: object,
    size: int,
    dest_context: object = None,
    src_context: object = None,
    stream: Stream | None = None,
) -> None:
    """`memcpy_peer`, which is done when the call returns."""
    del dest_context, src_context
    check_stream(stream)
    _within_device("cuMemcpyPeerAsync", "memcpy_peer_async", dest, src, size)


def _set_rows(
    routine: str, dest: object, pitch: int, data: int, width: int, height: int, bits: int
) -> None:
    """Fill `height` rows of `width` elements of `bits` bits, `pitch` bytes apart."""
    current(routine)
    address = address_of(routine, dest)
    itemsize = bits // 8
    if address % itemsize or (height > 1 and pitch % itemsize):
        fail(routine, INVALID_VALUE, f"address and pitch must be multiples of {itemsize} bytes")
    if not 0 <= data < 1 << bits:
        raise OverflowError(f"value {data} does not fit into {bits} bits")
    row_bytes = width * itemsize
    if height > 1 and row_bytes > pitch:
        fail(routine, INVALID_VALUE, f"rows of {row_bytes} bytes do not fit a pitch of {pitch}")
    for row in range(height if row_bytes else 0):
        start = address + row * pitch
        check_range(routine, start, row_bytes)
        bytes_at(start, row_bytes).view(f"u{itemsize}").fill(data)
        runtime.mark_written(start, row_bytes)


def _memset(bits: int) -> dict[str, Callable[..., None]]:
    """memset_d8 and its five relatives for elements of `bits` bits."""

    def linear(dest: object, data: int, size: int) -> None:
        _set_rows(f"cuMemsetD{bits}", dest, 0, data, size, 1, bits)

    def linear_async(dest: object, data: int, size: int, stream: Stream | None = None) -> None:
        check_stream(stream)
        _set_rows(f"cuMemsetD{bits}Async", dest, 0, data, size, 1, bits)

    def rows(dest: object, pitch: int, data: int, width: int, height: int) -> None:
        _set_rows(f"cuMemsetD2D{bits}", dest, pitch, data, width, height, bits)

    def rows_async(
        dest: object, pitch: int, data: int, width: int, height: int, stream: Stream | None = None
    ) -> None:
        check_stream(stream)
        _set_rows(f"cuMemsetD2D{bits}Async", dest, pitch, data, width, height, bits)

    return {
        f"memset_d{bits}": linear,
        f"memset_d{bits}_async": linear_async,
        f"memset_d2d{bits}": rows,
        f"memset_d2d{bits}_async": rows_async,
    }


MEMSETS = {name: function for bits in (8, 16, 32) for name, function in _memset(bits).items()}


def copy_with_array(*arguments: object) -> NoReturn:
    """memcpy_dtoa, memcpy_atoh and so on: not emulated."""
    del arguments
    not_emulated("cuMemcpyDtoA", "CUDA arrays (texture memory) are")
