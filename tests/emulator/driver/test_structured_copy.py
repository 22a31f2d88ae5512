"""Copies of rectangles and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycuda.driver as drv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import emulator


def copy_rectangle(**attributes: Any) -> Any:
    """A Memcpy2D with some attributes set."""
    copy = drv.Memcpy2D()
    for name, value in attributes.items():
        setattr(copy, name, value)
    return copy


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=st.integers(0, 3), y=st.integers(0, 3), width=st.integers(1, 5), height=st.integers(1, 4))
def test_rectangle(x: int, y: int, width: int, height: int) -> None:
    """A rectangle of a larger matrix comes back, packed."""
    matrix = np.arange(8 * 8, dtype=np.uint8).reshape(8, 8)
    memory, result = drv.to_device(matrix), np.zeros((height, width), np.uint8)
    copy = copy_rectangle(src_x_in_bytes=x, src_y=y, src_pitch=8)
    copy.set_src_device(memory)
    copy.set_dst_host(result)
    copy.width_in_bytes, copy.height = width, height
    copy(aligned=False)
    assert np.array_equal(result, matrix[y : y + height, x : x + width])


def test_box() -> None:
    """A box goes to the device and comes back through Memcpy3D and its peer form."""
    box = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    memory, result = drv.mem_alloc(box.nbytes), np.zeros_like(box)
    up = drv.Memcpy3D()
    up.set_src_host(box)
    up.set_dst_device(memory)
    up.width_in_bytes = up.src_pitch = up.dst_pitch = 16
    up.src_height = up.dst_height = up.height = 3
    up.depth = 2
    up()
    down = drv.Memcpy3DPeer()
    down.set_src_device(memory)
    down.set_dst_host(result)
    down.width_in_bytes, down.height, down.depth = 16, 3, 2
    down(drv.Stream())
    assert np.array_equal(result, box)


def test_beyond_device_memory() -> None:
    """A pitch that leads beyond the allocation is an error with the bytes."""
    copy = copy_rectangle(src_pitch=32, width_in_bytes=16, height=4)
    source = drv.mem_alloc(100)
    copy.set_src_device(source)
    copy.set_dst_host(bytearray(64))
    with pytest.raises(drv.LogicError, match="112 bytes at byte 0 of an allocation of 100 bytes"):
        copy(aligned=True)


def test_beyond_host_memory() -> None:
    """A copy beyond the host's array is an error, not a crash."""
    copy = copy_rectangle(dst_pitch=32, width_in_bytes=16, height=4)
    source = drv.to_device(bytes(64))
    copy.set_src_device(source)
    copy.set_dst_host(np.zeros(64, np.uint8))
    with pytest.raises(drv.LogicError, match="112 bytes at byte 0 of a host array of 64 bytes"):
        copy(aligned=True)


def test_incomplete() -> None:
    """A copy without a side, and one whose pitch is too small, say so; an empty one is nothing."""
    drv.Memcpy2D()(aligned=True)
    copy = copy_rectangle(width_in_bytes=4, height=1)
    copy.set_dst_host(bytearray(4))
    with pytest.raises(drv.LogicError, match="call set_src_host or set_src_device"):
        copy(aligned=True)
    copy.src_pitch = 2
    with pytest.raises(drv.LogicError, match="src_pitch 2 is less than width_in_bytes 4"):
        copy(aligned=True)
    with pytest.raises(TypeError, match="aligned"):
        copy()


def test_only_rows_count_as_written() -> None:
    """The padding between rows stays unwritten."""
    memory = drv.mem_alloc(64)
    copy = copy_rectangle(dst_pitch=32, width_in_bytes=16, height=2)
    copy.set_src_host(bytes(32))
    copy.set_dst_device(memory)
    copy(aligned=True)
    drv.memcpy_dtoh(bytearray(16), int(memory) + 32)
    assert emulator.findings() == []
    drv.memcpy_dtoh(bytearray(64), memory)
    assert "from byte 16 on" in emulator.findings()[0].message


def test_unified() -> None:
    """Managed arrays are copied through their own setters."""
    source, target = drv.managed_zeros(4, np.int32), drv.managed_zeros(4, np.int32)
    source[:] = 3
    copy = copy_rectangle(width_in_bytes=16, height=1)
    copy.set_src_unified(source)
    copy.set_dst_unified(target)
    copy(drv.Stream())
    assert target.tolist() == [3, 3, 3, 3]
