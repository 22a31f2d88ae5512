"""Copies and memory sets, and their range checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycuda.driver as drv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycuda import gpuarray

import emulator


def test_round_trip() -> None:
    """What is copied to the device comes back."""
    x = np.arange(12, dtype=np.float32)
    assert np.array_equal(drv.from_device_like(drv.to_device(x), x), x)


@pytest.mark.parametrize("source", [b"abcd", bytearray(b"abcd"), np.float32(3), np.ones((2, 2))])
def test_host_buffers(source: Any) -> None:
    """Anything with a buffer can be a source."""
    memory = drv.mem_alloc(64)
    drv.memcpy_htod(memory, source)
    back = bytearray(memoryview(source).nbytes)
    drv.memcpy_dtoh(back, memory)
    assert bytes(back) == bytes(memoryview(source))


def test_fortran_order() -> None:
    """A contiguous array is copied as it lies in memory, in Fortran order, too."""
    x = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    back = np.empty_like(x)
    drv.memcpy_dtoh(back, drv.to_device(x.ravel("K")))
    assert np.array_equal(back, x)


def test_device_to_device() -> None:
    """A copy on the device works within and between allocations."""
    a, b = gpuarray.to_gpu(np.arange(8, dtype=np.int32)), gpuarray.zeros(8, np.int32)
    drv.memcpy_dtod(b.gpudata, a.gpudata, 16)
    drv.memcpy_dtod_async(int(b.gpudata) + 16, a.gpudata, 16, drv.Stream())
    drv.memcpy_peer(b.gpudata, int(a.gpudata) + 4, 4)
    assert b.get().tolist() == [1, 1, 2, 3, 0, 1, 2, 3]


X = np.zeros(100, np.float32)
SHORT = [
    ("cuMemcpyHtoD", lambda p: drv.memcpy_htod(p, X)),
    ("cuMemcpyHtoDAsync", lambda p: drv.memcpy_htod_async(p, X, drv.Stream())),
    ("cuMemcpyDtoH", lambda p: drv.memcpy_dtoh(X.copy(), p)),
    ("cuMemcpyDtoHAsync", lambda p: drv.memcpy_dtoh_async(X.copy(), p)),
    ("cuMemcpyDtoD", lambda p: drv.memcpy_dtod(p, drv.to_device(X), 400)),
    ("cuMemsetD8", lambda p: drv.memset_d8(p, 0, 400)),
    ("cuMemsetD32", lambda p: drv.memset_d32(p, 0, 100)),
]


@pytest.mark.parametrize(("routine", "copy"), SHORT)
def test_too_short(routine: str, copy: Any) -> None:
    """A copy beyond an allocation is an error with its size, the offset and the bytes."""
    memory = drv.mem_alloc(256)
    with pytest.raises(drv.LogicError) as error:
        copy(int(memory) + 64)
    assert str(error.value) == (
        f"{routine} failed: invalid argument - "
        "400 bytes at byte 64 of an allocation of 256 bytes: 208 bytes too many"
    )


@pytest.mark.parametrize(("routine", "copy"), SHORT)
def test_freed(routine: str, copy: Any) -> None:
    """A copy to or from freed memory is an error that says so."""
    memory = drv.mem_alloc(400)
    memory.free()
    with pytest.raises(drv.LogicError, match=rf"{routine} .*400 bytes that was already freed"):
        copy(memory)


@pytest.mark.parametrize(("routine", "copy"), SHORT)
def test_no_device_memory(routine: str, copy: Any) -> None:
    """A null pointer and a host address are errors, not accesses."""
    with pytest.raises(drv.LogicError, match=f"{routine} .*null pointer"):
        copy(0)
    with pytest.raises(drv.LogicError, match=f"{routine} .*no device memory"):
        copy(X.ctypes.data)


def test_swapped() -> None:
    """Swapped arguments, and a GPUArray instead of its memory, are named."""
    a = gpuarray.zeros(4, np.float32)
    with pytest.raises(TypeError, match="swapped"):
        drv.memcpy_htod(np.zeros(4), a.gpudata)
    with pytest.raises(TypeError, match=r"\.gpudata"):
        drv.memcpy_htod(a, np.zeros(4))
    with pytest.raises(TypeError, match="expected host memory"):
        drv.memcpy_dtoh(a, a.gpudata)
    with pytest.raises(TypeError, match="did not match C"):
        drv.memcpy_htod(None, b"")


def test_unfit_host_memory() -> None:
    """A strided array cannot be copied, a read-only one not be written."""
    memory = drv.mem_alloc(64)
    with pytest.raises(ValueError, match="not contiguous"):
        drv.memcpy_htod(memory, np.zeros(8)[::2])
    locked = np.zeros(8)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        drv.memcpy_dtoh(locked, memory)


def test_download_of_unwritten_memory() -> None:
    """Reading what nothing wrote gives NaN and one finding with the program's line."""
    x = gpuarray.empty(10, np.float32).get()
    assert np.isnan(x).all()
    (finding,) = emulator.findings()
    assert (finding.kind, finding.fatal) == ("unwritten-read", False)
    assert finding.place is not None
    assert finding.place.file.endswith("test_copies.py")
    assert "gpuarray.empty(10" in finding.place.source


def test_partly_written_memory() -> None:
    """The finding says where the written part ends; copies within the device keep that."""
    memory, other = drv.mem_alloc(64), drv.mem_alloc(64)
    drv.memcpy_htod(memory, bytes(40))
    drv.memcpy_dtod(other, memory, 64)
    drv.memcpy_dtoh(bytearray(40), other)
    assert emulator.findings() == []
    drv.memcpy_dtoh(bytearray(64), other)
    assert "from byte 40 on" in emulator.findings()[0].message


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bits=st.sampled_from([8, 16, 32]), first=st.integers(0, 8), count=st.integers(0, 8))
def test_memset(bits: int, first: int, count: int) -> None:
    """memset_d8, _d16, _d32 set their elements and no others."""
    x = np.zeros(16, f"u{bits // 8}")
    memory = drv.to_device(x)
    x[first : first + count] = 2**bits - 2
    start = int(memory) + first * bits // 8
    getattr(drv, f"memset_d{bits}")(start, 2**bits - 2, count)
    assert np.array_equal(drv.from_device_like(memory, x), x)


def test_memset_rows() -> None:
    """memset_d2d32 sets the left part of rows."""
    memory, pitch = drv.mem_alloc_pitch(12, 3, 4)
    drv.memset_d8(memory, 0, 3 * pitch)
    drv.memset_d2d32(memory, pitch, 7, 2, 3)
    drv.memset_d2d8_async(memory, pitch, 1, 1, 1, drv.Stream())
    rows = drv.from_device(memory, (3, pitch // 4), np.uint32)[:, :3]
    assert rows.tolist() == [[1, 7, 0], [7, 7, 0], [7, 7, 0]]


def test_memset_alignment() -> None:
    """A misaligned memset is refused, and a value that is too large."""
    memory = drv.mem_alloc(64)
    with pytest.raises(drv.LogicError, match="multiples of 4"):
        drv.memset_d32(int(memory) + 2, 0, 1)
    with pytest.raises(OverflowError, match="256"):
        drv.memset_d8(memory, 256, 1)
